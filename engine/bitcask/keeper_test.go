package bitcask

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// A merge that began when there was time goes at full speed from the moment that
// writes would soon have to wait for it.
func TestSlowMergeIsHurried(t *testing.T) {
	o := quiet(newMemFS())
	o.MergeBytesPerSecond = 1 // a merge that keeps to it does not end in this test
	e, err := Open(o)
	must(t, err)
	defer e.Close()
	value := strings.Repeat("v", 200)
	for i := 0; !e.keeper.pace.free.Load(); i++ {
		if i == 100_000 {
			t.Fatal("nothing hurries the merge")
		}
		if e.keeper.behind.Load() && !e.keeper.pace.free.Load() {
			t.Fatal("writes have to wait for a merge that is not in a hurry")
		}
		k := enginetest.Key(0, fmt.Sprint("key", i%50))
		txn := engine.Txn{Keys: []engine.Key{k}, Mode: engine.Blind, Step: putStep(value)}
		if e.Try(&txn) {
			must(t, txn.Err)
		}
		must(t, e.Flush())
	}
}

type putStep string

func (s putStep) Decide(t *engine.Txn) {
	t.New[0] = engine.Change{Action: engine.Put, Body: []byte(s)}
}
func (s putStep) Done(*engine.Txn) {}

// Writes that wait go on as soon as they may, not when the next merge ends.
func TestWaitingWritesGoOn(t *testing.T) {
	e, err := Open(quiet(newMemFS()))
	must(t, err)
	defer e.Close()
	k := newKeeper(e) // one without its goroutine: nothing else wakes who waits
	k.behind.Store(true)
	turn := k.turn // what wait waits for
	k.next(e.segments.ordered())
	select {
	case <-turn:
		k.wait()
	default:
		t.Fatal("who waits is not woken")
	}
}
