package replica

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// RecordStep decides a transaction over whole records, as Step does one over values.
// Decide is called once, in the turn of all keys, unless the transaction fails
// before; it must be quick, must not block, and must not call the Store.
type RecordStep interface {
	Decide(r *Records)
	Done(r *Records)
}

// Records reads and changes the records of some keys at once, in their turn: it is
// what replication works with. It is reused: Reset, Key for each key, then
// Store.TryRecords. Hash, Whole, Put and Drop are for Decide.
//
// What the engine itself finds damaged is carried out all the same if the
// transaction is of one key: see Whole. One of several keys fails with
// engine.ErrCorrupt, and has to be done key by key.
type Records struct {
	store *Store
	step  RecordStep
	mode  engine.Mode // what was asked for
	eng   engine.Txn  // its Mode may be another: see again
	recs  []rec
	bytes []byte // what Put has encoded
	index map[string]int
	now   int64

	tallied bool // figures follow what was decided
	// What Decide, or the engine, has found instead of deciding.
	unhashed bool   // a hash is asked for that only the value tells
	stale    bool   // something in the slot has changed since the damage was found
	blind    bool   // the one key's entry cannot be read: it is decided without
	gen      uint64 // of the slot, before the engine was asked first
	tries    int
}

// rec is what a transaction knows of one key.
type rec struct {
	state  recState
	action engine.Action
	whole  record.Whole
	hash   uint64 // of whole, where its meta has none
	meta   engine.Meta
	from   int // the entry's head in Records.bytes, from and to
	to     int
	body   []byte

	// What save has told the store: see Records.fail.
	was, is face
	lapsed  bool // the entry that goes had expired, unmarked
}

type recState uint8

const (
	unread recState = iota
	read
	unreadable
)

// Reset empties it for a new use. Modes: Read; Write; Blind: Whole may not be asked,
// but Hash may.
func (r *Records) Reset(s *Store, mode engine.Mode, step RecordStep) {
	if cap(r.recs) > keepKeys {
		*r = Records{}
	}
	if cap(r.bytes) > keepArena {
		r.bytes = nil
	}
	r.store, r.step, r.mode = s, step, mode
	r.eng.Keys, r.eng.Mode, r.eng.Step = r.eng.Keys[:0], mode, r
	r.eng.Err, r.eng.Pos = nil, 0
	r.tallied, r.unhashed, r.stale, r.blind, r.tries = false, false, false, false, 0
	if len(r.index) > 0 {
		clear(r.index)
	}
}

// Trim lets go of the memory that values took, once the transaction is over. What
// it is asked for afterwards is its outcome, and its keys.
func (r *Records) Trim() {
	for i := range r.recs {
		clear(r.recs[i].whole.Values[:cap(r.recs[i].whole.Values)])
		r.recs[i].body = nil
	}
	clear(r.eng.Old)
	clear(r.eng.New)
	if cap(r.bytes) > keepArena {
		r.bytes = nil
	}
}

// Key adds a key and returns its number; one that is there already keeps its own.
// Its name must stay unchanged until the transaction is over.
func (r *Records) Key(k engine.Key) int {
	n := len(r.eng.Keys)
	if i := r.find(k.Name); i >= 0 {
		return i
	}
	r.eng.Keys = append(r.eng.Keys, k)
	if n >= scanKeys {
		r.index[string(k.Name)] = n
	}
	return n
}

func (r *Records) find(name []byte) int {
	keys := r.eng.Keys
	if len(keys) < scanKeys {
		for i := range keys {
			if bytes.Equal(keys[i].Name, name) {
				return i
			}
		}
		return -1
	}
	if len(r.index) == 0 {
		r.index = indexed(r.index, keys)
	}
	if i, ok := r.index[string(name)]; ok {
		return i
	}
	return -1
}

// Len is the number of keys.
func (r *Records) Len() int { return len(r.eng.Keys) }

// At is key i.
func (r *Records) At(i int) engine.Key { return r.eng.Keys[i] }

