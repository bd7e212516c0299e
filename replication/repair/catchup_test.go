package repair

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/ring"
)

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
			time.Sleep(3 * time.Second)
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
		if began, ended := c.heard('c', "a member took it for down"), c.heard('c', "current again"); began != 1 || ended != 2 {
			t.Errorf("the log says %d times that c catches up as it was suspected, and %d times that it is current again", began, ended)
		}
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
		time.Sleep(4 * time.Second)
		if fresh.repair.Current() {
			t.Fatal("current with one owner that is not: that one is cut off from the other")
		}
		if !fresh.repair.Lost() || c.node('a').repair.Lost() {
			t.Errorf("c has lost what it held: %v; so has a: %v", fresh.repair.Lost(), c.node('a').repair.Lost())
		}
		c.want(only, "a:[on a and c alone] b:nothing c:[on a and c alone]")
		c.answers('b', "ac")
		c.waitCurrent()
		if fresh.repair.Lost() {
			t.Error("c is rebuilt, and says that it has lost data")
		}
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
		s.equalled(named('b'), number, current, 0)
		r.settle()
		if !r.Current() {
			t.Fatal("not current")
		}
		time.Sleep(half - 1)
		if !r.Current() {
			t.Fatal("the lease has run out early")
		}
		time.Sleep(time.Nanosecond)
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

func TestAnOwnerThatGainsSlotsHasLostThemUntilItIsRebuilt(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		if c.node('a').repair.Lost() {
			t.Fatal("it has only started")
		}
		actors := map[byte]uint64{}
		for _, m := range []byte("abc") {
			actors[m] = c.node(m).store.Actor()
		}
		c.changeView("abc") // each owns all
		for _, m := range []byte("abc") {
			if !c.node(m).repair.Lost() {
				t.Errorf("%c has gained slots, and does not say so", m)
			}
			if c.node(m).store.Actor() == actors[m] {
				t.Errorf("%c has gained slots, and mints by its old name", m)
			}
		}
		c.waitFor("all are rebuilt", "abc")
		for _, m := range []byte("abc") {
			if c.node(m).repair.Lost() {
				t.Errorf("%c is current, and says that it has lost data", m)
			}
		}
	})
}
