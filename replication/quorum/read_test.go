package quorum

import (
	"testing"

	"github.com/rldb/rldb/record"
)

func put(w *record.Whole, actor uint64, t record.HLC) record.Whole {
	return w.Put(record.Dot{Actor: actor, HLC: t}, record.NewValue([]byte{byte(actor)}, 0))
}

// versions are what a replica may hold: an older record, a newer one, one that
// is beside both.
func versions() [3]record.Whole {
	older := put(&record.Whole{}, 1, 10)
	return [3]record.Whole{older, put(&older, 1, 20), put(&record.Whole{}, 2, 15)}
}

// cluster answers a Read: node 0 reads, the others have one of versions or fail.
type cluster struct {
	t       *testing.T
	q       *Read
	holds   []record.Whole
	fails   []bool
	asked   []bool
	over    []bool // its answer, or its failure, was fed
	late    bool   // whole records come after all else
	fetches []int  // those that are on their way
	counted []bool // heard, so part of what the answer must show
	answers int
	atW     int // holders of the answer when it was given
	answer  record.Whole
}

func (c *cluster) index(n Node) int {
	for i := range c.holds {
		if node(i) == n {
			return i
		}
	}
	c.t.Fatalf("effect for %q", n)
	return 0
}

func (c *cluster) fetched(i int) []Effect {
	c.counted[i] = c.counted[i] || c.q.Verdict() == Pending
	return c.q.Whole(node(i), c.holds[i])
}

func (c *cluster) feed(es []Effect) {
	for len(es) > 0 {
		e := es[0]
		es = es[1:]
		switch e.Kind {
		case Fetch:
			i := c.index(e.Target.Node)
			if c.late {
				c.fetches = append(c.fetches, i)
			} else {
				es = append(es, c.fetched(i)...)
			}
		case Ask:
			i := c.index(e.Target.Node)
			if c.asked[i] {
				c.t.Fatal("a node is asked twice")
			}
			c.asked[i] = true
		case Repair:
			i := c.index(e.Target.Node)
			if c.fails[i] {
				c.t.Fatal("a node that failed is repaired")
			}
			sent := *c.q.Record()
			c.holds[i] = record.Merge(&c.holds[i], &sent)
			es = append(es, c.q.Repaired(node(i), sent.Vector.Hash(), true, c.holds[i].Unseen(nil, sent.Vector))...)
		case Answer:
			c.answers++
			c.answer = *c.q.Record()
			for i := range c.holds {
				if c.holds[i].Vector.Covers(c.answer.Vector) {
					c.atW++
				}
			}
		}
	}
}

// TestReadEveryOrder has every order of every mix of versions and failures, for
// N up to 5 and many R and W; whole records come at once, or after all else.
func TestReadEveryOrder(t *testing.T) {
	for n := 1; n <= 5; n++ {
		assignments(n, 4, func(as []Outcome) {
			if as[n-1] == 3 {
				return // the last one is the reader's own: it does not fail
			}
			permutations(n-1, func(order []int) {
				for _, r := range quorums(n) {
					for _, w := range quorums(n) {
						if n < 5 || r+w == n {
							readRun(t, n, r, w, as, order, false)
							readRun(t, n, r, w, as, order, true)
						}
					}
				}
			})
		})
	}
}

// nextReply is the first node in order that was asked and has not answered; -1:
// none.
func (c *cluster) nextReply(order []int) int {
	for _, i := range order {
		if c.asked[i] && !c.over[i] {
			return i
		}
	}
	return -1
}