// Hash is that of the vector of key i's record, 0 if there is none, or one that is
// damaged. It needs no value, but where a standalone node has written the entry:
// then values are read in any case, before Decide is called.
func (r *Records) Hash(i int) uint64 {
	old := &r.eng.Old[i]
	if !old.Found || r.recs[i].state == unreadable || r.store.damaged.has(&r.eng.Keys[i]) {
		return 0
	}
	if h := hashOf(old.Meta); h != 0 {
		return h
	}
	if _, err := r.Whole(i); err != nil {
		return 0
	}
	return r.recs[i].hash
}

// Whole is key i's record as it was when Decide was called, zero if there is none;
// its bytes are the engine's and valid until Decide returns. The error is
// engine.ErrCorrupt (wrapped) for one that cannot be decoded or whose checksums do
// not match; Put may write another in its place.
func (r *Records) Whole(i int) (*record.Whole, error) {
	x, old := &r.recs[i], &r.eng.Old[i]
	if x.state == unread && old.Found && !r.blind {
		err := x.whole.Decode(old.Value)
		if err == nil {
			err = x.whole.Verify()
		}
		if err != nil {
			r.damage(i)
			return nil, fmt.Errorf("%w: the record of a key in slot %d: %w", engine.ErrCorrupt, r.eng.Keys[i].Slot, err)
		}
		x.state, x.hash = read, hashOf(old.Meta)
		if x.hash == 0 {
			x.hash = x.whole.Vector.Hash()
		}
		r.store.intact(&r.eng.Keys[i])
	}
	if x.state == unreadable {
		return nil, fmt.Errorf("%w: the record of a key in slot %d", engine.ErrCorrupt, r.eng.Keys[i].Slot)
	}
	return &x.whole, nil
}

// damage notes that key i's record cannot be read.
func (r *Records) damage(i int) {
	x, k := &r.recs[i], &r.eng.Keys[i]
	x.state = unreadable
	x.whole.Vector, x.whole.Values = x.whole.Vector[:0], x.whole.Values[:0]
	r.store.damage(k, r.store.face(k, r.eng.Old[i].Meta).part)
}

// Put stores w, which must not be zero, under key i. Its values' bytes must stay
// unchanged until the transaction is over; they may be those of Whole(i), but of no
// other key's. (w itself may be used again at once.)
func (r *Records) Put(i int, w *record.Whole) {
	if w.IsZero() {
		panic("replica: a record that nobody has written cannot be stored")
	}
	x := &r.recs[i]
	x.action = engine.Put
	x.meta = metaOf(shownBy(w, r.now), w.Vector.Hash())
	x.from, x.body = len(r.bytes), nil
	r.bytes = w.AppendHead(r.bytes)
	if len(w.Values) == 1 {
		x.body = w.Values[0].Value
	} else {
		for j := range w.Values {
			r.bytes = append(r.bytes, w.Values[j].Value...)
		}
	}
	x.to = len(r.bytes)
}

// Drop removes key i's record, as if it had never been: for data that has gone home,
// and for what is reaped.
func (r *Records) Drop(i int) { r.recs[i].action, r.recs[i].body = engine.Delete, nil }

// Err is why nothing was changed, or nil.
func (r *Records) Err() error { return r.eng.Err }

// Pos is what must be durable before anybody is told.
func (r *Records) Pos() engine.Position { return r.eng.Pos }

// TryRecords is Try for Records.
func (s *Store) TryRecords(r *Records) bool {
	for {
		r.begin()
		if !s.eng.Try(&r.eng) {
			return false
		}
		if !r.again() {
			return true
		}
	}
}

// StartRecords is Start for Records.
func (s *Store) StartRecords(r *Records, step RecordStep) {
	r.step = step
	r.begin()
	s.eng.Start(&r.eng)
}

// DoRecords is Do for Records.
func (s *Store) DoRecords(r *Records) {
	if s.TryRecords(r) {
		return
	}
	w := &recordsWaiter{step: r.step}
	w.wg.Add(1)
	s.StartRecords(r, w)
	w.wg.Wait()
}

// recordsWaiter is a step whose end is waited for.
type recordsWaiter struct {
	step RecordStep
	wg   sync.WaitGroup
}

func (w *recordsWaiter) Decide(r *Records) { w.step.Decide(r) }
func (w *recordsWaiter) Done(*Records)     { w.wg.Done() }

