package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// infoNumber is a number of INFO.
func infoNumber(t *testing.T, c *conn, name string) int {
	t.Helper()
	found := regexp.MustCompile(`\n` + name + `:(\d+)`).FindStringSubmatch(c.mustDo(t, "INFO", "persistence").str())
	if found == nil {
		t.Fatalf("INFO has no %s", name)
	}
	n, err := strconv.Atoi(found[1])
	must(t, err)
	return n
}

// TestConfigSetFsync changes fsync while the node runs: with always each of the
// writes is forced to the disk, otherwise not each; none is lost by a kill.
func TestConfigSetFsync(t *testing.T) {
	figure := map[string]string{"bitcask": "rldb_engine_bitcask_fsyncs", "lsm": "rldb_engine_lsm_log_fsyncs"}
	eachDurable(t, []string{"bitcask", "lsm"}, func(t *testing.T, engine string) {
		o := options{engine: engine, more: []string{"--fsync", "no"}}
		p := startSubject(t, o)
		c := mustDial(t, p.addr)
		written := 0
		fsyncs := func() int {
			before := infoNumber(t, c, figure[engine])
			for range 20 {
				c.mustDo(t, "SET", fmt.Sprint("k", written), strconv.Itoa(written))
				written++
			}
			return infoNumber(t, c, figure[engine]) - before
		}
		set := func(name, setting string) {
			t.Helper()
			if got := c.mustDo(t, "CONFIG", "SET", name, setting).str(); got != "OK" {
				t.Errorf("CONFIG SET %s %s: %q", name, setting, got)
			}
			for _, name := range []string{"fsync", "appendfsync"} {
				if got := c.mustDo(t, "CONFIG", "GET", name); !strings.Contains(string(got.raw), "\r\n"+setting+"\r\n") {
					t.Errorf("CONFIG GET %s: %q", name, got.raw)
				}
			}
		}
		if n := fsyncs(); n >= 20 {
			t.Errorf("no: %d fsyncs for 20 writes", n)
		}
		set("appendfsync", "always")
		if n := fsyncs(); n < 20 {
			t.Errorf("always: %d fsyncs for 20 writes", n)
		}
		set("fsync", "no")
		if n := fsyncs(); n >= 20 {
			t.Errorf("no again: %d fsyncs for 20 writes", n)
		}
		set("fsync", "everysec")
		fsyncs()
		if f, err := c.do("CONFIG", "SET", "fsync", "sometimes"); err != nil || !f.isError() {
			t.Errorf("CONFIG SET fsync sometimes: %q, %v", f.raw, err)
		}
		p.kill()
		p = startSubject(t, options{engine: engine, dir: filepath.Join(p.dir, "data")})
		c = mustDial(t, p.addr)
		for i := range written {
			if got := c.mustDo(t, "GET", fmt.Sprint("k", i)).str(); got != strconv.Itoa(i) {
				t.Errorf("k%d is %q", i, got)
			}
		}
	})
}

// TestRewrite: BGREWRITEAOF wins room back in the background, and changes nothing
// else, also if the node is stopped meanwhile.
func TestRewrite(t *testing.T) {
	eachDurable(t, []string{"lsm"}, func(t *testing.T, engine string) {
		o := options{engine: engine, more: []string{"--lsm-memtable-size", "1mb"}}
		p := startSubject(t, o)
		c := mustDial(t, p.addr)
		const keys, kept = 1500, 100
		var request []byte
		for i := range keys {
			request = appendCommand(request, "SET", fmt.Sprint("k", i), fmt.Sprintf("%0*d", 2000, i))
		}
		if _, err := c.exchange(request, keys); err != nil {
			t.Fatal(err)
		}
		request = request[:0]
		for i := kept; i < keys; i++ {
			request = appendCommand(request, "DEL", fmt.Sprint("k", i))
		}
		if _, err := c.exchange(request, keys-kept); err != nil {
			t.Fatal(err)
		}
		if got := c.mustDo(t, "BGREWRITEAOF").str(); got != "Background append only file rewriting started" {
			t.Errorf("BGREWRITEAOF: %q", got)
		}
		eventually(t, replyLimit, "the end of the rewriting", func() error {
			if infoNumber(t, c, "aof_rewrites") != 1 || infoNumber(t, c, "aof_rewrite_in_progress") != 0 {
				return fmt.Errorf("INFO does not tell of it")
			}
			return nil
		})
		check := func() {
			t.Helper()
			if got := c.mustDo(t, "DBSIZE").str(); got != strconv.Itoa(kept) {
				t.Errorf("%s keys, want %d", got, kept)
			}
			for i := range kept {
				if got := c.mustDo(t, "GET", fmt.Sprint("k", i)).str(); got != fmt.Sprintf("%0*d", 2000, i) {
					t.Errorf("k%d is %.20q", i, got)
				}
			}
		}
		check()
		c.mustDo(t, "BGREWRITEAOF")
		p.stop(t)
		p = startSubject(t, options{engine: engine, dir: filepath.Join(p.dir, "data")})
		c = mustDial(t, p.addr)
		check()
	})
}