func readRun(t *testing.T, n, r, w int, as []Outcome, order []int, late bool) {
	c := &cluster{t: t, late: late, holds: make([]record.Whole, n), fails: make([]bool, n), counted: make([]bool, n),
		asked: make([]bool, n), over: make([]bool, n)}
	vs := versions()
	alive := 0
	for i, a := range as {
		if c.fails[i] = a == 3; !c.fails[i] {
			c.holds[i] = vs[a]
			alive++
		}
	}
	before := append([]record.Whole(nil), c.holds...)
	all := owners(n)
	own := c.holds[n-1]
	q, es := NewRead(ReadOptions{R: r, W: w}, all[n-1], &own, all[:n-1])
	c.q = q
	c.counted[n-1] = true
	c.feed(es)
	for i := c.nextReply(order); i >= 0; i = c.nextReply(order) {
		c.over[i] = true
		if c.fails[i] {
			c.feed(q.Failed(node(i)))
			continue
		}
		pending := q.Verdict() == Pending
		es := q.Hash(node(i), c.holds[i].Vector.Hash(), true)
		if pending && (len(es) == 0 || es[0].Kind != Fetch) {
			c.counted[i] = true // as part of the record that has this hash
		}
		c.feed(es)
	}
	for len(c.fetches) > 0 {
		i := c.fetches[0]
		c.fetches = c.fetches[1:]
		c.feed(c.fetched(i))
		for i := c.nextReply(order); i >= 0; i = c.nextReply(order) {
			c.t.Fatal("asked only once all else had come")
		}
	}
	if c.answers != 1 {
		t.Fatalf("n %d r %d w %d, %v in order %v: %d answers", n, r, w, as, order, c.answers)
	}
	want := Met
	if alive < r {
		want = ClusterDown
	} else if alive < w {
		want = NoQuorum
	}
	if q.Verdict() != want {
		t.Fatalf("n %d r %d w %d, %v in order %v: %v, want %v", n, r, w, as, order, q.Verdict(), want)
	}
	if want != Met {
		return
	}
	heard := 0
	for i := range before {
		if c.counted[i] {
			if heard++; !c.answer.Vector.Covers(before[i].Vector) {
				t.Fatalf("n %d r %d w %d, %v in order %v: node %d was heard and is not in the answer", n, r, w, as, order, i)
			}
		}
		// Who was asked is repaired, after the answer too: all those end equal.
		if !c.fails[i] && (c.asked[i] || i == n-1) && c.holds[i].Vector.Compare(q.Record().Vector) != record.Equal {
			t.Fatalf("n %d r %d w %d, %v in order %v: node %d is not repaired", n, r, w, as, order, i)
		}
	}
	if heard < r || c.atW < w {
		t.Fatalf("n %d r %d w %d, %v in order %v: answered with %d heard, %d holding it", n, r, w, as, order, heard, c.atW)
	}
}

func hashOf(w record.Whole) uint64 { return w.Vector.Hash() }

// TestCatchingUpCountsOnlyWithoutOthers: an owner that came back empty-handed
// does not outvote the fallback and the owner that have the write.
func TestCatchingUpCountsOnlyWithoutOthers(t *testing.T) {
	v, none := versions()[1], record.Whole{}
	self := Target{Node: named("self")} // catching up
	others := []Target{{Node: named("b"), Current: true}, {Node: named("c"), Current: true}}
	q, es := NewRead(ReadOptions{R: 2, W: 2, Others: always}, self, &none, others)
	if len(es) != 2 {
		t.Fatalf("%+v: two current owners are to be asked", es)
	}
	q.Hash(named("b"), hashOf(v), true)
	q.Whole(named("b"), v)
	if q.Verdict() != Pending {
		t.Fatal("one current owner answered, and that was enough")
	}
	q.Hash(named("c"), hashOf(v), true)
	if q.Verdict() != Met || len(q.Record().Values) != 1 {
		t.Fatalf("%v, %+v", q.Verdict(), q.Record())
	}
	for _, c := range []struct {
		sloppy bool
		want   Verdict
	}{{true, Met}, {false, ClusterDown}} { // b calls itself not current, c does not answer
		q, _ = NewRead(ReadOptions{R: 2, W: 2, Others: func() bool { return c.sloppy }}, self, &none, others)
		q.Hash(named("b"), hashOf(none), false)
		q.Failed(named("c"))
		if q.Verdict() != c.want {
			t.Errorf("sloppy %v: %v, want %v", c.sloppy, q.Verdict(), c.want)
		}
	}
	// b has lost its lease, and c, which has the write, has not answered yet.
	q, _ = NewRead(ReadOptions{R: 2, W: 2, Others: always}, self, &none, others)
	q.Hash(named("b"), 0, false)
	if q.Verdict() != Pending {
		t.Fatal("one that has the write is being asked, and was not waited for")
	}
	q.Hash(named("c"), hashOf(v), true)
	if q.Whole(named("c"), v); q.Verdict() == Pending {
		q.Repaired(named("b"), hashOf(v), true, nil)
	}
	if q.Verdict() != Met || len(q.Record().Values) != 1 {
		t.Fatalf("%v, %+v", q.Verdict(), q.Record())
	}
	// A fallback's answer is merged in and does not count.
	q, _ = NewRead(ReadOptions{R: 2, W: 1, Others: always}, Target{Node: named("self"), Current: true}, &none, []Target{{Node: named("f"), For: named("b"), Current: true}, {Node: named("c"), Current: true}})
	q.Hash(named("f"), hashOf(v), true)
	q.Whole(named("f"), v)
	if q.Verdict() != Pending {
		t.Fatal("a fallback counts")
	}
	q.Hash(named("c"), 0, true)
	if q.Verdict() != Pending && q.Verdict() != Met || len(q.Record().Values) != 1 {
		t.Fatalf("%v, %+v", q.Verdict(), q.Record())
	}
}

