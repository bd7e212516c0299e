package lsm

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

func TestSecondOpenerRefused(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, small(dir))
	_, err := Open(small(dir))
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second Open: %v", err)
	}
	if _, err := Verify(dir, nil); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("Verify of an open directory: %v", err)
	}
	must(t, put(e, 1, "k", "v"))
	must(t, e.Close())
	must(t, opened(t, small(dir)).Close())
}

func TestForeignDirectoryRefused(t *testing.T) {
	for line, want := range map[string]string{
		"rldb engine=bitcask format=1": "data of the engine bitcask, not of lsm",
		"rldb engine=lsm format=2":     "format 2 of the engine lsm",
		"something else":               "not a data directory of rldb",
		"":                             "not a data directory of rldb",
	} {
		o := small("dir")
		o.FS = vfs.NewMem()
		must(t, o.FS.MkdirAll("dir", 0o755))
		must(t, writeText(o.FS, "dir", engine.MarkFile, line))
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ENGINE %q: error %v, want %q", line, err, want)
		}
	}
	fs := vfs.NewMem()
	db, err := pebble.Open("dir", &pebble.Options{FS: fs, Logger: &pebbleLog{log: slog.New(slog.DiscardHandler)}})
	must(t, err)
	must(t, db.Close())
	o := small("dir")
	o.FS = fs
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "no file ENGINE") {
		t.Errorf("a database of someone else: error %v", err)
	}
}

// TestCounts compares the counts of a reopened engine with what a scan finds.
func TestCounts(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small("dir")
	o.FS = fs
	e := opened(t, o)
	if !e.Clean() {
		t.Error("a new engine is not clean")
	}
	for i := range 3000 {
		_, err := start(e, uint16(i%7), fmt.Sprint(i%2000), strings.Repeat("v", i%500))
		must(t, err)
	}
	must(t, e.Drop(3))
	must(t, e.Sync())
	keys, live := e.counts.total()

	check := func(what string, e *Engine, clean bool) {
		t.Helper()
		if k, l := e.counts.total(); k != keys || l != live || e.Clean() != clean {
			t.Errorf("%s: %d keys, %d bytes, clean %v; want %d, %d, %v", what, k, l, e.Clean(), keys, live, clean)
		}
		var scanned counts
		must(t, scanned.rebuild(e.db))
		for i := range e.counts.slots {
			if got, want := e.Len(uint16(i)), scanned.slots[i].keys.Load(); got != want {
				t.Errorf("%s: slot %d has %d keys, by its count %d", what, i, want, got)
			}
		}
	}
	check("before", e, true)
	o.FS = crashed(fs, true)
	c := opened(t, o)
	check("after a crash", c, false)
	must(t, c.Close())
	c = opened(t, o)
	check("after a clean stop", c, true)
	crashedAgain := crashed(o.FS.(*vfs.MemFS), true)
	must(t, c.Close())
	o.FS = crashedAgain
	c = opened(t, o)
	check("after a crash without a write", c, false)
	must(t, c.Close())
	must(t, e.Close())
}

// TestNothingToRecover checks that a clean stop leaves no log to go through.
func TestNothingToRecover(t *testing.T) {
	o := small("dir")
	o.FS = vfs.NewMem()
	e := opened(t, o)
	for i := range 100 {
		must(t, put(e, 1, fmt.Sprint(i), "v"))
	}
	must(t, e.Close())
	name, num, err := newestLog(o.FS, "dir")
	must(t, err)
	f, err := o.FS.Open("dir/" + name)
	must(t, err)
	defer f.Close()
	if n := batches(f, num); n > 0 {
		t.Errorf("%s holds %d records after a clean stop", name, n)
	}
}

func TestErrorsAreEngines(t *testing.T) {
	h := &health{log: slog.New(slog.DiscardHandler)}
	wantErr(t, "corruption", h.readFailed(fmt.Errorf("wrapped: %w", errShort)), engine.ErrCorrupt)
	h.background(pebble.ErrCancelledCompaction)
	must(t, h.writable())
}

// TestNote: a note comes through a clean stop, once, and through no other.
func TestNote(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small("dir")
	o.FS = fs
	open := func(want string) *Engine {
		t.Helper()
		e := opened(t, o)
		if got := string(e.Note()); got != want {
			t.Errorf("the note is %q, want %q", got, want)
		}
		return e
	}
	e := open("")
	must(t, put(e, 1, "k", "v"))
	e.SetNote([]byte("something"))
	must(t, e.Close())
	must(t, open("something").Close()) // sets none
	e = open("")
	e.SetNote([]byte("more"))
	must(t, e.Close())
	e = open("more")
	must(t, put(e, 1, "k", "w"))
	o.FS = crashed(fs, true)
	k := open("")
	wantValue(t, k, 1, "k", "w")
	must(t, k.Close())
	must(t, e.Close())
}

// FuzzCounts: whatever the bytes, decoding them ends well, and what it takes for
// counts is encoded to what decodes alike.
func FuzzCounts(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{5, 1, 0x80, 1, 0xff, 0x7f, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again counts
		if !c.decode(b) {
			return
		}
		if !again.decode(c.encode()) {
			t.Fatal("what was encoded is not decoded")
		}
		for i := range c.slots {
			keys := c.slots[i].keys.Load()
			if keys != again.slots[i].keys.Load() || keys != 0 && c.slots[i].live.Load() != again.slots[i].live.Load() {
				t.Fatalf("slot %d differs", i)
			}
		}
	})
}

// FuzzEntry: keys and values that are too short are found out, others are what
// they were made of.
func FuzzEntry(f *testing.F) {
	f.Add([]byte("0123456789abc"), []byte("0123456789abcdef value"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if k, ok := parseKey(key); ok && !bytes.Equal(appendKey(nil, &k), key) {
			t.Errorf("the key %q was read as %v", key, k)
		}
		if e, ok := parseValue(value); ok != (len(value) >= valueHead) || ok && string(e.Meta[:])+string(e.Value) != string(value) {
			t.Errorf("the value %q was read as %v, %v", value, e, ok)
		}
	})
}
