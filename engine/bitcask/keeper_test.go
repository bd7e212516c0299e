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
		if e.keeper.behind() && !e.keeper.pace.free.Load() {
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
	k.looks.Store(1)
	e.ledger.reserve.Store(1 << 40)
	if !k.behind() {
		t.Fatal("writes need not wait")
	}
	turn := k.turn // what wait waits for
	k.next(e.segments.ordered())
	select {
	case <-turn:
		k.wait()
	default:
		t.Fatal("who waits is not woken")
	}
}

// The keeper may have done its work before the syncer has noted that a segment
// is settled. Who waits for that is woken after it.
func TestSettledAfterTheKeeper(t *testing.T) {
	e, err := load(quiet(newMemFS())) // without goroutines
	must(t, err)
	append1(t, e, "key", "value")
	e.wal.mu.Lock()
	e.wal.rotate()
	e.wal.mu.Unlock()
	must(t, e.wal.flush())
	e.syncer.settled = func() {
		e.keeper.assess()
		<-e.keeper.kick
		e.keeper.work()
	}
	for len(e.keeper.kick) > 0 {
		<-e.keeper.kick
	}
	e.syncer.keeper = func() {
		if e.wal.unsettled.Load() == 0 {
			e.keeper.wake()
		}
	}
	e.syncer.fsync()
	if len(e.keeper.kick) == 0 {
		t.Error("the keeper is not woken")
	}
	must(t, e.release())
}

// While a hint is written no room is kept free for a merge that there is no
// reason for.
func TestHintsHoldNothingUp(t *testing.T) {
	o := quiet(newMemFS())
	slow := &slowHints{FS: o.FS, gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	o.FS = slow
	e := open(t, o)
	n := 0
	put := func() {
		append1(t, e, fmt.Sprint("key", n), strings.Repeat("v", 100))
		n++
	}
	for len(e.segments.all()) < 2 {
		put()
	}
	must(t, e.Sync())
	<-slow.entered // the keeper is at the first segment's hint
	for range 15 { // while the second one is written, it is assessed several times
		put()
		must(t, e.Flush())
		if r := e.ledger.reserve.Load(); r != 0 {
			t.Fatalf("%d bytes are kept free for a merge of what is all needed", r)
		}
	}
	close(slow.gate)
	must(t, e.Close())
}

// slowHints lets a hint be begun only when its gate is open.
type slowHints struct {
	FS
	gate, entered chan struct{}
}

func (s *slowHints) Create(name string) (File, error) {
	if strings.HasSuffix(name, hintSuffix+tempSuffix) {
		select {
		case s.entered <- struct{}{}:
		default:
		}
		<-s.gate
	}
	return s.FS.Create(name)
}

// Room is kept free for the merge of a segment that a large value has made larger
// than others.
func TestHoldOfALargeValue(t *testing.T) {
	o := quiet(newMemFS())
	o.TailBytes = 1 << 20
	e := open(t, o)
	must(t, set(e, "large", strings.Repeat("v", 40<<10)))
	must(t, set(e, "small", "v"))
	seal(t, e)
	all := e.segments.ordered()
	if got := hold(all, o.SegmentBytes); got < 40<<10 {
		t.Errorf("%d bytes are kept free", got)
	}
	must(t, e.Close())
}
