package command

import (
	"bytes"
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// records are what the RLDB.* commands ask for: Copies, or on a node that stands alone
// its own store.
type records interface {
	Get(k engine.Key, q coordinator.Quorum, done func(coordinator.Got))
	Put(k engine.Key, context record.Vector, hasContext bool, value []byte, expireAt int64,
		q coordinator.Quorum, w *coordinator.Written, done func(record.Vector, error))
	Delete(k engine.Key, context record.Vector, q coordinator.Quorum, w *coordinator.Written,
		done func(removed int, err error))
}

// ownRecords are the records of a store that stands alone. There, only these commands
// make siblings, and what has no value left is really deleted.
type ownRecords struct{ store *replica.Store }

// recordStep is one command on one record.
type recordStep struct {
	recs  replica.Records
	store *replica.Store
	put   *record.Value // nil: it deletes, or reads
	reads bool
	seen  record.Vector
	check bool // seen must not have been overtaken
	end   func(x *recordStep)

	found   record.Whole // what was there, or what a write has made of it
	removed int
	err     error
}

func (o ownRecords) Get(k engine.Key, _ coordinator.Quorum, done func(coordinator.Got)) {
	o.start(replica.Read, k, &recordStep{reads: true, end: func(x *recordStep) {
		done(coordinator.Got{Record: x.found, Err: x.err})
	}})
}

func (o ownRecords) Put(k engine.Key, context record.Vector, hasContext bool, value []byte, expireAt int64,
	_ coordinator.Quorum, _ *coordinator.Written, done func(record.Vector, error)) {
	v := record.NewValue(value, expireAt)
	o.start(replica.Write, k, &recordStep{put: &v, seen: context, check: hasContext, end: func(x *recordStep) {
		done(x.found.Vector, x.err)
	}})
}

func (o ownRecords) Delete(k engine.Key, context record.Vector, _ coordinator.Quorum, _ *coordinator.Written,
	done func(removed int, err error)) {
	o.start(replica.Write, k, &recordStep{seen: context, end: func(x *recordStep) { done(x.removed, x.err) }})
}

// start carries a step out, at once if that needs no disk.
func (o ownRecords) start(mode engine.Mode, k engine.Key, x *recordStep) {
	x.store = o.store
	x.recs.Reset(o.store, mode, x)
	x.recs.Key(k)
	if (x.put == nil || len(x.put.Value) < engine.Large) && o.store.TryRecords(&x.recs) {
		x.Done(&x.recs)
		return
	}
	o.store.StartRecords(&x.recs, x)
}

// Decide implements replica.RecordStep.
func (x *recordStep) Decide(r *replica.Records) {
	old, err := r.Whole(0)
	x.found, x.removed, x.err = record.Whole{}, 0, err
	switch {
	case err != nil:
		return
	case x.reads:
		x.found.Vector, x.found.Values = slices.Clone(old.Vector), slices.Clone(old.Values)
		for i := range x.found.Values {
			x.found.Values[i].Value = bytes.Clone(x.found.Values[i].Value)
		}
		return
	case x.check && old.Overtaken(x.seen):
		x.err = coordinator.ErrStale
		return
	}
	dot := record.Dot{Actor: x.store.Actor(), HLC: x.store.Clock().After(old.Floor(x.seen), time.Now().UnixMilli())}
	if x.put != nil {
		x.found, _ = old.PutContext(x.seen, dot, *x.put, record.MaxSiblings)
	} else {
		x.found, _ = old.DeleteContext(x.seen, dot, record.MaxSiblings)
		x.removed = len(old.Values) - len(x.found.Values)
	}
	switch {
	case len(x.found.Values) > 0:
		r.Put(0, &x.found)
	case len(old.Values) > 0:
		r.Drop(0)
	}
}

// Done implements replica.RecordStep. It tells the end once what was done, or read, is as
// durable as the settings promise.
func (x *recordStep) Done(r *replica.Records) {
	if err := r.Err(); err != nil {
		x.err = err
	}
	if r.Pos() == 0 {
		x.end(x)
		return
	}
	_ = x.store.Flush() // where it failed, and that matters to this position, Await says so
	x.store.Await(r.Pos(), func(err error) {
		if err != nil {
			x.err = err
		}
		x.end(x)
	})
}
