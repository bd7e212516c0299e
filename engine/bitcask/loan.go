package bitcask

import "io"

// A large transaction of the pool is not copied into the tail: until it is
// written, its entries stay in the caller's memory, who is told only then. So
// neither a slot nor the log is locked for as long as copying it takes, or its
// checksum, and no connection loop writes it: see wal.flushSmall.

// loan is what a chunk holds in place of bytes.
type loan struct {
	entries []entry
	size    int64 // bytes in the file
}

// maxPiece bounds what is copied to be written together.
const maxPiece = 64 << 10

// size is how many bytes the chunk will have in its file.
func (c *chunk) size() int64 {
	if c.loan != nil {
		return c.loan.size
	}
	return int64(len(c.buf))
}

// writeTo writes the chunk, and reports how much of it, if not all.
func (c *chunk) writeTo(w io.Writer) (n int64, err error) {
	write := func(b []byte) error {
		k, err := w.Write(b)
		n += int64(k)
		if err == nil && k < len(b) {
			err = io.ErrShortWrite
		}
		return err
	}
	if c.loan == nil {
		return n, write(c.buf)
	}
	var b []byte
	seed := c.segment.crcSeed
	if k := len(c.loan.entries); k > 1 {
		batch := batchHead(k, c.loan.size-headSize)
		b = appendHead(b, &batch, seed, c.from)
	}
	for i := range c.loan.entries {
		en := &c.loan.entries[i]
		b = appendFront(b, en, seed)
		if len(b)+len(en.body) <= maxPiece {
			b = append(b, en.body...)
			continue
		}
		if err := write(b); err != nil {
			return n, err
		}
		if b = b[:0]; len(en.body) > 0 {
			if err := write(en.body); err != nil {
				return n, err
			}
		}
	}
	if len(b) == 0 {
		return n, nil
	}
	return n, write(b)
}

// entry gives the bytes of the entry at off.
func (l *loan) entry(buf []byte, off int64, seed uint32) ([]byte, bool) {
	for i := range l.entries {
		if l.entries[i].off == off {
			return appendEntry(buf[:0], &l.entries[i], seed), true
		}
	}
	return buf, false
}

// repay writes what was lent, or, if that fails, copies it into the tail. After
// it nothing refers to the entries any more.
func (w *wal) repay(entries []entry) {
	if w.flush() == nil {
		return
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	m := &w.mu
	m.Lock()
	for i := range m.tail {
		c := m.tail[i] // with writing held it stays where it is
		if c.loan == nil || &c.loan.entries[0] != &entries[0] {
			continue
		}
		m.Unlock()
		copied := sink(make([]byte, 0, c.size()))
		_, _ = c.writeTo(&copied) // it takes everything
		m.Lock()
		m.tail[i].buf, m.tail[i].loan = copied, nil
		w.loans.Add(-1)
		break
	}
	m.Unlock()
}

// sink keeps what is written to it.
type sink []byte

func (s *sink) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}
