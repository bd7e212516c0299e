package repair

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// A cluster of Repairs over memory engines in one process, in a bubble of fake time. Calls between them
// are function calls, which take latency and can fail.
const latency = time.Millisecond

type cluster struct {
	t      *testing.T
	n, w   int
	sloppy bool
	rate   int64
	view   View // but for Self

	mu    sync.Mutex
	nodes map[ring.ID]*testNode
	down  map[[2]ring.ID]bool // the first takes the second for down; calls fail then
	calls map[string]int      // by kind
	sent  map[[2]ring.ID]int  // records written from one to the other
	told  []string            // lines of the log
	bytes int                 // of values, and of what pages list
	actor uint64
	lose  func(kind string) bool // the answer of a call that was carried out
	heavy map[string]bool        // names whose records no call can carry
	// before is called before a call is carried out, if it is set.
	before func(kind string, from, to ring.ID)
}

type testNode struct {
	id     ring.ID
	c      *cluster
	store  *replica.Store
	repair *Repair
	actor  uint64
}

// inCluster runs f in a cluster whose members are named by letters; the first n from a slot's number on own it.
func inCluster(t *testing.T, members string, set func(c *cluster), f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, n: 3, w: 2, sloppy: true, nodes: map[ring.ID]*testNode{}, down: map[[2]ring.ID]bool{}, calls: map[string]int{}, sent: map[[2]ring.ID]int{}}
		c.setMembers(members)
		if set != nil {
			set(c)
		}
		for _, m := range members {
			c.start(byte(m), false)
		}
		defer c.close()
		f(c)
	})
}

func (c *cluster) setMembers(members string) {
	var ids []ring.ID
	for _, m := range []byte(members) {
		ids = append(ids, named(m))
	}
	owners := make([][]ring.ID, len(ids))
	for i := range ids {
		for j := range min(c.n, len(ids)) {
			owners[i] = append(owners[i], ids[(i+j)%len(ids)])
		}
	}
	c.view = View{Members: ids, Owners: func(slot uint16) []ring.ID { return owners[int(slot)%len(ids)] }}
}

// start starts a node with an empty engine.
func (c *cluster) start(name byte, lost bool) *testNode {
	c.mu.Lock()
	c.actor++
	n := &testNode{id: named(name), c: c, actor: c.actor}
	c.mu.Unlock()
	log := slog.New(slog.NewTextHandler(&lines{c: c, who: name}, nil))
	n.store = replica.Open(replica.Options{
		Engine: memory.New(), Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() }), Actor: n.actor, Log: log, Replicated: true,
	})
	n.repair = New(Options{Store: n.store, Peers: n, N: c.n, W: c.w, Sloppy: c.sloppy, Lost: lost, Timeout: testTimeout, Rate: c.rate, Log: log})
	c.mu.Lock()
	c.nodes[n.id] = n
	view := c.view
	c.mu.Unlock()
	view.Self = n.id
	n.repair.SetView(&view)
	n.repair.Start()
	return n
}

// lines keeps what a node tells the log.
type lines struct {
	c   *cluster
	who byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.told = append(l.c.told, string(l.who)+" "+string(b))
	return len(b), nil
}

// heard is how often a node has told the log something.
func (c *cluster) heard(name byte, what string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.told {
		if line[0] == name && strings.Contains(line, what) {
			n++
		}
	}
	return n
}

func (c *cluster) stop(name byte) {
	n := c.node(name)
	c.mu.Lock()
	delete(c.nodes, n.id)
	c.mu.Unlock()
	n.repair.Close()
	time.Sleep(2 * testTimeout) // fake: what is under way ends
	if err := n.store.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *cluster) close() {
	for id := range c.nodes {
		c.stop(id[0])
	}
}

func (c *cluster) node(name byte) *testNode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[named(name)]
}

// changeView gives every node a new view.
func (c *cluster) changeView(members string) {
	c.setMembers(members)
	for _, n := range c.nodes {
		v := c.view
		v.Self = n.id
		n.repair.SetView(&v)
	}
}

// suspect has some nodes take another one for down, and it them.
func (c *cluster) suspect(name byte, by string) {
	for _, b := range []byte(by) {
		c.oneWay(b, name)
		c.oneWay(name, b)
	}
}

