package coordinator

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// sim is a cluster in memory on one goroutine: all that takes time is an event of a
// queue, and chance, from a seed, says when it comes. Times are virtual
// microseconds.
type sim struct {
	t     testing.TB
	rng   *rand.Rand
	now   atomic.Int64
	queue simQueue
	order int
	nodes []*simNode
	cut   map[[2]int]bool // no message comes from one to the other
	dup   int             // one in so many writes arrives twice; 0: none
	fixed int64           // how long every message takes; 0: as chance has it
	n     int             // owners
	sent  int             // calls of peers
	// lose says whether a message of a kind gets lost; nil: none.
	lose func(kind string, from, to int) bool
}

const simTimeout = 500_000

type simNode struct {
	sim      *sim
	i        int
	id       Node
	eng      engine.Engine
	store    *replica.Store
	c        *Coordinator
	down     bool
	current  bool
	blind    bool  // it does not know how things stand
	skew     int64 // ms
	suspects map[int]bool
}

type simEvent struct {
	at    int64
	order int
	f     func()
}

type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return e
}

type simOptions struct {
	nodes, n, r, w int
	sloppy         bool
	siblings       int
}

func simID(i int) (id Node) {
	binary.BigEndian.PutUint64(id[:], uint64(i+1))
	return id
}

func newSim(t testing.TB, seed uint64, o simOptions) *sim {
	s := &sim{t: t, rng: rand.New(rand.NewPCG(seed, 7)), cut: map[[2]int]bool{}, n: o.n}
	for i := range o.nodes {
		x := &simNode{sim: s, i: i, id: simID(i), eng: memory.New(), current: true, suspects: map[int]bool{}}
		x.skew = s.rng.Int64N(40)
		wall := func() int64 { return 1_700_000_000_000 + s.now.Load()/1000 + x.skew }
		x.store = replica.Open(replica.Options{Engine: x.eng, Clock: record.NewClock(wall), Actor: uint64(i + 1),
			Log: slog.New(slog.DiscardHandler), Replicated: true})
		x.store.SetActiveExpire(false)
		x.c = New(Options{Store: x.store, Peers: x, N: o.n, R: o.r, W: o.w, Sloppy: o.sloppy, Siblings: o.siblings, Wall: wall,
			Current: func() bool { return x.current }, Knows: func() bool { return !x.blind }, Random: s.rng.Int64N,
			After: func(d time.Duration, f func()) { s.after(d.Microseconds(), f) }})
		s.nodes = append(s.nodes, x)
	}
	for _, x := range s.nodes {
		x.c.SetMembers(x)
	}
	t.Cleanup(s.close)
	return s
}

// close checks that nothing is left of what was done.
func (s *sim) close() {
	s.run()
	for _, x := range s.nodes {
		if n := x.c.Counters(); n.Waiting != 0 || n.UnderWay != 0 {
			s.t.Errorf("node %d: %d wait, %d are under way, after all has ended", x.i, n.Waiting, n.UnderWay)
		} else {
			x.c.Close()
		}
		for i := range x.c.turns.shards {
			if m := &x.c.turns.shards[i].mu; len(m.keys) != 0 || len(m.ready) != 0 || m.draining {
				s.t.Errorf("node %d: a key's queue was left behind", x.i)
			}
		}
		x.store.Close()
	}
}

func (s *sim) after(us int64, f func()) {
	s.order++
	heap.Push(&s.queue, simEvent{s.now.Load() + us, s.order, f})
}

// step carries out the next event.
func (s *sim) step() bool {
	if len(s.queue) == 0 {
		return false
	}
	e := heap.Pop(&s.queue).(simEvent)
	s.now.Store(max(s.now.Load(), e.at))
	e.f()
	return true
}

// run carries out all that is under way, and what follows from it.
func (s *sim) run() {
	for s.step() {
	}
}

// delay is how long a message takes.
func (s *sim) delay() int64 {
	switch {
	case s.fixed > 0:
		return s.fixed
	case s.rng.IntN(8) == 0:
		return s.rng.Int64N(50_000)
	}
	return 100 + s.rng.Int64N(900)
}

// Self, Owners and Others implement Members: each slot is owned by the first nodes.
func (x *simNode) Self() Node { return x.id }

func (x *simNode) Owners(uint16) (ids []Node) {
	for _, y := range x.sim.nodes[:min(x.sim.n, len(x.sim.nodes))] {
		ids = append(ids, y.id)
	}
	return ids
}

func (x *simNode) Others(_ uint16, into []Node) []Node {
	for _, y := range x.sim.nodes[min(x.sim.n, len(x.sim.nodes)):] {
		into = append(into, y.id)
	}
	return into
}

func (s *sim) node(id Node) *simNode {
	return s.nodes[int(binary.BigEndian.Uint64(id[:]))-1]
}

// State implements Peers.
func (x *simNode) State(n Node) State {
	if x.suspects[x.sim.node(n).i] {
		return quorum.Down
	}
	return quorum.Up
}

