package bitcask

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// segment is one file of the log.
type segment struct {
	header
	crcSeed uint32
	name    string // path of the data file
	fs      FS

	// inLog: it was written by this process, byte 0 at position base.
	inLog bool
	base  engine.Position

	// file is set before size first becomes greater than 0, and read after.
	file File
	size atomic.Int64 // bytes that are written to file
	hint atomic.Int64 // bytes of its hint file

	// How many values, and bytes of values' entries, the index refers to here;
	// and how many values stand here all in all. A change that makes an entry
	// dead is counted before the log has it, one that adds an entry after, so
	// values == live says for certain that nothing here is dead.
	values    atomic.Int64
	live      atomic.Int64
	liveBytes atomic.Int64
	markers   atomic.Int64 // bytes of deletes and drops
	dead      marks        // of the values
	owed      atomic.Int64 // bytes that its hint will have, of a segment of the log
	hasHint   bool         // the keeper's

	named   atomic.Bool // the name of its file is durable
	settled atomic.Bool // complete and durable: nothing will be appended
	damaged atomic.Bool // some entry is unreadable: it is kept as it is

	refs atomic.Int64 // readers that hold no lock, and the table
}

const (
	dataSuffix = ".seg"
	hintSuffix = ".hint"
	tempSuffix = ".tmp"
)

func newSegment(fs FS, dir string, h header) *segment {
	s := &segment{header: h, crcSeed: h.seed(), fs: fs}
	s.name = filepath.Join(dir, segmentName(h.number))
	s.refs.Store(1)
	return s
}

func segmentName(number uint32) string { return fmt.Sprintf("%010d%s", number, dataSuffix) }

func (s *segment) hintName() string {
	return s.name[:len(s.name)-len(dataSuffix)] + hintSuffix
}

// acquire begins the use of a segment by somebody who has no slot locked. It is
// false if the segment is gone.
func (s *segment) acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release ends the use of a segment: the last one closes its file.
func (s *segment) release() {
	if s.refs.Add(-1) == 0 && s.file != nil {
		_ = s.file.Close() // nothing was written to it that matters
	}
}

// become counts a value that the index now refers to, die one no longer so. The
// mark of a dead one is set apart: see marks.
func (s *segment) become(name int, value uint32) {
	s.live.Add(1)
	s.liveBytes.Add(putSize(name, value))
}

func (s *segment) die(name int, value uint32) {
	s.live.Add(-1)
	s.liveBytes.Add(-putSize(name, value))
}

// disk is what the segment's files take, and needed what of that is for values
// that the index refers to.
func (s *segment) disk() int64 { return s.size.Load() + s.hint.Load() }

func (s *segment) needed() int64 {
	live, values := s.live.Load(), s.values.Load()
	if values == 0 {
		return 0
	}
	hint := s.hint.Load() + s.owed.Load()
	return s.liveBytes.Load() + int64(float64(hint)*float64(live)/float64(values))
}

// harmless reports whether no value here is one that a delete marker keeps from
// coming back.
func (s *segment) harmless() bool {
	return s.values.Load() == s.live.Load() && !s.damaged.Load()
}

// corrupt is the error for an entry.
func (s *segment) corrupt(off int64, what string) error {
	return fmt.Errorf("%w: %s at offset %d of %s", engine.ErrCorrupt, what, off, s.name)
}

// check verifies the bytes of the entry of a name at off, and gives its value.
func (s *segment) check(b []byte, off int64, k *engine.Key) ([]byte, error) {
	h, ok := parseHead(b, s.crcSeed, off)
	if !ok || h.kind != kindPut || h.size() != int64(len(b)) {
		return nil, s.corrupt(off, "damaged header")
	}
	key := b[headSize : headSize+h.keyBytes()]
	if crc32.Checksum(key, castagnoli) != h.keyCRC || h.slot != k.Slot || !bytes.Equal(key[metaSize:], k.Name) {
		return nil, s.corrupt(off, "damaged key")
	}
	value := b[headSize+h.keyBytes():]
	if sum(0, value) != h.valCRC {
		return nil, s.corrupt(off, "damaged value")
	}
	return value, nil
}

// read gives the value of a key from the file. With cached it fails with
// errNotCached where it would have to wait. The value is in buf, which grows.
func (s *segment) read(l location, k *engine.Key, buf []byte, cached bool) (value, grown []byte, err error) {
	n := int(putSize(len(k.Name), l.value))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if cached {
		_, err = s.file.ReadCached(buf, l.off)
	} else {
		_, err = s.file.ReadAt(buf, l.off)
	}
	switch {
	case errors.Is(err, errNotCached):
		return nil, buf, err
	case err != nil:
		return nil, buf, fmt.Errorf("bitcask: reading offset %d of %s: %w", l.off, s.name, err)
	}
	value, err = s.check(buf, l.off, k)
	return value, buf, err
}

// segments is the table of all segments: read without a lock, replaced as a
// whole under one.
type segments struct {
	mu    sync.Mutex // guards changes
	table atomic.Pointer[map[uint32]*segment]
}

func (t *segments) all() map[uint32]*segment {
	if m := t.table.Load(); m != nil {
		return *m
	}
	return nil
}

// get gives the segment that a location names. The caller has the slot of the
// entry locked, so the segment cannot go: a segment leaves the table only after
// the index has been found not to refer to it any more.
func (t *segments) get(number uint32) *segment { return t.all()[number] }

// change adds a segment and removes others, at once.
func (t *segments) change(add *segment, remove []*segment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := maps.Clone(t.all())
	if m == nil {
		m = map[uint32]*segment{}
	}
	if add != nil {
		m[add.number] = add
	}
	for _, s := range remove {
		delete(m, s.number)
	}
	t.table.Store(&m)
}
