package replica

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// rot is an engine of which some entries cannot be read: it says so before Decide, as
// engines on a disk do. What is written is whole again.
type rot struct {
	*picky
	bad    map[string]bool
	before func() // called before a transaction that would find damage, once
}

func (r *rot) Try(t *engine.Txn) bool { return !r.slow && r.rotten(t) }

func (r *rot) Start(t *engine.Txn) {
	r.rotten(t)
	t.Step.Done(t)
}

func (r *rot) rotten(t *engine.Txn) bool {
	if f := r.before; f != nil && t.Mode == engine.Blind {
		r.before = nil
		f()
	}
	for i := range t.Keys {
		if r.bad[string(t.Keys[i].Name)] && t.Mode != engine.Blind {
			t.Prepare()
			t.Err = fmt.Errorf("%w: on purpose", engine.ErrCorrupt)
			return true
		}
	}
	r.do(t)
	for i := range t.New {
		if t.Err == nil && t.New[i].Action != engine.Keep {
			delete(r.bad, string(t.Keys[i].Name))
		}
	}
	return true
}

func newRot(t *testing.T) (*rig, *rot) {
	b := newRig(t, true)
	e := &rot{picky: b.eng, bad: map[string]bool{}}
	b.Store.eng = e
	return b, e
}

// TestDamage: a damaged record, whoever finds it so, is reported, has no part in the
// digest, is listed with no hash, and can be written again.
func TestDamage(t *testing.T) {
	for _, by := range []string{"the engine", "the checksum", "the format"} {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprint(by, slow), func(t *testing.T) {
				b, e := newRot(t)
				defer b.end()
				zero, slot := record.Whole{}, KeyOf([]byte("{a}")).Slot
				whole := zero.Put(b.dot(1, &zero), record.NewValue([]byte("value"), 0))
				b.put("{a}other", whole)
				other := b.Digest(slot)
				b.put("{a}bad", whole)
				intact := b.Digest(slot)
				if by == "the engine" {
					e.bad["{a}bad"] = true
				} else {
					spoil(b, "{a}bad", by == "the format")
				}
				e.slow = slow
				for range 2 {
					if _, err := b.whole("{a}bad"); !errors.Is(err, engine.ErrCorrupt) {
						t.Fatalf("reading it gives %v", err)
					}
				}
				page, _, _, err := b.Page(slot, 0, 10)
				if err != nil || len(page) != 2 || b.Digest(slot) != other || b.Counters().Damaged != 1 {
					t.Errorf("the page is %v, %v, the digest %x, without it %x; %d are damaged", page, err, b.Digest(slot), other, b.Counters().Damaged)
				}
				for _, l := range page {
					if (l.Hash == 0) != (string(l.Key.Name) == "{a}bad") {
						t.Errorf("%q is listed with %x", l.Key.Name, l.Hash)
					}
				}
				for _, mode := range []engine.Mode{Read, Write, Blind} {
					if err := b.records(mode, func(r *Records) {
						if r.Hash(0) != 0 {
							t.Errorf("its hash is %x", r.Hash(0))
						}
					}, "{a}bad"); err != nil {
						t.Error(err)
					}
				}
				if b.writeNote() != nil {
					t.Error("there is a note, which does not tell of it")
				}
				mendDamage(t, b, e, whole, other)
				if e.slow = false; b.Digest(slot) != intact {
					t.Errorf("written again, the digest is %x, want %x", b.Digest(slot), intact)
				}
				twin{"{a}bad": whole, "{a}other": whole}.check(b, true)
				twin{}.checkFigures(b)
			})
		}
	}
}

// mendDamage writes the damaged record again, the first time in vain: it is found
// damaged once more then.
func mendDamage(t *testing.T, b *rig, e *rot, whole record.Whole, digest uint64) {
	t.Helper()
	mend := func(r *Records) {
		if _, err := r.Whole(0); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("in its turn it gives %v", err)
		}
		if r.Lost(0) != whole.Vector.Hash() {
			t.Errorf("what was lost had the hash %x", r.Lost(0))
		}
		r.Put(0, &whole)
	}
	e.fault = errRefused
	if err := b.records(Write, mend, "{a}bad"); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	e.fault = nil
	if _, err := b.whole("{a}bad"); !errors.Is(err, engine.ErrCorrupt) || b.Digest(KeyOf([]byte("{a}")).Slot) != digest {
		t.Errorf("after a write that was refused: %v, another digest", err)
	}
	if err := b.records(Write, mend, "{a}bad"); err != nil || b.Counters().Damaged != 0 {
		t.Errorf("%v, %d are damaged", err, b.Counters().Damaged)
	}
}

// spoil flips a bit of a key's value, or of what tells its format, behind the
// store's back.
func spoil(b *rig, key string, format bool) {
	x := engine.Txn{Keys: []engine.Key{KeyOf([]byte(key))}, Mode: engine.Write, Step: spoiler{format}}
	b.eng.Engine.Try(&x)
}

type spoiler struct{ format bool }

func (s spoiler) Decide(t *engine.Txn) {
	v := append([]byte(nil), t.Old[0].Value...)
	if s.format {
		v[0] = 0xff
	} else {
		v[len(v)-1] ^= 1
	}
	t.New[0] = engine.Change{Action: engine.Put, Meta: t.Old[0].Meta, Head: v}
}

