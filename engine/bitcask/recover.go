package bitcask

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/rldb/rldb/engine"
)

// loader builds the index from the segments, in the log's order. Nobody else
// uses the engine yet.
type loader struct {
	e     *Engine
	clean bool
	hints map[string]bool

	txn  engine.Txn
	keys [1]engine.Key
	note *note
	seg  *segment
}

// recover brings the directory into order and loads it.
func (e *Engine) recover() error {
	names, err := e.fs.List(e.opts.Dir)
	if err != nil {
		return err
	}
	if err := checkMark(e.fs, e.opts.Dir, names, true); err != nil {
		return err
	}
	if names, err = e.fs.List(e.opts.Dir); err != nil { // without what that has tidied
		return err
	}
	fresh := !slices.ContainsFunc(names, func(n string) bool { return filepath.Ext(n) == dataSuffix })
	e.clean = fresh || slices.Contains(names, cleanName)
	c, err := inspect(e.fs, e.opts.Dir, names, true, e.reportOpen)
	if err != nil {
		return err
	}
	if err := e.tidy(c, slices.Contains(names, cleanName)); err != nil {
		c.close()
		return err
	}
	e.wal.number.Store(c.highest)
	l := &loader{e: e, clean: e.clean, hints: c.hints}
	l.txn.Mode, l.txn.Step = engine.Write, l
	for i, s := range c.segments {
		if err := l.load(s); err != nil {
			for _, rest := range c.segments[i:] {
				rest.release()
			}
			return fmt.Errorf("bitcask: loading %s: %w", s.name, err)
		}
	}
	return nil
}

// reportOpen takes the problems that inspect finds. A file too short for a
// header is what a crash leaves of a segment that had just been begun.
func (e *Engine) reportOpen(p Problem) {
	if p.headless && !e.clean && p.Size < headerSize {
		e.log.Warn("bitcask: torn tail cut", "file", p.File, "offset", 0, "bytes", p.Size)
		return
	}
	e.report(p)
}

// tidy removes what a crash has left over, and the mark of the last clean stop.
func (e *Engine) tidy(c *contents, marked bool) error {
	var names []string
	names = append(names, c.temps...)
	for _, s := range c.obsolete {
		names = append(names, s.name)
	}
	for hint := range c.hints {
		data := hint[:len(hint)-len(hintSuffix)] + dataSuffix
		if !slices.ContainsFunc(c.segments, func(s *segment) bool { return s.name == data }) {
			names = append(names, hint)
		}
	}
	if marked {
		names = append(names, filepath.Join(e.opts.Dir, cleanName))
	}
	for _, name := range c.headless {
		if e.tornHead(name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if err := e.fs.Remove(name); err != nil {
			return err
		}
	}
	for _, s := range c.obsolete {
		s.release()
	}
	c.obsolete = nil
	if len(names) == 0 {
		return nil
	}
	return e.fs.SyncDir(e.opts.Dir)
}

// tornHead reports whether a file without a header is a segment that a crash
// kept from being begun.
func (e *Engine) tornHead(name string) bool {
	f, err := e.fs.Open(name, false)
	if err != nil {
		return false
	}
	size, err := f.Size()
	return errors.Join(err, f.Close()) == nil && !e.clean && size < headerSize
}

// load enters a segment's entries into the index: from its hint if that is
// whole, from the segment itself otherwise.
func (l *loader) load(s *segment) error {
	l.e.segments.change(s, nil)
	l.seg = s
	hinted := l.hints[s.hintName()]
	if hinted {
		err := l.loadHint(s)
		if err == nil {
			l.e.figures.hintLoads.Add(1)
			s.hasHint = true
			s.settled.Store(true)
			return nil
		}
		if !errors.Is(err, errHint) {
			return err
		}
		l.e.report(Problem{File: s.hintName(), What: err.Error()})
		s.values.Store(0)
		s.markers.Store(0)
	}
	// A segment with a hint was complete and durable, and so is all after a
	// clean stop: what is damaged there is no torn tail.
	if err := l.scan(s, !hinted && !l.clean && s.number == s.lo); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil { // it may be in the page cache only
		return err
	}
	s.settled.Store(true)
	return nil
}

func (l *loader) loadHint(s *segment) error {
	f, err := l.e.fs.Open(s.hintName(), false)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Size()
	if err != nil {
		return err
	}
	if err := readHint(f, size, s, s.size.Load(), nil, l.apply); err != nil {
		return err
	}
	s.hint.Store(size)
	return nil
}

// scan enters a segment's entries by reading all of it. With torn, damage that
// nothing whole comes after is cut off.
func (l *loader) scan(s *segment, torn bool) error {
	sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize}
	for {
		it, ok, err := sc.next()
		if err != nil || !ok {
			return err
		}
		if torn {
			cut, err := isTorn(&sc, &it)
			if err != nil {
				return err
			}
			if cut {
				return l.cut(s, it.off)
			}
		}
		if err := l.take(s, &it); err != nil {
			return err
		}
	}
}

