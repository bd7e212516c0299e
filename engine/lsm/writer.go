package lsm

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// bounds are those of a round of writes. A transaction that exceeds one is alone.
type bounds struct {
	txns  int
	keys  int
	bytes int64 // of old values, and of new ones
	group int   // bytes of a batch that several transactions share
}

var roundBounds = bounds{txns: 128, keys: 1024, bytes: 64 * mib, group: 4 * mib}

// writer is the one goroutine that carries out what changes something, in the
// order in which it was started. It takes all that waits, up to the bounds of a
// round: locks the slots, has the old entries read by several goroutines at once,
// decides one transaction after another, and commits them together. So many
// commits cost as much as one, and whoever sees a change sees those that were
// started before it.
//
//	take → lock → fetch → (decide, stage)* → commit → unlock → Done*
//
// It owns the goroutines that help it to fetch.
type writer struct {
	engine  *Engine
	bounds  bounds
	waiting []*engine.Txn // taken off the queue: a round, and what is left for the next
	set     []uint16      // the locked stripes
	slow    bool          // reads seem to wait for the disk

	helpers  sync.WaitGroup
	work     chan *fetch
	fetchers []fetcher // the writer's own, and one for each helper

	// Of the round: what was staged, the last change of each key first.
	changes []change
	last    map[uint64]int // the hash of a key → number in changes, plus one
	batch   *pebble.Batch
	grouped []*engine.Txn   // whose changes are in batch
	over    []*pebble.Batch // committed; entries in changes are part of them
}

// change is what a transaction of the round has made of a key.
type change struct {
	key  *engine.Key
	now  engine.Entry
	prev int // the one before of a key of the same hash, as in writer.last
}

// fetch is the reading of a round's old entries, shared by several goroutines:
// each takes the next transaction until there is none. What was read is always
// all up to some transaction.
type fetch struct {
	txns  []*engine.Txn
	limit int64        // of bytes, beyond which none is begun
	next  atomic.Int64 // how many transactions were taken
	bytes atomic.Int64 // that were read
	spent atomic.Int64 // nanoseconds, all goroutines together
	done  sync.WaitGroup
}

func newWriter(e *Engine, workers int) *writer {
	w := &writer{engine: e, bounds: e.opts.round, last: map[uint64]int{}, work: make(chan *fetch), fetchers: make([]fetcher, workers)}
	for i := range w.fetchers {
		w.fetchers[i].engine = e
	}
	return w
}

// serve carries out what is queued, and ends with the queue.
func (w *writer) serve(queue <-chan call) {
	for i := range w.fetchers[1:] {
		w.helpers.Go(func() {
			for f := range w.work {
				f.run(&w.fetchers[1+i])
				f.done.Done()
			}
		})
	}
	for w.take(queue) {
		w.round()
	}
	close(w.work)
	w.helpers.Wait()
}

// take waits for transactions, and takes as many as there are. False: no more
// will come.
func (w *writer) take(queue <-chan call) bool {
	if len(w.waiting) == 0 {
		c, open := <-queue
		if !open {
			return false
		}
		w.waiting = append(w.waiting, c.txn)
	}
	for len(w.waiting) < w.bounds.txns {
		select {
		case c, open := <-queue:
			if !open {
				return true
			}
			w.waiting = append(w.waiting, c.txn)
		default:
			return true
		}
	}
	return true
}

// round carries out the first of the waiting transactions.
func (w *writer) round() {
	txns := w.admitted()
	w.set = w.set[:0]
	for _, t := range txns {
		w.set = w.engine.locks.add(w.set, t.Keys)
	}
	w.set = sorted(w.set)
	w.engine.locks.lock(w.set, engine.Write)
	txns = w.decideAll(txns[:w.fetch(txns)])
	w.commit()
	for _, t := range txns {
		if t.Err == nil {
			t.Pos = w.engine.position(t)
		}
	}
	w.engine.locks.unlock(w.set, engine.Write)
	w.release()
	for i, t := range txns {
		w.waiting[i] = nil
		t.Step.Done(t)
	}
	w.waiting = append(w.waiting[:0], w.waiting[len(txns):]...)
}

// admitted prepares the transactions of a round.
func (w *writer) admitted() []*engine.Txn {
	keys := 0
	for n, t := range w.waiting {
		if keys += len(t.Keys); n > 0 && keys > w.bounds.keys {
			return w.waiting[:n]
		}
		t.Prepare()
		t.Err = w.engine.admit(t)
	}
	return w.waiting
}

// fetch reads the old entries, and says of how many transactions. Reads that
// wait for the disk do so together; others are not worth to wake many for.
func (w *writer) fetch(txns []*engine.Txn) int {
	f := &fetch{txns: txns, limit: w.bounds.bytes}
	help := len(txns) / 16
	if w.slow {
		help = len(txns) - 1
	}
	help = min(help, len(w.fetchers)-1)
	f.done.Add(help)
	for range help {
		w.work <- f
	}
	f.run(&w.fetchers[0])
	f.done.Wait()
	n := min(int(f.next.Load()), len(txns))
	w.slow = time.Duration(f.spent.Load()) > time.Duration(n)*slowRead
	return n
}

