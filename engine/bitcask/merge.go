package bitcask

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rldb/rldb/engine"
)

// merger turns a run of segments into one, which takes their place in the log's
// order. Reads and writes go on.
type merger struct {
	e    *Engine
	run  run
	out  *segment
	data File
	hint *hintWriter
	buf  []byte // not yet written to data
	size int64  // of the segment, with buf
	took int64  // bytes written, hint and all

	// Where the values came from: move reads what copySegment has noted.
	origins origins

	// An index transaction that asks for, or changes, a location.
	txn     engine.Txn
	keys    [1]engine.Key
	found   bool  // what it was asked
	note    *note // what it moves, if anything, from where
	from    *segment
	fromOff int64
	// Keys that are about to be looked up: the index fetches them together.
	ahead [lookAhead]engine.Key
	// A location that is being put into the index.
	place [maxLocation]byte
}

var errDamaged = errors.New("bitcask: a segment is damaged and stays as it is")

// merge carries a run out. Whenever it fails, or the process ends, either the
// run or the new segment counts, never both and never neither.
func (k *keeper) merge(r run) (err error) {
	e := k.e
	m := &merger{e: e, run: r}
	m.txn.Step = m
	h := header{lo: r.lo(), hi: r.hi(), cleaned: m.cleaned(), salt: newSalt()}
	h.number = e.wal.number.Add(1)
	m.out = newSegment(e.fs, e.opts.Dir, h)
	if err := m.write(k.pace); err != nil {
		return m.giveUp(err)
	}
	// What the new segment leaves out was overwritten. That must be as durable
	// as the old value was before the old value goes.
	if err := e.wal.sync(); err != nil {
		return m.giveUp(err)
	}
	if err := m.publish(); err != nil {
		return e.wal.broken(err)
	}
	e.segments.change(m.out, nil)
	if err := m.move(); err != nil {
		return e.wal.broken(err)
	}
	e.figures.merges.Add(1)
	return m.removeOld()
}

// cleaned is the number below which every segment's delete markers have done
// their work when the copying begins: what they made dead is marked, and left
// out. It waits for those who have written a marker and not yet set the mark.
func (m *merger) cleaned() uint32 {
	open := m.e.wal.openNumber()
	if m.e.dropping.Load() == 0 { // a drop that begins now has its record later
		m.e.index.Barrier()
		return open
	}
	cleaned := m.run.segments[0].cleaned
	for _, s := range m.run.segments {
		cleaned = min(cleaned, s.cleaned)
	}
	return cleaned
}

func (m *merger) temp() string     { return m.out.name + tempSuffix }
func (m *merger) hintTemp() string { return m.out.hintName() + tempSuffix }

// giveUp removes what was written of the new segment.
func (m *merger) giveUp(err error) error {
	for _, f := range []File{m.data, m.hintFile()} {
		if f != nil {
			_ = f.Close() // it is removed
		}
	}
	for _, name := range []string{m.temp(), m.hintTemp()} {
		_ = m.e.fs.Remove(name) // or else the next start does
	}
	m.e.ledger.disk.Add(-m.took)
	if errors.Is(err, errQuit) || errors.Is(err, errDamaged) || isFull(err) || errors.Is(err, engine.ErrBroken) || errors.Is(err, engine.ErrDiskFull) {
		return err
	}
	return m.e.wal.broken(err)
}

func (m *merger) hintFile() File {
	if m.hint == nil {
		return nil
	}
	return m.hint.file
}

// write makes the new segment and its hint under temporary names, durable.
func (m *merger) write(p *pace) error {
	var err error
	if m.data, err = m.e.fs.Create(m.temp()); err != nil {
		return err
	}
	f, err := m.e.fs.Create(m.hintTemp())
	if err != nil {
		return err
	}
	m.buf = appendHeader(nil, &m.out.header)
	m.size = headerSize
	notes := newHintWriter(f, m.out, m.account)
	m.hint = notes
	for _, s := range m.run.segments {
		if err := m.copySegment(s, p); err != nil {
			return err
		}
	}
	if err := m.flush(); err != nil {
		return err
	}
	if err := m.data.Sync(); err != nil {
		return err
	}
	m.out.size.Store(m.size)
	m.out.file = m.data
	return notes.finish(m.size)
}

