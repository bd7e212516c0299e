package quorum

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rldb/rldb/record"
)

func node(i int) Node { return named(fmt.Sprint("n", i)) }

// named is the node whose ID begins with these letters.
func named(name string) (n Node) {
	copy(n[:], name)
	return n
}

func nameOf(n Node) string { return strings.TrimRight(string(n[:]), "\x00") }

func namesOf(ns []Node) string {
	var all []string
	for _, n := range ns {
		all = append(all, nameOf(n))
	}
	return "[" + strings.Join(all, " ") + "]"
}

func owners(n int) (ts []Target) {
	for i := range n {
		ts = append(ts, Target{Node: node(i), Current: true})
	}
	return ts
}

// quorums are those to try: all, but of 5 nodes only some, to save time.
func quorums(n int) []int {
	return [][]int{nil, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, {2, 3}}[n]
}

func answered(effects []Effect) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { return e.Kind == Answer })
}

// permutations calls f with every order of 0…n-1.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var rec func(k int)
	rec = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			rec(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	rec(0)
}

// assignments calls f with every way to give n nodes one of k outcomes.
func assignments(n, k int, f func([]Outcome)) {
	total := 1
	for range n {
		total *= k
	}
	as := make([]Outcome, n)
	for x := range total {
		for i := range as {
			as[i], x = Outcome(x%k), x/k
		}
		f(as)
	}
}

func TestTargets(t *testing.T) {
	members := []Node{named("a"), named("b"), named("c"), named("d"), named("e")}
	for _, c := range []struct {
		name   string
		sloppy bool
		states map[Node]State
		want   string
		spares string
	}{
		{"all up", true, nil, "a b c", "[d e]"},
		{"an owner down", true, map[Node]State{named("b"): Down}, "a c d(b)", "[e]"},
		{"an owner down, strict", false, map[Node]State{named("b"): Down}, "a c", "[]"},
		{"all owners down", true, map[Node]State{named("a"): Down, named("b"): Down, named("c"): Down}, "d(a) e(b)", "[]"},
		{"the next one down too", true, map[Node]State{named("a"): Down, named("d"): Down}, "b c e(a)", "[]"},
		{"the next one draining", true, map[Node]State{named("a"): Down, named("d"): Draining}, "b c e(a)", "[]"},
		{"an owner draining", true, map[Node]State{named("a"): Draining}, "a b c", "[d e]"},
		{"an owner catching up", true, map[Node]State{named("c"): CatchingUp}, "a b c*", "[d e]"},
	} {
		got := ""
		state := func(n Node) State {
			if s, ok := c.states[n]; ok {
				return s
			}
			return Up
		}
		targets, absent := Targets(nil, members[:3], state)
		if absent != 3-len(targets) {
			t.Errorf("%s: %d absent", c.name, absent)
		}
		var spares []Node
		if c.sloppy {
			targets, spares = Fallbacks(targets, members[:3], members[3:], state)
		}
		for _, x := range targets {
			got += " " + nameOf(x.Node)
			if !x.Owner() {
				got += "(" + nameOf(x.For) + ")"
			} else if !x.Current {
				got += "*"
			}
		}
		if got != " "+c.want || namesOf(spares) != c.spares {
			t.Errorf("%s: %s, spares %s; want %s, %s", c.name, got, namesOf(spares), c.want, c.spares)
		}
	}
}

// TestWriteEveryOrder feeds every permutation of every mix of replies, for N up
// to 5 and each W, and counts again after each step.
func TestWriteEveryOrder(t *testing.T) {
	kinds := []Outcome{OK, Failed, Unknown}
	for n := 1; n <= 5; n++ {
		assignments(n, len(kinds), func(as []Outcome) {
			permutations(n, func(order []int) {
				for _, w := range quorums(n) {
					writeRun(t, w, as, order)
				}
			})
		})
	}
}

func writeRun(t *testing.T, w int, as []Outcome, order []int) {
	kinds := []Outcome{OK, Failed, Unknown}
	q, effects := NewWrite(WriteOptions{W: w}, owners(len(order)))
	if len(effects) != len(order) {
		t.Fatalf("%v at the start", effects)
	}
	ok, bad, done := 0, 0, false
	for _, i := range order {
		r := WriteReply{Node: node(i), Outcome: kinds[as[i]]}
		got := answered(q.Reply(r))
		if again := q.Reply(r); len(again) > 0 {
			t.Fatalf("the same reply twice: %v", again)
		}
		want := Pending
		if r.Outcome == OK {
			ok++
		} else {
			bad++
		}
		if ok >= w {
			want = Met
		} else if len(order)-bad < w {
			want = NoQuorum
		}
		v, _ := q.Verdict()
		if done {
			continue // it stays what it was
		}
		if v != want || got != (want != Pending) {
			t.Fatalf("w %d, %v in order %v: %v, answered %v, want %v", w, as, order, v, got, want)
		}
		done = want != Pending
	}
	if !done {
		t.Fatalf("w %d, %v in order %v: no answer", w, as, order)
	}
}

