package command

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// fakeCopies are Copies that have values in one store, and whole records in a map. They
// remember what they were asked.
type fakeCopies struct {
	store *replica.Store

	mu       sync.Mutex // guards what follows
	counters coordinator.Counters
	asked    []string
	hold     func(*coordinator.Call) // called by the goroutine of each call, before it is carried out
	again    int                     // how often each step is decided besides the last time
	err      error                   // what all but Start fails with
	records  map[string]record.Whole
	last     chan struct{} // closed when the last write is over
	minted   record.HLC
}

func (f *fakeCopies) say(format string, args ...any) {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

// said is what was asked for, and forgets it.
func (f *fakeCopies) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.asked, "; ")
	f.asked = nil
	return s
}

func (f *fakeCopies) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// began is how many calls were started and not asked about.
func (f *fakeCopies) began() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

// twice is a step that is decided several times.
type twice struct {
	replica.Step
	again int
	over  chan struct{}
}

func (x *twice) Decide(t *replica.Txn) {
	type was struct {
		data     []byte
		found    bool
		expireAt int64
	}
	before := make([]was, t.Len())
	for i := range before {
		before[i].data, _ = t.Get(i)
		before[i].found, before[i].expireAt = t.Exists(i), t.ExpireAt(i)
	}
	for range x.again {
		x.Step.Decide(t)
		for i, b := range before {
			if b.found {
				t.Set(i, b.data, b.expireAt)
			} else {
				t.Delete(i)
			}
		}
		t.Abandon()
	}
	x.Step.Decide(t)
}

func (x *twice) Done(t *replica.Txn) {
	close(x.over)
	x.Step.Done(t)
}

func (f *fakeCopies) Start(x *coordinator.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	word := "read"
	switch {
	case x.Unread:
		word = "blind"
	case x.Txn.Writes():
		word = "write"
	}
	if x.R != 0 {
		word += fmt.Sprintf(" R%d W%d", x.R, x.W)
	}
	for i := range x.Txn.Len() {
		word += " " + string(x.Txn.Name(i))
	}
	if x.Txn.Writes() != (x.Written != nil) {
		word += " (not followed)"
	}
	f.say("%s", word)
	before, hold, over := f.last, f.hold, make(chan struct{})
	step := &twice{x.Step, f.again, over}
	writes := x.Txn.Writes()
	if writes {
		f.last = over
	}
	go func() {
		if hold != nil {
			hold(x)
		}
		if writes && before != nil {
			<-before
		}
		f.store.Start(x.Txn, step)
	}()
}

func (f *fakeCopies) Get(k engine.Key, q coordinator.Quorum, done func(coordinator.Got)) {
	f.mu.Lock()
	f.say("get %s R%d W%d", k.Name, q.R, q.W)
	got := coordinator.Got{Record: f.records[string(k.Name)], Err: f.err}
	f.mu.Unlock()
	go done(got)
}

func (f *fakeCopies) mint() record.Dot {
	f.minted += 1 << 16
	return record.Dot{Actor: 0xabc, HLC: f.minted}
}

func (f *fakeCopies) Put(k engine.Key, seen record.Vector, has bool, value []byte, expireAt int64, q coordinator.Quorum,
	w *coordinator.Written, done func(record.Vector, error)) {
	f.mu.Lock()
	f.say("put %s %t R%d W%d", k.Name, has, q.R, q.W)
	old, err := f.records[string(k.Name)], f.err
	if has && old.Overtaken(seen) {
		err = coordinator.ErrStale
	}
	if err == nil {
		m, _ := old.PutContext(seen, f.mint(), record.NewValue(slices.Clone(value), expireAt), record.MaxSiblings)
		f.records[string(k.Name)] = m
		seen = m.Vector
	}
	f.mu.Unlock()
	go done(seen, err)
}

func (f *fakeCopies) Delete(k engine.Key, seen record.Vector, q coordinator.Quorum, w *coordinator.Written, done func(int, error)) {
	f.mu.Lock()
	f.say("delete %s R%d W%d", k.Name, q.R, q.W)
	old := f.records[string(k.Name)]
	m, _ := old.DeleteContext(seen, f.mint(), record.MaxSiblings)
	n, err := len(old.Values)-len(m.Values), f.err
	if err == nil {
		f.records[string(k.Name)] = m
	}
	f.mu.Unlock()
	done(n, err) // at once: that is allowed
}

func (f *fakeCopies) Clear(slots *replica.SlotSet) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.say("clear %d", slots.Len())
	return 3, f.err
}

func (f *fakeCopies) Counters() coordinator.Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counters
}

// onlyMember is a view of a cluster of one.
func onlyMember(epoch uint64) *Topology {
	return threeMembers(epoch, memberA, func(o *TopologyOptions) {
		o.Members = o.Members[:1]
		o.Primary = func(uint16) int { return 0 }
		o.Owns = func(uint16) bool { return true }
	})
}

// startCopies is the only member of a cluster, over Copies that remember.
func startCopies(t testing.TB, prepare ...func(*Server)) (*node, *fakeCopies, *slowEngine) {
	t.Helper()
	f := &fakeCopies{records: map[string]record.Whole{}}
	n, e := startSlowNode(t, append([]func(*Server){func(s *Server) {
		f.store = s.store
		s.copies, s.records, s.quorums = f, f, Quorums{N: 3, R: 2, W: 2, Sloppy: true}
		s.cluster = new(fakeCluster)
		s.SetTopology(onlyMember(1))
	}}, prepare...)...)
	return n, f, e
}

// gate holds calls until as many as are asked for have come.
func gate(n int) func(*coordinator.Call) {
	var mu sync.Mutex
	all := make(chan struct{})
	came := 0
	return func(*coordinator.Call) {
		mu.Lock()
		if came++; came == n {
			close(all)
		}
		mu.Unlock()
		<-all
	}
}
