package memory

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
)

// contents is all of some slots, as text.
func contents(e *Engine, slots ...uint16) string {
	v := &printer{}
	for _, slot := range slots {
		e.TryScan(&engine.Scan{Slot: slot, Values: true, Visit: v})
	}
	return v.text.String()
}

type printer struct{ text strings.Builder }

func (p *printer) Visit(k engine.Key, e engine.Entry) bool {
	fmt.Fprintf(&p.text, "%d %x %x %x\n", k.Slot, k.Name, e.Meta, e.Value)
	return true
}

// decide makes a transaction of a function.
type decide func(*engine.Txn)

func (d decide) Decide(t *engine.Txn) { d(t) }
func (d decide) Done(*engine.Txn)     {}

// When memory runs out in the middle of a transaction, none of it happens.
func TestFullChangesNothing(t *testing.T) {
	for limit := int64(200_000); limit < 320_000; limit += 6_000 {
		e := newEngine(limit)
		for i := range 400 {
			if err := put(e, numbered(uint16(i%4), i), 100); err != nil {
				t.Fatal(err)
			}
		}
		before, stats := contents(e, 0, 1, 2, 3), e.Stats()
		txn := engine.Txn{Mode: engine.Write}
		for i := range 300 { // old keys and new ones
			txn.Keys = append(txn.Keys, numbered(uint16(i%4), i+200))
		}
		txn.Step = decide(func(t *engine.Txn) {
			for i := range t.New {
				t.New[i] = engine.Change{Action: engine.Put, Head: []byte("new"), Body: make([]byte, 98+i)}
				if i%9 == 0 {
					t.New[i].Action = engine.Delete
				}
			}
		})
		e.Try(&txn)
		verify(t, e)
		if txn.Err != nil {
			if !errors.Is(txn.Err, engine.ErrFull) {
				t.Fatalf("limit %d: %v", limit, txn.Err)
			}
			after := e.Stats()
			if contents(e, 0, 1, 2, 3) != before || after.Keys != stats.Keys || after.LiveBytes != stats.LiveBytes {
				t.Fatalf("limit %d: a transaction that failed has changed something", limit)
			}
		}
		e.Close()
		if txn.Err == nil && limit == 200_000 {
			t.Fatal("the least limit is too large to test anything")
		}
	}
}

// One key after the other, until there is no room: each is there or is not.
func TestFullSingle(t *testing.T) {
	e := newEngine(2 << 20)
	defer e.Close()
	n := 0
	for put(e, numbered(uint16(n%shards), n), 50) == nil {
		n++
	}
	verify(t, e)
	if keys := e.Stats().Keys; keys != int64(n) || n < 10_000 {
		t.Errorf("%d keys, put %d", keys, n)
	}
	if used := e.UsedBytes(); used > 2<<20+maxSlab {
		t.Errorf("%d bytes used", used)
	}
	for i := range n {
		remove(e, numbered(uint16(i%shards), i))
	}
	verify(t, e)
	if err := put(e, numbered(0, 0), 50); err != nil {
		t.Errorf("after all was deleted: %v", err)
	}
}

// A panic in Decide changes nothing and leaves nothing locked.
func TestPanicInDecide(t *testing.T) {
	e := New()
	defer e.Close()
	if err := put(e, numbered(1, 1), 10); err != nil {
		t.Fatal(err)
	}
	before := contents(e, 1, 2)
	for _, keys := range [][]engine.Key{{numbered(1, 1)}, {numbered(2, 2), numbered(1, 1)}} {
		txn := engine.Txn{Keys: keys, Mode: engine.Write, Step: decide(func(t *engine.Txn) {
			t.New[0] = engine.Change{Action: engine.Put}
			panic("in Decide")
		})}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			e.Try(&txn)
		}()
		if contents(e, 1, 2) != before {
			t.Error("the transaction has changed something")
		}
	}
	verify(t, e)
}

// Keys of one shard, of several, and of the same shard several times.
func TestShardsAreLockedOnce(t *testing.T) {
	keys := []engine.Key{numbered(shards-1, 1), numbered(0, 2), numbered(shards, 3), numbered(0, 4), numbered(3*shards-1, 5)}
	if set := shardsOf(keys); set != 1<<(shards-1)|1 {
		t.Errorf("shards %b", set)
	}
}

// An engine without keys costs next to nothing, and one that is closed nothing.
func TestEmptyCostsNothing(t *testing.T) {
	e := New()
	if n := e.UsedBytes(); n != 0 {
		t.Errorf("a new engine uses %d bytes", n)
	}
	if err := put(e, numbered(1, 1), 10); err != nil {
		t.Fatal(err)
	}
	if n := e.UsedBytes(); n == 0 || n > 8<<10 {
		t.Errorf("one key uses %d bytes", n)
	}
	if err := e.Close(); err != nil || e.UsedBytes() != 0 {
		t.Errorf("a closed engine uses %d bytes, error %v", e.UsedBytes(), err)
	}
}