func TestReadOneWaitsForWHolders(t *testing.T) {
	v := versions()
	q, _ := NewRead(ReadOptions{R: 1, W: 2}, Target{Node: named("a"), Current: true}, &v[1], []Target{{Node: named("b"), Current: true}, {Node: named("c"), Current: true}})
	if q.Verdict() != Pending {
		t.Fatal("answered what only one owner is known to hold")
	}
	q.Hash(named("b"), hashOf(v[0]), true)
	if es := q.Whole(named("b"), v[0]); len(es) != 1 || es[0].Kind != Repair || es[0].Target.Node != named("b") {
		t.Fatalf("%+v", es)
	}
	q.Repaired(named("b"), hashOf(v[1]), false, nil)
	if q.Verdict() != Pending {
		t.Fatal("answered after a repair that failed")
	}
	if q.Failed(named("c")); q.Verdict() != NoQuorum {
		t.Fatal(q.Verdict())
	}
}

func TestExpiredCausesNoRepair(t *testing.T) {
	w := (&record.Whole{}).Put(record.Dot{Actor: 1, HLC: 1}, record.NewValue([]byte("v"), 100))
	q, _ := NewRead(ReadOptions{R: 2, W: 2, Now: 100}, Target{Node: named("a"), Current: true}, &w, []Target{{Node: named("b"), Current: true}})
	q.Hash(named("b"), 0, true)
	es := q.Whole(named("b"), record.Whole{})
	if q.Verdict() != Met || len(es) != 1 || es[0].Kind != Answer {
		t.Fatalf("%v, %+v", q.Verdict(), es)
	}
}

// TestExpiredIsRepairedOverALiveValue: else the next read could answer that one again.
func TestExpiredIsRepairedOverALiveValue(t *testing.T) {
	live := (&record.Whole{}).Put(record.Dot{Actor: 1, HLC: 1}, record.NewValue([]byte("v"), 0))
	over := live.Put(record.Dot{Actor: 2, HLC: 2}, record.NewValue([]byte("w"), 100))
	q, _ := NewRead(ReadOptions{R: 2, W: 2, Now: 100}, Target{Node: named("a"), Current: true}, &over, []Target{{Node: named("b"), Current: true}})
	q.Hash(named("b"), hashOf(live), true)
	es := q.Whole(named("b"), live)
	if len(es) != 1 || es[0].Kind != Repair || es[0].Target.Node != named("b") || q.Verdict() != Pending {
		t.Fatalf("%v, %+v", q.Verdict(), es)
	}
	if es = q.Repaired(named("b"), hashOf(over), true, nil); !answered(es) || q.Verdict() != Met {
		t.Fatalf("%v, %+v", q.Verdict(), es)
	}
}

