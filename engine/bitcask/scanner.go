package bitcask

import (
	"fmt"
	"hash/crc32"
	"io"
)

// state is what a scanner found at a place.
type state uint8

const (
	whole    state = iota
	badValue       // the key is known, its value is damaged
	badKey         // the lengths are known, the key is damaged
	gap            // no entry can be made out until end
)

func (s state) String() string {
	return [...]string{"whole", "damaged value", "damaged key", "unreadable bytes"}[s]
}

// item is what stands between off and end of a segment.
type item struct {
	head
	off, end int64
	state    state
	skipped  bool   // it is dead, and only its header was looked at
	key      []byte // of a whole entry or one with a bad value; until the next item
}

func (it *item) note() *note {
	return &note{kind: it.kind, slot: it.slot, off: it.off, value: it.value, key: it.key}
}

// scanner reads a segment from front to back. It reads no more than the file
// has, whatever the lengths in it say, and after damage it goes on at the next
// place where a header and a key are whole.
type scanner struct {
	file io.ReaderAt
	size int64
	seed uint32
	off  int64                // of the next item
	pace func(n int) error    // called before each read; may be nil
	skip func(off int64) bool // whether the value at off is of no interest; may be nil

	window []byte // bytes of the file from start on
	start  int64
}

const windowSize = 256 << 10

// peek gives n bytes at off, which lie within the file, until the next peek.
func (s *scanner) peek(off int64, n int) ([]byte, error) {
	if off >= s.start && off+int64(n) <= s.start+int64(len(s.window)) {
		return s.window[off-s.start:][:n], nil
	}
	want := int(min(int64(max(n, windowSize)), s.size-off))
	if cap(s.window) < want {
		s.window = make([]byte, want)
	}
	s.window, s.start = s.window[:want], off
	if s.pace != nil {
		if err := s.pace(want); err != nil {
			s.window = s.window[:0]
			return nil, err
		}
	}
	if _, err := s.file.ReadAt(s.window, off); err != nil {
		s.window = s.window[:0]
		return nil, fmt.Errorf("reading %d bytes at offset %d: %w", want, off, err)
	}
	return s.window[:n], nil
}

// next gives the next item. It is false at the end.
func (s *scanner) next() (it item, ok bool, err error) {
	if s.off >= s.size {
		return item{}, false, nil
	}
	it = item{off: s.off, end: s.size, state: gap}
	h, valid, err := s.header(s.off)
	switch {
	case err != nil:
		return it, false, err
	case !valid:
		if it.end, err = s.resync(s.off + 1); err != nil {
			return it, false, err
		}
	case s.off+h.size() <= s.size:
		it.head, it.end = h, s.off+h.size()
		if it.skipped = h.kind == kindPut && s.skip != nil && s.skip(s.off); it.skipped {
			it.state = whole
		} else if it.state, err = s.body(&it); err != nil {
			return it, false, err
		}
	}
	s.off = it.end
	return it, true, nil
}

// header reads the header at off, if one stands there.
func (s *scanner) header(off int64) (h head, ok bool, err error) {
	if s.size-off < headSize {
		return head{}, false, nil
	}
	b, err := s.peek(off, headSize)
	if err != nil {
		return head{}, false, err
	}
	h, ok = parseHead(b, s.seed, off)
	return h, ok, nil
}

// body checks what follows a header.
func (s *scanner) body(it *item) (state, error) {
	if n := it.end - it.off; n <= windowSize { // all at once, then
		if _, err := s.peek(it.off, int(n)); err != nil {
			return gap, err
		}
	}
	at, n := it.off+headSize, int(it.valueBytes())
	crc := uint32(0)
	for at += it.keyBytes(); n > 0; {
		part := min(n, windowSize)
		b, err := s.peek(at, part)
		if err != nil {
			return gap, err
		}
		crc = crc32.Update(crc, castagnoli, b)
		at, n = at+int64(part), n-part
	}
	// The key comes last, as it must stay in the window.
	key, err := s.peek(it.off+headSize, int(it.keyBytes()))
	if err != nil {
		return gap, err
	}
	switch it.key = key; {
	case crc32.Checksum(key, castagnoli) != it.keyCRC:
		return badKey, nil
	case crc != it.valCRC:
		return badValue, nil
	}
	return whole, nil
}

// resync finds the first entry at or behind off, or the end of the file.
func (s *scanner) resync(off int64) (int64, error) {
	for ; off+headSize <= s.size; off++ {
		h, ok, err := s.header(off)
		if err != nil {
			return 0, err
		}
		if !ok || off+h.size() > s.size {
			continue
		}
		key, err := s.peek(off+headSize, int(h.keyBytes()))
		if err != nil {
			return 0, err
		}
		if crc32.Checksum(key, castagnoli) == h.keyCRC {
			return off, nil
		}
	}
	return s.size, nil
}

// readHeader reads a segment's header, and how many of its copies are bad.
func readHeader(f io.ReaderAt, size int64) (h header, bad int, err error) {
	b := make([]byte, min(size, headerSize))
	if _, err := f.ReadAt(b, 0); err != nil && len(b) > 0 {
		return h, 2, err
	}
	h, bad = parseHeader(b)
	return h, bad, nil
}
