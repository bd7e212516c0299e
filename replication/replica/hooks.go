package replica

import (
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// The hooks by which a coordinator carries out a Txn whose values come from elsewhere
// than this store's engine. Begin, then Load for each key, RunStep once, then Outcome of each
// key; at the end, Finish, which calls the step's Done. To decide again over what
// was read anew, go back to Begin.

// Begin prepares a transaction that Reset and Key have filled.
func (t *Txn) Begin(step Step) {
	t.step = step
	t.eng.Err, t.eng.Pos = nil, 0
	t.expired, t.tallied, t.changes = false, false, 0
	t.room()
	clear(t.vals)
}

// KeyAt is key i.
func (t *Txn) KeyAt(i int) engine.Key { return t.eng.Keys[i] }

// Load gives key i the record that was read; its bytes must stay until RunStep has
// returned, or longer if Outcome is to refer to them. Its winner, if it has not
// expired at Now, is what Get answers; Version is its vector's hash, or another
// number once the winner has expired. corrupt: its bytes are damaged.
func (t *Txn) Load(i int, w *record.Whole, corrupt bool) {
	v := &t.vals[i]
	*v = val{version: w.Vector.Hash(), corrupt: corrupt, found: corrupt}
	if corrupt {
		return
	}
	if winner := w.Winner(t.now); winner != nil {
		v.found, v.data, v.expireAt = true, winner.Value, winner.ExpireAt
	} else if len(w.Values) > 0 {
		v.version = ^v.version
	}
}

// RunStep has the step decide.
func (t *Txn) RunStep() { t.step.Decide(t) }

// Result is what a step has done to a key.
type Result int

// The results.
const (
	Kept    Result = iota // nothing
	Changed               // it has a value now: data, expireAt
	Removed               // it has none; also where it had none before
)

// Outcome is what the step has done to key i.
func (t *Txn) Outcome(i int) (r Result, data []byte, expireAt int64) {
	v := &t.vals[i]
	switch {
	case !v.changed || t.eng.Mode == engine.Read:
		return Kept, nil, 0
	case v.found:
		return Changed, v.data, v.expireAt
	}
	return Removed, nil, 0
}

// Finish ends the transaction: err is why nothing was changed (Err will say it), pos what must be
// durable, changes how many keys were changed. It calls the step's Done.
func (t *Txn) Finish(err error, pos engine.Position, changes int) {
	t.eng.Err, t.eng.Pos, t.changes = err, pos, changes
	t.step.Done(t)
}
