package bitcask

import (
	"errors"
	"runtime"
	"sync"

	"github.com/rldb/rldb/engine"
)

// batch is a row of a segment's entries, in the log's order, that are on their
// way into the index. It is divided by slot as it is filled, into parts that fit
// the processor's caches: they are read again in another order.
type batch struct {
	seg   *segment
	count int
	bytes int
	parts [batchParts]part
}

// part is the entries of every batchParts-th slot.
type part struct {
	list []record
	keys []byte // meta and name, or name, of all

	order  []uint32              // of list, by slot; within a slot as they were
	starts [partSlots + 1]uint32 // in order, by slot
}

// record is a note whose key is in its part.
type record struct {
	off   int64
	at, n uint32 // of the key
	value uint32
	slot  uint16
	kind  kind
}

const (
	batchParts = 256
	partSlots  = engine.Slots / batchParts

	// batchBytes and batchKeys bound a batch, but for a key longer than that.
	// There are two of them while an engine is opened. The more keys, the more of
	// them are in one slot, whose table is then in the processor's caches.
	batchBytes = 32 << 20
	batchKeys  = 1 << 19
)

// add appends an entry, and reports whether the batch is full.
func (b *batch) add(n *note) bool {
	p := &b.parts[n.slot%batchParts]
	p.list = append(p.list, record{
		off: n.off, at: uint32(len(p.keys)), n: uint32(len(n.key)), value: n.value, slot: n.slot, kind: n.kind,
	})
	p.keys = append(p.keys, n.key...)
	b.count++
	b.bytes += len(n.key)
	return b.count >= batchKeys || b.bytes >= batchBytes
}

func (b *batch) reset() {
	b.seg, b.count, b.bytes = nil, 0, 0
	for i := range b.parts {
		p := &b.parts[i]
		p.list, p.keys = p.list[:0], p.keys[:0]
	}
}

// sort fills order and starts.
func (p *part) sort() {
	clear(p.starts[:])
	for i := range p.list {
		p.starts[p.list[i].slot/batchParts+1]++
	}
	for i := range partSlots {
		p.starts[i+1] += p.starts[i]
	}
	if cap(p.order) < len(p.list) {
		p.order = make([]uint32, cap(p.list))
	}
	p.order = p.order[:len(p.list)]
	next := p.starts
	for i := range p.list {
		slot := p.list[i].slot / batchParts
		p.order[next[slot]] = uint32(i)
		next[slot]++
	}
}

// note gives an entry back.
func (p *part) note(i uint32) note {
	r := &p.list[i]
	return note{kind: r.kind, slot: r.slot, off: r.off, value: r.value, key: p.keys[r.at:][:r.n:r.n]}
}

// applying enters batches into the index, one at a time and in the background:
// each of its workers has parts of its own, and the next batch is read meanwhile.
type applying struct {
	workers []*applier
	batch   *batch // that is being entered
	spare   *batch
	running sync.WaitGroup
}

// maxAppliers bounds the goroutines that build the index: a power of two, so that
// they are in each other's way as little as the last bits of their slots are.
const maxAppliers = 8

func (a *applying) init(e *Engine) {
	n := 1
	for 2*n <= min(runtime.GOMAXPROCS(0), maxAppliers) {
		n *= 2
	}
	for i := range n {
		w := &applier{e: e, first: i, step: n}
		w.txn.Mode, w.txn.Step = engine.Write, w
		a.workers = append(a.workers, w)
	}
	a.spare = new(batch)
}

// begin enters a batch when the last one is in, and gives one to fill next.
func (a *applying) begin(b *batch) (next *batch, err error) {
	if err := a.wait(); err != nil {
		return b, err
	}
	next, a.batch, a.spare = a.spare, b, nil
	for _, w := range a.workers {
		a.running.Go(func() { w.run(b) })
	}
	return next, nil
}

