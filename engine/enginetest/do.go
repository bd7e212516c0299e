package enginetest

import (
	"bytes"
	"fmt"

	"github.com/rldb/rldb/engine"
)

// step is a transaction's Step that counts its calls.
type step struct {
	decide  func(*engine.Txn)
	decided int
	done    chan struct{}
}

func (s *step) Decide(t *engine.Txn) {
	s.decided++
	if s.decide != nil {
		s.decide(t)
	}
}

func (s *step) Done(*engine.Txn) { s.done <- struct{}{} }

// Do carries out one transaction to its end, whether the engine does it at once
// or later, and gives its outcome. Decide may be nil.
func Do(e engine.Engine, mode engine.Mode, keys []engine.Key, decide func(*engine.Txn)) (engine.Position, error) {
	s := &step{decide: decide, done: make(chan struct{}, 2)}
	t := &engine.Txn{Keys: keys, Mode: mode, Step: s}
	return finish(e, t, s)
}

// finish runs t, whose Step is s, and checks that s was called as promised.
func finish(e engine.Engine, t *engine.Txn, s *step) (engine.Position, error) {
	tried := e.Try(t)
	if !tried {
		if s.decided != 0 {
			panic("enginetest: Try was false and had called Decide")
		}
		e.Start(t)
		<-s.done
	}
	switch {
	case len(s.done) != 0:
		panic(fmt.Sprintf("enginetest: Done was called once too often (Try was %v)", tried))
	case s.decided > 1 || s.decided == 0 && t.Err == nil:
		panic(fmt.Sprintf("enginetest: Decide was called %d times, error %v", s.decided, t.Err))
	}
	return t.Pos, t.Err
}

// Await waits until everything up to pos is durable.
func Await(e engine.Engine, pos engine.Position) error {
	done := make(chan error, 1)
	e.Await(pos, func(err error) { done <- err })
	return <-done
}

// Record is a copy of one entry as a transaction or scan gave it out.
type Record struct {
	Name  string
	Meta  engine.Meta
	Value string
}

// visitor collects what a scan gives out, up to a limit.
type visitor struct {
	limit   int
	values  bool
	records []Record
	hashes  []uint64
	fault   error
}

func (v *visitor) Visit(k engine.Key, e engine.Entry) bool {
	switch {
	case len(v.records) == v.limit:
		v.fault = fmt.Errorf("visited after the visitor returned false")
	case !e.Found:
		v.fault = fmt.Errorf("visited %q, which is not found", k.Name)
	case k.Hash != engine.Hash(k.Name):
		v.fault = fmt.Errorf("visited %q with hash %x, not %x", k.Name, k.Hash, engine.Hash(k.Name))
	}
	r := Record{Name: string(k.Name), Meta: e.Meta}
	if v.values {
		r.Value = string(e.Value)
	}
	v.records, v.hashes = append(v.records, r), append(v.hashes, k.Hash)
	return len(v.records) < v.limit
}

// ScanAll reads up to limit entries of a slot from a hash on.
func ScanAll(e engine.Engine, slot uint16, from uint64, limit int, values bool) ([]Record, error) {
	v, err := scan(e, slot, from, limit, values)
	return v.records, err
}

func scan(e engine.Engine, slot uint16, from uint64, limit int, values bool) (*visitor, error) {
	v := &visitor{limit: limit, values: values}
	done := make(chan struct{}, 1)
	s := &engine.Scan{
		Slot: slot, From: from, Values: values, Visit: v,
		Done: func(*engine.Scan) { done <- struct{}{} },
	}
	if !e.TryScan(s) {
		if len(v.records) > 0 {
			return v, fmt.Errorf("TryScan was false and had visited entries")
		}
		e.StartScan(s)
		<-done
	}
	if s.Err != nil {
		return v, s.Err
	}
	return v, v.fault
}

// Key makes the key of a name in a slot.
func Key(slot uint16, name string) engine.Key {
	return engine.Key{Slot: slot, Hash: engine.Hash([]byte(name)), Name: []byte(name)}
}

// put stores one value.
func put(e engine.Engine, k engine.Key, meta engine.Meta, value string) (engine.Position, error) {
	return Do(e, engine.Write, []engine.Key{k}, func(t *engine.Txn) {
		t.New[0] = engine.Change{Action: engine.Put, Meta: meta, Body: []byte(value)}
	})
}

func remove(e engine.Engine, k engine.Key) error {
	_, err := Do(e, engine.Write, []engine.Key{k}, func(t *engine.Txn) {
		t.New[0].Action = engine.Delete
	})
	return err
}

// get reads one entry.
func get(e engine.Engine, k engine.Key) (r Record, found bool, err error) {
	_, err = Do(e, engine.Read, []engine.Key{k}, func(t *engine.Txn) {
		found = t.Old[0].Found
		r = Record{Name: string(k.Name), Meta: t.Old[0].Meta, Value: string(bytes.Clone(t.Old[0].Value))}
	})
	return r, found, err
}