func TestMeets(t *testing.T) {
	dot := record.Dot{Actor: 1, HLC: 5}
	for _, c := range []struct {
		name    string
		deletes bool
		unseen  []record.Dot
		want    bool
	}{
		{"SET meets nothing", false, nil, false},
		{"SET meets a greater dot", false, []record.Dot{{Actor: 2, HLC: 4}, {Actor: 2, HLC: 5}}, true},
		{"SET meets a smaller dot", false, []record.Dot{{Actor: 2, HLC: 4}}, false},
		{"DEL meets a smaller dot", true, []record.Dot{{Actor: 2, HLC: 4}}, true},
		{"DEL meets nothing", true, nil, false},
	} {
		if got := Meets(dot, c.deletes, c.unseen); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestWriteRemints(t *testing.T) {
	q, _ := NewWrite(WriteOptions{W: 2}, owners(3))
	if es := q.Reply(WriteReply{Node: node(1), Met: true}); es != nil {
		t.Fatalf("%+v after one reply", es)
	}
	es := q.Reply(WriteReply{Node: node(2), Met: true})
	if len(es) != 4 || es[0].Kind != Remint || es[1].Kind != Send || es[1].Round != 1 {
		t.Fatalf("%+v", es)
	}
	q.Reply(WriteReply{Node: node(0), Round: 0}) // of the first round: counts for nothing
	if _, copies := q.Verdict(); copies != 0 {
		t.Fatal("a reply of an earlier round counts")
	}
	q.Reply(WriteReply{Node: node(0), Round: 1})
	q.Reply(WriteReply{Node: node(1), Round: 1})
	if v, _ := q.Verdict(); v != Met {
		t.Errorf("%v after two acknowledgements", v)
	}
}

func TestWriteRemintsAreBounded(t *testing.T) {
	q, _ := NewWrite(WriteOptions{W: 1}, owners(1))
	for round := range maxRounds {
		if v, _ := q.Verdict(); v != Pending {
			t.Fatalf("%v in round %d", v, round)
		}
		q.Reply(WriteReply{Node: node(0), Round: round, Met: true})
	}
	if v, _ := q.Verdict(); v != NoQuorum {
		t.Fatalf("%v after %d rounds", v, maxRounds)
	}
}

func TestWriteGoesToFurtherFallbacks(t *testing.T) {
	q, _ := NewWrite(WriteOptions{W: 2, Spares: func() []Node { return []Node{named("f"), named("g")} }}, owners(2))
	q.Reply(WriteReply{Node: node(0)})
	e := q.Reply(WriteReply{Node: node(1), Outcome: Unknown})
	if len(e) != 1 || e[0].Kind != Send || e[0].Target != (Target{Node: named("f"), For: node(1)}) {
		t.Fatalf("%+v", e)
	}
	e = q.Reply(WriteReply{Node: named("f"), Outcome: Failed})
	if len(e) != 1 || e[0].Target != (Target{Node: named("g"), For: node(1)}) {
		t.Fatalf("%+v", e)
	}
	q.Reply(WriteReply{Node: node(1)}) // late, but it is there
	if v, _ := q.Verdict(); v != Met {
		t.Fatal(v)
	}
}

func TestTooFewTargets(t *testing.T) {
	q, e := NewWrite(WriteOptions{W: 2}, owners(1))
	if v, _ := q.Verdict(); v != ClusterDown || len(e) != 1 || e[0].Kind != Answer {
		t.Fatalf("%v, %+v", v, e)
	}
	c, e := NewConditional(3, 2, []Target{{Node: named("f"), For: named("x")}})
	if v, _ := c.Verdict(); v != ClusterDown || len(e) != 1 || e[0].Kind != Answer {
		t.Fatalf("a fallback's acceptance counts: %v, %+v", v, e)
	}
	if s := ClusterDown.Error(1, 2); s[:11] != "CLUSTERDOWN" {
		t.Fatal(s)
	}
}

// TestConditionalEveryOrder: every order of every mix, with this node accepting
// or not. Met needs W acceptances; Retry is only said if nobody has it.
func TestConditionalEveryOrder(t *testing.T) {
	for n := 1; n <= 5; n++ {
		assignments(n, 4, func(as []Outcome) { // the last one is this node's
			permutations(n-1, func(order []int) {
				for _, w := range quorums(n) {
					conditionalRun(t, n, w, as, order)
				}
			})
		})
	}
}

func conditionalRun(t *testing.T, n, w int, as []Outcome, order []int) {
	q, effects := NewConditional(n, w, owners(n-1))
	local, merged, answers, accepts := false, false, 0, 0
	feed := func(es []Effect) {
		for len(es) > 0 {
			e := es[0]
			es = es[1:]
			switch e.Kind {
			case ApplyLocal:
				local = as[n-1] == OK
				if accepts+1 < w {
					t.Fatalf("w %d, %v: applied here after %d acceptances", w, as, accepts)
				}
				es = append(es, q.Local(local)...)
			case MergeLocal:
				merged = true
			case Answer:
				answers++
			}
		}
	}
	feed(effects)
	unknown := false
	for _, i := range order {
		if v, _ := q.Verdict(); v != Pending {
			break
		}
		if as[i] == OK {
			accepts++
		}
		unknown = unknown || as[i] == Unknown
		feed(q.Reply(node(i), as[i]))
		feed(q.Reply(node(i), as[i]))
	}
	v, got := q.Verdict()
	if local {
		accepts++
	}
	if v == Pending || answers != 1 || got != accepts {
		t.Fatalf("n %d w %d %v in order %v: %v, %d answers, %d of %d acceptances", n, w, as, order, v, answers, got, accepts)
	}
	if (v == Met) != (accepts >= w) || v == Retry && (accepts > 0 || unknown) {
		t.Fatalf("n %d w %d %v in order %v: %v with %d acceptances", n, w, as, order, v, accepts)
	}
	if v != Retry && !local && !merged {
		t.Fatalf("n %d w %d %v in order %v: %v, and this node has not its own dot", n, w, as, order, v)
	}
}

func TestConditionalDeadlineMayHaveTakenEffect(t *testing.T) {
	q, _ := NewConditional(3, 2, owners(2))
	q.Reply(node(0), Refused)
	if e := q.Deadline(); len(e) != 2 || e[0].Kind != MergeLocal {
		t.Fatalf("%+v", e)
	}
	if v, _ := q.Verdict(); v != NoQuorum {
		t.Fatal(v)
	}
}
