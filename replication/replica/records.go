package replica

import (
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// RecordStep decides a transaction over whole records, as Step does one over values.
type RecordStep interface {
	Decide(r *Records)
	Done(r *Records)
}

// Records reads and changes the records of some keys at once, in their turn: it is
// what replication works with. It is reused: Reset, Key for each key, then
// Store.TryRecords.
type Records struct{}

// Reset empties it for a new use. Modes: Read; Write; Blind: Whole may not be asked,
// but Hash may.
func (r *Records) Reset(s *Store, mode engine.Mode, step RecordStep) { panic("skeleton") }

// Key adds a key and returns its number; one that is there already keeps its own.
func (r *Records) Key(k engine.Key) int { panic("skeleton") }

// Len is the number of keys.
func (r *Records) Len() int { panic("skeleton") }

// At is key i.
func (r *Records) At(i int) engine.Key { panic("skeleton") }

// Hash is that of the vector of key i's record, 0 if there is none. It needs no value.
func (r *Records) Hash(i int) uint64 { panic("skeleton") }

// Whole is key i's record, zero if there is none; its bytes are the engine's and valid
// until Decide returns. The error is engine.ErrCorrupt (wrapped) for one that cannot be decoded or
// whose checksums do not match.
func (r *Records) Whole(i int) (*record.Whole, error) { panic("skeleton") }

// Put stores w, which must not be zero, under key i. Its values' bytes must stay
// unchanged until the transaction is over; they may be those of Whole(i), but of no
// other key's.
func (r *Records) Put(i int, w *record.Whole) { panic("skeleton") }

// Drop removes key i's record, as if it had never been: for data that has gone home,
// and for what is reaped.
func (r *Records) Drop(i int) { panic("skeleton") }

// Err is why nothing was changed, or nil; Pos is what must be durable before anybody
// is told.
func (r *Records) Err() error           { panic("skeleton") }
func (r *Records) Pos() engine.Position { panic("skeleton") }

// TryRecords, StartRecords and DoRecords are Try, Start and Do for Records.
func (s *Store) TryRecords(r *Records) bool               { panic("skeleton") }
func (s *Store) StartRecords(r *Records, step RecordStep) { panic("skeleton") }
func (s *Store) DoRecords(r *Records)                     { panic("skeleton") }

// Listed is one record of a page, without its values.
type Listed struct {
	Key  engine.Key // Name is the page's own
	Hash uint64     // of its vector
}

// Page lists the records of a slot, tombstones too, from a hash on: about most, but
// always all of one hash. more says where to go on, if there is more. It may wait for a disk.
func (s *Store) Page(slot uint16, from uint64, most int) (page []Listed, next uint64, more bool, err error) {
	panic("skeleton")
}

// Digest is the digest of a slot: equal data gives equal digests, on any engine; 0 for an empty slot. It changes with
// each write and looks at no record. Only of a Store with Options.Replicated.
func (s *Store) Digest(slot uint16) uint64 { panic("skeleton") }

// Records is the number of records of a slot, tombstones and expired ones included.
func (s *Store) RecordsIn(slot uint16) int64 { panic("skeleton") }

// Clock and Actor are what dots are minted from.
func (s *Store) Clock() *record.Clock { panic("skeleton") }
func (s *Store) Actor() uint64        { panic("skeleton") }

// The hooks by which a coordinator carries out a Txn whose values come from elsewhere
// than this store's engine. Begin, then Load for each key, RunStep once, then Outcome of each
// key; at the end, Finish, which calls the step's Done.

// Begin prepares a transaction that Reset and Key have filled.
func (t *Txn) Begin(step Step) { panic("skeleton") }

// KeyAt is key i.
func (t *Txn) KeyAt(i int) engine.Key { panic("skeleton") }

// Load gives key i the record that was read. Its winner, if it has not expired at
// Now, is what Get answers; Version is its vector's hash. corrupt: its bytes are damaged.
func (t *Txn) Load(i int, w *record.Whole, corrupt bool) { panic("skeleton") }

// RunStep has the step decide.
func (t *Txn) RunStep() { panic("skeleton") }

// Result is what a step has done to a key.
type Result int

// The results.
const (
	Kept    Result = iota // nothing
	Changed               // it has a value now: data, expireAt
	Removed               // it has none; also where it had none before
)

// Outcome is what the step has done to key i.
func (t *Txn) Outcome(i int) (r Result, data []byte, expireAt int64) { panic("skeleton") }

// Finish ends the transaction: err is why nothing was changed (Err will say it), pos what must be
// durable, changes how many keys were changed. It calls the step's Done.
func (t *Txn) Finish(err error, pos engine.Position, changes int) { panic("skeleton") }
