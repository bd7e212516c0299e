package replica

import (
	"bytes"
	"errors"

	"github.com/rldb/rldb/engine"
)

// salvage is how a transaction of a replicated store gets past what the engine itself
// finds damaged: that fails the transaction before Decide, and does not say whose
// it was. So the keys are read one by one, and then the transaction is decided as a
// Blind one over these values. They are right for as long as nobody has
// written to the slots since before they were read; else it begins again.
//
// It is rare, and may allocate.
type salvage struct {
	of   *Records
	txn  engine.Txn // reads one key
	gens []uint64   // of each key's slot, before
	got  []salvaged // of the keys that were read
}

// salvaged is what is under a key.
type salvaged struct {
	value   []byte
	damaged bool
}

// maxTries bounds how often it begins again.
const maxTries = 16

func newSalvage(r *Records) *salvage {
	v := &salvage{of: r}
	for i := range r.eng.Keys {
		v.gens = append(v.gens, v.gen(i))
	}
	v.next()
	return v
}

func (v *salvage) gen(i int) uint64 {
	return v.of.store.slots[v.of.eng.Keys[i].Slot].removed.Load()
}

// stale says whether what was read may be something else by now.
func (v *salvage) stale() bool {
	for i, gen := range v.gens {
		if v.gen(i) != gen {
			return true
		}
	}
	return false
}

// next prepares the reading of the next key; false if there is none.
func (v *salvage) next() bool {
	i := len(v.got)
	if i == len(v.gens) {
		return false
	}
	v.txn.Keys, v.txn.Mode, v.txn.Step = v.of.eng.Keys[i:i+1:i+1], engine.Read, v
	v.got = append(v.got, salvaged{})
	return true
}

// read takes the outcome of a reading. An error ends the whole.
func (v *salvage) read() error {
	if errors.Is(v.txn.Err, engine.ErrCorrupt) {
		v.got[len(v.got)-1].damaged = true
		return nil
	}
	return v.txn.Err
}

// try reads all keys if that needs no disk; false if it does, and nothing has happened.
func (v *salvage) try() bool {
	for {
		if !v.of.store.eng.Try(&v.txn) {
			return false
		}
		if v.of.eng.Err = v.read(); v.of.eng.Err != nil || !v.next() {
			return true
		}
	}
}

// start has the keys read on the engine's pool, and then the transaction go on.
func (v *salvage) start() { v.of.store.eng.Start(&v.txn) }

// Decide implements engine.Step.
func (v *salvage) Decide(t *engine.Txn) {
	v.got[len(v.got)-1].value = bytes.Clone(t.Old[0].Value)
}

// Done implements engine.Step.
func (v *salvage) Done(*engine.Txn) {
	if err := v.read(); err != nil {
		v.of.eng.Err = err
		v.of.step.Done(v.of)
		return
	}
	if v.next() {
		v.start()
		return
	}
	v.of.start()
}
