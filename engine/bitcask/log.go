package bitcask

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/rldb/rldb/engine"
)

// wal appends entries to the newest segment. An entry lies in the tail, in
// memory, until flush writes it; the tail is in the order of the log.
//
// Locks: a slot's lock, then mu. writing, which is held during a write(2), then
// mu. Nobody takes writing with a slot locked.
type wal struct {
	fs       FS
	dir      string
	limit    int64 // bytes of a segment
	segments *segments
	ledger   *ledger
	log      *slog.Logger
	number   atomic.Uint32 // the highest number of a segment so far
	stop     atomic.Pointer[stop]

	unsettled atomic.Int64  // complete segments that are not durable yet
	kick      chan struct{} // wakes the syncer
	assess    func()        // looks at what the disk holds; it does not block
	loans     atomic.Int64  // chunks of the tail that are in their callers' memory

	writing sync.Mutex // one write at a time

	mu struct {
		sync.Mutex
		active *segment // the last one, or nil before the first entry
		size   int64    // its bytes, with those in the tail
		tail   []chunk
		first  int // chunks that flush is writing: nothing is appended to them
		spare  []byte

		appended engine.Position
		written  engine.Position
		durable  engine.Position
		dirty    []*segment // written to since their last fsync, in order
		rotated  []*segment // complete, but not settled yet
		named    bool       // a file was made since the directory's last fsync
		waiters  []waiter
		policy   Fsync
		unseen   int64 // bytes written since the last assess
	}
}

// stop says why writes are refused: for good if it is broken.
type stop struct {
	err    error
	broken bool
}

// chunk is a part of the tail that goes to one segment.
type chunk struct {
	segment *segment
	from    int64 // offset of the first byte
	buf     []byte
	loan    *loan // where it is in place of buf, or nil
}

// looksPerSegment is how often it is assessed, while a segment is written,
// whether merging falls behind: what is written makes as much dead elsewhere.
const looksPerSegment = 16

// maxSpare bounds the memory that is kept for the next chunk.
const maxSpare = 1 << 20

// refusal is why writes are refused, or nil.
func (w *wal) refusal() error {
	if s := w.stop.Load(); s != nil {
		return s.err
	}
	return nil
}

// broken refuses writes for good. Only the first cause counts.
func (w *wal) broken(cause error) error {
	err := fmt.Errorf("%w: %w", engine.ErrBroken, cause)
	for {
		old := w.stop.Load()
		if old != nil && old.broken {
			return old.err
		}
		if w.stop.CompareAndSwap(old, &stop{err, true}) {
			w.log.Error("bitcask: writing failed; all writes are refused until a restart", "error", cause)
			return err
		}
	}
}

// full refuses writes until a flush succeeds.
func (w *wal) full(cause error) error {
	err := fmt.Errorf("%w: %w", engine.ErrDiskFull, cause)
	if w.stop.CompareAndSwap(nil, &stop{err, false}) {
		w.log.Error("bitcask: the disk is full; writes are refused until there is room", "error", cause)
	}
	return w.refusal()
}

// roomAgain ends what full began.
func (w *wal) roomAgain() {
	if s := w.stop.Load(); s != nil && !s.broken && w.stop.CompareAndSwap(s, nil) {
		w.log.Info("bitcask: there is room on the disk again; writes go on")
	}
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// append puts entries at the log's end, as one, and says where: the segment,
// entry.off, and the position after them. The caller has their slots locked. If
// it lends the entries, it calls repay before it gives up what they refer to.
func (w *wal) append(entries []entry, lend bool) (*segment, engine.Position) {
	total, notes := int64(0), int64(0)
	for i := range entries {
		h := entries[i].fixed()
		total += h.size()
		notes += noteSize(&h)
	}
	batch := batchHead(len(entries), total)
	if len(entries) > 1 {
		total += headSize
	}
	m := &w.mu
	m.Lock()
	defer m.Unlock()
	if m.active == nil || m.size+total > w.limit && m.size > headerSize {
		w.rotate()
	}
	var c *chunk
	if lend {
		m.tail = append(m.tail, chunk{segment: m.active, from: m.size, loan: &loan{entries, total}})
		w.loans.Add(1)
	} else {
		c = w.lastChunk()
	}
	off := m.size
	if len(entries) > 1 {
		if !lend {
			c.buf = appendHead(c.buf, &batch, m.active.crcSeed, off)
		}
		off += headSize
	}
	for i := range entries {
		entries[i].off = off
		if !lend {
			c.buf = appendEntry(c.buf, &entries[i], m.active.crcSeed)
		}
		off += entries[i].size()
		switch entries[i].kind {
		case kindPut:
			m.active.values.Add(1)
		default:
			m.active.markers.Add(entries[i].size())
		}
	}
	m.size = off
	m.appended += engine.Position(total)
	w.ledger.pending.Add(total)
	m.active.owed.Add(notes)
	w.ledger.owed.Add(notes)
	return m.active, m.appended
}

// rotate begins a segment, with mu held. Its file is made by flush.
func (w *wal) rotate() {
	m := &w.mu
	n := w.number.Add(1)
	s := newSegment(w.fs, w.dir, header{number: n, lo: n, hi: n, cleaned: n, salt: newSalt()})
	s.inLog, s.base = true, m.appended
	w.segments.change(s, nil)
	if m.active != nil {
		m.rotated = append(m.rotated, m.active)
		w.unsettled.Store(int64(len(m.rotated)))
		w.wake() // to settle it
	}
	m.active, m.size = s, headerSize
	c := chunk{segment: s, buf: appendHeader(w.takeSpare(), &s.header)}
	m.tail = append(m.tail, c)
	m.appended += engine.Position(headerSize)
	w.ledger.pending.Add(headerSize)
}

// openNumber is a number that no complete segment reaches: what was appended to
// segments below it is all in the index, for who has the slot locked.
func (w *wal) openNumber() uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.active != nil {
		return w.mu.active.number
	}
	return w.number.Load() + 1
}

