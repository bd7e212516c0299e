package lsm

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// maxBatch bounds the bytes that one transaction writes: Pebble's batches end at
// 4 GiB.
const maxBatch = 3 << 30

// reader is one goroutine that carries out reads and scans, and what it reuses
// from call to call.
type reader struct {
	fetcher
	set []uint16 // the stripes of the transaction
}

// serve carries out what is queued.
func (r *reader) serve(queue <-chan call) {
	for c := range queue {
		if c.txn != nil {
			r.txn(c.txn)
			c.txn.Step.Done(c.txn)
		} else {
			r.scan(c.scan)
			c.scan.Done(c.scan)
		}
	}
}

// txn carries t out. The stripes of its keys are locked while the disk is read:
// that is what makes it atomic.
func (r *reader) txn(t *engine.Txn) {
	e := r.engine
	t.Prepare()
	if t.Err = e.admit(t); t.Err != nil {
		return
	}
	r.set = e.locks.set(r.set[:0], t.Keys)
	e.locks.lock(r.set, engine.Read)
	defer e.locks.unlock(r.set, engine.Read)
	defer r.release()
	if _, t.Err = r.read(t); t.Err != nil {
		return
	}
	t.Step.Decide(t)
	t.Pos = e.position(t)
}

// position is what the caller of a transaction has to wait for. Also who only
// reads waits for what it has read to be durable; but while writes are refused,
// when that may never be, reads go on.
func (e *Engine) position(t *engine.Txn) engine.Position {
	pos := e.locks.last(t.Keys)
	if e.flusher.reached(pos) || t.Mode == engine.Read && e.health.writable() != nil {
		return 0
	}
	return pos
}

// admit says whether t may begin.
func (e *Engine) admit(t *engine.Txn) error {
	for i := range t.Keys {
		if len(t.Keys[i].Name) > engine.MaxKey {
			return engine.ErrTooLarge
		}
	}
	if t.Mode == engine.Read {
		return nil
	}
	return e.health.writable()
}

// fetcher reads entries, and keeps what they are part of until release.
type fetcher struct {
	engine  *Engine
	key     []byte // the key that is being looked up
	closers []io.Closer
}

// read fills t.Old, and says how many bytes the values have.
func (f *fetcher) read(t *engine.Txn) (size int, err error) {
	for i := range t.Keys {
		f.key = appendKey(f.key[:0], &t.Keys[i])
		b, closer, err := f.engine.db.Get(f.key)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return size, f.engine.health.readFailed(err)
		}
		f.closers = append(f.closers, closer)
		old, ok := parseValue(b)
		if !ok {
			return size, f.engine.health.readFailed(errShort)
		}
		t.Old[i] = old
		size += len(b)
	}
	return size, nil
}

// release gives back what t.Old was part of. An error of that has been seen by
// the read already.
func (f *fetcher) release() {
	for i, c := range f.closers {
		_ = c.Close()
		f.closers[i] = nil
	}
	f.closers = f.closers[:0]
	if cap(f.key) > keepBytes {
		f.key = nil
	}
}

// keepBytes is the size of the largest buffer for keys that is kept.
const keepBytes = 64 << 10

// batchSize is about how many bytes the changes of t take, 0 if it has none. Of
// changes that are too large it is how many there are up to where that shows.
func batchSize(t *engine.Txn) (size int, err error) {
	for i := range t.New {
		ch := &t.New[i]
		if ch.Action == engine.Keep {
			continue
		}
		const head = 16 // of the batch or of an operation, at most
		size += head + keyHead + len(t.Keys[i].Name)
		if ch.Action == engine.Put {
			n := len(ch.Head) + len(ch.Body)
			size += valueHead + n
			if n > engine.MaxValue {
				return size, engine.ErrTooLarge
			}
		}
		if size > maxBatch {
			return size, engine.ErrTooLarge
		}
	}
	return size, nil
}

// count notes a change that was committed.
func (e *Engine) count(k *engine.Key, old *engine.Entry, ch *engine.Change) {
	var keys, live int64
	if old.Found {
		keys, live = -1, -liveBytes(len(k.Name), len(old.Value))
	}
	switch {
	case ch.Action == engine.Put:
		keys++
		live += liveBytes(len(k.Name), len(ch.Head)+len(ch.Body))
	case ch.Action == engine.Keep || !old.Found:
		return
	}
	e.counts.add(k.Slot, keys, live)
}

// commit hands a batch to Pebble, which it may wait for while the disk falls
// behind. Pebble has no way back from an error here, nor from a panic where it
// begins a new log, so both end the process; see Options.Fatal.
func (e *Engine) commit(b *pebble.Batch) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Fatalf("the log could not be written: %v", r)
		}
	}()
	if err := b.Commit(pebble.NoSync); err != nil {
		e.log.Fatalf("the log could not be written: %v", err)
	}
}
