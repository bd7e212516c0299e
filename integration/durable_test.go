package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// durableEngines are those that keep their data; "default" is what a node takes
// that is told nothing.
var durableEngines = []string{"default", "bitcask", "lsm"}

// eachDurable runs a test for each of them.
func eachDurable(t *testing.T, engines []string, f func(t *testing.T, engine string)) {
	if subjectIsRedis() {
		t.Log("redis-server has no engines: nothing to prove here")
		return
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { f(t, engine) })
	}
}

// fillData writes what checkData expects.
func fillData(t *testing.T, c *conn) {
	t.Helper()
	for i := range 2000 {
		c.mustDo(t, "SET", fmt.Sprint("k", i), strings.Repeat(strconv.Itoa(i), 20))
	}
	c.mustDo(t, "SET", "gone", "v")
	c.mustDo(t, "DEL", "gone")
	c.mustDo(t, "SET", "short", "v", "PX", "1")
	c.mustDo(t, "SET", "long", "v", "EX", "1000")
	c.mustDo(t, "APPEND", "k0", "+")
}

func checkData(t *testing.T, c *conn) {
	t.Helper()
	for i := 1; i < 2000; i += 7 {
		if got := c.mustDo(t, "GET", fmt.Sprint("k", i)).str(); got != strings.Repeat(strconv.Itoa(i), 20) {
			t.Errorf("k%d is %q", i, got)
		}
	}
	for command, want := range map[string]string{
		"GET k0": strings.Repeat("0", 20) + "+", "EXISTS gone short": "0", "EXISTS long": "1",
	} {
		if got := c.mustDo(t, strings.Fields(command)...).str(); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	if ttl, err := strconv.Atoi(c.mustDo(t, "TTL", "long").str()); err != nil || ttl < 500 {
		t.Errorf("TTL long: %d, %v", ttl, err)
	}
}

// shutdown ends a node by the command.
func shutdown(t *testing.T, p *process) {
	t.Helper()
	c := mustDial(t, p.addr)
	_ = c.send(appendCommand(nil, "SHUTDOWN", "NOSAVE"))
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		t.Fatal("the node still runs after SHUTDOWN")
	}
	p.over = true
	for _, fault := range faults(p.err, p.log.String()) {
		t.Error(fault)
	}
}

// TestDataSurvivesARestart: after SIGTERM, and after SHUTDOWN NOSAVE, the next
// process has all data, and nothing to recover.
func TestDataSurvivesARestart(t *testing.T) {
	eachDurable(t, durableEngines, func(t *testing.T, engine string) {
		p := startSubject(t, options{engine: engine})
		fillData(t, mustDial(t, p.addr))
		p.stop(t)
		again := options{engine: engine, dir: filepath.Join(p.dir, "data")}
		p = startSubject(t, again)
		checkData(t, mustDial(t, p.addr))
		clean(t, p)
		mustDial(t, p.addr).mustDo(t, "SET", "k3", strings.Repeat("3", 20))
		shutdown(t, p)
		p = startSubject(t, again)
		checkData(t, mustDial(t, p.addr))
		clean(t, p)
		c := mustDial(t, p.addr)
		if got := c.mustDo(t, "FLUSHALL").str(); got != "OK" {
			t.Errorf("FLUSHALL: %q", got)
		}
		p.stop(t)
		p = startSubject(t, again)
		if got := mustDial(t, p.addr).mustDo(t, "DBSIZE").str(); got != "0" {
			t.Errorf("%s keys after FLUSHALL and a restart", got)
		}
	})
}

// clean checks that the node found its directory as a clean stop leaves it.
func clean(t *testing.T, p *process) {
	t.Helper()
	info := mustDial(t, p.addr).mustDo(t, "INFO", "persistence").str()
	if !strings.Contains(info, "bitcask_clean_start:1") && !strings.Contains(p.log.String(), "clean=true") {
		t.Errorf("the start was not clean: %s\n%s", info, p.log)
	}
	for _, sign := range []string{"aof_enabled:1", "aof_last_write_status:ok", "rdb_last_bgsave_status:ok", "loading:0", "rldb_disk_bytes:"} {
		if !strings.Contains(info, sign) {
			t.Errorf("INFO lacks %s:\n%s", sign, info)
		}
	}
	for _, sign := range []string{"torn", "level=ERROR", "level=WARN"} {
		if strings.Contains(p.log.String(), sign) {
			t.Errorf("the node logged %q:\n%s", sign, p.log)
		}
	}
}

