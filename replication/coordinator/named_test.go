package coordinator

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// forget has every node take all others for reachable again.
func (s *sim) forget() {
	for _, x := range s.nodes {
		clear(x.suspects)
	}
}

// TestACoordinatorStoppedBetweenTheQuorumReadAndTheWriteOfAnIncrUndoesNothing: when
// it goes on, its write is refused, and it decides again over what is there.
func TestACoordinatorStoppedBetweenTheQuorumReadAndTheWriteOfAnIncrUndoesNothing(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, three)
		s.mustSet(0, "n", "10")
		s.run()
		// Its conditional writes are on their way for a long time.
		var held []func()
		stopped := true
		s.lose = func(kind string, from, to int) bool { return stopped && kind == "conditional" && from == 0 }
		got, ended := 0, false
		hold := &holding{simNode: s.nodes[0], held: &held, on: &stopped}
		s.nodes[0].c.o.Peers = hold
		s.nodes[0].incr("n", func(n int, err error) {
			if got, ended = n, true; err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
		for len(held) < 2 && s.step() {
		}
		s.must(func(done func(error)) { s.nodes[1].incr("n", func(_ int, err error) { done(err) }) })
		s.mustSet(2, "n", "100")
		stopped = false
		for _, f := range held {
			f()
		}
		s.run()
		if v := s.mustGet(1, "n"); v != "101" || got != 101 || !ended {
			t.Fatalf("seed %d: %s at last, and INCR answered %d", seed, v, got)
		}
		if n := s.nodes[0].c.Counters(); n.Retries == 0 {
			t.Fatalf("seed %d: %+v", seed, n)
		}
	}
}

// holding keeps a node's conditional writes back.
type holding struct {
	*simNode
	held *[]func()
	on   *bool
}

func (h *holding) Write(to Node, w *WriteRequest, done func(WriteAnswer, error)) {
	send := func() { h.simNode.Write(to, w, done) }
	if *h.on && w.Conditional {
		*h.held = append(*h.held, send)
		return
	}
	send()
}

// TestARetriedOrDuplicatedPeerWriteChangesNothing: every write comes twice, the
// second time late.
func TestARetriedOrDuplicatedPeerWriteChangesNothing(t *testing.T) {
	for seed := range uint64(15) {
		s := newSim(t, seed, three)
		s.dup = 1
		for i := range 10 {
			s.mustSet(s.rng.IntN(3), "k", fmt.Sprint("v", i))
		}
		s.must(func(done func(error)) { s.nodes[1].incr("n", func(_ int, err error) { done(err) }) })
		s.must(func(done func(error)) { s.nodes[2].incr("n", func(_ int, err error) { done(err) }) })
		s.run() // the late ones, too
		for i := range 3 {
			if v, n := s.mustGet(i, "k"), s.mustGet(i, "n"); v != "v9" || n != "2" {
				t.Fatalf("seed %d: node %d reads %q and %q", seed, i, v, n)
			}
			s.run()
		}
		if a, b := s.nodes[0].whole("k"), s.nodes[1].whole("k"); a.Vector.Hash() != b.Vector.Hash() {
			t.Fatalf("seed %d: %+v and %+v", seed, a, b)
		}
	}
}

// TestAStragglingWriteFromBeforeADeleteDoesNotUndoIt: a copy of the SET comes to
// each node after the DEL has.
func TestAStragglingWriteFromBeforeADeleteDoesNotUndoIt(t *testing.T) {
	s := newSim(t, 1, three)
	s.mustSet(0, "k", "v")
	s.run()
	late := WriteRequest{Records: []Entry{{replica.KeyOf([]byte("k")), s.nodes[0].whole("k")}}}
	s.must(func(done func(error)) {
		s.nodes[1].del("k", func(removed bool, err error) {
			if !removed {
				t.Error("nothing was there")
			}
			done(err)
		})
	})
	s.run()
	for _, x := range s.nodes {
		x.store1(&late)
		if v := s.mustGet(x.i, "k"); v != "" {
			t.Fatalf("node %d reads %q", x.i, v)
		}
	}
}

