package membership

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/ring"
)

// epoch0 is when tests of the core begin. Time passes only as they say.
var epoch0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func testOptions(name byte) Options {
	o := Options{
		Name: "test", N: 3, Timing: Timing{}.withDefaults(), Log: slog.New(slog.DiscardHandler),
		Self: Self{Host: string(name), Peer: string(name) + ":1", Gossip: string(name) + ":2", Weight: 1},
	}
	return o
}

// newTestCore is a core in no cluster, that waits to be told.
func newTestCore(name byte, join ...string) *core {
	o := testOptions(name)
	o.Join = append([]string{"nobody"}, join...)
	if len(join) > 0 {
		o.Join = join
	}
	c := newCore(o, snapshot{self: ring.ID{name}, name: "test", state: newState()}, true, epoch0)
	return c
}

// lab is a few cores in one cluster, and a network that delivers what they tell.
type lab struct {
	now   time.Time
	cores map[ring.ID]*core
	lines []string
}

func newLab(names string) *lab {
	l := &lab{now: epoch0, cores: map[ring.ID]*core{}}
	s := who(names)
	for _, name := range names {
		id := ring.ID{byte(name)}
		l.cores[id] = newCore(testOptions(byte(name)), snapshot{self: id, cluster: ring.ID{9}, name: "test", state: s.clone()}, true, epoch0)
	}
	l.deliver()
	return l
}

// deliver carries effects out until there are none.
func (l *lab) deliver() {
	for busy := true; busy; {
		busy = false
		for _, c := range l.cores {
			for _, e := range c.take() {
				busy = true
				switch e := e.(type) {
				case tell:
					for _, to := range e.to {
						l.give(to, e.msg)
					}
				case sendState:
					l.give(e.to, c.whole())
				case connect:
					l.give(e.to, c.whole())
				case line:
					l.lines = append(l.lines, e.text)
				}
			}
		}
	}
}

func (l *lab) give(to ring.ID, m message) {
	if c := l.cores[to]; c != nil {
		got, err := decodeMessage(m.encode())
		if err != nil {
			panic(err)
		}
		c.received(l.now, got)
	}
}

// pass lets time pass, tick by tick; each tick every core is told by beat.
func (l *lab) pass(d time.Duration, beat func(from, to ring.ID, c *core)) {
	for end := l.now.Add(d); l.now.Before(end); {
		l.now = l.now.Add(50 * time.Millisecond)
		for from, c := range l.cores {
			for _, to := range c.others() {
				beat(from, to, c)
			}
			c.tick(l.now)
		}
		l.deliver()
	}
}

func id(name byte) ring.ID { return ring.ID{name} }

func (l *lab) health(at, of byte) Health {
	m, _ := l.cores[id(at)].view.Find(id(of))
	return m.Health
}

// TestFlappingStaysOut: members that get answers from c now and then, each at
// other times, do not advertise it until it has been steady for a while.
func TestFlappingStaysOut(t *testing.T) {
	l := newLab("abcde")
	fine := func(from, to ring.ID, c *core) { c.answers(l.now, to) }
	l.pass(time.Second, fine)
	// First two get no answer, then one after the other for a moment each.
	l.pass(200*time.Millisecond, func(from, to ring.ID, c *core) {
		if to == id('c') && (from == id('a') || from == id('b')) {
			c.suspect(l.now, to, "refused")
		} else {
			c.answers(l.now, to)
		}
	})
	start := l.now
	const phase = 350 * time.Millisecond
	flap := func(from, to ring.ID, c *core) {
		passed := l.now.Sub(start)
		if to == id('c') && passed%phase < 50*time.Millisecond && from[0] == "abde"[int(passed/phase)%4] {
			c.suspect(l.now, to, "flapping")
		} else {
			c.answers(l.now, to)
		}
	}
	epochs := map[uint64]bool{}
	for range 40 {
		l.pass(100*time.Millisecond, flap)
		for _, at := range []byte("abde") {
			if l.health(at, 'c') != Down {
				t.Fatalf("at %v, %c takes c for %v", l.now.Sub(start), at, l.health(at, 'c'))
			}
		}
		epochs[l.cores[id('a')].view.Epoch] = true
	}
	if len(epochs) != 1 {
		t.Errorf("the epoch has changed %d times while c flapped", len(epochs)-1)
	}
	l.pass(time.Second, fine)
	for _, at := range []byte("abcde") {
		if l.health(at, 'c') != Alive {
			t.Errorf("%c takes c for %v", at, l.health(at, 'c'))
		}
	}
}

