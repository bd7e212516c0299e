package replica

import (
	"bytes"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/ring"
)

// Step decides a transaction over values. Decide is called once, in the turn of
// all of the transaction's keys: it must be quick, must not block, and must not
// call the Store. Done reports the end of a transaction that was started.
type Step interface {
	Decide(t *Txn)
	Done(t *Txn)
}

// Txn reads and changes some keys at once, in their turn. It is reused: Reset,
// Key for each key, then Store.Try. Its methods for values are for Decide.
//
// A change is seen by later reads within the same Decide.
type Txn struct {
	now   int64
	store *Store
	step  Step
	eng   engine.Txn
	vals  []val
	heads []byte
	index map[string]int
	arena []byte
	// scratch is how much Scratch has given.
	scratch int64
	// whole is where records are decoded that are not plain values.
	whole record.Whole
	// expired: a read met an expired entry, which is to be removed.
	expired bool
	stage   blindStage
	changes int  // keys that the step has changed
	tallied bool // figures follow what was decided
}

// val is one key's value as the transaction sees it.
type val struct {
	data     []byte
	found    bool
	changed  bool
	expireAt int64
	version  uint64
	corrupt  bool
	floor    record.HLC // that the dot of what takes its place must be above

	// What save has told the store: see Txn.fail.
	was, is face
	lapsed  bool // an expired entry goes
}

// Modes of a transaction.
const (
	Read  = engine.Read
	Write = engine.Write
	Blind = engine.Blind
)

// Reset empties the transaction for a new use. now is Store.Now.
func (t *Txn) Reset(s *Store, mode engine.Mode, now int64, step Step) {
	t.store, t.step, t.now = s, step, now
	t.eng.Keys, t.eng.Mode, t.eng.Step = t.eng.Keys[:0], mode, t
	t.arena, t.scratch, t.expired, t.changes, t.tallied = t.arena[:0], 0, false, 0, false
	t.stage = plain
	if len(t.index) > 0 {
		clear(t.index)
	}
	if cap(t.vals) > keepKeys {
		*t = Txn{store: s, step: step, now: now, eng: engine.Txn{Mode: mode, Step: t}}
	}
	if cap(t.arena) > keepArena {
		t.arena = nil
	}
}

// What a Txn keeps for its next use: room for so many keys, so many bytes.
const (
	keepKeys  = 1024
	keepArena = 64 << 10
	// scanKeys is up to how many keys are looked up by comparing them all.
	scanKeys = 8
)

// Key adds a key, which must stay unchanged until the transaction is over, and
// returns its number. A key that is there already keeps its number.
func (t *Txn) Key(name []byte) int {
	n := len(t.eng.Keys)
	if n > 0 {
		if i := t.find(name); i >= 0 {
			return i
		}
	}
	t.eng.Keys = append(t.eng.Keys, KeyOf(name))
	if n >= scanKeys {
		t.index[string(name)] = n
	}
	return n
}

// First adds the first key of a transaction: one that was made by KeyOf
// earlier.
func (t *Txn) First(k engine.Key) int {
	t.eng.Keys = append(t.eng.Keys, k)
	return 0
}

// KeyOf is the key of a name. It refers to name.
func KeyOf(name []byte) engine.Key {
	return engine.Key{Slot: ring.Slot(name), Hash: engine.Hash(name), Name: name}
}

func (t *Txn) find(name []byte) int {
	keys := t.eng.Keys
	if len(keys) < scanKeys {
		for i := range keys {
			if bytes.Equal(keys[i].Name, name) {
				return i
			}
		}
		return -1
	}
	if len(t.index) == 0 {
		t.index = indexed(t.index, keys)
	}
	if i, ok := t.index[string(name)]; ok {
		return i
	}
	return -1
}

// indexed enters the numbers of keys into m, which is empty and may be nil.
func indexed(m map[string]int, keys []engine.Key) map[string]int {
	if m == nil {
		m = make(map[string]int, 2*len(keys))
	}
	for i := range keys {
		m[string(keys[i].Name)] = i
	}
	return m
}

// Len is the number of distinct keys; Name is key i.
func (t *Txn) Len() int { return len(t.eng.Keys) }

// Name is the name of key i.
func (t *Txn) Name(i int) []byte { return t.eng.Keys[i].Name }

// Now is the time by which the transaction judges expiry, Unix ms.
func (t *Txn) Now() int64 { return t.now }

// Get is key i's value; ok is false if there is none. The bytes are valid until
// Decide returns, and must not be written to.
func (t *Txn) Get(i int) (data []byte, ok bool) {
	v := &t.vals[i]
	return v.data, v.found
}