func (c *cluster) oneWay(from, to byte) {
	if n := c.node(from); n != nil {
		n.repair.Suspects(named(to))
	}
	c.mu.Lock()
	c.down[[2]ring.ID{named(from), named(to)}] = true
	c.mu.Unlock()
}

func (c *cluster) answers(name byte, to string) {
	for _, b := range []byte(to) {
		c.mu.Lock()
		delete(c.down, [2]ring.ID{named(b), named(name)})
		delete(c.down, [2]ring.ID{named(name), named(b)})
		c.mu.Unlock()
		for _, p := range [][2]byte{{b, name}, {name, b}} {
			if n := c.node(p[0]); n != nil {
				n.repair.Answers(named(p[1]))
			}
		}
	}
}

// wait lets fake time pass until all are current, and fails after a minute.
func (c *cluster) wait(what string, f func() bool) {
	c.t.Helper()
	for range 6000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
	}
	c.t.Fatalf("not within a minute: %s", what)
}

func (c *cluster) waitCurrent() {
	c.t.Helper()
	c.wait("all are current", func() bool {
		for _, n := range c.nodes {
			if !n.repair.Current() {
				return false
			}
		}
		return true
	})
}

// foreign is how many records are where they do not belong.
func (c *cluster) foreign() (n int64) {
	for _, x := range c.nodes {
		n += x.repair.Counters().Foreign
	}
	return n
}

// sentTo is how many records one node has sent to another.
func (c *cluster) sentTo(from, to byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[[2]ring.ID{named(from), named(to)}]
}

func keyOf(slot uint16, i int) engine.Key {
	name := fmt.Appendf(nil, "key %d %d", slot, i)
	return engine.Key{Slot: slot, Hash: engine.Hash(name), Name: name}
}

// merging stores a record as a peer's write does.
type merging struct {
	w *record.Whole
	m record.Whole
}

func (s *merging) Decide(t *replica.Records) {
	ours, err := t.Whole(0)
	if err != nil {
		panic(err)
	}
	s.m = record.Merge(ours, s.w)
	if s.m.Vector.Hash() != t.Hash(0) {
		t.Put(0, &s.m)
	}
}
func (s *merging) Done(*replica.Records) {}

func (n *testNode) store1(k engine.Key, w *record.Whole) {
	var t replica.Records
	t.Reset(n.store, engine.Write, &merging{w: w})
	t.Key(k)
	n.store.DoRecords(&t)
	if t.Err() != nil {
		panic(t.Err())
	}
}

// get is what a node holds.
func (n *testNode) get(k engine.Key) record.Whole {
	s := &reader{most: 1 << 30}
	var t replica.Records
	t.Reset(n.store, engine.Read, s)
	t.Key(k)
	n.store.DoRecords(&t)
	if t.Err() != nil {
		panic(t.Err())
	}
	if len(s.entries) == 0 {
		return record.Whole{}
	}
	return s.entries[0].Whole
}

// set writes a value, or with "" a delete, over what the first of some nodes holds, to all of them.
func (c *cluster) set(k engine.Key, value string, nodes string) record.Whole {
	first := c.node(nodes[0])
	old := first.get(k)
	dot := record.Dot{Actor: first.actor, HLC: first.store.Clock().After(old.Floor(nil), time.Now().UnixMilli())}
	w := old.Delete(dot)
	if value != "" {
		w = old.Put(dot, record.NewValue([]byte(value), 0))
	}
	for _, m := range []byte(nodes) {
		c.node(m).store1(k, &w)
	}
	return w
}