// TestOneBrokenLinkChangesNothing for clients.
func TestOneBrokenLinkChangesNothing(t *testing.T) {
	l := newLab("abcde")
	l.pass(time.Second, func(from, to ring.ID, c *core) { c.answers(l.now, to) })
	before := l.cores[id('c')].view
	l.pass(30*time.Second, func(from, to ring.ID, c *core) {
		if from == id('a') && to == id('b') || from == id('b') && to == id('a') {
			c.suspect(l.now, to, "cut")
		} else {
			c.answers(l.now, to)
		}
	})
	for name, c := range l.cores {
		if c.view.visible != before.visible || c.view.Epoch != before.Epoch {
			t.Errorf("the view of %c has changed", name[0])
		}
	}
	if l.health('c', 'a') != Suspect || l.health('c', 'b') != Suspect {
		t.Error("the two are not suspected")
	}
}

// TestAReportHasOthersCheckAtOnce.
func TestAReportHasOthersCheckAtOnce(t *testing.T) {
	l := newLab("abc")
	a, b := l.cores[id('a')], l.cores[id('b')]
	a.suspect(l.now, id('c'), "refused")
	var told *tell
	for _, e := range a.take() {
		if e, ok := e.(tell); ok {
			told = &e
		}
	}
	if told == nil {
		t.Fatal("nobody is told")
	}
	b.received(l.now, told.msg)
	checked := false
	for _, e := range b.take() {
		if e, ok := e.(check); ok && e.id == id('c') {
			checked = true
		}
	}
	if !checked {
		t.Error("b does not check")
	}
	b.received(l.now, told.msg)
	for _, e := range b.take() {
		if _, ok := e.(check); ok {
			t.Error("it checks again for the same report")
		}
	}
}

// TestPausedNodeBlamesItself: one that was stopped for long does not take itself
// for cut off when it goes on.
func TestPausedNodeBlamesItself(t *testing.T) {
	l := newLab("abc")
	l.pass(time.Second, func(from, to ring.ID, c *core) { c.answers(l.now, to) })
	a := l.cores[id('a')]
	l.now = l.now.Add(time.Minute)
	a.tick(l.now)
	a.suspect(l.now, id('b'), "timeout")
	a.suspect(l.now, id('c'), "timeout")
	if a.alone || l.health('a', 'b') == Down && l.health('a', 'c') == Down {
		t.Error("it takes all others for down")
	}
	connects := 0
	for _, e := range a.take() {
		if _, ok := e.(connect); ok {
			connects++
		}
	}
	if connects < 2 {
		t.Errorf("it announces itself to %d of 2 members", connects)
	}
}

// TestOneLineForEachChange of membership.
func TestOneLineForEachChange(t *testing.T) {
	l := newLab("ab")
	l.lines = nil
	l.cores[id('a')].suspect(l.now, id('b'), "refused")
	l.deliver()
	count := 0
	for _, text := range l.lines {
		if text == "a member's health has changed" {
			count++
		}
	}
	if count != 2 { // one on each of the two nodes
		t.Errorf("%d lines: %q", count, l.lines)
	}
}

// flying is a greeting on its way, or its answer.
type flying struct {
	from, to string
	asked    time.Time
	a        ask
	g        *greeting
}

// greetings has a core that is in no cluster tick, and gives what it sends.
func greetings(c *core, addr string, now time.Time) []flying {
	if c.snap.cluster.IsZero() {
		c.tick(now)
	}
	var sent []flying
	for _, e := range c.take() {
		if e, ok := e.(greet); ok {
			sent = append(sent, flying{from: addr, to: e.addr, asked: now, a: newAsk(c.snap.self, c.o.Self.Peer, c.forming.vote)})
		}
	}
	return sent
}