// TestADeleteThatOneOwnerMissedReachesIt by the next read.
func TestADeleteThatOneOwnerMissedReachesIt(t *testing.T) {
	s := newSim(t, 1, three)
	s.mustSet(0, "k", "v")
	s.run()
	s.lose = func(kind string, from, to int) bool { return to == 2 }
	s.must(func(done func(error)) { s.nodes[0].del("k", func(_ bool, err error) { done(err) }) })
	s.run()
	s.lose = nil
	s.forget()
	if w := s.nodes[2].whole("k"); len(w.Values) != 1 {
		t.Fatalf("node 2 has not missed it: %+v", w)
	}
	if v := s.mustGet(2, "k"); v != "" {
		t.Fatalf("it reads %q", v)
	}
	s.run()
	if w := s.nodes[2].whole("k"); len(w.Values) != 0 {
		t.Fatalf("%+v after a read", w)
	}
}

func (s *sim) rldbGet(node int, key string) (w record.Whole, err error) {
	err = s.end(func(done func(error)) {
		s.nodes[node].c.Get(replica.KeyOf([]byte(key)), Quorum{}, func(g Got) {
			w = g.Record
			done(g.Err)
		})
	})
	return w, err
}

// TestTwentyPutsWithOneContext: each coordinator accepts one at most, one in all at
// least; there are as many siblings as were accepted.
func TestTwentyPutsWithOneContext(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, three)
		s.mustSet(0, "k", "first")
		s.run()
		w, err := s.rldbGet(1, "k")
		if err != nil {
			t.Fatal(err)
		}
		var ok [3]int
		ended := 0
		for i := range 20 {
			node := s.rng.IntN(3)
			s.nodes[node].c.Put(replica.KeyOf([]byte("k")), w.Vector, true, []byte{byte(i)}, 0, Quorum{}, nil, func(v record.Vector, err error) {
				switch ended++; {
				case err == nil && v.Covers(w.Vector):
					ok[node]++
				case !errors.Is(err, ErrStale):
					t.Fatalf("seed %d: %v, %v", seed, v, err)
				}
			})
		}
		s.run()
		all := ok[0] + ok[1] + ok[2]
		if ended != 20 || all == 0 || max(ok[0], ok[1], ok[2]) > 1 {
			t.Fatalf("seed %d: %v were accepted, %d of 20 have ended", seed, ok, ended)
		}
		for i := range 3 {
			if got, err := s.rldbGet(i, "k"); err != nil || len(got.Values) != all {
				t.Fatalf("seed %d: node %d: %v, %+v, and %d were accepted", seed, i, err, got, all)
			}
		}
	}
}

func TestPutAndDeleteWithContext(t *testing.T) {
	s := newSim(t, 5, three)
	k := replica.KeyOf([]byte("k"))
	put := func(node int, ctx record.Vector, has bool, v string) (record.Vector, error) {
		var next record.Vector
		err := s.end(func(done func(error)) {
			s.nodes[node].c.Put(k, ctx, has, []byte(v), 0, Quorum{}, nil, func(v record.Vector, err error) {
				next = v
				done(err)
			})
		})
		return next, err
	}
	a, err := put(0, nil, false, "a")
	if err != nil {
		t.Fatal(err)
	}
	beside, err := put(1, nil, false, "b") // a sibling
	if err != nil {
		t.Fatal(err)
	}
	if _, err = put(1, beside, true, "c"); !errors.Is(err, ErrStale) {
		t.Fatalf("the context of who has not seen a: %v", err)
	}
	if _, err = put(2, a, true, "c"); !errors.Is(err, ErrStale) {
		t.Fatalf("an overtaken context: %v", err)
	}
	w, _ := s.rldbGet(0, "k")
	if len(w.Values) != 2 {
		t.Fatalf("%+v", w)
	}
	if _, err = put(2, w.Vector, true, "c"); err != nil {
		t.Fatal(err)
	}
	if w, _ = s.rldbGet(1, "k"); len(w.Values) != 1 || string(w.Values[0].Value) != "c" {
		t.Fatalf("%+v", w)
	}
	del := func(ctx record.Vector) (removed int, err error) {
		err = s.end(func(done func(error)) {
			s.nodes[1].c.Delete(k, ctx, Quorum{}, nil, func(n int, err error) {
				removed = n
				done(err)
			})
		})
		return removed, err
	}
	if n, err := del(a); n != 0 || err != nil {
		t.Fatal(n, err) // what it has seen is gone already
	}
	if _, err := put(0, nil, false, "d"); err != nil {
		t.Fatal(err)
	}
	if n, err := del(w.Vector); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if v := s.mustGet(2, "k"); v != "d" {
		t.Fatalf("%q: what the context had not seen stays", v)
	}
	if w, _ = s.rldbGet(1, "k"); len(w.Values) != 1 {
		t.Fatalf("%+v", w)
	}
	if n, err := del(w.Vector); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if v := s.mustGet(2, "k"); v != "" {
		t.Fatal(v)
	}
	if n := s.nodes[1].c.Counters(); n.SiblingsMade != 1 {
		t.Errorf("%+v", n)
	}
}

