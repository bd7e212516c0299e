package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
	bytes int                 // of values, and of what pages list
	actor uint64
	lose  func(kind string) bool // the answer of a call that was carried out
	// written is called before a write is carried out, if it is set.
	written func(from, to ring.ID, w *coordinator.WriteRequest)
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
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
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

var errCut = errors.New("no connection")

// call has f done at another node, after a while.
func (n *testNode) call(kind string, to ring.ID, f func(other *testNode), failed func(error)) {
	n.c.mu.Lock()
	n.c.calls[kind]++
	n.c.mu.Unlock()
	time.AfterFunc(latency, func() {
		n.c.mu.Lock()
		other := n.c.nodes[to]
		cut := other == nil || n.c.nodes[n.id] != n || n.c.down[[2]ring.ID{n.id, to}] || n.c.down[[2]ring.ID{to, n.id}]
		n.c.mu.Unlock()
		if cut {
			failed(errCut)
		} else {
			f(other)
		}
	})
}

func (n *testNode) Write(to ring.ID, w *coordinator.WriteRequest, done func(coordinator.WriteAnswer, error)) {
	n.call("write", to, func(other *testNode) {
		if n.c.written != nil {
			n.c.written(n.id, to, w)
		}
		for i := range w.Records {
			other.store1(w.Records[i].Key, &w.Records[i].Whole)
		}
		n.c.mu.Lock()
		n.c.sent[[2]ring.ID{n.id, to}] += len(w.Records)
		for i := range w.Records {
			n.c.bytes += sizeOf(&w.Records[i].Whole)
		}
		n.c.mu.Unlock()
		if n.c.lose != nil && n.c.lose("write") {
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

func TestAFreshClusterBecomesCurrent(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := &cluster{t: t, n: 3, w: 2, sloppy: true, nodes: map[ring.ID]*testNode{}, down: map[[2]ring.ID]bool{}, calls: map[string]int{}, sent: map[[2]ring.ID]int{}}
			c.setMembers("abcde")
			began := time.Now()
			for _, m := range []byte("abcde") {
				c.start(m, lost)
			}
			defer c.close()
			if c.node('a').repair.Current() {
				t.Fatal("current before anybody was asked")
			}
			c.waitCurrent()
			if took := time.Since(began); took > 300*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			time.Sleep(10 * time.Second)
			c.waitCurrent()
		})
	}
}

func TestAnOwnerThatMissedWritesGetsThem(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		x, y := keyOf(0, 1), keyOf(1, 1)
		c.set(x, "old", "abc")
		c.set(y, "there", "abc")
		c.suspect('c', "ab")
		c.set(x, "new", "ab")
		c.set(y, "", "ab") // a delete that one owner missed
		time.Sleep(time.Second)
		if c.node('c').repair.Current() {
			t.Fatal("current, and cut off")
		}
		c.answers('c', "ab")
		c.waitCurrent()
		c.want(x, "a:[new] b:[new] c:[new]")
		c.want(y, "a:deleted b:deleted c:deleted")
	})
}

func TestAnOwnerSuspectedForAMomentCatchesUp(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(0, 1)
		c.set(x, "old", "abc")
		// Between two questions.
		time.Sleep(testTimeout / 50)
		c.node('a').repair.Suspects(named('c'))
		c.set(x, "new", "ab")
		c.node('a').repair.Answers(named('c'))
		c.wait("c knows", func() bool { return c.node('c').repair.Counters().CatchingUp || c.show(x) == "a:[new] b:[new] c:[new]" })
		c.waitCurrent()
		c.want(x, "a:[new] b:[new] c:[new]")
	})
}

func TestConcurrentSiblingsMerge(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(5, 1)
		c.set(x, "one", "a")
		time.Sleep(5 * time.Millisecond)
		c.set(x, "two", "b")
		time.Sleep(5 * time.Millisecond)
		c.set(x, "three", "c")
		c.wait("they merge", func() bool { return c.show(x) == "a:[three][two][one] b:[three][two][one] c:[three][two][one]" })
	})
}

