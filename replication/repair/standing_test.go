package repair

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/ring"
	"pgregory.net/rapid"
)

func named(name byte) ring.ID { return ring.ID{name} }

// joined is areaOf of a node that has just come into the cluster.
func joined(members, owners string) *area {
	a := areaOf(members, owners)
	a.view.Joined = true
	return a
}

// areaOf is that of node a in a cluster of some members, of which those of owners own every slot.
func areaOf(members, owners string) *area {
	v := &View{Self: named('a')}
	var all []ring.ID
	for _, m := range []byte(members) {
		v.Members = append(v.Members, named(m))
	}
	for _, o := range []byte(owners) {
		all = append(all, named(o))
	}
	v.Owners = func(uint16) []ring.ID { return all }
	return newArea(v)
}

const (
	testTimeout = 500 * time.Millisecond
	half        = testTimeout / 2
)

// script drives a standing by short words, so that a schedule can be read.
type script struct {
	t *testing.T
	*standing
	now time.Duration
}

func begin(t *testing.T, w int, sloppy, lost bool, a *area) *script {
	s := &script{t: t, standing: newStanding(w, sloppy, lost, testTimeout)}
	s.setArea(a)
	return s
}

func (s *script) up(ids string) {
	for _, id := range []byte(ids) {
		s.reach(named(id), true)
	}
}

// hear asks a member and has it answer at once.
func (s *script) hear(id byte, a remote.Standing) (again bool) {
	s.t.Helper()
	q, ok := s.ask(named(id), s.now)
	if !ok {
		s.t.Fatalf("%c is not asked", id)
	}
	again, _ = s.answer(named(id), q, a)
	return again
}

// twice is hear, as often as it takes for the answer to count.
func (s *script) twice(id byte, a remote.Standing) {
	s.t.Helper()
	for n := 0; s.hear(id, a); n++ {
		if n > 3 {
			s.t.Fatalf("%c is asked for ever", id)
		}
	}
}

func (s *script) meet(id byte) {
	number, current := s.begin(named(id))
	s.equalled(named(id), number, current, 0)
}

func (s *script) want(current bool, missing string) {
	s.t.Helper()
	s.settle()
	if got := s.now < s.until(); got != current {
		s.t.Fatalf("current is %v, want %v (behind %v, reason %q)", got, current, s.behind, s.reason)
	}
	var ids []byte
	for _, id := range s.missing() {
		ids = append(ids, id[0])
	}
	slices.Sort(ids)
	if string(ids) != missing {
		s.t.Fatalf("missing are %q, want %q", ids, missing)
	}
}

var fine = remote.Standing{Start: 1, Current: true}

func TestStandingOfTheOnlyMember(t *testing.T) {
	for _, lost := range []bool{false, true} {
		s := begin(t, 2, true, lost, areaOf("a", "a"))
		s.want(true, "")
	}
}

func TestStandingOfANodeThatIsNoMember(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("bc", "bc"))
	s.up("bc")
	s.twice('b', fine)
	s.twice('c', fine)
	s.want(false, "")
}

func TestStandingAfterAStart(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("abcd", "abc"))
	s.want(false, "")
	s.up("bcd")
	s.want(false, "bc")
	s.meet('b')
	s.want(false, "c")
	s.meet('c')
	s.want(false, "")
	if !s.hear('b', fine) || s.hear('b', fine) {
		t.Fatal("one more question is of use, and only one")
	}
	s.twice('c', fine)
	s.want(false, "") // d may hold something
	s.hear('d', remote.Standing{Start: 1, Foreign: 3})
	s.hear('d', remote.Standing{Start: 1, Foreign: 3})
	s.want(false, "")
	s.hear('d', fine)
	s.want(true, "")
	s.hear('d', remote.Standing{Start: 1, Foreign: 3}) // for another owner: nothing was missed
	s.want(true, "")
}

func TestStandingWithMembersThatAreDown(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("abc", "abc"))
	s.want(false, "")
	s.up("b")
	s.twice('b', fine)
	s.want(false, "b")
	s.meet('b')
	s.want(true, "") // c is down: nobody waits for it
	s.reach(named('b'), false)
	s.want(false, "") // it has lost sight of all
	s.reach(named('c'), true)
	s.want(false, "") // c has not said that it does not suspect this node
	s.hear('c', fine)
	s.want(true, "")
}