func TestClear(t *testing.T) {
	s := newSim(t, 6, three)
	var slots replica.SlotSet
	for i := range 700 {
		tag := fmt.Sprintf("{a}%d", i)
		if i%7 == 0 {
			tag = fmt.Sprint("k", i)
		}
		s.mustSet(0, tag, "v")
		slots.Add(replica.KeyOf([]byte(tag)).Slot)
	}
	s.mustSet(0, "other", "v")
	s.run()
	s.nodes[1].set("{a}late", "v", func(error) {}) // node 0 may not have it
	// Clear waits on a goroutine of its own; all calls of peers are made here.
	calls := make(chan func(), 4096)
	s.nodes[0].c.o.Peers = &relay{s.nodes[0], calls}
	type outcome struct {
		n   int64
		err error
	}
	end := make(chan outcome, 1)
	go func() {
		n, err := s.nodes[0].c.Clear(&slots)
		end <- outcome{n, err}
	}()
	var o outcome
	for ended := false; !ended; {
		select {
		case o = <-end:
			ended = true
		case f := <-calls:
			f()
		default:
			s.step()
		}
	}
	if o.err != nil || o.n < 700 {
		t.Fatal(o)
	}
	for len(calls) > 0 {
		(<-calls)()
	}
	s.nodes[0].c.o.Peers = s.nodes[0]
	s.run()
	if v := s.mustGet(2, "other"); v != "v" {
		t.Error("a key of another slot is gone")
	}
	for i := range 3 {
		for _, k := range []string{"{a}1", "k0", "k7"} {
			if v := s.mustGet(i, k); v != "" {
				t.Errorf("node %d reads %q", i, v)
			}
		}
	}
}

// relay has writes of peers made on another goroutine.
type relay struct {
	*simNode
	calls chan func()
}

func (r *relay) Write(to Node, w *WriteRequest, done func(WriteAnswer, error)) {
	r.calls <- func() { r.simNode.Write(to, w, done) }
}

