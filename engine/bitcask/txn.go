package bitcask

import (
	"errors"

	"github.com/rldb/rldb/engine"
)

// op carries out one transaction of the caller's as a transaction of the index,
// whose values are locations.
//
// It first looks with the slots locked. What is in the tail it has at once; what
// is on disk it reads with nothing locked, and looks again: a value counts only
// if the index still refers to where it was read. So nothing waits for a disk
// with a slot locked, unless others overwrite the keys time and again.
type op struct {
	e     *Engine
	t     *engine.Txn // the caller's
	inner engine.Txn  // the index's; op is its Step
	got   []fetched   // by key

	patient bool // may wait for a disk
	locked  bool // may wait for it with the slots locked
	missing bool // the last look found values that have to be read
	decided bool // t is over

	entries []entry
	lent    bool  // the log refers to entries until it is repaid
	which   []int // key of each entry
}

// fetched is a value as it was read from a location.
type fetched struct {
	loc     location
	have    bool
	segment *segment // referred to while loc has to be read
	value   []byte
	err     error
	buf     []byte
	place   [maxLocation]byte // the new location's bytes
}

const (
	looks   = 4        // before an op reads with its slots locked
	maxKept = 64 << 10 // memory that a value's buffer may keep between uses
)

// Try carries t out unless that needs the disk.
func (e *Engine) Try(t *engine.Txn) bool {
	if over, ready := e.admit(t); over || !ready {
		return over
	}
	o := e.newOp(t)
	ok := o.run()
	e.freeOp(o)
	return ok
}

// Prefetch fetches the locations of the keys.
func (e *Engine) Prefetch(keys []engine.Key) { e.index.Prefetch(keys) }

// admit checks what can be checked first. Over: t has failed. Not ready: it has
// to wait for room in the tail, or on the disk.
func (e *Engine) admit(t *engine.Txn) (over, ready bool) {
	t.Prepare()
	if t.Err = e.check(); t.Err != nil {
		return true, false
	}
	for i := range t.Keys {
		if len(t.Keys[i].Name) > engine.MaxKey {
			t.Err = engine.ErrTooLarge
			return true, false
		}
	}
	if t.Mode == engine.Read {
		return false, true
	}
	if t.Err = e.wal.refusal(); t.Err != nil {
		return true, false
	}
	return false, e.ledger.pending.Load() < e.opts.TailBytes && e.wal.unsettled.Load() < maxUnsettled && !e.keeper.behind()
}

// maxUnsettled bounds how far writes may get ahead of the disk, and so what
// merging does not know of yet.
const maxUnsettled = 2

func (e *Engine) newOp(t *engine.Txn) *op {
	o := e.ops.Get().(*op)
	o.e, o.t = e, t
	o.inner.Keys, o.inner.Step, o.inner.Mode = t.Keys, o, engine.Read
	if t.Mode != engine.Read {
		o.inner.Mode = engine.Write // a location is wanted in any case
	}
	if len(t.Keys) > cap(o.got) {
		o.got = make([]fetched, len(t.Keys))
	}
	o.got = o.got[:len(t.Keys)]
	return o
}

// freeOp keeps what may be used again. An op whose Decide panicked never comes
// here, which costs no more than its memory.
func (e *Engine) freeOp(o *op) {
	for i := range o.got {
		g := &o.got[i]
		buf := g.buf
		if cap(buf) > maxKept || len(o.got) > 64 {
			buf = nil
		}
		*g = fetched{buf: buf}
	}
	clear(o.entries)
	*o = op{inner: engine.Txn{Old: o.inner.Old, New: o.inner.New}, got: o.got, entries: o.entries[:0], which: o.which[:0]}
	e.ops.Put(o)
}

// run carries the transaction out. It is false, and nothing has happened, if
// that would have to wait.
func (o *op) run() bool {
	for i := 0; ; i++ {
		o.locked = o.patient && i >= looks
		o.e.index.Try(&o.inner)
		if o.inner.Err != nil {
			o.t.Err = o.inner.Err
			if len(o.entries) > 0 { // the log has what the index has no memory for
				o.t.Err = o.e.wal.broken(o.inner.Err)
			}
			return true
		}
		if o.decided {
			return true
		}
		if !o.fetch() || i >= looks {
			return false
		}
	}
}

// Decide is called by the index, with the slots locked.
func (o *op) Decide(x *engine.Txn) {
	o.missing = false
	for i := range x.Old {
		o.look(i, &x.Old[i])
	}
	if o.missing {
		return
	}
	o.decided = true
	for i := range o.got {
		if o.t.Err = o.got[i].err; o.t.Err != nil {
			return
		}
	}
	o.t.Step.Decide(o.t)
	if o.t.Mode != engine.Read {
		o.commit(x)
	}
}

// Done is never called: the index does all at once.
func (o *op) Done(*engine.Txn) {}

// look fills t.Old[i], or finds that its value has to be read first.
func (o *op) look(i int, old *engine.Entry) {
	g := &o.got[i]
	if !old.Found {
		g.err = nil
		o.t.Old[i] = engine.Entry{}
		return
	}
	o.t.Old[i] = engine.Entry{Found: true, Meta: old.Meta}
	loc := parseLocation(old.Value)
	s := o.e.segments.get(loc.segment)
	if s.inLog {
		// What was read is answered for only once it is as durable as a write.
		end := loc.off + putSize(len(o.t.Keys[i].Name), loc.value)
		o.t.Pos = max(o.t.Pos, s.base+engine.Position(end))
	}
	if o.t.Mode == engine.Blind {
		return
	}
	if !g.have || g.loc != loc {
		g.loc, g.have, g.err = loc, false, nil
		if !o.mayCopy(g) {
			o.missing = true // and fetch is false
			return
		}
		g.fromTail(o.e.wal, s, &o.t.Keys[i], o.locked)
	}
	switch {
	case g.have:
	case o.locked:
		g.read(s, &o.t.Keys[i], false)
	default:
		s.refs.Add(1)
		g.segment, o.missing = s, true
		return
	}
	o.t.Old[i].Value = g.value
}

