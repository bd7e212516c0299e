package lsm

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// batches counts the records of a log that change something.
func batches(r io.Reader, num uint64) (n int) {
	rr := newReader(record.NewReader, r, num)
	for {
		rec, err := rr.Next()
		if err != nil {
			return n
		}
		b, err := io.ReadAll(rec)
		if err != nil {
			return n
		}
		const count = 8 // where a batch has its number of changes, 4 bytes
		if len(b) >= count+4 && string(b[count:count+4]) != "\x00\x00\x00\x00" {
			n++
		}
	}
}

// damage changes bytes of a file.
func damage(t *testing.T, fs vfs.FS, file string, change func([]byte)) {
	t.Helper()
	f, err := fs.Open(file)
	must(t, err)
	b, err := io.ReadAll(f)
	must(t, errors.Join(err, f.Close()))
	change(b)
	must(t, replaceFile(fs, path.Dir(file), path.Base(file), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}))
}

// tables gives the paths of a directory's tables.
func tables(t *testing.T, fs vfs.FS) (paths []string) {
	names, err := fs.List("dir")
	must(t, err)
	for _, n := range names {
		if path.Ext(n) == ".sst" {
			paths = append(paths, "dir/"+n)
		}
	}
	return paths
}

// filled gives a directory that was closed and has keys in tables.
func filled(t *testing.T, keys int) (Options, *vfs.MemFS) {
	fs := vfs.NewMem()
	o := small("dir")
	o.FS = fs
	e := opened(t, o)
	for i := range keys {
		_, err := start(e, 1, fmt.Sprint(i), noise(i, 500))
		must(t, err)
	}
	must(t, e.Close())
	return o, fs
}

// noise is a value that does not compress to nothing.
func noise(seed, n int) string {
	b := make([]byte, n)
	x := uint64(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return string(b)
}

// TestFlippedBit flips one bit in a block of a table: it is found by Verify and
// when read, never served, and the keys around it stay readable.
func TestFlippedBit(t *testing.T) {
	const keys = 2000
	o, fs := filled(t, keys)
	before, err := fs.List("dir")
	must(t, err)
	v, err := verify(fs, "dir", func(file string, err error) { t.Errorf("%s: %v", file, err) })
	if err != nil || v.Keys != keys || v.Faults != 0 || v.Tables == 0 {
		t.Errorf("sound data: %+v, error %v", v, err)
	}
	if after, _ := fs.List("dir"); len(after) != len(before) {
		t.Errorf("Verify has left %v, there was %v", after, before)
	}

	damaged := tables(t, fs)[0]
	damage(t, fs, damaged, func(b []byte) { b[len(b)/2] ^= 4 })
	var told []string
	v, err = verify(fs, "dir", func(file string, err error) { told = append(told, fmt.Sprint(file, " ", err)) })
	if err != nil || v.Faults != 1 || len(told) != 1 || !strings.HasPrefix(told[0], damaged) {
		t.Errorf("Verify says %+v %v, error %v; damaged is %s", v, told, err, damaged)
	}

	e := opened(t, o)
	bad := 0
	for i := range keys {
		got, err := get(e, 1, fmt.Sprint(i))
		switch {
		case errors.Is(err, engine.ErrCorrupt):
			bad++
		case err != nil || got != noise(i, 500):
			t.Fatalf("key %d is %d bytes, error %v", i, len(got), err)
		}
	}
	if bad == 0 || bad > 20 {
		t.Errorf("%d of %d keys are corrupt, want those of one block", bad, keys)
	}
	for _, f := range e.Stats().Extra {
		if f.Name == "lsm_corruptions" && f.Value == 0 {
			t.Error("the damage is not counted")
		}
	}
	must(t, put(e, 1, "after", "v"))
	must(t, e.Close())
}

// TestPowerLostInLog has a page of the log's end missing. If the machine was
// started anew since, that is what everysec may lose, and the log is cut; if
// not, or with always, it is damage, and the engine does not open.
func TestPowerLostInLog(t *testing.T) {
	const keys = 300
	for _, test := range []struct {
		fsync Fsync
		boot  string
		opens bool
	}{{EverySec, "second", true}, {EverySec, "first", false}, {Always, "second", false}} {
		fs := vfs.NewCrashableMem()
		o := small("dir")
		o.FS, o.Fsync, o.boot = fs, test.fsync, "first"
		e := opened(t, o)
		for i := range keys {
			must(t, put(e, 1, fmt.Sprint(i), noise(i, 500)))
		}
		c := crashed(fs, true)
		must(t, e.Close())
		name, _, err := newestLog(c, "dir")
		must(t, err)
		damage(t, c, "dir/"+name, func(b []byte) { clear(b[40<<10 : 44<<10]) })

		o.FS, o.boot = c, test.boot
		e, err = Open(o)
		if !test.opens {
			wantErr(t, "Open", err, engine.ErrCorrupt)
			v, err := verify(c, "dir", func(string, error) {})
			if err != nil || v.Faults == 0 {
				t.Errorf("Verify of a damaged log: %+v, error %v", v, err)
			}
			continue
		}
		must(t, err)
		n := int(e.Len(1))
		if n == 0 || n == keys || e.Clean() {
			t.Errorf("%d of %d keys are left of the log; clean %v", n, keys, e.Clean())
		}
		for i := range n {
			wantValue(t, e, 1, fmt.Sprint(i), noise(i, 500))
		}
		must(t, put(e, 1, "after", "v"))
		must(t, e.Close())
	}
}