// show is a record's values and the nodes that hold it so.
func (c *cluster) show(k engine.Key) string {
	var all []string
	for _, m := range c.view.Members {
		n := c.node(m[0])
		if n == nil {
			continue
		}
		w := n.get(k)
		text := fmt.Sprintf("%c:", m[0])
		if w.IsZero() {
			text += "nothing"
		} else if len(w.Values) == 0 {
			text += "deleted"
		}
		for i := range w.Values {
			text += "[" + string(w.Values[i].Value) + "]"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func (c *cluster) want(k engine.Key, want string) {
	c.t.Helper()
	if got := c.show(k); got != want {
		c.t.Fatalf("%s\nwant %s", got, want)
	}
}

// The testNode is its own Peers.

func (n *testNode) State(to ring.ID) coordinator.State {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if n.c.down[[2]ring.ID{n.id, to}] || n.c.nodes[to] == nil {
		return quorum.Down
	}
	return quorum.Up
}

var errHeavy = errors.New("larger than a frame may be")

var errCut = errors.New("no connection")

func (c *cluster) tooHeavy(k engine.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heavy[string(k.Name)]
}

// lighten has calls carry all records again.
func (c *cluster) lighten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.heavy)
}

// call has f done at another node, after a while.
func (n *testNode) call(kind string, to ring.ID, f func(other *testNode), failed func(error)) {
	n.c.mu.Lock()
	n.c.calls[kind]++
	n.c.mu.Unlock()
	time.AfterFunc(latency, func() {
		n.c.mu.Lock()
		other := n.c.nodes[to]
		before := n.c.before
		cut := other == nil || n.c.nodes[n.id] != n || n.c.down[[2]ring.ID{n.id, to}] || n.c.down[[2]ring.ID{to, n.id}]
		n.c.mu.Unlock()
		if cut {
			failed(errCut)
			return
		}
		if before != nil {
			before(kind, n.id, to)
		}
		f(other)
	})
}

func (n *testNode) Write(to ring.ID, w *coordinator.WriteRequest, done func(coordinator.WriteAnswer, error)) {
	n.call("write", to, func(other *testNode) {
		for i := range w.Records {
			if n.c.tooHeavy(w.Records[i].Key) {
				done(coordinator.WriteAnswer{}, errHeavy)
				return
			}
		}
		n.c.mu.Lock()
		lose := n.c.lose
		n.c.mu.Unlock()
		for i := range w.Records {
			other.store1(w.Records[i].Key, &w.Records[i].Whole)
		}
		n.c.mu.Lock()
		n.c.sent[[2]ring.ID{n.id, to}] += len(w.Records)
		for i := range w.Records {
			n.c.bytes += sizeOf(&w.Records[i].Whole)
		}
		n.c.mu.Unlock()
		if lose != nil && lose("write") {
			done(coordinator.WriteAnswer{}, errCut)
			return
		}
		done(coordinator.WriteAnswer{Held: make([]coordinator.HeldAnswer, len(w.Records))}, nil)
	}, func(err error) { done(coordinator.WriteAnswer{}, err) })
}

func (n *testNode) Fetch(to ring.ID, keys []engine.Key, done func([]record.Whole, error)) {
	n.call("fetch", to, func(other *testNode) {
		got := make([]record.Whole, len(keys))
		size := 0
		for i, k := range keys {
			got[i] = other.get(k)
			if n.c.tooHeavy(k) && !got[i].IsZero() {
				done(nil, errHeavy)
				return
			}
			size += sizeOf(&got[i])
		}
		n.c.mu.Lock()
		n.c.bytes += size
		n.c.mu.Unlock()
		done(got, nil)
	}, func(err error) { done(nil, err) })
}

func (n *testNode) Standing(to ring.ID, done func(remote.Standing, error)) {
	n.call("standing", to, func(other *testNode) { done(other.repair.Standing(n.id), nil) }, func(err error) { done(remote.Standing{}, err) })
}

func (n *testNode) Digests(to ring.ID, slots []uint16, done func([]uint64, error)) {
	n.call("digests", to, func(other *testNode) {
		d := make([]uint64, len(slots))
		for i, slot := range slots {
			d[i] = other.store.Digest(slot)
		}
		done(d, nil)
	}, func(err error) { done(nil, err) })
}

func (n *testNode) Page(to ring.ID, slot uint16, from uint64, most int, done func([]replica.Listed, uint64, bool, error)) {
	n.call("page", to, func(other *testNode) {
		list, next, more, err := other.store.Page(slot, from, most)
		n.c.mu.Lock()
		n.c.bytes += listedBytes(list)
		n.c.mu.Unlock()
		done(list, next, more, err)
	}, func(err error) { done(nil, 0, false, err) })
}

func (c *cluster) waitFor(what, names string) {
	c.t.Helper()
	c.wait(what, func() bool {
		for _, m := range []byte(names) {
			if !c.node(m).repair.Current() {
				return false
			}
		}
		return true
	})
}