// Exists says whether key i has a value; it may be asked of Blind transactions.
func (t *Txn) Exists(i int) bool { return t.vals[i].found }

// Corrupt says whether key i's value is damaged: it has no bytes to give.
func (t *Txn) Corrupt(i int) bool { return t.vals[i].corrupt }

// ExpireAt is when key i's value expires, Unix ms; 0: never.
func (t *Txn) ExpireAt(i int) int64 { return t.vals[i].expireAt }

// Version changes whenever key i is changed, also when it comes or goes.
func (t *Txn) Version(i int) uint64 { return t.vals[i].version }

// Set gives key i a value. data must stay unchanged until the transaction is
// over; it may be, or be part of, what Get(i) returned, but nothing that Get
// returned for another key: copy that with Scratch. expireAt is in Unix ms; a
// time that has passed removes the key.
func (t *Txn) Set(i int, data []byte, expireAt int64) {
	if expireAt != 0 && expireAt <= t.now {
		t.Delete(i)
		return
	}
	v := &t.vals[i]
	v.data, v.found, v.changed, v.expireAt = data, true, true, expireAt
}

// Delete removes key i.
func (t *Txn) Delete(i int) {
	v := &t.vals[i]
	v.data, v.found, v.changed, v.expireAt = nil, false, true, 0
}

// Scratch gives n bytes of memory that live until the transaction is over.
func (t *Txn) Scratch(n int) []byte {
	if cap(t.arena)-len(t.arena) < n {
		t.arena = make([]byte, 0, max(n, 2*min(cap(t.arena), keepArena)))
	}
	from := len(t.arena)
	t.arena, t.scratch = t.arena[:from+n], t.scratch+int64(n)
	return t.arena[from : from+n : from+n]
}

// Scratched is how many bytes Scratch has given in this transaction.
func (t *Txn) Scratched() int64 { return t.scratch }

// Try carries the transaction out if that needs no disk. False means that
// nothing has happened.
func (s *Store) Try(t *Txn) bool {
	for {
		if !s.eng.Try(&t.eng) {
			return false
		}
		if !t.again() {
			break
		}
	}
	if t.eng.Err != nil {
		t.fail()
	}
	if t.expired {
		s.reap(t)
	}
	return true
}

// Start has a transaction that Try refused carried out on the engine's pool; it
// returns at once. The step, which takes the place of the one before, is called
// there, and its Done says that t is over.
func (s *Store) Start(t *Txn, step Step) {
	t.step = step
	s.eng.Start(&t.eng)
}

// Do carries the transaction out to its end, waiting for a disk if it must: it
// is for goroutines that serve nobody.
func (s *Store) Do(t *Txn) {
	if s.Try(t) {
		return
	}
	w := &waiter{step: t.step}
	w.wg.Add(1)
	s.Start(t, w)
	w.wg.Wait()
}

// waiter is a step whose end is waited for.
type waiter struct {
	step Step
	wg   sync.WaitGroup
}

func (w *waiter) Decide(t *Txn) { w.step.Decide(t) }
func (w *waiter) Done(*Txn)     { w.wg.Done() }

// Changes is how many keys the transaction has changed, expired ones that it met
// left out.
func (t *Txn) Changes() int { return t.changes }

// Err is why the transaction changed nothing, or nil.
func (t *Txn) Err() error { return t.eng.Err }

// Pos is what must be as durable as the settings promise before anybody is told
// of what the transaction did or saw: see Store.Await.
func (t *Txn) Pos() engine.Position { return t.eng.Pos }

// Writes says whether the transaction may change something.
func (t *Txn) Writes() bool { return t.eng.Mode != engine.Read }

// Rename has key i's name stand in other memory: the same bytes, which must
// stay unchanged until the transaction is over.
func (t *Txn) Rename(i int, name []byte) { t.eng.Keys[i].Name = name }

// Hash is a hash of key i's name.
func (t *Txn) Hash(i int) uint64 { return t.eng.Keys[i].Hash }

// Trim lets go of the memory that values took, once the transaction is over. What
// it is asked for afterwards is its outcome, and its keys.
func (t *Txn) Trim() {
	clear(t.vals)
	t.whole = record.Whole{}
	clear(t.eng.Old)
	clear(t.eng.New)
	if cap(t.arena) > keepArena {
		t.arena = nil
	}
}

// Abandon undoes, within Decide, what was changed so far.
func (t *Txn) Abandon() {
	for i := range t.vals {
		t.vals[i].changed = false
	}
}
