package replica

import (
	"errors"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// ended is a step that counts its ends.
type ended struct {
	txnStep
	done *int
}

func (e ended) Done(*Txn) { *e.done++ }

// hookLoad is a record that was read elsewhere, and what a step is to see of it.
type hookLoad struct {
	name    string
	w       record.Whole
	corrupt bool
	value   string
	found   bool
	at      int64
}

func hookLoads(b *rig) []hookLoad {
	zero := record.Whole{}
	value := func(v string, at int64) record.Whole {
		return zero.Put(b.dot(1, &zero), record.NewValue([]byte(v), at))
	}
	one, lapsed, expiring := value("one", 0), value("lapsed", b.ms), value("two", b.ms+10)
	siblings := record.Merge(&one, &expiring)
	gone := one.Delete(b.dot(2, &one))
	return []hookLoad{
		{name: "absent"},
		{name: "one", w: one, value: "one", found: true},
		{name: "lapsed", w: lapsed},
		{name: "tombstone", w: gone},
		{name: "siblings", w: siblings, value: "two", found: true, at: b.ms + 10},
		{name: "damaged", corrupt: true, found: true},
		{name: "set in the past", w: one, value: "one", found: true},
	}
}

// TestHooks: a step over records that were read elsewhere sees what it would see of
// this store's, and what it does comes out again.
func TestHooks(t *testing.T) {
	b := newRig(t, true)
	defer b.end()
	loads := hookLoads(b)
	var x Txn
	done := 0
	x.Reset(b.Store, Write, b.ms, nil)
	for i, l := range loads {
		if x.Key([]byte(l.name)) != i || string(x.KeyAt(i).Name) != l.name {
			t.Fatalf("key %d is %q", i, x.KeyAt(i).Name)
		}
	}
	for round := range 2 { // it may be decided again
		versions := map[uint64]string{}
		x.Begin(ended{done: &done, txnStep: func(x *Txn) {
			for i, l := range loads {
				v, ok := x.Get(i)
				if ok != l.found || string(v) != l.value || x.Corrupt(i) != l.corrupt || x.Exists(i) != l.found || x.ExpireAt(i) != l.at {
					t.Errorf("%s: %q, %v, until %d", l.name, v, ok, x.ExpireAt(i))
				}
				if before, dup := versions[x.Version(i)]; dup && !l.corrupt && l.name != "set in the past" {
					t.Errorf("%s has the version of %s", l.name, before)
				}
				versions[x.Version(i)] = l.name
			}
			if round == 0 {
				return
			}
			x.Delete(0)
			x.Set(1, x.Scratch(3), 7+b.ms)
			x.Delete(4)
			x.Set(6, nil, b.ms)
		}})
		for i, l := range loads {
			x.Load(i, &l.w, l.corrupt)
		}
		x.RunStep()
		for i, want := range []Result{Removed, Changed, Kept, Kept, Removed, Kept, Removed} {
			if round == 0 {
				want = Kept
			}
			r, data, at := x.Outcome(i)
			if r != want || (r == Changed) != (len(data) == 3 && at == b.ms+7) {
				t.Errorf("round %d, %s: %d, %q until %d, want %d", round, loads[i].name, r, data, at, want)
			}
		}
	}
	x.Finish(errRefused, 9, 2)
	if done != 1 || !errors.Is(x.Err(), errRefused) || x.Pos() != 9 || x.Changes() != 2 {
		t.Errorf("%d ends, %v, %d, %d", done, x.Err(), x.Pos(), x.Changes())
	}
}

// TestHooksRead: what a step does to a transaction that only reads is not done.
func TestHooksRead(t *testing.T) {
	b := newRig(t, true)
	defer b.end()
	var x Txn
	x.Reset(b.Store, Read, b.ms, nil)
	x.Key([]byte("a"))
	x.Begin(txnStep(func(x *Txn) { x.Set(0, nil, 0) }))
	x.Load(0, &record.Whole{}, false)
	x.RunStep()
	if r, _, _ := x.Outcome(0); r != Kept {
		t.Errorf("the outcome is %d", r)
	}
}

// TestHooksVersions: a key's version changes when its record does, and when its value
// expires.
func TestHooksVersions(t *testing.T) {
	b := newRig(t, true)
	defer b.end()
	zero := record.Whole{}
	w := zero.Put(b.dot(1, &zero), record.NewValue(nil, b.ms+10))
	at := func(now int64, w *record.Whole) uint64 {
		var x Txn
		x.Reset(b.Store, engine.Read, now, nil)
		x.Key([]byte("a"))
		x.Begin(txnStep(func(*Txn) {}))
		x.Load(0, w, false)
		return x.Version(0)
	}
	if at(b.ms, &w) != w.Vector.Hash() || at(b.ms+9, &w) != at(b.ms, &w) || at(b.ms+10, &w) == at(b.ms, &w) {
		t.Errorf("%x, then %x, then %x; its hash is %x", at(b.ms, &w), at(b.ms+9, &w), at(b.ms+10, &w), w.Vector.Hash())
	}
}
