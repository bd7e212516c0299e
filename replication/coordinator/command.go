package coordinator

import (
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// command is a blind write as a command's step has it.
type command struct{ call *Call }

func (c *Coordinator) startBlind(x *Call, p place) {
	keys := ownKeys(x.Txn)
	b := &blind{operation: operation{c: c}, place: p, keys: keys, maker: command{x}}
	if 2*p.W <= len(p.owners) {
		// Replicas that acknowledge it need not have met what was complete before.
		b.reads, b.once = true, true
	}
	b.start(x.Written)
}

func (m command) decide(b *blind, below []over) error {
	t := m.call.Txn
	for i := range below {
		t.Load(i, &below[i].record, below[i].damaged)
	}
	t.RunStep()
	for i := range below {
		y := &b.changes[i]
		result, data, expireAt := t.Outcome(i)
		y.made, y.deletes = result != replica.Kept, result == replica.Removed
		if result == replica.Changed {
			y.value = ownValue(data, expireAt)
		}
	}
	return nil
}

// ownValue is a value in memory of its own.
func ownValue(data []byte, expireAt int64) record.Value {
	return record.NewValue(append(make([]byte, 0, len(data)), data...), expireAt)
}

func (m command) mint(b *blind, i int, over *record.Whole, dot record.Dot) record.Whole {
	if b.changes[i].deletes {
		return over.Delete(dot)
	}
	return over.Put(dot, b.changes[i].value)
}

func (m command) done(b *blind, err error) {
	if err != nil {
		m.call.Txn.Finish(err, 0, 0)
		return
	}
	m.call.Txn.Finish(nil, b.pos, len(b.records))
}