// slowRead is how long the reads of a transaction take on average, at least,
// where some of them wait for the disk.
const slowRead = 50 * time.Microsecond

func (f *fetch) run(by *fetcher) {
	began := time.Now()
	for f.bytes.Load() <= f.limit {
		i := int(f.next.Add(1)) - 1
		if i >= len(f.txns) {
			break
		}
		t := f.txns[i]
		if t.Err != nil {
			continue
		}
		var n int
		n, t.Err = by.read(t)
		f.bytes.Add(int64(n))
	}
	f.spent.Add(int64(time.Since(began)))
}

// decideAll has one transaction after another decide, until the round holds as much
// as it may, and gives those that have. What steps have made and what is staged is
// kept until the round is over: the others are left for the next one.
func (w *writer) decideAll(txns []*engine.Txn) []*engine.Txn {
	held := int64(0)
	for i, t := range txns {
		if t.Err == nil {
			t.Err = w.engine.health.writable() // the disk may have become full meanwhile
		}
		if t.Err == nil {
			held += int64(w.decide(t))
		}
		if held > w.bounds.bytes {
			return txns[:i+1]
		}
	}
	return txns
}

// decide has t decide over what is there now, stages what it asks for, and says
// about how many bytes that is.
func (w *writer) decide(t *engine.Txn) (size int) {
	if len(w.changes) > 0 {
		w.overlay(t)
	}
	t.Step.Decide(t)
	size, err := batchSize(t)
	if err != nil || size == 0 {
		t.Err = err
		return size
	}
	if w.batch != nil && w.batch.Len()+size > w.bounds.group {
		w.commit()
	}
	if w.batch == nil {
		w.batch = w.engine.db.NewBatchWithSize(size)
	}
	w.grouped = append(w.grouped, t)
	for i := range t.New {
		if err := w.stage(&t.Keys[i], &t.Old[i], &t.New[i]); err != nil {
			// Half of a transaction cannot be taken out of a batch again.
			w.engine.log.Fatalf("a batch could not be made: %v", err)
		}
	}
	return size
}

// overlay gives t what earlier transactions of the round have made of its keys.
func (w *writer) overlay(t *engine.Txn) {
	for i := range t.Keys {
		k := &t.Keys[i]
		for n := w.last[k.Hash]; n > 0; n = w.changes[n-1].prev {
			if c := &w.changes[n-1]; c.key.Slot == k.Slot && string(c.key.Name) == string(k.Name) {
				t.Old[i] = c.now
				break
			}
		}
	}
}

// stage adds one change to the batch, and counts it.
func (w *writer) stage(k *engine.Key, old *engine.Entry, ch *engine.Change) error {
	var now engine.Entry
	switch {
	case ch.Action == engine.Put:
		op := w.batch.SetDeferred(keyHead+len(k.Name), valueHead+len(ch.Head)+len(ch.Body))
		appendKey(op.Key[:0], k)
		n := copy(op.Value, ch.Meta[:])
		n += copy(op.Value[n:], ch.Head)
		n += copy(op.Value[n:], ch.Body)
		if err := op.Finish(); err != nil {
			return err
		}
		now = engine.Entry{Found: true, Meta: ch.Meta, Value: op.Value[valueHead:n:n]}
	case ch.Action == engine.Delete && old.Found:
		op := w.batch.DeleteDeferred(keyHead + len(k.Name))
		appendKey(op.Key[:0], k)
		if err := op.Finish(); err != nil {
			return err
		}
	default:
		return nil
	}
	w.engine.count(k, old, ch)
	w.changes = append(w.changes, change{key: k, now: now, prev: w.last[k.Hash]})
	w.last[k.Hash] = len(w.changes)
	return nil
}

// commit makes what is staged take effect.
func (w *writer) commit() {
	if w.batch == nil {
		return
	}
	if !w.batch.Empty() {
		w.engine.commit(w.batch)
		pos := w.engine.flusher.committed()
		for _, t := range w.grouped {
			for i := range t.New {
				if t.New[i].Action != engine.Keep {
					w.engine.locks.of(t.Keys[i].Slot).last = pos
				}
			}
		}
	}
	w.over = append(w.over, w.batch)
	clear(w.grouped)
	w.batch, w.grouped = nil, w.grouped[:0]
}

// release gives back what the round has used.
func (w *writer) release() {
	for i := range w.fetchers {
		w.fetchers[i].release()
	}
	for i, b := range w.over {
		// The batch has been committed: nothing of it is left to fail.
		_ = b.Close()
		w.over[i] = nil
	}
	w.over = w.over[:0]
	clear(w.changes)
	w.changes = w.changes[:0]
	clear(w.last)
	if cap(w.set) > keepBytes {
		w.set = nil
	}
}