func TestStandingOfASuspectedNode(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer remote.Standing
		behind bool
	}{
		{"nothing new", remote.Standing{Start: 1, Suspicions: 4}, false},
		{"for a moment", remote.Standing{Start: 1, Suspicions: 5}, true},
		{"now", remote.Standing{Start: 1, Suspicions: 5, Suspected: true}, true},
		{"now, told late", remote.Standing{Start: 1, Suspicions: 4, Suspected: true}, true},
		{"the member has restarted", remote.Standing{Start: 2}, false},
		{"the member has restarted, and suspected it", remote.Standing{Start: 2, Suspicions: 1}, true},
	} {
		for _, sloppy := range []bool{true, false} {
			t.Run(fmt.Sprint(c.name, " ", sloppy), func(t *testing.T) {
				s := begin(t, 2, sloppy, false, areaOf("abc", "abc"))
				s.up("bc")
				known := remote.Standing{Start: 1, Suspicions: 4}
				s.twice('b', known) // in a process that has suspected this node before: a reason too
				s.twice('c', known)
				s.twice('b', known)
				if sloppy {
					s.meet('b')
					s.meet('c')
				}
				s.want(true, "")
				s.hear('b', c.answer)
				if !sloppy || !c.behind {
					s.want(true, "")
					return
				}
				if c.answer.Suspected {
					s.want(false, "")
				} else {
					s.want(false, "bc")
				}
				after := c.answer
				after.Suspected = false
				s.hear('b', after)
				s.hear('b', after)
				s.hear('b', after)
				s.hear('c', known)
				s.want(false, "bc")
				s.meet('c')
				s.meet('b')
				s.want(false, "") // c was not asked twice since
				s.hear('c', known)
				s.want(true, "")
			})
		}
	}
}

// What was asked or begun before the reason arose does not count, however late its end.
func TestStandingCountsWhatBeganAfterTheReason(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("ab", "ab"))
	s.up("b")
	s.twice('b', fine)
	s.meet('b')
	s.want(true, "")
	attempt, current := s.begin(named('b'))
	early, _ := s.ask(named('b'), s.now)
	grown := remote.Standing{Start: 1, Suspicions: 1}
	s.hear('b', grown)
	s.equalled(named('b'), attempt, current, 0)
	s.answer(named('b'), early, grown)
	s.want(false, "b")
	s.hear('b', grown)
	s.meet('b')
	s.want(false, "")
	s.hear('b', grown)
	s.want(true, "")
}

// Only an answer of the same process says what has become of what it held when it was asked before.
func TestStandingOfAMemberThatRestartsBetweenTwoQuestions(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("ab", "b"))
	s.up("b")
	s.hear('b', remote.Standing{Start: 1})
	first, _ := s.ask(named('b'), 0)
	second, _ := s.ask(named('b'), 0)
	s.answer(named('b'), first, remote.Standing{Start: 2})
	s.answer(named('b'), second, remote.Standing{Start: 2})
	s.want(false, "")
	s.hear('b', remote.Standing{Start: 2})
	s.want(true, "")
}

func TestStandingsLease(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("abc", "abc"))
	s.up("bc")
	for _, id := range []byte("bc") {
		s.twice(id, fine)
		s.meet(id)
	}
	s.want(true, "")
	s.now = half - 1
	s.want(true, "")
	s.hear('b', fine)
	s.now = half
	s.want(false, "") // c is silent
	s.reach(named('c'), false)
	s.want(true, "") // and known to be down
	s.now = half - 1 + half
	s.want(false, "") // stopped, perhaps
	s.hear('b', fine)
	s.want(true, "") // nothing was missed: b says so
}

// A lease counts from when the question was asked, and older answers do not shorten or prolong it.
func TestStandingsLeaseCountsFromTheQuestion(t *testing.T) {
	s := begin(t, 2, true, false, areaOf("ab", "ab"))
	s.up("b")
	s.twice('b', fine)
	s.meet('b')
	s.want(true, "")
	s.now = 100 * time.Millisecond
	first, _ := s.ask(named('b'), s.now)
	s.now = 200 * time.Millisecond
	second, _ := s.ask(named('b'), s.now)
	s.now = 300 * time.Millisecond
	s.want(false, "")
	s.answer(named('b'), second, fine)
	s.answer(named('b'), first, fine)
	s.want(true, "")
	s.now = 200*time.Millisecond + half - 1
	s.want(true, "")
	s.now++
	s.want(false, "")
}

func TestStandingAfterALoss(t *testing.T) {
	current, not := remote.Standing{Start: 1, Current: true}, remote.Standing{Start: 1}
	for _, c := range []struct {
		name    string
		w       int
		met     string // in this order, those in capitals are current
		want    bool
		missing string
	}{
		{"one current", 2, "B", false, ""},
		{"both current", 2, "BC", true, ""},
		{"both, not current", 2, "bc", true, ""},
		{"W=3: one current is enough", 3, "B", true, ""},
		{"W=3: one that is not current is not", 3, "b", false, ""},
		{"W=1: all others", 1, "BC", true, ""},
		{"W=1: not all", 1, "B", false, ""},
	} {
		for _, sloppy := range []bool{true, false} {
			t.Run(fmt.Sprint(c.name, " ", sloppy), func(t *testing.T) {
				s := begin(t, c.w, sloppy, true, areaOf("abc", "abc"))
				for _, id := range []byte(c.met) {
					a := not
					if id < 'a' {
						a, id = current, id-'A'+'a'
					}
					s.up(string(id))
					s.twice(id, a)
					s.meet(id)
				}
				s.want(c.want, c.missing)
			})
		}
	}
}

