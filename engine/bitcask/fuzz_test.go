package bitcask

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/rldb/rldb/engine"
)

// sample is the directory of a stopped engine with all kinds of entries, and
// what it holds.
func sample(t testing.TB) (*memFS, map[string]string) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20
	e := open(t, o)
	s := &script{after: []map[string]string{{}}, now: map[string]string{}}
	must(t, s.run(e, 4))
	must(t, e.Close())
	return fs, s.now
}

const (
	sampleData = "data/0000000001.seg"
	sampleHint = "data/0000000001.hint"
)

// fuzz replaces one file of the sample by what the fuzzer made of it. Whatever
// that is, opening does not panic, and fails only where not even a segment's header
// is left of a file that held data; every key has the value that it had at some time,
// or an error, or none.
func fuzz(f *testing.F, file string) {
	fs, _ := sample(f)
	good := fs.names[file].data
	f.Add(good)
	f.Add(good[:len(good)/2])
	for _, at := range []int{0, 10, 40, len(good) / 3, len(good) - 5} {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		f.Add(bad)
	}
	f.Add([]byte{})
	once := map[string]bool{}
	e := &script{after: []map[string]string{{}}, now: map[string]string{}}
	must(f, e.run(open(f, quiet(newMemFS())), 4))
	must(f, e.e.Close())
	for _, m := range e.after {
		for name, v := range maps.All(m) {
			once[name+"="+v] = true
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bad := fs.killed()
		bad.names[file] = &inode{data: data}
		_, err := Verify("data", bad, func(Problem) {})
		must(t, err)
		e, err := Open(quiet(bad))
		if file == sampleData && int64(len(data)) < headerSize {
			if !errors.Is(err, ErrMissing) {
				t.Fatalf("of the segment %d bytes are left, and opening says %v", len(data), err)
			}
			return
		}
		must(t, err)
		for _, name := range []string{"key0", "key1", "key2", "key3", "key4", "key5", "key6", "left", "right", "gone"} {
			v, err := get(e, name)
			if err != nil && !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("%q: error %v", name, err)
			}
			if v != "" && !once[name+"="+v] {
				t.Errorf("%q is %q, which it never was", name, v)
			}
		}
		must(t, e.Close())
	})
}

func FuzzSegment(f *testing.F) { fuzz(f, sampleData) }
func FuzzHint(f *testing.F)    { fuzz(f, sampleHint) }

// FuzzScanner reads any bytes as a segment: it comes to an end, and no item
// overlaps another.
func FuzzScanner(f *testing.F) {
	fs, _ := sample(f)
	data := fs.names[sampleData].data
	h, _ := parseHeader(data)
	f.Add(data[headerSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(bytes.Clone(data[:headerSize]), b...)
		s := scanner{file: bytes.NewReader(b), size: int64(len(b)), seed: h.seed(), off: headerSize}
		for last := s.off; ; last = s.off {
			it, ok, err := s.next()
			must(t, err)
			if !ok {
				break
			}
			if it.off != last || it.end <= it.off || it.end > s.size {
				t.Fatalf("item from %d to %d of %d after %d", it.off, it.end, s.size, last)
			}
			if cap(s.window) > 2*windowSize {
				t.Fatalf("%d bytes allocated for a file of %d", cap(s.window), len(b))
			}
		}
	})
}