func (spoiler) Done(*engine.Txn) {}

// TestDamageMendedMeanwhile: a record that somebody has written again, after the engine
// had found it damaged and before that was decided, is not taken for damaged.
func TestDamageMendedMeanwhile(t *testing.T) {
	b, e := newRot(t)
	defer b.end()
	zero := record.Whole{}
	whole := zero.Put(b.dot(1, &zero), record.NewValue([]byte("value"), 0))
	b.put("a", whole)
	e.bad["a"] = true
	e.before = func() { b.put("a", whole) }
	calls := 0
	if err := b.records(Write, func(r *Records) {
		calls++
		if w, err := r.Whole(0); err != nil || !sameRecord(w, &whole, b.ms) {
			t.Errorf("it is %+v, %v", w, err)
		}
	}, "a"); err != nil || calls != 1 {
		t.Errorf("%d decisions, %v", calls, err)
	}
	twin{"a": whole}.check(b, true)
}

// TestDamageAmongOthers: a damaged record keeps nobody from the others of its transaction.
func TestDamageAmongOthers(t *testing.T) {
	for _, slow := range []bool{false, true} {
		b, e := newRot(t)
		zero, held := record.Whole{}, twin{}
		for i, key := range []string{"a", "b", "c"} {
			held[key] = zero.Put(b.dot(uint64(i), &zero), record.NewValue([]byte(key), 0))
			b.put(key, held[key])
		}
		e.bad["b"], e.slow = true, slow
		// Between the reading of what can be read and the decision, one changes.
		later := held["c"]
		held["c"] = later.Put(b.dot(5, &later), record.NewValue([]byte("later"), 0))
		e.before = func() { b.put("c", held["c"]) }
		calls := 0
		for _, mode := range []engine.Mode{Read, Write} {
			err := b.records(mode, func(r *Records) {
				calls++
				for i, key := range []string{"a", "b", "c", "absent"} {
					w, err := r.Whole(i)
					want := held[key]
					if key == "b" {
						want = record.Whole{}
						if !errors.Is(err, engine.ErrCorrupt) || r.Hash(i) != 0 {
							t.Errorf("of b: %v, %x", err, r.Hash(i))
						}
						continue
					}
					if err != nil || !sameRecord(w, &want, b.ms) || r.Hash(i) != want.Vector.Hash() {
						t.Errorf("%s is %+v, %v", key, w, err)
					}
					if mode == Write && key == "a" {
						m := w.Put(b.dot(6, w), record.NewValue([]byte("new"), 0))
						held[key] = copied(&m)
						r.Put(i, &m)
					}
				}
				if mode == Write {
					m := held["b"]
					r.Put(1, &m)
				}
			}, "a", "b", "c", "absent")
			if err != nil {
				t.Fatal(err)
			}
		}
		e.slow = false
		if calls != 2 {
			t.Errorf("%d decisions", calls)
		}
		held.check(b, true)
		held.checkFigures(b)
		b.end()
	}
}

// TestDamagePassing: a record that was read again, and is whole, is damaged no more.
func TestDamagePassing(t *testing.T) {
	b, e := newRot(t)
	defer b.end()
	zero := record.Whole{}
	w := zero.Put(b.dot(1, &zero), record.NewValue([]byte("v"), 0))
	b.put("a", w)
	e.bad["a"] = true
	if _, err := b.whole("a"); !errors.Is(err, engine.ErrCorrupt) || b.Counters().Damaged != 1 {
		t.Fatal(err)
	}
	e.bad = nil
	if _, err := b.whole("a"); err != nil || b.Counters().Damaged != 0 {
		t.Fatal(err)
	}
	twin{"a": w}.check(b, true)
}

// TestDamageUnderWrites: where the slot is written time and again, the transaction is
// given up, and says why.
func TestDamageUnderWrites(t *testing.T) {
	b, e := newRot(t)
	defer b.end()
	zero := record.Whole{}
	w := zero.Put(b.dot(1, &zero), record.NewValue([]byte("v"), 0))
	b.put("{t}a", w)
	e.bad["{t}a"] = true
	writes := 0
	var again func()
	again = func() {
		writes++
		b.put("{t}b", w)
		e.before = again
	}
	e.before = again
	if _, err := b.whole("{t}a"); !errors.Is(err, engine.ErrCorrupt) || writes != maxTries {
		t.Errorf("%v after %d writes", err, writes)
	}
}

// TestDamageAndExpiry: the sweep passes over damaged records, and takes none away.
func TestDamageAndExpiry(t *testing.T) {
	b, e := newRot(t)
	defer b.end()
	zero := record.Whole{}
	for i := range 20 {
		b.put(fmt.Sprint("{t}", i), zero.Put(b.dot(1, &zero), record.NewValue([]byte("v"), b.ms+1)))
	}
	spoil(b, "{t}7", false)
	e.bad["{t}8"] = true
	b.ms += 5
	b.sweepAll()
	slot := KeyOf([]byte("{t}")).Slot
	if b.RecordsIn(slot) != 20 || b.SlotKeys(slot) != 2 || b.Counters().Damaged != 2 || b.Counters().Expired != 18 {
		t.Errorf("%d records, %d shown, %d damaged, %d expired", b.RecordsIn(slot), b.SlotKeys(slot), b.Counters().Damaged, b.Counters().Expired)
	}
}