func TestReadDeadline(t *testing.T) {
	v := versions()[0]
	q, _ := NewRead(ReadOptions{R: 2, W: 1}, Target{Node: named("a"), Current: true}, &v, []Target{{Node: named("b"), Current: true}})
	if es := q.Deadline(); !answered(es) || q.Verdict() != ClusterDown {
		t.Fatalf("%+v, %v", es, q.Verdict())
	}
	if es := q.Deadline(); es != nil {
		t.Fatalf("a second answer: %+v", es)
	}
}

func TestReadRepairsADamagedCopy(t *testing.T) {
	v := versions()
	q, es := NewRead(ReadOptions{R: 2, W: 2}, Target{Node: named("a"), Current: true}, nil, []Target{{Node: named("b"), Current: true}, {Node: named("c"), Current: true}})
	if len(es) != 2 || es[0].Kind != Ask || es[1].Kind != Ask {
		t.Fatalf("%+v: a damaged copy does not count, so both others are asked", es)
	}
	q.Hash(named("b"), hashOf(v[0]), true)
	q.Whole(named("b"), v[0])
	es = q.Hash(named("c"), hashOf(v[0]), true)
	if len(es) != 2 || es[0].Kind != Repair || es[0].Target.Node != named("a") || es[1].Kind != Answer || q.Verdict() != Met {
		t.Fatalf("%+v, %v", es, q.Verdict())
	}
	if q, es = NewRead(ReadOptions{R: 1, W: 1}, Target{Node: named("a"), Current: true}, nil, nil); q.Verdict() != ClusterDown {
		t.Fatalf("%+v, %v", es, q.Verdict())
	}
}

// TestReadAsksASpare when one fails, is not current, or differs.
func TestReadAsksASpare(t *testing.T) {
	v := versions()
	for name, feed := range map[string]func(q *Read) []Effect{
		"fails":          func(q *Read) []Effect { return q.Failed(named("b")) },
		"is not current": func(q *Read) []Effect { return q.Hash(named("b"), hashOf(v[0]), false) },
		"differs":        func(q *Read) []Effect { return q.Hash(named("b"), hashOf(v[1]), true) },
	} {
		q, es := NewRead(ReadOptions{R: 2, W: 2}, Target{Node: named("a"), Current: true}, &v[0], []Target{{Node: named("b"), Current: true}, {Node: named("c"), Current: true}})
		if len(es) != 1 || es[0].Kind != Ask || es[0].Target.Node != named("b") {
			t.Fatalf("%s: %+v at the start", name, es)
		}
		es = feed(q)
		if last := es[len(es)-1]; last.Kind != Ask || last.Target.Node != named("c") || q.Verdict() != Pending {
			t.Fatalf("%s: %+v", name, es)
		}
		if q.Hash(named("c"), hashOf(v[0]), true); q.Verdict() != Met {
			t.Fatalf("%s: %v", name, q.Verdict())
		}
	}
}

func TestRepairThatMeetsANewerValueReadsIt(t *testing.T) {
	v := versions()
	q, _ := NewRead(ReadOptions{R: 2, W: 2}, Target{Node: named("a"), Current: true}, &v[2], []Target{{Node: named("b"), Current: true}})
	q.Hash(named("b"), 0, true)
	q.Whole(named("b"), record.Whole{})
	es := q.Repaired(named("b"), hashOf(v[2]), true, []record.Dot{v[1].Values[0].Dot})
	if len(es) != 1 || es[0].Kind != Fetch || q.Verdict() != Pending {
		t.Fatalf("%+v, %v", es, q.Verdict())
	}
	both := record.Merge(&v[1], &v[2])
	if es = q.Whole(named("b"), both); len(es) != 1 || es[0].Kind != Repair || es[0].Target.Node != named("a") {
		t.Fatalf("%+v", es)
	}
	q.Repaired(named("a"), hashOf(both), true, nil)
	if q.Verdict() != Met || q.Record().Values[0].Dot != v[1].Values[0].Dot {
		t.Fatal(q.Verdict())
	}
}

func always() bool { return true }