func TestWritten(t *testing.T) {
	s := newSim(t, 7, three)
	s.fixed = 1000
	var w Written
	if n, ended := w.Copies(); n != 0 || !ended {
		t.Fatal(n, ended)
	}
	s.lose = func(kind string, from, to int) bool { return false }
	told := 0
	s.must(func(done func(error)) { s.nodes[0].setWith("k", "v", Call{Written: &w}, done) })
	w.Notify(2, func() { told++ })
	if n, ended := w.Copies(); n != 1 || ended || told != 0 {
		t.Fatal(n, ended, told)
	}
	s.run()
	if n, ended := w.Copies(); n != 2 || !ended || told != 1 {
		t.Fatal(n, ended, told)
	}
	w.Notify(2, func() { told++ })
	if told != 2 {
		t.Fatal("what is there already is not told")
	}
	// One node does not answer: no more will come.
	s.lose = func(kind string, from, to int) bool { return to == 2 }
	s.must(func(done func(error)) { s.nodes[0].setWith("k", "w", Call{Written: &w}, done) })
	cancel := w.Notify(2, func() { told = 100 })
	cancel()
	w.Notify(2, func() { told++ })
	if told != 2 {
		t.Fatal("told too early")
	}
	s.run()
	if n, ended := w.Copies(); n != 1 || !ended || told != 3 {
		t.Fatal(n, ended, told)
	}
	s.lose = nil
	s.forget()
	// A command that is under way, and a conditional one.
	s.nodes[0].start([]string{"n"}, replica.Write, Call{Written: &w}, func(t *replica.Txn) { t.Set(0, []byte("1"), 0) }, func(error) {})
	if _, ended := w.Copies(); ended {
		t.Fatal("a write is under way")
	}
	s.run()
	if n, ended := w.Copies(); n != 2 || !ended {
		t.Fatal(n, ended)
	}
	// One that writes nothing changes nothing.
	s.must(func(done func(error)) {
		s.nodes[0].start([]string{"n"}, replica.Write, Call{Written: &w}, func(t *replica.Txn) {}, done)
	})
	if n, ended := w.Copies(); n != 2 || !ended {
		t.Fatal(n, ended)
	}
}

// TestOneThatWasStoppedDoesNotTakeOthersWordForIt: two owners were stopped while a third
// and a fallback took a write. When they go on, what they hold agrees, and the one that
// has the write does not answer at once: a read waits until it does, or is known not to.
func TestOneThatWasStoppedDoesNotTakeOthersWordForIt(t *testing.T) {
	s := newSim(t, 5, simOptions{nodes: 4, n: 3, r: 2, w: 2, sloppy: true})
	for i := 1; i < 3; i++ {
		s.nodes[0].suspects[i] = true
	}
	s.mustSet(0, "k", "v")
	s.run()
	for i := 1; i < 3; i++ {
		s.nodes[i].current, s.nodes[i].blind = false, true
	}
	clear(s.nodes[0].suspects)
	s.cut[[2]int{1, 0}] = true
	s.after(simTimeout/2, func() { delete(s.cut, [2]int{1, 0}) })
	s.after(simTimeout*9/8, func() { clear(s.nodes[1].suspects) })
	s.after(simTimeout*5/4, func() { s.nodes[1].blind = false })
	if v := s.mustGet(1, "k"); v != "v" {
		t.Errorf("GET: %q", v)
	}
	// Of one that nobody answers, others' word is all there is, in the end.
	s.nodes[1].blind = true
	s.nodes[1].suspects[0] = true
	if v := s.mustGet(1, "other"); v != "" {
		t.Errorf("GET of a key that is not there: %q", v)
	}
}

// TestWhatIsOnlyReadIsChecked: of two transactions, each of which writes what the other
// has only read, through two owners, one at most succeeds.
func TestWhatIsOnlyReadIsChecked(t *testing.T) {
	both := 0
	for seed := range uint64(60) {
		s := newSim(t, seed, three)
		s.mustSet(0, "{t}a", "0")
		s.mustSet(0, "{t}b", "0")
		s.run()
		done, won := 0, 0
		for i, writes := range []int{0, 1} {
			clean := false
			s.nodes[i].start([]string{"{t}a", "{t}b"}, replica.Write, Call{}, func(x *replica.Txn) {
				v, _ := x.Get(1 - writes)
				if clean = string(v) == "0"; clean {
					x.Set(writes, []byte("1"), 0)
				}
			}, func(err error) {
				done++
				if err == nil && clean {
					won++
				}
			})
		}
		s.run()
		if done != 2 {
			t.Fatal("not both have ended")
		}
		if won == 2 {
			both++
		}
	}
	if both > 0 {
		t.Errorf("in %d of 60 runs each has overlooked the other", both)
	}
}