// wait waits until all that was begun is in the index.
func (a *applying) wait() error {
	a.running.Wait()
	if a.batch != nil {
		a.batch.reset()
		a.spare, a.batch = a.batch, nil
	}
	var errs []error
	for _, w := range a.workers {
		errs = append(errs, w.err)
	}
	return errors.Join(errs...)
}

// applier enters the entries of every step-th part.
type applier struct {
	e           *Engine
	first, step int
	err         error

	seg   *segment
	part  *part
	note  note
	txn   engine.Txn
	keys  [1]engine.Key
	ahead [lookAhead]engine.Key
	place [maxLocation]byte
	sum   tally
}

// tally is what a worker adds up, so that the workers need not take turns at the
// segment's counters for each entry.
type tally struct {
	values, markers, hint int64
	live, liveBytes, keys int64 // of those values that the index refers to
}

func (a *applier) run(b *batch) {
	a.seg, a.sum = b.seg, tally{}
	for i := a.first; i < batchParts && a.err == nil; i += a.step {
		a.part = &b.parts[i]
		a.part.sort()
		a.enter(a.part.order)
	}
	s := b.seg
	s.values.Add(a.sum.values)
	s.markers.Add(a.sum.markers)
	s.live.Add(a.sum.live)
	s.liveBytes.Add(a.sum.liveBytes)
	s.owed.Add(a.sum.hint)
	a.e.ledger.live.Add(a.sum.keys)
}

// enter enters entries of a part.
func (a *applier) enter(list []uint32) {
	for len(list) > 0 && a.err == nil {
		few := list[:min(len(list), lookAhead)]
		list = list[len(few):]
		keys := a.ahead[:len(few)]
		for i, at := range few {
			n := a.part.note(at)
			keys[i] = engine.Key{Slot: n.slot, Name: n.name()}
			keys[i].Hash = engine.Hash(keys[i].Name)
		}
		a.e.index.Prefetch(keys)
		for i, at := range few {
			a.note = a.part.note(at)
			a.keys[0] = keys[i]
			if a.err = a.apply(); a.err != nil {
				return
			}
		}
	}
}

// apply enters one entry.
func (a *applier) apply() error {
	n := &a.note
	h := head{kind: n.kind, name: uint32(len(n.name())), value: n.value}
	a.sum.hint += noteSize(&h)
	if n.kind == kindDrop {
		a.sum.markers += headSize
		return a.e.index.DropWith(n.slot, a)
	}
	if n.kind == kindPut {
		a.sum.values++
	} else {
		a.sum.markers += n.end() - n.off
	}
	a.txn.Keys = a.keys[:]
	a.e.index.Try(&a.txn)
	return a.txn.Err
}

// Decide is called by the index for apply.
func (a *applier) Decide(t *engine.Txn) {
	k, n := &a.keys[0], &a.note
	if t.Old[0].Found {
		a.died(k, t.Old[0].Value)
		t.New[0].Action = engine.Delete
	}
	if n.kind != kindPut {
		return
	}
	s := a.seg
	loc := location{off: n.off, segment: s.number, value: n.value}
	t.New[0] = engine.Change{
		Action: engine.Put, Meta: engine.Meta(n.key[:metaSize]), Head: appendLocation(a.place[:0], loc),
	}
	s.dead.unset(n.off) // when a segment is gone over again
	a.sum.live++
	a.sum.liveBytes += putSize(len(k.Name), n.value)
	a.sum.keys += int64(len(k.Name)+metaSize) + int64(n.value)
}

// died counts and marks a value that is dead.
func (a *applier) died(k *engine.Key, place []byte) {
	a.e.died(k, place)
	a.e.mark(place)
}

// Done is never called: the index does all at once.
func (a *applier) Done(*engine.Txn) {}

// Detached is called by the index for a drop.
func (a *applier) Detached() {}

// Freed is called by the index for each entry that a drop removes.
func (a *applier) Freed(k engine.Key, e engine.Entry) { a.died(&k, e.Value) }
