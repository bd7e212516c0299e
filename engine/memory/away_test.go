package memory

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
)

// awaited is a step whose end is waited for.
type awaited struct {
	decide func(*engine.Txn)
	done   chan struct{}
}

func (a awaited) Decide(t *engine.Txn) { a.decide(t) }
func (a awaited) Done(*engine.Txn)     { close(a.done) }

// start has a transaction carried out by Start.
func start(e *engine.Engine, mode engine.Mode, f func(*engine.Txn), keys ...engine.Key) (*engine.Txn, chan struct{}) {
	a := awaited{f, make(chan struct{})}
	t := &engine.Txn{Keys: keys, Mode: mode, Step: a}
	(*e).Start(t)
	return t, a.done
}

func putBytes(b []byte) func(*engine.Txn) {
	return func(t *engine.Txn) {
		for i := range t.New {
			t.New[i] = engine.Change{Action: engine.Put, Head: []byte("head"), Body: b}
		}
	}
}

// While a started transaction is at work, others have its shard but not its keys.
func TestAwayLeavesTheShardFree(t *testing.T) {
	var e engine.Engine = New()
	defer e.Close()
	large, other := numbered(3, 1), numbered(3, 2)
	at, goOn := make(chan struct{}), make(chan struct{})
	value := bytes.Repeat([]byte("v"), 5<<20)
	txn, done := start(&e, engine.Write, func(x *engine.Txn) {
		close(at)
		<-goOn
		putBytes(value)(x)
	}, large)
	<-at
	if !e.Try(&engine.Txn{Keys: []engine.Key{other}, Mode: engine.Write, Step: decide(putBytes([]byte("small")))}) {
		t.Error("another key of the shard cannot be written")
	}
	for _, keys := range [][]engine.Key{{large}, {other, large}} {
		if e.Try(&engine.Txn{Keys: keys, Step: decide(func(*engine.Txn) { t.Error("decided") })}) {
			t.Error("the key of a transaction that is under way was read")
		}
	}
	var seen []byte
	_, second := start(&e, engine.Read, func(x *engine.Txn) { seen = bytes.Clone(x.Old[0].Value) }, large)
	close(goOn)
	<-done
	<-second
	if txn.Err != nil || string(seen[:4]) != "head" || !bytes.Equal(seen[4:], value) {
		t.Errorf("%v; the next one has read %d bytes", txn.Err, len(seen))
	}
	if e.Try(&engine.Txn{Keys: []engine.Key{large}, Step: decide(func(*engine.Txn) { t.Error("decided") })}) {
		t.Error("a large entry was read without Start")
	}
	_, done = start(&e, engine.Write, func(x *engine.Txn) { x.New[0].Action = engine.Delete }, large)
	<-done
	if n := e.Stats().Keys; n != 1 {
		t.Errorf("%d keys are left", n)
	}
	if got := e.UsedBytes(); got > keepDirty+1<<20 {
		t.Errorf("%d bytes are in use after the large entry was removed", got)
	}
}

// Transactions of both kinds, from several goroutines, change a value as one
// after the other would.
func TestAwayCounts(t *testing.T) {
	e := New()
	defer e.Close()
	keys := []engine.Key{numbered(1, 1), numbered(17, 2), numbered(2, 3)}
	const workers, rounds = 4, 12
	var wg sync.WaitGroup
	for w := range workers {
		rnd := rand.New(rand.NewPCG(1, uint64(w)))
		wg.Go(func() {
			for range rounds {
				size := 100 << rnd.IntN(17) // up to 6 MB
				a := awaited{done: make(chan struct{}), decide: func(x *engine.Txn) {
					for i := range x.Keys {
						b := make([]byte, size)
						b[0] = 1
						if x.Old[i].Found {
							b[0] = x.Old[i].Value[0] + 1
						}
						x.New[i] = engine.Change{Action: engine.Put, Body: b}
					}
				}}
				x := &engine.Txn{Mode: engine.Write, Step: a, Keys: keys}
				if x.Keys = append([]engine.Key(nil), keys...); rnd.IntN(2) == 0 {
					x.Keys[0], x.Keys[2] = x.Keys[2], x.Keys[0]
				}
				if !e.Try(x) {
					e.Start(x)
					<-a.done
				}
				if x.Err != nil {
					t.Error(x.Err)
				}
			}
		})
	}
	wg.Wait()
	var eng engine.Engine = e
	x, done := start(&eng, engine.Read, func(x *engine.Txn) {
		for i := range x.Old {
			if got := x.Old[i].Value[0]; got != workers*rounds {
				t.Errorf("key %d was changed %d times, not %d", i, got, workers*rounds)
			}
		}
	}, keys...)
	<-done
	for i := range e.shards {
		if n := len(e.shards[i].marked); n != 0 {
			t.Errorf("shard %d has %d marks left (%v)", i, n, x.Err)
		}
	}
}

// When memory runs out for a large entry, nothing happens, and nothing is kept.
func TestAwayFull(t *testing.T) {
	var e engine.Engine = newEngine(20 << 20)
	defer e.Close()
	keys := []engine.Key{numbered(1, 1), numbered(2, 2), numbered(3, 3)}
	used := e.UsedBytes()
	x, done := start(&e, engine.Write, putBytes(make([]byte, 9<<20)), keys...)
	<-done
	if !errors.Is(x.Err, engine.ErrFull) || e.Stats().Keys != 0 {
		t.Errorf("%v, %d keys", x.Err, e.Stats().Keys)
	}
	if got := e.UsedBytes(); got > used+keepDirty+1<<20 {
		t.Errorf("%d bytes are in use, %d before", got, used)
	}
	x, done = start(&e, engine.Write, putBytes(make([]byte, 9<<20)), keys[0])
	if <-done; x.Err != nil {
		t.Error(x.Err)
	}
}
