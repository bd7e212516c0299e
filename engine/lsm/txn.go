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

// worker is one goroutine of a pool, and what it reuses from call to call.
type worker struct {
	engine  *Engine
	key     []byte      // the key that is being looked up
	set     []uint16    // the stripes of the transaction
	closers []io.Closer // of what t.Old is part of
}

func (w *worker) run(c call) {
	if c.txn != nil {
		w.txn(c.txn)
		c.txn.Step.Done(c.txn)
		return
	}
	w.scan(c.scan)
	c.scan.Done(c.scan)
}

// txn carries t out. The stripes of its keys are locked from the first read to
// the commit, also while the disk is read: that is what makes it atomic.
func (w *worker) txn(t *engine.Txn) {
	e := w.engine
	t.Prepare()
	if t.Err = e.admit(t); t.Err != nil {
		return
	}
	w.set = e.locks.set(w.set[:0], t.Keys)
	e.locks.lock(w.set, t.Mode)
	defer e.locks.unlock(w.set, t.Mode)
	defer w.release()
	if t.Err = w.read(t); t.Err != nil {
		return
	}
	t.Step.Decide(t)
	if t.Mode != engine.Read {
		if t.Err = w.write(t); t.Err != nil {
			return
		}
	}
	t.Pos = e.position(w.set, t.Mode)
}

// position is what the caller of a transaction has to wait for. Also who only
// reads waits for what it has read to be durable; but while writes are refused,
// when that may never be, reads go on.
func (e *Engine) position(set []uint16, m engine.Mode) engine.Position {
	pos := e.locks.last(set)
	if e.flusher.reached(pos) || m == engine.Read && e.health.writable() != nil {
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

// read fills t.Old.
func (w *worker) read(t *engine.Txn) error {
	for i := range t.Keys {
		w.key = appendKey(w.key[:0], &t.Keys[i])
		b, closer, err := w.engine.db.Get(w.key)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return w.engine.health.readFailed(err)
		}
		w.closers = append(w.closers, closer)
		old, ok := parseValue(b)
		if !ok {
			return w.engine.health.readFailed(errShort)
		}
		t.Old[i] = old
	}
	return nil
}

// release gives back what t.Old was part of. An error of that has been seen by
// the read already.
func (w *worker) release() {
	for i, c := range w.closers {
		_ = c.Close()
		w.closers[i] = nil
	}
	w.closers = w.closers[:0]
	if cap(w.key) > keepBytes {
		w.key = nil
	}
	if cap(w.set) > keepBytes {
		w.set = nil
	}
}

// keepBytes is the size of the largest buffer that a worker keeps.
const keepBytes = 64 << 10

// write commits what t.New asks for as one batch, and counts it.
func (w *worker) write(t *engine.Txn) error {
	e := w.engine
	size, err := batchSize(t)
	if err != nil || size == 0 {
		return err
	}
	b := e.db.NewBatchWithSize(size)
	for i := range t.New {
		if err := w.stage(b, &t.Keys[i], &t.Old[i], &t.New[i]); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	if b.Empty() {
		return b.Close()
	}
	e.commit(b)
	for i := range t.New {
		e.count(&t.Keys[i], &t.Old[i], &t.New[i])
	}
	e.locks.changed(w.set, e.flusher.committed())
	return b.Close()
}

// batchSize is about how many bytes the changes of t take, 0 if it has none.
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
			if n > engine.MaxValue {
				return 0, engine.ErrTooLarge
			}
			size += valueHead + n
		}
		if size > maxBatch {
			return 0, engine.ErrTooLarge
		}
	}
	return size, nil
}

// stage adds one change to a batch.
func (w *worker) stage(b *pebble.Batch, k *engine.Key, old *engine.Entry, ch *engine.Change) error {
	switch {
	case ch.Action == engine.Put:
		op := b.SetDeferred(keyHead+len(k.Name), valueHead+len(ch.Head)+len(ch.Body))
		appendKey(op.Key[:0], k)
		n := copy(op.Value, ch.Meta[:])
		n += copy(op.Value[n:], ch.Head)
		copy(op.Value[n:], ch.Body)
		return op.Finish()
	case ch.Action == engine.Delete && old.Found:
		w.key = appendKey(w.key[:0], k)
		return b.Delete(w.key, nil)
	}
	return nil
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
