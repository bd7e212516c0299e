package bitcask

import (
	"bytes"

	"github.com/rldb/rldb/engine"
)

// TryScan carries sc out if it wants no values: all else is in the index.
func (e *Engine) TryScan(sc *engine.Scan) bool {
	if sc.Err = e.check(); sc.Err != nil {
		return true
	}
	if sc.Values && e.index.Len(sc.Slot) > 0 {
		return false
	}
	in := engine.Scan{Slot: sc.Slot, From: sc.From, Visit: bare{sc.Visit}}
	e.index.TryScan(&in)
	sc.Err = in.Err
	return true
}

// bare hands an entry of the index on without its location.
type bare struct{ engine.Visitor }

func (v bare) Visit(k engine.Key, e engine.Entry) bool {
	e.Value = nil
	return v.Visitor.Visit(k, e)
}

const (
	pageKeys  = 128
	pageBytes = 1 << 20
)

// pager carries out a scan with values. It notes a page of locations with the
// slot locked, reads the values with nothing locked, and walks over the page
// again, with the slot locked, to hand out those that are still there. An entry
// that has changed meanwhile ends the page.
type pager struct {
	e    *Engine
	sc   *engine.Scan
	page []noted
	size int64

	at     uint64 // goes on behind the entry (at, name), or with the first of at
	name   []byte
	within bool

	phase   func(engine.Key, engine.Entry) bool
	next    int // of the page, during the second walk
	visited bool
	ended   bool // the visitor has had enough
	stuck   int  // pages in a row that handed out nothing
}

// noted is an entry of a page.
type noted struct {
	key     engine.Key
	fetched fetched
}

func (p *pager) run() {
	p.at = p.sc.From
	for p.sc.Err == nil {
		p.page, p.size, p.visited = p.page[:0], 0, false
		if !p.walk(p.note) || len(p.page) == 0 {
			return
		}
		p.read()
		p.next = 0
		if !p.walk(p.hand) || p.ended {
			return
		}
		p.stuck++
		if p.visited {
			p.stuck = 0
		}
	}
}

// walk goes over the slot's entries behind the last one handed out.
func (p *pager) walk(phase func(engine.Key, engine.Entry) bool) bool {
	p.phase = phase
	in := engine.Scan{Slot: p.sc.Slot, From: p.at, Values: true, Visit: p}
	p.e.index.TryScan(&in)
	if in.Err != nil {
		p.sc.Err = in.Err
	}
	return p.sc.Err == nil
}

// Visit is called by the index, with the slot locked.
func (p *pager) Visit(k engine.Key, e engine.Entry) bool {
	if p.within && k.Hash == p.at && bytes.Compare(k.Name, p.name) <= 0 {
		return true
	}
	return p.phase(k, e)
}

// note is the first walk.
func (p *pager) note(k engine.Key, e engine.Entry) bool {
	n := noted{key: engine.Key{Slot: k.Slot, Hash: k.Hash, Name: bytes.Clone(k.Name)}}
	n.fetched.loc = parseLocation(e.Value)
	s := p.e.segments.get(n.fetched.loc.segment)
	n.fetched.fromTail(p.e.wal, s, &n.key, p.stuck >= looks)
	switch {
	case n.fetched.have:
	case p.stuck >= looks:
		n.fetched.read(s, &n.key, false)
	default:
		s.refs.Add(1)
		n.fetched.segment = s
	}
	p.page = append(p.page, n)
	p.size += putSize(len(k.Name), n.fetched.loc.value)
	return len(p.page) < pageKeys && p.size < pageBytes && p.stuck < looks
}

// read is what happens between the walks.
func (p *pager) read() {
	for i := range p.page {
		f := &p.page[i].fetched
		if f.segment == nil {
			continue
		}
		f.fetch(p.e.wal, &p.page[i].key, false)
		if f.err != nil {
			p.e.found(f.segment, f.loc.off, f.err)
		}
		f.segment.release()
		f.segment = nil
	}
}

// hand is the second walk.
func (p *pager) hand(k engine.Key, e engine.Entry) bool {
	for p.next < len(p.page) && p.page[p.next].before(k) {
		p.next++ // it was removed meanwhile
	}
	if p.next == len(p.page) {
		return false
	}
	n := &p.page[p.next]
	if !n.fetched.have || !bytes.Equal(n.key.Name, k.Name) || n.fetched.loc != parseLocation(e.Value) {
		return p.handLocked(k, e)
	}
	p.next++
	return p.give(k, e, &n.fetched)
}

// handLocked hands out an entry that has changed, if its value is in the tail,
// or nothing else has helped.
func (p *pager) handLocked(k engine.Key, e engine.Entry) bool {
	f := fetched{loc: parseLocation(e.Value)}
	s := p.e.segments.get(f.loc.segment)
	f.fromTail(p.e.wal, s, &k, p.stuck >= looks)
	if !f.have && p.stuck >= looks {
		f.read(s, &k, false)
	}
	return f.have && p.give(k, e, &f)
}

func (p *pager) give(k engine.Key, e engine.Entry, f *fetched) bool {
	if p.sc.Err = f.err; f.err != nil {
		return false
	}
	p.at, p.name, p.within = k.Hash, append(p.name[:0], k.Name...), true
	p.visited = true
	e.Value = f.value
	p.ended = !p.sc.Visit.Visit(k, e)
	return !p.ended
}

// before reports whether the entry stands before k in the slot's order.
func (n *noted) before(k engine.Key) bool {
	return n.key.Hash < k.Hash || n.key.Hash == k.Hash && bytes.Compare(n.key.Name, k.Name) < 0
}

// droplog appends the record of a drop at the moment that it takes effect, and
// keeps account of what it freed.
type droplog struct {
	e    *Engine
	slot uint16
	pos  engine.Position
}

func (d *droplog) Detached() {
	_, d.pos = d.e.wal.append([]entry{{kind: kindDrop, key: &engine.Key{Slot: d.slot}}}, false)
}

func (d *droplog) Freed(k engine.Key, e engine.Entry) {
	d.e.died(&k, e.Value)
	d.e.mark(e.Value)
}

// Drop removes all entries of a slot. It may wait for the disk.
func (e *Engine) Drop(slot uint16) error {
	if err := e.check(); err != nil {
		return err
	}
	if e.index.Len(slot) == 0 {
		return nil
	}
	if err := e.room(); err != nil {
		return err
	}
	// Until all is accounted for, no delete marker may go, and no merge leaves out
	// for sure what is dead: see planner.reapable and merger.cleaned.
	e.dropping.Add(1)
	defer e.dropping.Add(-1)
	d := &droplog{e: e, slot: slot}
	if err := e.index.DropWith(slot, d); err != nil {
		return err
	}
	return e.wal.flush()
}