func TestAWipedOwnerIsNotCurrentUntilItIsWhole(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		for i := range 500 {
			c.set(keyOf(uint16(i%7), i), "value", "abc")
		}
		only := keyOf(3, 1000)
		c.set(only, "on a and c alone", "ac")
		c.suspect('b', "ac")
		c.stop('c')
		time.Sleep(time.Second)
		fresh := c.start('c', true)
		time.Sleep(10 * time.Second)
		if fresh.repair.Current() {
			t.Fatal("current with one owner that is not: that one is cut off from the other")
		}
		c.want(only, "a:[on a and c alone] b:nothing c:[on a and c alone]")
		c.answers('b', "ac")
		c.waitCurrent()
		for i := range 500 {
			c.want(keyOf(uint16(i%7), i), "a:[value] b:[value] c:[value]")
		}
	})
}

func TestAPausedNodeIsNotCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStanding(2, true, false, testTimeout)
		s.setArea(areaOf("ab", "ab"))
		s.reach(named('b'), true)
		r := New(Options{Peers: &silent{}, W: 2, Sloppy: true, Timeout: testTimeout, Log: slog.New(slog.DiscardHandler)})
		r.area.Store(s.area)
		r.standing = s
		(&script{t: t, standing: s, now: r.now()}).twice('b', fine)
		number, current := s.begin(named('b'))
		s.equalled(named('b'), number, current)
		r.settle()
		if !r.Current() {
			t.Fatal("not current")
		}
		time.Sleep(half - 1)
		if !r.Current() {
			t.Fatal("the lease has run out early")
		}
		time.Sleep(1)
		if r.Current() { // nothing has run: neither a loop nor an answer
			t.Fatal("current after a pause")
		}
	})
}

// silent never answers.
type silent struct{ Peers }

func (silent) State(ring.ID) coordinator.State { return quorum.Up }

func TestAnOwnerThatReturnsFromAPauseCatchesUp(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(0, 1) // a, b, c
		c.set(x, "old", "abc")
		// c stops: a and b notice, and it does not.
		c.oneWay('a', 'c')
		c.oneWay('b', 'c')
		c.oneWay('d', 'c')
		time.Sleep(half + testTimeout/5)
		if c.node('c').repair.Current() {
			t.Fatal("current, and nobody has cleared it")
		}
		c.set(x, "new", "abd")
		c.answers('c', "abd")
		if c.node('c').repair.Current() {
			t.Fatal("current at once")
		}
		c.waitCurrent()
		c.want(x, "a:[new] b:[new] c:[new] d:nothing")
	})
}

func TestAFallbacksRecordsGoHome(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		c.suspect('c', "abd")
		var keys []engine.Key
		for i := range 1500 {
			k := keyOf(uint16(4*(i%3)), i) // a, b, c own them, d stands in
			keys = append(keys, k)
			c.set(k, "value", "abd")
		}
		time.Sleep(3 * time.Second)
		for _, k := range keys {
			c.want(k, "a:[value] b:[value] c:nothing d:[value]")
		}
		before := c.node('d').repair.Counters()
		if before.Foreign != 1500 || before.Dropped != 0 {
			t.Fatalf("%+v", before)
		}
		sentA := c.sent[[2]ring.ID{named('d'), named('a')}]
		time.Sleep(2 * time.Minute)
		if n := c.sent[[2]ring.ID{named('d'), named('a')}]; n != sentA || n > 2*1500 {
			t.Fatalf("while an owner was away, a was sent %d records, then %d", sentA, n-sentA)
		}
		c.answers('c', "abd")
		began := time.Now()
		c.wait("they go home", func() bool { return c.foreign() == 0 })
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		for _, k := range keys {
			c.want(k, "a:[value] b:[value] c:[value] d:nothing")
		}
		if n := c.node('d').repair.Counters(); n.Dropped != 1500 || n.Foreign != 0 {
			t.Fatalf("%+v", n)
		}
		c.waitCurrent()
	})
}

// What changes at the fallback after it was confirmed, and before it is dropped, stays and goes home too.
func TestAFallbacksRecordThatChangesStays(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(0, 1)
		c.suspect('c', "abd")
		c.set(x, "one", "abd")
		time.Sleep(2 * time.Second)
		changed := false
		c.written = func(from, to ring.ID, w *coordinator.WriteRequest) {
			if from == named('d') && !changed {
				changed = true
				c.set(x, "two", "d")
			}
		}
		c.answers('c', "abd")
		c.wait("it goes home", func() bool { return changed && c.foreign() == 0 })
		c.want(x, "a:[two] b:[two] c:[two] d:nothing")
	})
}

