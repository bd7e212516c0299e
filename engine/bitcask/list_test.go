package bitcask

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const listFile = "data/" + listName

// TestMissingSegment: a segment's file that was deleted as a whole, or cut below
// the size of its header, is missed, by Open and by Verify, after a clean stop and
// after a kill. Without its list the engine goes on with what there is, and says so.
func TestMissingSegment(t *testing.T) {
	for _, clean := range []bool{true, false} {
		missingSegment(t, clean, (*memFS).Remove)
		for _, size := range []int64{0, headerSize - 1} {
			missingSegment(t, clean, func(fs *memFS, name string) error {
				f, err := fs.Open(name, true)
				must(t, err)
				return f.Truncate(size)
			})
		}
	}
}

// missingSegment loses one segment after the other.
func missingSegment(t *testing.T, clean bool, lose func(*memFS, string) error) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "lost", "1"))
	seal(t, e)
	must(t, set(e, "kept", "2"))
	seal(t, e)
	must(t, set(e, "newest", "3"))
	must(t, e.Sync())
	eventually(t, "all three are on the list", func() bool {
		list, err := readList(fs, "data", true)
		return err == nil && len(list) == 3
	})
	if clean {
		must(t, e.Close())
	} else {
		kill(t, e)
	}
	for _, number := range []uint32{1, 3} {
		bad := fs.killed()
		file := "data/" + segmentName(number)
		must(t, lose(bad, file))
		ps := problemsOf(t, bad)
		if !slices.ContainsFunc(ps, func(p Problem) bool { return p.File == file && strings.Contains(p.What, "missing") }) {
			t.Errorf("Verify reported %v, not that %s is missing", ps, file)
		}
		o.FS = bad
		_, err := Open(o)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), segmentName(number)) || !strings.Contains(err.Error(), listFile) {
			t.Errorf("Open without %s: error %v", file, err)
		}
		if _, err := Open(o); !errors.Is(err, ErrMissing) {
			t.Errorf("the second Open without %s: error %v", file, err)
		}
		must(t, bad.Remove(listFile))
		e := open(t, o)
		if e.Clean() || figure(e, "corrupt_entries") < 1 {
			t.Errorf("without the list: clean %v, %d problems", e.Clean(), figure(e, "corrupt_entries"))
		}
		want(t, e, "kept", "2")
		must(t, e.Close())
		must(t, open(t, o).Close())
	}
}

// TestDamagedList flips each byte of the list: that is reported, and nothing else
// is wrong.
func TestDamagedList(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "key", "value"))
	must(t, e.Close())
	for off := range fs.contents(listFile) {
		bad := fs.killed()
		bad.flip(listFile, int64(off))
		if ps := problemsOf(t, bad); len(ps) != 1 || ps[0].File != listFile {
			t.Fatalf("byte %d: Verify reported %v", off, ps)
		}
		o.FS = bad
		e := open(t, o)
		want(t, e, "key", "value")
		if e.Clean() {
			t.Fatalf("byte %d: segments may be missing, and nobody is told", off)
		}
		must(t, e.Close())
		if ps := problemsOf(t, bad); len(ps) != 0 {
			t.Fatalf("byte %d: still wrong after a start: %v", off, ps)
		}
	}
}

// TestMergedAwayIsNotMissed: what a merge has replaced may be gone while it is
// still on the list.
func TestMergedAwayIsNotMissed(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20 // so large that the keeper finds nothing to merge
	e := open(t, o)
	must(t, set(e, "key", "old"))
	must(t, set(e, "stays", "here"))
	seal(t, e)
	must(t, set(e, "key", "new"))
	seal(t, e)
	must(t, set(e, "last", "value"))
	must(t, e.Sync())
	eventually(t, "all are on the list", func() bool {
		list, err := readList(fs, "data", true)
		return err == nil && len(list) == 3
	})
	before := fs.contents(listFile)
	mergeNow(t, e, 0, 2)
	kill(t, e)
	left := fs.killed()
	left.names[listFile] = &inode{data: before}
	if ps := problemsOf(t, left); len(ps) != 0 {
		t.Errorf("Verify reported %v", ps)
	}
	o.FS = left
	e = open(t, o)
	want(t, e, "key", "new")
	want(t, e, "stays", "here")
	must(t, e.Close())
}

func drawListed(t *rapid.T) []listed {
	n := rapid.Uint32()
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) listed {
		return listed{n.Draw(t, "number"), n.Draw(t, "lo"), n.Draw(t, "hi")}
	})).Draw(t, "list")
}

func TestListFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawListed(t)
		got, err := parseList(appendList(nil, list))
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("%v, error %v, want %v", got, err, list)
		}
	})
}

// FuzzList: what can be read as a list is what would be written for it.
func FuzzList(f *testing.F) {
	f.Add(appendList(nil, nil))
	f.Add(appendList(nil, []listed{{1, 1, 1}, {7, 2, 5}}))
	f.Add([]byte(listMagic + "\xff\xff\xff\xff1234"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseList(b)
		if err == nil && !bytes.Equal(appendList(nil, list), b) {
			t.Errorf("%x was read as %v", b, list)
		}
	})
}

// TestListIsDurableFirst: the start after a kill puts no segment on the list that
// a power loss may still take away.
func TestListIsDurableFirst(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "key", "value")) // written, and not synced
	kill(t, e)
	left := fs.killed()
	for seed := range uint64(300) {
		crashed := left.killed()
		crashed.crashAt = 1 + int(seed%20)
		o.FS = crashed
		if e, err := Open(o); err == nil {
			kill(t, e)
		}
		o.FS = crashed.powerLost(rand.New(rand.NewPCG(seed, 1)))
		e, err := Open(o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		must(t, e.Close())
	}
}
