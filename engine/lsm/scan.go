package lsm

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// scan carries one page out. The slot is locked against changes throughout, as
// the interface promises visitors, and so while the disk is read: it is for the
// visitor to end a long scan. Others read on meanwhile.
func (r *reader) scan(sc *engine.Scan) {
	s := r.engine.locks.of(sc.Slot)
	s.RLock()
	defer s.RUnlock()
	if sc.Err = r.visit(sc); sc.Err != nil {
		sc.Err = r.engine.health.readFailed(sc.Err)
	}
}

func (r *reader) visit(sc *engine.Scan) error {
	if r.engine.Len(sc.Slot) == 0 {
		return nil
	}
	it, err := r.engine.db.NewIter(&pebble.IterOptions{
		LowerBound: appendBound(nil, sc.Slot, sc.From),
		UpperBound: slotStart(sc.Slot + 1),
	})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		b, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		k, whole := parseKey(it.Key())
		old, sound := parseValue(b)
		if !whole || !sound {
			return errShort
		}
		if !sc.Values {
			old.Value = nil
		}
		if !sc.Visit.Visit(k, old) {
			break
		}
	}
	return it.Error()
}

// errShort: Pebble gave a key or value that this engine cannot have written.
var errShort = errors.New("a key or value is cut short")