// take enters one item.
func (l *loader) take(s *segment, it *item) error {
	if it.state != whole {
		l.e.reportItem(s, it)
	}
	if it.kind == kindBatch || it.state == gap || it.state == badKey {
		return nil
	}
	return l.apply(it.note())
}

// isTorn reports whether an item is where a torn tail begins: nothing whole
// comes after it, and it is damaged, or is a batch that is not all there.
func isTorn(sc *scanner, it *item) (bool, error) {
	probe := *sc
	probe.window, probe.start = nil, 0
	end := it.end
	switch {
	case it.kind == kindBatch && it.state == whole:
		end = it.off + headSize + int64(it.value)
		complete, err := batchIsWhole(&probe, it, end)
		if complete || err != nil {
			return false, err
		}
	case it.state == whole:
		return false, nil
	case it.state == gap:
		return it.end == sc.size, nil
	}
	if end >= sc.size {
		return true, nil
	}
	next, err := probe.resync(end)
	return next == sc.size, err
}

// batchIsWhole reports whether all entries of a batch are there.
func batchIsWhole(probe *scanner, batch *item, end int64) (bool, error) {
	if end > probe.size {
		return false, nil
	}
	n := uint32(0)
	for probe.off = batch.end; probe.off < end; n++ {
		it, ok, err := probe.next()
		if err != nil || !ok || it.state != whole || it.kind == kindBatch {
			return false, err
		}
	}
	return n == batch.name && probe.off == end, nil
}

// cut cuts a torn tail off.
func (l *loader) cut(s *segment, off int64) error {
	l.e.log.Warn("bitcask: torn tail cut", "file", s.name, "offset", off, "bytes", s.size.Load()-off)
	l.e.figures.torn.Add(s.size.Load() - off)
	s.size.Store(off)
	return s.file.Truncate(off)
}

// apply enters one entry.
func (l *loader) apply(n *note) error {
	if n.kind == kindDrop {
		l.seg.markers.Add(headSize)
		return l.e.index.DropWith(n.slot, l)
	}
	name := n.name()
	if n.kind == kindPut {
		l.seg.values.Add(1)
	} else {
		l.seg.markers.Add(n.end() - n.off)
	}
	l.note = n
	l.keys[0] = engine.Key{Slot: n.slot, Hash: engine.Hash(name), Name: name}
	l.txn.Keys = l.keys[:]
	l.e.index.Try(&l.txn)
	return l.txn.Err
}

// Decide is called by the index for apply.
func (l *loader) Decide(t *engine.Txn) {
	k, n := &l.keys[0], l.note
	if t.Old[0].Found {
		l.e.died(k, t.Old[0].Value)
		t.New[0].Action = engine.Delete
	}
	if n.kind != kindPut {
		return
	}
	loc := location{off: n.off, segment: l.seg.number, value: n.value}
	t.New[0] = engine.Change{
		Action: engine.Put, Meta: engine.Meta(n.key[:metaSize]), Head: appendLocation(nil, loc),
	}
	l.e.born(l.seg, k, n.value)
}

// Done is never called: the index does all at once.
func (l *loader) Done(*engine.Txn) {}

// Detached is called by the index for a drop.
func (l *loader) Detached() {}

// Freed is called by the index for each entry that a drop removes.
func (l *loader) Freed(k engine.Key, e engine.Entry) { l.e.died(&k, e.Value) }
