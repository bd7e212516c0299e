package replica

import (
	"bytes"
	"fmt"

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
// Damaged records do not fail it, in a replicated store: see Whole.
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
	unhashed bool     // a hash is asked for that only the value tells
	stale    bool     // what was salvaged is out of date
	salvage  *salvage // the values that could be read, where the engine has found damage
	tries    int      // how often that was begun

	found []engine.Key // damage that nobody knew of; its names are not to be used
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
	r.tallied, r.unhashed, r.stale, r.salvage, r.tries = false, false, false, nil, 0
	r.found = r.found[:0]
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
	r.salvage = nil
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
	if x.state == unread && old.Found {
		err := x.whole.Decode(r.value(i))
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

// Lost is the hash of the vector that key i's damaged record has had: what would
// repair it best. It is 0 if that is not known, or Whole has found no damage.
func (r *Records) Lost(i int) uint64 {
	if r.recs[i].state != unreadable {
		return 0
	}
	return hashOf(r.eng.Old[i].Meta)
}

// value is the bytes of key i's entry.
func (r *Records) value(i int) []byte {
	switch {
	case r.salvage != nil:
		return r.salvage.got[i].value
	case r.eng.Mode == Blind:
		panic("replica: a record is asked for by a Blind transaction")
	}
	return r.eng.Old[i].Value
}

// damage notes that key i's record cannot be read.
func (r *Records) damage(i int) {
	x, k := &r.recs[i], &r.eng.Keys[i]
	x.state = unreadable
	x.whole.Vector, x.whole.Values = x.whole.Vector[:0], x.whole.Values[:0]
	if r.store.damage(k, r.store.face(k, r.eng.Old[i].Meta).part) {
		r.found = append(r.found, *k)
	}
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