// Answers are lost, so what was stored is sent again, to who has it and who has it in part.
func TestDeliveredTwice(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		c.set(keyOf(0, 7), "before", "b")
		time.Sleep(2 * time.Millisecond)
		for i := range 1000 {
			c.set(keyOf(0, i), "value", "d")
		}
		lost := 0
		c.mu.Lock()
		c.lose = func(string) bool { lost++; return lost%3 == 0 && lost < 60 }
		c.mu.Unlock()
		c.wait("all goes home", func() bool { return c.foreign() == 0 })
		if lost < 10 {
			t.Fatal("hardly anything was sent: ", lost)
		}
		for i := range 1000 {
			want := "a:[value] b:[value] c:[value] d:nothing"
			if i == 7 {
				want = "a:[value][before] b:[value][before] c:[value][before] d:nothing"
				c.wait("siblings merge", func() bool { return c.show(keyOf(0, 7)) == want })
			}
			c.want(keyOf(0, i), want)
		}
	})
}

// What the owners hold already is not sent: after a change of the ring, say.
func TestForeignDataThatOwnersHave(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		c.suspect('c', "abd")
		for i := range 1000 {
			c.set(keyOf(0, i), "value", "ab")
			c.set(keyOf(4, i), "value", "ab")
		}
		for i := range 1000 { // as it was when d owned these slots
			for _, slot := range []uint16{0, 4} {
				w := c.node('a').get(keyOf(slot, i))
				c.node('d').store1(keyOf(slot, i), &w)
				c.node('c').store1(keyOf(slot, i), &w)
			}
		}
		c.mu.Lock()
		clear(c.sent)
		c.mu.Unlock()
		c.answers('c', "abd")
		c.wait("it is dropped", func() bool { return c.foreign() == 0 })
		for pair, n := range c.sent {
			if n > 0 && pair[0] == named('d') {
				t.Errorf("%d records were sent to %c", n, pair[1][0])
			}
		}
		c.want(keyOf(0, 999), "a:[value] b:[value] c:[value] d:nothing")
	})
}

func TestForeignDataThatOwnersHaveNot(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(0, 1)
		c.set(x, "only here", "d") // a straggler at who owns nothing of it
		c.wait("it goes home", func() bool { return c.foreign() == 0 })
		c.want(x, "a:[only here] b:[only here] c:[only here] d:nothing")
	})
}

// An owner that comes back without its data is not counted on for what it confirmed before.
func TestAnOwnerThatConfirmedAndWasWiped(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		x := keyOf(0, 1)
		c.suspect('c', "abd")
		c.set(x, "value", "d")
		time.Sleep(2 * time.Second)
		c.want(x, "a:[value] b:[value] c:nothing d:[value]")
		c.stop('a')
		time.Sleep(2 * time.Second)
		c.start('a', true)
		c.stop('b')
		c.answers('c', "abd")
		c.start('b', true)
		c.wait("it goes home", func() bool { return c.foreign() == 0 })
		c.want(x, "a:[value] b:[value] c:[value] d:nothing")
		c.waitCurrent()
	})
}

// While an owner is away and writes for it go on, another one that was suspected becomes current all the same.
func TestCatchingUpWhileAFallbackIsWrittenTo(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		c.suspect('c', "abd")
		c.node('d').repair.Suspects(named('a'))
		c.node('d').repair.Answers(named('a'))
		i := 0
		c.wait("a is current", func() bool {
			for range 3 {
				c.set(keyOf(0, i), "value", "abd")
				i++
			}
			return i > 100 && c.node('a').repair.Current()
		})
		if i > 3*300 {
			t.Errorf("it took %d ms", i/3*10)
		}
	})
}

