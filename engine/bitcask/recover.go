package bitcask

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// loader builds the index from the segments, in the log's order. Nobody else
// uses the engine yet.
type loader struct {
	e     *Engine
	clean bool
	hints map[string]bool

	filling  *batch // what was read and is not yet in the index
	applying applying
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
	if err = e.checkList(c); err == nil {
		err = e.tidy(c, slices.Contains(names, cleanName))
	}
	if err != nil {
		c.close()
		return err
	}
	e.wal.number.Store(c.highest)
	l := &loader{e: e, clean: e.clean, hints: c.hints, filling: new(batch)}
	l.applying.init(e)
	for i, s := range c.segments {
		if err := l.load(s); err != nil {
			_ = l.applying.wait() // the first error counts
			for _, rest := range c.segments[i+1:] {
				rest.release()
			}
			return fmt.Errorf("bitcask: loading %s: %w", s.name, err)
		}
	}
	if err := l.applying.wait(); err != nil {
		return err
	}
	e.balance()
	return nil
}

// balance opens the ledger with what was found.
func (e *Engine) balance() {
	for _, s := range e.segments.all() {
		e.ledger.disk.Add(s.disk())
		if s.hasHint {
			s.owed.Store(0)
		}
		e.ledger.owed.Add(s.owed.Load())
	}
}

// reportOpen takes the problems that inspect finds. A file too short for a
// header is what a crash leaves of a segment that had just been begun: see tidy.
func (e *Engine) reportOpen(p Problem) {
	if p.headless && !e.clean && p.Size < headerSize {
		return
	}
	e.report(p)
}

// tidy removes what a crash has left over, and the mark of the last clean stop.
func (e *Engine) tidy(c *contents, marked bool) error {
	first := c.temps // the list is made as one of them
	if marked {
		first = append(first, filepath.Join(e.opts.Dir, cleanName))
	}
	for _, name := range first {
		if err := e.fs.Remove(name); err != nil {
			return err
		}
	}
	var names []string
	for _, s := range c.obsolete {
		names = append(names, s.name)
	}
	for hint := range c.hints {
		data := hint[:len(hint)-len(hintSuffix)] + dataSuffix
		if !slices.ContainsFunc(c.segments, func(s *segment) bool { return s.name == data }) {
			names = append(names, hint)
		}
	}
	torn := slices.DeleteFunc(c.headless, func(name string) bool { return !e.tornHead(name) })
	listed, err := e.listFound(c, torn)
	if err != nil {
		return err
	}
	if listed { // or else they may be on the old list
		names = append(names, torn...)
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
	if len(names)+len(first) == 0 {
		return nil
	}
	return e.fs.SyncDir(e.opts.Dir)
}

// listFound makes the list say what there is. It is false, without an error, if
// there is no room on the disk: the old list will do.
func (e *Engine) listFound(c *contents, torn []string) (bool, error) {
	if e.listed != nil && slices.Equal(listOf(c.segments), e.listed) && len(torn) == 0 {
		return true, nil
	}
	// A kill may have come before the segments, and their names, were durable.
	// Those with a hint were.
	for _, s := range c.segments {
		if !c.hints[s.hintName()] {
			if err := s.file.Sync(); err != nil {
				return false, err
			}
		}
	}
	if err := e.fs.SyncDir(e.opts.Dir); err != nil {
		return false, err
	}
	err := e.list(c.segments)
	if isFull(err) {
		e.log.Warn("bitcask: the list of segments is not up to date", "error", err)
		return false, nil
	}
	return err == nil, err
}

// tornHead reports whether a file without a header is a segment that a crash
// kept from being begun. None of them is on the list: see contents.missing.
func (e *Engine) tornHead(name string) bool {
	f, err := e.fs.Open(name, false)
	if err != nil {
		return false
	}
	size, err := f.Size()
	if errors.Join(err, f.Close()) != nil || e.clean || size >= headerSize {
		return false
	}
	e.log.Warn("bitcask: torn tail cut", "file", name, "offset", 0, "bytes", size)
	return true
}

// load enters a segment's entries into the index: from its hint if that is
// whole, from the segment itself otherwise.
func (l *loader) load(s *segment) error {
	l.e.segments.change(s, nil)
	hinted := l.hints[s.hintName()]
	if hinted {
		err := l.loadHint(s)
		if flushed := l.flush(); flushed != nil {
			return flushed
		}
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
		if err := l.applying.wait(); err != nil {
			return err
		}
		s.owed.Store(0)
		s.values.Store(0)
		s.markers.Store(0)
	}
	// A segment with a hint was complete and durable, and so is all after a
	// clean stop: what is damaged there is no torn tail.
	if err := l.scan(s, !hinted && !l.clean && s.number == s.lo); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
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
	apply := func(n *note) error { return l.take(s, n) }
	if err := readHint(f, size, s, s.size.Load(), nil, apply); err != nil {
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
		if it.state != whole {
			l.e.reportItem(s, &it)
		}
		if it.kind == kindBatch || it.state == gap || it.state == badKey {
			continue
		}
		if err := l.take(s, it.note()); err != nil {
			return err
		}
	}
}

// take puts an entry into the batch, and the batch into the index when it is
// full.
func (l *loader) take(s *segment, n *note) error {
	if l.filling.seg = s; l.filling.add(n) {
		return l.flush()
	}
	return nil
}

// flush hands the batch over, once the last one is done with.
func (l *loader) flush() (err error) {
	if l.filling.count > 0 {
		l.filling, err = l.applying.begin(l.filling)
	}
	return err
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