// copySegment copies what is still needed of one segment.
func (m *merger) copySegment(s *segment, p *pace) error {
	m.origins.begin()
	sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize, pace: p.take, skip: s.dead.has}
	for {
		it, ok, err := sc.next()
		if err != nil {
			return m.readFailed(s, err)
		}
		if !ok {
			return nil
		}
		if it.state != whole {
			m.e.reportItem(s, &it)
		}
		if s.damaged.Load() {
			return errDamaged
		}
		if it.kind == kindBatch || it.skipped || !m.needs(&it) {
			continue
		}
		if err := m.copyItem(&sc, &it); err != nil {
			return err
		}
	}
}

// readFailed keeps a segment that cannot be read from being merged again: that
// is no reason to refuse writes.
func (m *merger) readFailed(s *segment, err error) error {
	if errors.Is(err, errQuit) {
		return err
	}
	s.damaged.Store(true)
	m.e.log.Error("bitcask: a segment cannot be read", "file", s.name, "error", err)
	return errDamaged
}

// needs reports whether the new segment must have an item: a value that is not
// marked as dead, or a delete marker. A marker is of no use if its key has a
// value again, which is newer and says all that the marker said.
func (m *merger) needs(it *item) bool {
	switch it.kind {
	case kindPut:
		return true
	case kindDelete:
		return !m.run.reap && !m.present(it.slot, it.note().name())
	default:
		return !m.run.reap
	}
}

// present reports whether a key has a value.
func (m *merger) present(slot uint16, name []byte) bool {
	m.note = nil
	m.keys[0] = engine.Key{Slot: slot, Hash: engine.Hash(name), Name: name}
	m.txn.Keys, m.txn.Mode = m.keys[:], engine.Read
	m.e.index.Try(&m.txn)
	return m.found
}

// Decide is called by the index, for present and moveOne.
func (m *merger) Decide(t *engine.Txn) {
	m.found = t.Old[0].Found
	n := m.note
	if n == nil {
		return
	}
	if !m.found || !isAt(t.Old[0].Value, m.from.number, m.fromOff) {
		m.e.marked.Add(m.out.dead.set(n.off))
		return
	}
	m.from.die(len(n.name()), n.value)
	m.out.become(len(n.name()), n.value)
	loc := location{off: n.off, segment: m.out.number, value: n.value}
	t.New[0] = engine.Change{Action: engine.Put, Meta: t.Old[0].Meta, Head: appendLocation(m.place[:0], loc)}
}

// Done is never called: the index does all at once.
func (m *merger) Done(*engine.Txn) {}