// mayCopy reports whether a value is not too large to be copied by who serves
// others meanwhile.
func (o *op) mayCopy(g *fetched) bool { return o.patient || int64(g.loc.value) < o.e.opts.large }

// fromTail takes the value from the tail if it is there, and not lent or lent is
// true.
func (g *fetched) fromTail(w *wal, s *segment, k *engine.Key, lent bool) {
	n := putSize(len(k.Name), g.loc.value)
	if g.loc.off+n <= s.size.Load() {
		return
	}
	g.buf, g.have = w.fromTail(s, g.loc.off, int(n), g.buf, lent)
	if g.have {
		g.value = g.buf[headSize+metaSize+len(k.Name):]
	}
}

// read reads the value from the file. It is false if that would have to wait.
func (g *fetched) read(s *segment, k *engine.Key, cached bool) bool {
	g.value, g.buf, g.err = s.read(g.loc, k, g.buf, cached)
	if errors.Is(g.err, errNotCached) {
		g.err = nil
		return false
	}
	g.have = true
	return true
}

// fetch reads the value that the last look has missed, with nothing locked. It is
// false if that would have to wait, and may only be cached. If what is lent
// cannot be written there is no value: the next look finds it in the tail.
func (g *fetched) fetch(w *wal, k *engine.Key, cached bool) bool {
	unwritten := func() bool { return g.loc.off+putSize(len(k.Name), g.loc.value) > g.segment.size.Load() }
	if unwritten() {
		if cached {
			return false
		}
		if _ = w.flush(); unwritten() {
			return true
		}
	}
	return g.read(g.segment, k, cached)
}

// fetch reads what the last look has missed, with nothing locked. It is false
// if that would have to wait, and o may not.
func (o *op) fetch() bool {
	ok := true
	for i := range o.got {
		g := &o.got[i]
		if !o.mayCopy(g) {
			ok = false
		}
		if g.segment == nil {
			continue
		}
		if ok {
			ok = g.fetch(o.e.wal, &o.t.Keys[i], !o.patient)
		}
		if g.err != nil {
			o.e.found(g.segment, g.loc.off, g.err)
		}
		g.segment.release()
		g.segment = nil
	}
	return ok
}

// commit appends what was decided to the log, and points the index to it.
func (o *op) commit(x *engine.Txn) {
	total := o.collect(x)
	if total > maxBatch {
		o.t.Err = engine.ErrTooLarge
		return
	}
	if len(o.entries) == 0 {
		return
	}
	for _, i := range o.which {
		if old := &x.Old[i]; old.Found {
			o.e.died(&o.t.Keys[i], old.Value)
		}
	}
	o.lent = o.patient && total >= o.e.opts.large
	s, pos := o.e.wal.append(o.entries, o.lent)
	o.t.Pos = pos
	for n, i := range o.which {
		if old := &x.Old[i]; old.Found {
			o.e.mark(old.Value)
		}
		ch, en := &o.t.New[i], &o.entries[n]
		if ch.Action == engine.Delete {
			x.New[i].Action = engine.Delete
			continue
		}
		g := &o.got[i]
		loc := location{off: en.off, segment: s.number, value: uint32(len(ch.Head) + len(ch.Body))}
		x.New[i] = engine.Change{Action: engine.Put, Meta: ch.Meta, Head: appendLocation(g.place[:0], loc)}
		o.e.born(s, &o.t.Keys[i], loc.value)
	}
}

// collect turns the changes into entries. It gives their size, more than
// maxBatch if one is too large.
func (o *op) collect(x *engine.Txn) (total int64) {
	for i := range o.t.New {
		ch := &o.t.New[i]
		en := entry{kind: kindPut, key: &o.t.Keys[i], meta: ch.Meta, head: ch.Head, body: ch.Body}
		switch {
		case ch.Action == engine.Put && len(ch.Head)+len(ch.Body) > engine.MaxValue:
			return maxBatch + 1
		case ch.Action == engine.Delete && x.Old[i].Found:
			en = entry{kind: kindDelete, key: en.key}
		case ch.Action != engine.Put:
			continue
		}
		o.entries = append(o.entries, en)
		o.which = append(o.which, i)
		total += en.size()
	}
	return total
}

// mark marks the value that stood at a place as dead. What made it so is in the
// log.
func (e *Engine) mark(place []byte) {
	loc := parseLocation(place)
	if s := e.segments.get(loc.segment); s != nil {
		e.marked.Add(s.dead.set(loc.off))
	}
}

// died and born keep account of the values that the index refers to.
func (e *Engine) died(k *engine.Key, place []byte) {
	loc := parseLocation(place)
	e.ledger.live.Add(-int64(len(k.Name)+metaSize) - int64(loc.value))
	// The entries of a dropped slot are freed after the drop, so that a merge
	// may have removed what they refer to.
	if s := e.segments.get(loc.segment); s != nil {
		s.die(len(k.Name), loc.value)
	}
}

func (e *Engine) born(s *segment, k *engine.Key, value uint32) {
	e.ledger.live.Add(int64(len(k.Name)+metaSize) + int64(value))
	s.become(len(k.Name), value)
}