// An owner that was not current when it was met, and is by now, is met again.
func TestStandingMeetsAnOwnerThatHasBecomeCurrent(t *testing.T) {
	s := begin(t, 3, true, true, areaOf("abc", "abc"))
	s.up("b")
	s.twice('b', remote.Standing{Start: 1})
	s.meet('b')
	s.want(false, "")
	s.hear('b', fine)
	s.want(false, "b")
	s.meet('b')
	s.want(true, "")
}

func TestStandingAfterAChangeOfTheRing(t *testing.T) {
	for _, sloppy := range []bool{true, false} {
		whole := func(s *script) {
			for _, m := range s.area.others {
				s.reach(m, true)
				s.twice(m[0], fine)
				s.meet(m[0])
			}
			s.want(true, "")
		}
		s := begin(t, 2, sloppy, false, areaOf("a", "a"))
		s.want(true, "")
		s.setArea(areaOf("abc", "abc")) // others have joined it
		if s.behind {
			t.Fatal("it holds all there is, and catches up")
		}
		s.setArea(areaOf("a", "a"))
		s.setArea(joined("abc", "bc")) // it has joined others, and has no slots yet
		s.setArea(areaOf("abc", "abc"))
		s.want(false, "")
		whole(s)
		s.setArea(areaOf("a", "a"))
		s.setArea(joined("abc", "abc")) // both at once
		s.want(false, "")
		whole(s)
		s.setArea(areaOf("abcd", "bcd")) // it has lost its slots: it misses nothing
		s.reach(named('d'), true)
		s.hear('d', fine)
		s.want(true, "")
		s.setArea(areaOf("abcd", "abd")) // it has gained some
		s.want(false, "bd")
		s.meet('b')
		s.want(false, "d")
		s.setArea(areaOf("abcd", "acd")) // c instead of b, in all of them
		s.want(false, "cd")
		whole(s)
	}
}

// Whatever happens: a node is current only with a running lease and no reason left, and
// once everybody is reachable, fine and met, it is current.
func TestStandingProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := []byte("bcd")
		s := newStanding(rapid.IntRange(1, 3).Draw(rt, "w"), true, rapid.Bool().Draw(rt, "lost"), testTimeout)
		s.setArea(areaOf("abcd", "abc"))
		now := time.Duration(0)
		state := map[byte]*remote.Standing{}
		told := map[byte]time.Duration{} // when each was last asked and said that it does not suspect
		for _, id := range ids {
			state[id] = &remote.Standing{Start: 1}
		}
		hear := func(id byte) {
			q, ok := s.ask(named(id), now)
			if !ok {
				return
			}
			s.answer(named(id), q, *state[id])
			told[id] = now
			if state[id].Suspected {
				delete(told, id)
			}
		}
		for range rapid.IntRange(0, 60).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			switch rapid.IntRange(0, 7).Draw(rt, "event") {
			case 0:
				s.reach(named(id), rapid.Bool().Draw(rt, "reachable"))
			case 1:
				state[id].Suspected = true
				state[id].Suspicions++
			case 2:
				state[id].Suspected = false
			case 3:
				state[id] = &remote.Standing{Start: state[id].Start + 1}
			case 4:
				state[id].Foreign = rapid.Int64Range(0, 1).Draw(rt, "foreign")
			case 5:
				number, current := s.begin(named(id))
				s.equalled(named(id), number, current, 0)
			case 6:
				now += rapid.SampledFrom([]time.Duration{1, half / 3, half}).Draw(rt, "time")
			default:
				hear(id)
			}
			s.settle()
			if now >= s.until() {
				continue
			}
			heard := 0
			for _, id := range ids {
				if !s.members[named(id)].reachable {
					continue
				}
				heard++
				if at, ok := told[id]; !ok || now-at >= half {
					rt.Fatalf("current, and %c has not cleared it in time", id)
				}
			}
			if s.behind || heard == 0 {
				rt.Fatalf("current: behind %v, %d reachable", s.behind, heard)
			}
		}
		for _, id := range ids {
			s.reach(named(id), true)
			state[id].Suspected, state[id].Foreign = false, 0
			hear(id)
		}
		for range 2 {
			for _, id := range ids {
				hear(id)
			}
		}
		for _, m := range s.missing() {
			number, current := s.begin(m)
			s.equalled(m, number, current, 0)
		}
		s.settle()
		if now >= s.until() || len(s.missing()) > 0 {
			rt.Fatalf("not current when all is well: %v, missing %v", s.reason, s.missing())
		}
	})
}
