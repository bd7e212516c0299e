package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checked is what "rldb check" gave.
type checked struct {
	code      int
	out, errs string
	lines     []string // of out
	last      string   // the summary
}

// runCheck runs "rldb check" on a directory.
func runCheck(t *testing.T, dir string) (c checked) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, subjectPath(t, false), "check", "--dir", dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env, cmd.Dir = childEnv(), t.TempDir()
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
	}
	c.code, c.out, c.errs = cmd.ProcessState.ExitCode(), out.String(), errs.String()
	c.lines = strings.Split(strings.TrimSuffix(c.out, "\n"), "\n")
	c.last = c.lines[len(c.lines)-1]
	return c
}

// want checks how it ended, what the summary says, and what the line before it
// says; "" stands for no such line.
func (c checked) want(t *testing.T, what string, code int, summary string, line ...string) {
	t.Helper()
	if c.code != code || c.errs != "" || !strings.Contains(c.last, summary) {
		t.Fatalf("%s: exit code %d, want %d; it says %q, want %q; errors %q", what, c.code, code, c.out, summary, c.errs)
	}
	if len(line) == 0 && len(c.lines) != 1 {
		t.Errorf("%s: it also says %q", what, c.lines)
	}
	for _, word := range line {
		if len(c.lines) < 2 || !strings.Contains(c.lines[0], word) {
			t.Errorf("%s: it says %q, the first line lacks %q", what, c.lines, word)
		}
	}
}

// refused checks that it could not look, and why.
func (c checked) refused(t *testing.T, what, why string) {
	t.Helper()
	if c.code != 2 || c.out != "" || !strings.Contains(c.errs, why) || strings.Count(c.errs, "\n") != 1 {
		t.Errorf("%s: exit code %d, it says %q %q, want %q", what, c.code, c.out, c.errs, why)
	}
}

// dataFile is the largest file of a directory that ends so.
func dataFile(t *testing.T, dir, suffix string) (path string, size int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if strings.HasSuffix(e.Name(), suffix) && info.Size() > size {
			path, size = filepath.Join(dir, e.Name()), info.Size()
		}
	}
	if path == "" {
		t.Fatalf("no file of %s ends in %s", dir, suffix)
	}
	return path, size
}

// TestCheck lets "rldb check" look at the data of a node that was stopped, or
// killed, or that runs, and at data that was damaged.
func TestCheck(t *testing.T) {
	if subjectIsRedis() {
		t.Log("redis-server has no such command: nothing to prove here")
		return
	}
	for _, test := range []struct{ engine, data, log string }{
		{"bitcask", ".seg", ".seg"},
		{"lsm", ".sst", ".log"},
	} {
		t.Run(test.engine, func(t *testing.T) {
			dir := t.TempDir()
			fill := func(p *process) {
				c := mustDial(t, p.addr)
				for i := range 200 {
					// Values that do not compress, so that their bytes are on the disk.
					c.mustDo(t, "SET", fmt.Sprint("key", i), noise(i, 300))
				}
			}
			o := options{engine: test.engine, dir: dir, more: []string{"--fsync", "always"}}
			p := startSubject(t, o)
			fill(p)
			runCheck(t, dir).refused(t, "a running node", "in use by another process")
			p.stop(t)
			runCheck(t, dir).want(t, "a clean stop", 0, "nothing is wrong")

			file, size := dataFile(t, dir, test.data)
			flip(t, file, size/2)
			c := runCheck(t, dir)
			c.want(t, "a flipped bit", 1, "faults: 1", filepath.Base(file), "offset")
			flip(t, file, size/2)
			runCheck(t, dir).want(t, "the bit flipped back", 0, "nothing is wrong")

			p = startSubject(t, o)
			fill(p)
			eventually(t, replyLimit, "a new file of the log", func() error {
				if log, size := newest(t, dir, test.log); log == file || size == 0 {
					return errors.New("there is none yet")
				}
				return nil
			})
			p.kill()
			runCheck(t, dir).want(t, "a kill", 0, "nothing is wrong")
			file, size = newest(t, dir, test.log)
			must(t, os.Truncate(file, size-7))
			c = runCheck(t, dir)
			if test.engine == "bitcask" {
				c.want(t, "a torn end", 0, "nothing is wrong", filepath.Base(file), "offset", "torn end of")
			} else {
				c.want(t, "a torn end", 0, "nothing is wrong")
			}
			must(t, os.WriteFile(filepath.Join(dir, "ENGINE"), []byte("rldb engine=other format=1\n"), 0o600))
			runCheck(t, dir).refused(t, "another engine", `the engine "other"`)
			must(t, os.WriteFile(filepath.Join(dir, "ENGINE"), []byte("rldb engine="+test.engine+" format=99\n"), 0o600))
			runCheck(t, dir).refused(t, "a newer format", "format 99")
		})
	}
	t.Run("no data", func(t *testing.T) {
		dir := t.TempDir()
		runCheck(t, dir).refused(t, "an empty directory", "not a data directory of rldb")
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Errorf("it has left %v", entries)
		}
		runCheck(t, filepath.Join(dir, "nosuch")).refused(t, "no directory", "there is no directory")
		file := filepath.Join(dir, "file")
		must(t, os.WriteFile(file, nil, 0o600))
		runCheck(t, file).refused(t, "a file", "is not a directory")
	})
}

// newest is the file of a directory that ends so and has the last name.
func newest(t *testing.T, dir, suffix string) (path string, size int64) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	must(t, err)
	if len(all) == 0 {
		return "", 0
	}
	path = all[len(all)-1]
	info, err := os.Stat(path)
	must(t, err)
	return path, info.Size()
}

// flip changes one bit of a file.
func flip(t *testing.T, file string, off int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	must(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, off)
	must(t, err)
	b[0] ^= 4
	_, err = f.WriteAt(b, off)
	must(t, errors.Join(err, f.Close()))
}

// noise is n bytes that nothing compresses, always the same for i.
func noise(i, n int) string {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	b := make([]byte, n)
	for j := range b {
		b[j] = byte(r.Uint32())
	}
	return string(b)
}