func TestDataOfALostSlotGoesHome(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		for i := range 300 {
			c.set(keyOf(uint16(i%8), i), "value", "abc")
		}
		c.changeView("abc")
		c.setMembers("abcd")
		d := c.start('d', false)
		c.changeView("abcd")
		if d.repair.Current() {
			t.Fatal("current, and it has just joined")
		}
		c.waitCurrent()
		c.wait("all goes home", func() bool { return c.foreign() == 0 })
		for i := range 300 {
			k := keyOf(uint16(i%8), i)
			holders := 0
			for _, n := range c.nodes {
				w := n.get(k)
				owns := slices.Contains(c.view.Owners(k.Slot), n.id)
				if !w.IsZero() != owns {
					t.Fatalf("slot %d: %s", k.Slot, c.show(k))
				}
				if owns {
					holders++
				}
			}
			if holders != 3 {
				t.Fatal(c.show(k))
			}
		}
		c.changeView("acd") // b is forgotten: it delivers nothing, and is not current
		c.waitFor("a c d are current", "acd")
		if c.node('b').repair.Current() {
			t.Fatal("current, and no member")
		}
	})
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

func TestOneDifferenceAmongManyCostsLittle(t *testing.T) {
	inCluster(t, "ab", nil, func(c *cluster) {
		c.waitCurrent()
		value := strings.Repeat("v", 1000)
		for i := range 1000 {
			c.set(keyOf(9, i), value, "ab")
		}
		c.set(keyOf(9, 500), "another", "a")
		c.mu.Lock()
		c.bytes = 0
		c.mu.Unlock()
		c.wait("it is equal", func() bool { return c.show(keyOf(9, 500)) == "a:[another] b:[another]" })
		c.mu.Lock()
		bytes := c.bytes
		c.mu.Unlock()
		if bytes > 100_000 {
			t.Errorf("%d bytes for one of 1,000,000", bytes)
		}
		a := c.node('a').repair.Counters()
		b := c.node('b').repair.Counters()
		if n := a.Pushed + b.Pulled; n < 1 || n > 2 || a.Pulled+b.Pushed != 0 || a.Differences+b.Differences < 1 {
			t.Errorf("%+v\n%+v", a, b)
		}
	})
}

func TestNow(t *testing.T) {
	inCluster(t, "abc", nil, func(c *cluster) {
		c.waitCurrent()
		for i := range 3000 { // more than a page
			c.set(keyOf(2, i), fmt.Sprint(i), string("abc"[i%3]))
		}
		if err := c.node('a').repair.Now(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := c.node('b').repair.Now(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			c.want(keyOf(2, i), strings.ReplaceAll("a:[x] b:[x] c:[x]", "x", fmt.Sprint(i)))
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if c.node('a').repair.Now(ctx) == nil {
			t.Fatal("it does not end with its context")
		}
		c.oneWay('b', 'a') // a does not know
		if c.node('a').repair.Now(context.Background()) == nil {
			t.Fatal("it does not say that it failed")
		}
	})
}

func TestStrictNodesAreCurrentFromTheStart(t *testing.T) {
	inCluster(t, "abc", func(c *cluster) { c.sloppy = false }, func(c *cluster) {
		if !c.node('a').repair.Current() {
			t.Fatal("not current")
		}
		c.suspect('c', "ab")
		time.Sleep(time.Second)
		if !c.node('c').repair.Current() {
			t.Fatal("not current, as it was suspected")
		}
		c.set(keyOf(0, 1), "value", "ab")
		c.stop('a')
		a := c.start('a', true)
		time.Sleep(time.Second)
		if a.repair.Current() {
			t.Fatal("current without its data")
		}
		c.answers('c', "ab")
		c.waitCurrent()
		c.want(keyOf(0, 1), "a:[value] b:[value] c:[value]")
	})
}

func TestTheRateIsKept(t *testing.T) {
	inCluster(t, "ab", func(c *cluster) { c.rate = 100_000 }, func(c *cluster) {
		c.waitCurrent()
		value := strings.Repeat("v", 10_000)
		for i := range 100 {
			c.set(keyOf(3, i), value, "a")
		}
		began := time.Now()
		c.wait("all is there", func() bool {
			w := c.node('b').get(keyOf(3, 99))
			return c.node('b').store.RecordsIn(3) == 100 && !w.IsZero()
		})
		if took := time.Since(began); took < 3*time.Second || took > 20*time.Second { // both sides move it
			t.Errorf("a megabyte took %v at 100,000 bytes a second", took)
		}
	})
}