// TestFormingGivesOneCluster: however slowly greetings travel, and whoever is
// unreachable from whom for a while, no two nodes have the votes of a majority at
// once; and one has, once all reach each other. (A founder whom nobody reaches for
// VoteHold is given up: the others may form a cluster then, which it joins.)
func TestFormingGivesOneCluster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 6).Draw(t, "nodes")
		var list []string
		for i := range size {
			list = append(list, string(rune('a'+i)))
		}
		cores := map[string]*core{}
		now := epoch0
		for _, addr := range list {
			cores[addr] = newTestCore(addr[0], list...)
		}
		var air []flying
		cut := map[[2]string]bool{} // who cannot greet whom
		broken := rapid.IntRange(0, 200).Draw(t, "steps with trouble")
		formed := map[ring.ID]time.Time{}
		for step := range broken + 400 {
			now = now.Add(100 * time.Millisecond)
			trouble := step < broken
			if trouble && rapid.IntRange(0, 60).Draw(t, "pause") == 0 {
				now = now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second)
			}
			if trouble && rapid.IntRange(0, 3).Draw(t, "links") == 0 {
				link := [2]string{rapid.SampledFrom(list).Draw(t, "from"), rapid.SampledFrom(list).Draw(t, "to")}
				cut[link] = !cut[link]
			}
			for _, addr := range list {
				if c := cores[addr]; !trouble || rapid.Bool().Draw(t, "ticks") {
					air = append(air, greetings(c, addr, now)...)
				}
			}
			var still []flying
			for _, f := range air {
				if trouble && rapid.Bool().Draw(t, "late") {
					still = append(still, f)
					continue
				}
				c := cores[f.from]
				switch {
				case trouble && (cut[[2]string{f.from, f.to}] || rapid.IntRange(0, 9).Draw(t, "lost") == 0):
					c.greeted(f.asked, now, f.to, greeting{}, f.a, fmt.Errorf("lost"))
				case f.g == nil:
					g := cores[f.to].greet(now, f.a, true)
					f.g = &g
					still = append(still, f)
				default:
					c.greeted(f.asked, now, f.to, *f.g, f.a, nil)
				}
			}
			air = still
			for _, c := range cores {
				cluster := c.snap.cluster
				if _, known := formed[cluster]; known || cluster.IsZero() {
					continue
				}
				for _, other := range formed {
					if now.Sub(other) <= c.o.Timing.VoteHold/2 {
						t.Fatalf("one cluster is formed %v after another", now.Sub(other))
					}
				}
				formed[cluster] = now
			}
		}
		if len(formed) == 0 {
			t.Fatalf("no cluster is formed by %d nodes", size)
		}
	})
}

// TestAFounderThatWasCutOffGivesWay: two clusters of the same list become one, if
// the one is alone in its own.
func TestAFounderThatWasCutOffGivesWay(t *testing.T) {
	for _, tc := range []struct {
		name           string
		own, other     byte // cluster IDs
		members, peers int  // of the other cluster, and of its own beside it
		follows        bool
	}{
		{"a larger one", 1, 2, 2, 0, true},
		{"another founder, of a smaller ID", 2, 1, 1, 0, true},
		{"another founder, of a greater ID", 1, 2, 1, 0, false},
		{"it is not alone", 2, 1, 5, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTestCore('a', "a", "b")
			c.found("test")
			c.snap.cluster = ring.ID{tc.own}
			if tc.peers > 0 {
				c.set(id('z'), entry{place: place{status: Active}})
			}
			c.settle()
			c.take()
			a := newAsk(c.snap.self, "a:1", ring.ID{})
			g := greeting{name: "test", node: id('b'), cluster: ring.ID{tc.other}, n: 3, members: tc.members}
			g.proof = g.prove("", a)
			c.greeted(epoch0, epoch0, "b", g, a, nil)
			follows := false
			for _, e := range c.take() {
				if e, ok := e.(autoJoin); ok && e.addr == "b" {
					follows = true
				}
			}
			if follows != tc.follows {
				t.Errorf("it follows: %v", follows)
			}
		})
	}
}