func newSalt() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// lastChunk is the chunk to append to, with mu held.
func (w *wal) lastChunk() *chunk {
	m := &w.mu
	if len(m.tail) == m.first || m.tail[len(m.tail)-1].loan != nil {
		m.tail = append(m.tail, chunk{segment: m.active, from: m.size, buf: w.takeSpare()})
	}
	return &m.tail[len(m.tail)-1]
}

func (w *wal) takeSpare() []byte {
	b := w.mu.spare
	w.mu.spare = nil
	return b[:0]
}

// fromTail copies the n bytes of the entry at off of a segment into buf, if they
// are in the tail. What is lent it copies only if the caller has no other way.
func (w *wal) fromTail(s *segment, off int64, n int, buf []byte, lent bool) ([]byte, bool) {
	m := &w.mu
	m.Lock()
	defer m.Unlock()
	for i := range m.tail {
		c := &m.tail[i]
		if c.segment == s && off >= c.from && off < c.from+c.size() {
			if c.loan != nil && lent {
				return c.loan.entry(buf, off, s.crcSeed)
			}
			if c.loan != nil {
				return buf, false
			}
			at := int(off - c.from)
			return append(buf[:0], c.buf[at:at+n]...), true
		}
	}
	return buf, false
}

// flush writes what was in the tail when it was called.
func (w *wal) flush() error { return w.flushTail(true) }

// flushSmall is flush, but for a large transaction and what comes after it: they
// are for those to write who may wait. (Only who lost the processor between two
// lines of this may find itself behind one.)
func (w *wal) flushSmall() error {
	if w.loans.Load() > 0 {
		return w.refusal()
	}
	return w.flushTail(false)
}

func (w *wal) flushTail(lent bool) error {
	if w.ledger.pending.Load() == 0 {
		return w.refusal()
	}
	w.mu.Lock()
	want := w.mu.appended
	w.mu.Unlock()
	w.writing.Lock()
	defer w.writing.Unlock()
	if s := w.stop.Load(); s != nil && s.broken {
		return s.err
	}
	w.mu.Lock()
	if w.mu.written >= want { // whoever had the lock before wrote it
		w.mu.Unlock()
		return nil
	}
	w.mu.first = len(w.mu.tail)
	if !lent {
		if i := slices.IndexFunc(w.mu.tail, func(c chunk) bool { return c.loan != nil }); i >= 0 {
			w.mu.first = i
		}
	}
	w.mu.Unlock()
	return w.writeChunks()
}

// writeChunks writes the chunks that flush has set aside, with writing held.
func (w *wal) writeChunks() error {
	m := &w.mu
	for {
		m.Lock()
		if m.first == 0 {
			look := m.unseen >= w.limit/looksPerSegment
			if look {
				m.unseen = 0
			}
			m.Unlock()
			w.roomAgain()
			if look {
				w.assess()
			}
			return nil
		}
		c := m.tail[0] // nobody else changes or removes it
		m.Unlock()
		created, err := w.writeChunk(&c)
		m.Lock()
		m.named = m.named || created
		if err != nil {
			m.first = 0 // more may be appended to what is left, and all is written later
			m.Unlock()
			return err
		}
		w.wrote(&c)
		m.Unlock()
	}
}

// wrote takes the first chunk, which is on file now, out of the tail.
func (w *wal) wrote(c *chunk) {
	m := &w.mu
	n := c.size()
	c.segment.size.Add(n)
	m.written += engine.Position(n)
	m.unseen += n
	w.ledger.disk.Add(n) // before it is no longer pending: see ledger.left
	w.ledger.pending.Add(-n)
	if c.loan != nil {
		w.loans.Add(-1)
	}
	m.tail = slices.Delete(m.tail, 0, 1)
	m.first--
	if c.buf != nil && cap(c.buf) <= maxSpare {
		m.spare = c.buf
	}
	if k := len(m.dirty); k == 0 || m.dirty[k-1] != c.segment {
		m.dirty = append(m.dirty, c.segment)
	}
}

// writeChunk appends a chunk to its file, all of it or nothing. It reports
// whether it made the file.
func (w *wal) writeChunk(c *chunk) (created bool, err error) {
	s := c.segment
	if s.file == nil {
		f, err := w.fs.Create(s.name)
		if err != nil {
			return false, w.failed(err)
		}
		s.file, created = f, true
	}
	n, err := c.writeTo(s.file)
	if err == nil {
		return created, nil
	}
	if n > 0 {
		// What was written in part would stand in the way of what comes.
		if cut := s.file.Truncate(c.from); cut != nil {
			return created, w.broken(errors.Join(err, cut))
		}
	}
	return created, w.failed(err)
}

// failed decides what a failed write means.
func (w *wal) failed(err error) error {
	if isFull(err) {
		return w.full(err)
	}
	return w.broken(err)
}
