package replica

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"pgregory.net/rapid"
)

// recordStep is a RecordStep made of a function, for tests.
type recordStep func(*Records)

func (f recordStep) Decide(r *Records) { f(r) }
func (f recordStep) Done(*Records)     {}

// picky is the memory engine, as one that stays when it is closed, refuses what was
// decided while fault is set, and does nothing at once while slow is.
type picky struct {
	noting
	fault error
	slow  bool
}

func newPicky() *picky { return &picky{noting: noting{Engine: memory.New()}} }

func (p *picky) Try(t *engine.Txn) bool { return !p.slow && p.do(t) }

func (p *picky) Start(t *engine.Txn) {
	p.do(t)
	t.Step.Done(t)
}

func (p *picky) do(t *engine.Txn) bool {
	if p.fault == nil || t.Mode == engine.Read {
		return p.noting.Try(t)
	}
	shown := engine.Txn{Keys: t.Keys, Mode: t.Mode, Step: shownTo{t}}
	p.noting.Try(&shown)
	t.Err = p.fault
	return true
}

// shownTo has another transaction decide over what there is, and keeps all.
type shownTo struct{ of *engine.Txn }

func (d shownTo) Decide(t *engine.Txn) {
	d.of.Prepare()
	copy(d.of.Old, t.Old)
	d.of.Step.Decide(d.of)
}

func (shownTo) Done(*engine.Txn) {}

// rig is a store over an engine that outlives it, with a clock that tests set.
type rig struct {
	t     rapid.TB
	ms    int64
	eng   *picky
	actor uint64
	mint  *record.Clock
	*Store
}

func newRig(t rapid.TB, replicated bool) *rig {
	b := &rig{t: t, ms: 1_700_000_000_000, eng: newPicky()}
	b.mint = record.NewClock(func() int64 { return b.ms })
	b.open(replicated)
	return b
}

func (b *rig) open(replicated bool) {
	b.actor++
	b.Store = Open(Options{Engine: b.eng, Actor: b.actor, Replicated: replicated,
		Clock: record.NewClock(func() int64 { return b.ms }), Log: slog.New(slog.DiscardHandler)})
	b.SetActiveExpire(false)
}

func (b *rig) end() {
	b.Store.Close()
	b.eng.Engine.Close()
}

func (b *rig) records(mode engine.Mode, f recordStep, keys ...string) error {
	var r Records
	r.Reset(b.Store, mode, f)
	for _, k := range keys {
		r.Key(KeyOf([]byte(k)))
	}
	b.DoRecords(&r)
	return r.Err()
}

// put stores a record; its bytes are the engine's own from then on.
func (b *rig) put(key string, w record.Whole) {
	if err := b.records(Blind, func(r *Records) { r.Put(0, &w) }, key); err != nil {
		b.t.Fatal(err)
	}
}

// whole is a copy of what is stored under a key.
func (b *rig) whole(key string) (w record.Whole, err error) {
	err = errors.Join(b.records(Read, func(r *Records) {
		var got *record.Whole
		if got, err = r.Whole(0); err == nil {
			w = copied(got)
		}
	}, key), err)
	return w, err
}

func copied(w *record.Whole) (c record.Whole) {
	c.Vector, c.Values = slices.Clone(w.Vector), slices.Clone(w.Values)
	for i := range c.Values {
		c.Values[i].Value = bytes.Clone(c.Values[i].Value)
	}
	return c
}

// sweepAll has the sweep look at all that is due.
func (b *rig) sweepAll() {
	w := sweeper{store: b.Store, page: page{store: b.Store}}
	w.round(time.Now().Add(time.Hour))
}

// dot mints one as another node would.
func (b *rig) dot(actor uint64, over *record.Whole) record.Dot {
	return record.Dot{Actor: 1000 + actor, HLC: b.mint.After(over.Vector.Max(), b.ms)}
}

var errRefused = errors.New("no room after all")