// call carries a question to another node and its answer back. handle answers it
// there; end is called once, with an error if no answer came in time.
func (x *simNode) call(kind string, to Node, handle func(y *simNode) func(), end func(error)) {
	s, y := x.sim, x.sim.node(to)
	s.sent++
	if y.down && s.rng.IntN(2) == 0 {
		x.suspects[y.i] = true
		end(fmt.Errorf("refused: %w", ErrNotApplied)) // within the call
		return
	}
	over := false
	finish := func(f func(), err error) {
		if over {
			return
		}
		over = true
		if err != nil {
			x.suspects[y.i] = true
			end(err)
			return
		}
		f()
	}
	lost := x.down || s.cut[[2]int{x.i, y.i}] || s.lose != nil && s.lose(kind, x.i, y.i)
	arrive := func() {
		if lost || y.down {
			return
		}
		answer := handle(y)
		if s.cut[[2]int{y.i, x.i}] {
			return
		}
		s.after(s.delay(), func() { finish(answer, nil) })
	}
	s.after(s.delay(), arrive)
	if kind == "write" && s.dup > 0 && s.rng.IntN(s.dup) == 0 {
		s.after(s.delay()*20, arrive)
	}
	s.after(simTimeout, func() { finish(nil, fmt.Errorf("no answer from %d", y.i)) })
}

// Write implements Peers.
func (x *simNode) Write(to Node, w *WriteRequest, done func(WriteAnswer, error)) {
	before := copyRequest(w)
	end := func(a WriteAnswer, err error) {
		if !reflect.DeepEqual(before, copyRequest(w)) {
			x.sim.t.Error("a request was changed while it was under way")
		}
		done(a, err)
	}
	kind := "write"
	if w.Conditional {
		kind = "conditional"
	}
	x.call(kind, to, func(y *simNode) func() {
		a := y.store1(w)
		return func() { end(a, nil) }
	}, func(err error) { end(WriteAnswer{}, err) })
}

func copyRequest(w *WriteRequest) (c WriteRequest) {
	c.Conditional = w.Conditional
	for _, e := range w.Records {
		e.Key.Name = bytes.Clone(e.Key.Name)
		e.Whole = cloned(&e.Whole)
		c.Records = append(c.Records, e)
	}
	for _, x := range w.Checks {
		x.Key.Name = bytes.Clone(x.Key.Name)
		x.Vector = slices.Clone(x.Vector)
		c.Checks = append(c.Checks, x)
	}
	return c
}

// Hash implements Peers.
func (x *simNode) Hash(to Node, keys []engine.Key, done func(HashAnswer, error)) {
	x.call("hash", to, func(y *simNode) func() {
		a := HashAnswer{Current: y.current}
		for _, w := range y.records(keys) {
			a.Hashes = append(a.Hashes, w.Vector.Hash())
		}
		return func() { done(a, nil) }
	}, func(err error) { done(HashAnswer{}, err) })
}

// Fetch implements Peers.
func (x *simNode) Fetch(to Node, keys []engine.Key, done func([]record.Whole, error)) {
	x.call("fetch", to, func(y *simNode) func() {
		ws := y.records(keys)
		return func() { done(ws, nil) }
	}, func(err error) { done(nil, err) })
}

type recordsFunc func(*replica.Records)

func (f recordsFunc) Decide(r *replica.Records) { f(r) }
func (f recordsFunc) Done(*replica.Records)     {}

func (x *simNode) do(mode engine.Mode, keys []engine.Key, f func(*replica.Records)) {
	var r replica.Records
	r.Reset(x.store, mode, recordsFunc(f))
	for _, k := range keys {
		r.Key(k)
	}
	if x.store.DoRecords(&r); r.Err() != nil {
		x.sim.t.Fatal(r.Err())
	}
}

func (x *simNode) records(keys []engine.Key) (ws []record.Whole) {
	x.do(replica.Read, keys, func(r *replica.Records) {
		for i := range keys {
			w, err := r.Whole(i)
			if err != nil {
				x.sim.t.Fatal(err)
			}
			ws = append(ws, cloned(w))
		}
	})
	return ws
}

// store1 does what a replica does with a write.
func (x *simNode) store1(w *WriteRequest) (a WriteAnswer) {
	var keys []engine.Key
	for i := range w.Records {
		keys = append(keys, w.Records[i].Key)
	}
	n := len(keys)
	for i := range w.Checks {
		keys = append(keys, w.Checks[i].Key)
	}
	a.Held = make([]HeldAnswer, n)
	x.do(replica.Write, keys, func(r *replica.Records) {
		for i := range w.Checks {
			old, _ := r.Whole(n + i)
			a.Refused = a.Refused || !old.Accepts(w.Checks[i].Vector)
		}
		for i := range n {
			old, _ := r.Whole(i)
			if w.Conditional && !old.Accepts(w.Records[i].Whole.Vector) {
				a.Refused = true
				a.Held[i].Vector = slices.Clone(old.Vector)
			}
		}
		for i := range n {
			if !a.Refused {
				old, _ := r.Whole(i)
				known := old.Vector.Covers(w.Records[i].Whole.Vector)
				mergeInto(r, i, &w.Records[i].Whole, &a.Held[i])
				a.Held[i].Known = known
			}
		}
	})
	return a
}

// spoil damages a node's copy of a key: a byte of its value is another one.
func (x *simNode) spoil(key string) {
	t := engine.Txn{Keys: []engine.Key{replica.KeyOf([]byte(key))}, Mode: engine.Write, Step: spoiler{}}
	if !x.eng.Try(&t) || t.Err != nil {
		x.sim.t.Fatal("the engine does not do it")
	}
}

type spoiler struct{}

func (spoiler) Decide(t *engine.Txn) {
	b := bytes.Clone(t.Old[0].Value)
	b[len(b)-1] ^= 1
	t.New[0] = engine.Change{Action: engine.Put, Meta: t.Old[0].Meta, Body: b}
}
func (spoiler) Done(*engine.Txn) {}

// whole is what a node holds under a key.
func (x *simNode) whole(key string) record.Whole {
	return x.records([]engine.Key{replica.KeyOf([]byte(key))})[0]
}