// copyItem appends an item as it is, damaged value and all: only its header is
// made anew, for its new place.
func (m *merger) copyItem(sc *scanner, it *item) error {
	n := it.note()
	n.off = m.size
	m.hint.add(n)
	m.buf = appendHead(m.buf, &it.head, m.out.crcSeed, m.size)
	m.size += it.head.size()
	switch it.kind {
	case kindPut:
		m.out.values.Add(1)
		m.origins.add(it.off, it.end)
	default:
		m.out.markers.Add(it.head.size())
	}
	m.e.figures.mergedBytes.Add(it.head.size())
	for at := it.off + headSize; at < it.end; {
		part := int(min(it.end-at, windowSize))
		b, err := sc.peek(at, part)
		if err != nil {
			return err
		}
		m.buf = append(m.buf, b...)
		at += int64(part)
		if len(m.buf) >= windowSize {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// account notes bytes that were written. They were kept free for that.
func (m *merger) account(n int) {
	l := &m.e.ledger
	m.took += int64(n)
	l.disk.Add(int64(n)) // before they are given free: see ledger.left
	l.reserve.Store(max(0, l.reserve.Load()-int64(n)))
}

func (m *merger) flush() error {
	n, err := m.data.Write(m.buf)
	m.account(n)
	if err == nil && n < len(m.buf) {
		err = io.ErrShortWrite
	}
	m.buf = m.buf[:0]
	return err
}

// publish puts the new segment into place: with the rename of its data it
// counts, and the run does not.
func (m *merger) publish() error {
	fs := m.e.fs
	if err := fs.Rename(m.hintTemp(), m.out.hintName()); err != nil {
		return err
	}
	if err := fs.Rename(m.temp(), m.out.name); err != nil {
		return err
	}
	m.out.hint.Store(m.hint.size)
	m.out.hasHint = true
	m.out.settled.Store(true)
	return fs.SyncDir(m.e.opts.Dir)
}

// move points the index to the new segment, for each value that the index still
// refers to where it was copied from. The others have died meanwhile.
func (m *merger) move() error {
	f := m.hint.file
	m.origins.rewind()
	err := readHint(f, m.hint.size, m.out, m.size, m.fetch, m.moveOne)
	return errors.Join(err, f.Close())
}

// fetch has the index fetch the keys that moveOne will look up next.
func (m *merger) fetch(notes []note) {
	keys := m.ahead[:0]
	for i := range notes {
		if n := &notes[i]; n.kind == kindPut {
			keys = append(keys, engine.Key{Slot: n.slot, Hash: engine.Hash(n.name()), Name: n.name()})
		}
	}
	m.e.index.Prefetch(keys)
}

func (m *merger) moveOne(n *note) error {
	if n.kind != kindPut {
		return nil
	}
	i, off, ok := m.origins.next(n.end() - n.off)
	if !ok {
		return errors.New("bitcask: a merged hint lists more than was copied")
	}
	m.note, m.from, m.fromOff = n, m.run.segments[i], off
	name := n.name()
	m.keys[0] = engine.Key{Slot: n.slot, Hash: engine.Hash(name), Name: name}
	m.txn.Keys, m.txn.Mode = m.keys[:], engine.Write
	m.e.index.Try(&m.txn)
	return m.txn.Err
}

// isAt reports whether a place is this one.
func isAt(place []byte, segment uint32, off int64) bool {
	loc := parseLocation(place)
	return loc.segment == segment && loc.off == off
}

// removeOld removes the run, to which nothing refers any more, and then the new
// segment if it is empty: in this order, or an old value could come back.
func (m *merger) removeOld() error {
	// What becomes free is for the next merge first, whose size is not known yet:
	// nothing is written until the keeper has looked.
	m.e.ledger.reserve.Store(m.run.hold)
	if err := m.e.remove(m.run.segments); err != nil {
		return err
	}
	if m.out.values.Load() > 0 || m.out.markers.Load() > 0 {
		return nil
	}
	all := slices.DeleteFunc(m.e.segments.ordered(), func(s *segment) bool { return s == m.out })
	switch err := m.e.list(listable(all)); {
	case isFull(err):
		return err // it stays, for what is on the list
	case err != nil:
		return m.e.wal.broken(err)
	}
	return m.e.remove([]*segment{m.out})
}

// remove removes segments that the index does not refer to.
func (e *Engine) remove(old []*segment) error {
	e.segments.change(nil, old)
	var errs []error
	for _, s := range old {
		if s.hasHint {
			errs = append(errs, e.fs.Remove(s.hintName()))
		}
		errs = append(errs, e.fs.Remove(s.name))
		e.marked.Add(-s.dead.drop())
		e.ledger.disk.Add(-s.disk())
		e.ledger.owed.Add(-s.owed.Swap(0))
		s.release()
	}
	errs = append(errs, e.fs.SyncDir(e.opts.Dir))
	if err := errors.Join(errs...); err != nil {
		return e.wal.broken(fmt.Errorf("removing merged segments: %w", err))
	}
	return nil
}

// writeHint writes the hint of a settled segment.
func (k *keeper) writeHint(s *segment) error {
	temp := s.hintName() + tempSuffix
	f, err := k.e.fs.Create(temp)
	if err != nil {
		return err
	}
	w := newHintWriter(f, s, nil)
	err = k.fillHint(s, w)
	if err == nil {
		err = w.finish(s.size.Load())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		_ = k.e.fs.Remove(temp) // or else the next start does
		return err
	}
	if err := k.e.fs.Rename(temp, s.hintName()); err != nil {
		return err
	}
	s.hint.Store(w.size)
	s.hasHint = true
	k.e.ledger.disk.Add(w.size) // before it is no longer owed: see ledger.left
	k.e.ledger.owed.Add(-s.owed.Swap(0))
	return nil
}

func (k *keeper) fillHint(s *segment, w *hintWriter) error {
	sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize}
	for {
		it, ok, err := sc.next()
		if err != nil || !ok {
			return err
		}
		if it.state != whole {
			k.e.reportItem(s, &it)
		}
		if it.kind != kindBatch && it.state != gap && it.state != badKey {
			w.add(it.note())
		}
	}
}