// TestDirectoryIsRefused: one that another process has, or another engine made.
func TestDirectoryIsRefused(t *testing.T) {
	eachDurable(t, []string{"bitcask", "lsm"}, func(t *testing.T, engine string) {
		p := startSubject(t, options{engine: engine})
		dir := filepath.Join(p.dir, "data")
		refused := func(engine, why string) {
			t.Helper()
			out := startInVain(t, options{engine: engine, dir: dir})
			if !strings.Contains(out, "rldb cannot start") || !strings.Contains(out, why) {
				t.Errorf("%s: the node says %q, want a reason with %q", engine, out, why)
			}
		}
		refused(engine, "in use")
		p.stop(t)
		other := map[string]string{"bitcask": "lsm", "lsm": "bitcask"}[engine]
		refused(other, engine)
	})
}

// TestFullDisk: when the disk is full writes are refused and reads go on; when
// there is room again, writes do.
func TestFullDisk(t *testing.T) {
	eachDurable(t, []string{"bitcask", "lsm"}, func(t *testing.T, engine string) {
		mount := smallDisk(t, "64m")
		ballast := filepath.Join(mount, "ballast")
		must(t, os.WriteFile(ballast, make([]byte, 24<<20), 0o600))
		o := options{engine: engine, dir: filepath.Join(mount, "data"), more: []string{
			"--bitcask-segment-size", "4mb", "--lsm-memtable-size", "1mb"}}
		p := startSubject(t, o)
		c := mustDial(t, p.addr)
		acknowledged := map[string]string{}
		noise := make([]byte, 20_000) // or lsm would compress it
		// An engine may find room by itself, for a while: the disk is full when
		// writes have been refused for some time.
		var since time.Time
		for i := 0; since.IsZero() || time.Since(since) < 3*time.Second; {
			key := fmt.Sprint("k", i)
			rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Read(noise)
			f, err := c.do("SET", key, string(noise))
			switch {
			case err == nil && f.str() == "OK":
				acknowledged[key] = string(noise)
				since = time.Time{}
				i++
				continue
			case err == nil && !strings.HasPrefix(f.str(), "MISCONF Errors writing to the data directory: "), i > 10_000:
				t.Fatalf("on a full disk SET %s is answered with %.300q", key, f.str())
			case since.IsZero():
				since = time.Now()
			}
			c.Close() // the node has hung up on a client whose write it had accepted
			<-time.After(10 * time.Millisecond)
			c = mustDial(t, p.addr)
		}
		c = mustDial(t, p.addr)
		if f, err := c.do("SET", "other", "v"); err != nil || !strings.HasPrefix(f.str(), "MISCONF") {
			t.Errorf("SET: %q, %v", f.str(), err)
		}
		verify := func() {
			t.Helper()
			for key, want := range acknowledged {
				if got := c.mustDo(t, "GET", key).str(); got != want {
					t.Fatalf("%s has %d bytes, want %d", key, len(got), len(want))
				}
			}
		}
		verify()
		if info := c.mustDo(t, "INFO", "persistence").str(); !strings.Contains(info, "aof_last_write_status:err") {
			t.Error("INFO does not say that writes are refused")
		}
		must(t, os.Remove(ballast))
		eventually(t, answerLimit, "writes go on", func() error {
			c = mustDial(t, p.addr)
			f, err := c.do("SET", "other", "v")
			if err == nil && f.isError() {
				err = fmt.Errorf("%s", f.str())
			}
			return err
		})
		verify()
		p.stop(t)
		p = startSubject(t, o)
		c = mustDial(t, p.addr)
		verify()
	})
}

// answerLimit is how long a node may take to notice that there is room.
const answerLimit = 30 * time.Second
