package replica

import (
	"errors"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// blindStage is how far a Blind transaction has come with records of replication's.
type blindStage uint8

const (
	plain  blindStage = iota // it has met none
	asking                   // it has, and is to be carried out with values
	asked                    // as which it is
	forced                   // without, as one of them is damaged, or no dot is minted
)

// again says that the engine must be asked once more.
func (t *Txn) again() bool {
	switch {
	case t.stage == asking && t.eng.Err == nil:
		t.stage, t.eng.Mode = asked, Write
		return true
	case t.stage == asked && errors.Is(t.eng.Err, engine.ErrCorrupt):
		t.stage, t.eng.Mode = forced, Blind
		return true
	}
	return false
}

// Decide is the engine's call: it shows the step the values that the entries
// stand for, and turns what the step changed into entries.
func (t *Txn) Decide(e *engine.Txn) {
	if e.Mode == Blind && t.stage != forced && needsValues(e) {
		t.stage = asking
		return
	}
	t.room()
	for i := range t.vals {
		t.load(i, &e.Old[i])
	}
	t.step.Decide(t)
	if e.Mode == engine.Read {
		return
	}
	t.heads, t.tallied = t.heads[:0], true
	for i := range t.vals {
		t.save(i, &e.Old[i], &e.New[i])
	}
}

// needsValues says whether replication has written an entry: a dot that takes its
// place must be above all that its vector has.
func needsValues(e *engine.Txn) bool {
	for i := range e.Old {
		if e.Old[i].Found && hashOf(e.Old[i].Meta) != 0 {
			return true
		}
	}
	return false
}

func (t *Txn) room() {
	n := len(t.eng.Keys)
	if cap(t.vals) < n {
		t.vals = make([]val, n)
		t.heads = make([]byte, 0, n*record.MaxHead)
	}
	t.vals = t.vals[:n]
}

func (t *Txn) load(i int, old *engine.Entry) {
	v := &t.vals[i]
	*v = val{}
	if old.Found {
		v.expireAt = shownOf(old.Meta)
		v.found = !absentAt(v.expireAt, t.now)
	}
	if !v.found {
		t.expired = t.expired || v.expireAt > 0
		v.expireAt = 0
		v.version = absent + t.store.slots[t.eng.Keys[i].Slot].removed.Load()
	}
	if t.eng.Mode != engine.Blind && (v.found || old.Found && hashOf(old.Meta) != 0) {
		t.decode(v, old)
	}
}

// decode takes a value off its record. A record of several values shows what GET
// answers.
func (t *Txn) decode(v *val, old *engine.Entry) {
	if hashOf(old.Meta) == 0 {
		r, err := record.Decode(old.Value)
		if err == nil {
			err = r.Verify()
		}
		v.corrupt = err != nil
		v.data, v.version = r.Value, uint64(r.Dot.HLC)
		return
	}
	err := t.whole.Decode(old.Value)
	v.floor = t.whole.Vector.Max()
	if !v.found {
		return
	}
	v.version = hashOf(old.Meta) &^ absent
	w := t.whole.Winner(t.now)
	if w != nil {
		v.data = w.Value
		err = w.Verify()
	}
	v.corrupt = err != nil || w == nil
}

// absent sets the versions of absent keys apart from dots: no hybrid time has
// its highest bit set before the year 6429.
const absent = 1 << 63

func (t *Txn) save(i int, old *engine.Entry, c *engine.Change) {
	v := &t.vals[i]
	s, k := t.store, &t.eng.Keys[i]
	v.was, v.is, v.lapsed = face{}, face{}, false
	if old.Found {
		v.was = s.face(k, old.Meta)
	}
	v.is = v.was
	lapsed := v.was.shown > 0 && v.was.shown <= t.now
	switch {
	case v.found && v.changed:
		t.put(v, k, c)
	case v.found || !old.Found || v.was.shown < 0:
		return // nothing has changed, or nothing was shown
	case !v.changed && (!lapsed || s.replicated):
		return
	default:
		c.Action = engine.Delete // also of an expired entry that was met
		v.is = face{}
	}
	s.moved(k.Slot, v.was, v.is)
	if s.replicated {
		s.intact(k)
		s.slots[k.Slot].removed.Add(1)
	}
	if v.lapsed = lapsed; lapsed {
		s.expired.Add(1)
	}
	if v.found || !lapsed {
		t.changes++
	}
	if !v.found && !lapsed {
		s.slots[k.Slot].removed.Add(1)
	}
}

// put makes the entry of a value.
func (t *Txn) put(v *val, k *engine.Key, c *engine.Change) {
	s := t.store
	r := record.Record{
		Type:     record.String,
		Dot:      record.Dot{Actor: s.Actor(), HLC: s.clock.After(v.floor, t.now)},
		ExpireAt: v.expireAt,
		CRC:      record.Checksum(v.data),
	}
	from := len(t.heads)
	t.heads = record.AppendHead(t.heads, &r)
	hash := uint64(0)
	if s.replicated {
		hash = record.Vector{r.Dot}.Hash()
	}
	c.Action, c.Meta, c.Head, c.Body = engine.Put, metaOf(v.expireAt, hash), t.heads[from:], v.data
	v.is = s.face(k, c.Meta)
}

// fail takes back what save has told the store, where the engine has refused the
// changes after all. That a slot may be due early, and that the versions of absent
// keys have moved on, does no harm.
func (t *Txn) fail() {
	if !t.tallied {
		return
	}
	t.tallied, t.changes = false, 0
	for i := range t.vals {
		v := &t.vals[i]
		t.store.moved(t.eng.Keys[i].Slot, v.is, v.was)
		if v.lapsed {
			t.store.expired.Add(-1)
		}
	}
}

// Done passes the end of a started transaction on.
func (t *Txn) Done(e *engine.Txn) {
	if t.again() {
		t.store.eng.Start(&t.eng)
		return
	}
	if e.Err != nil {
		t.fail()
	}
	if t.expired {
		t.store.dueAll(t)
	}
	t.step.Done(t)
}