// begin prepares for the engine to be asked.
func (r *Records) begin() {
	r.now = r.store.clock.Milli()
	r.unhashed, r.stale = false, false
	if !r.blind && len(r.eng.Keys) == 1 {
		r.gen = r.store.slots[r.eng.Keys[0].Slot].removed.Load()
	}
}

// again ends what the engine was asked for. True: it must be asked once more, in
// another mode.
//
// An engine that finds a value damaged fails the transaction before Decide. One of a
// single key is then decided without its value, which is only right for as long
// as nobody has written to the slot since.
func (r *Records) again() bool {
	err := r.eng.Err
	if err != nil {
		r.fail()
	}
	switch {
	case r.unhashed && err == nil:
		r.eng.Mode = Write
		return true
	case r.stale && r.tries < maxTries:
		r.tries++
		r.blind, r.eng.Mode = false, r.mode
		return true
	case r.stale:
		r.eng.Err = engine.ErrCorrupt
	case r.blind && err != nil && r.mode == Read:
		r.eng.Err = engine.ErrCorrupt // why it cannot be written is no answer
	case !r.blind && len(r.eng.Keys) == 1 && r.store.replicated && errors.Is(err, engine.ErrCorrupt):
		r.blind, r.eng.Mode = true, Blind
		return true
	}
	return false
}

// maxTries bounds how often a damaged entry is looked at while others write to its slot.
const maxTries = 16

// Decide is the engine's call: it has the step decide, and turns its records into
// entries.
func (r *Records) Decide(e *engine.Txn) {
	if r.blind && r.store.slots[e.Keys[0].Slot].removed.Load() != r.gen {
		r.stale = true
		return
	}
	if e.Mode == Blind && !r.blind && unhashed(e.Old) {
		r.unhashed = true
		return
	}
	n := len(e.Keys)
	if cap(r.recs) < n {
		r.recs = append(r.recs[:cap(r.recs)], make([]rec, n-cap(r.recs))...)
	}
	r.recs, r.bytes = r.recs[:n], r.bytes[:0]
	for i := range r.recs {
		x := &r.recs[i]
		w := record.Whole{Vector: x.whole.Vector[:0], Values: x.whole.Values[:0]}
		*x = rec{whole: w}
	}
	if r.blind && e.Old[0].Found {
		r.damage(0)
	}
	r.step.Decide(r)
	if r.mode != Read {
		r.tallied = true
		for i := range r.recs {
			r.save(i, &e.Old[i], &e.New[i])
		}
	}
}

// unhashed says whether the hash of an entry is not in its meta.
func unhashed(old []engine.Entry) bool {
	for i := range old {
		if old[i].Found && hashOf(old[i].Meta) == 0 {
			return true
		}
	}
	return false
}

// save makes key i's change, and keeps the figures.
func (r *Records) save(i int, old *engine.Entry, c *engine.Change) {
	x, s, k := &r.recs[i], r.store, &r.eng.Keys[i]
	if x.action == engine.Keep || x.action == engine.Delete && !old.Found {
		return
	}
	if old.Found {
		s.intact(k) // what takes its place is
		x.was = s.face(k, old.Meta)
	}
	c.Action = x.action
	if x.action == engine.Put {
		c.Meta, c.Head, c.Body = x.meta, r.bytes[x.from:x.to], x.body
		x.is = s.face(k, x.meta)
	}
	s.moved(k.Slot, x.was, x.is)
	s.slots[k.Slot].removed.Add(1)
	if x.lapsed = x.was.shown > 0 && x.was.shown <= r.now; x.lapsed {
		s.expired.Add(1)
	}
}

// fail takes back what save has told the store, where the engine has refused the
// changes after all: see Txn.fail. A damaged record that was to be written again
// is found once more when it is read.
func (r *Records) fail() {
	if !r.tallied {
		return
	}
	r.tallied = false
	for i := range r.recs {
		x := &r.recs[i]
		r.store.moved(r.eng.Keys[i].Slot, x.is, x.was)
		if x.lapsed {
			r.store.expired.Add(-1)
		}
	}
}

// Done passes the end of a started transaction on.
func (r *Records) Done(*engine.Txn) {
	if r.again() {
		r.begin()
		r.store.eng.Start(&r.eng)
		return
	}
	r.step.Done(r)
}
