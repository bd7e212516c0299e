package repair

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/ring"
)

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
		sentA := c.sentTo('d', 'a')
		time.Sleep(20 * time.Second)
		if n := c.sentTo('d', 'a'); n != sentA || n > 2*1500 {
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
		c.wait("the log says so", func() bool { return c.heard('d', "member=63000000 records=1500") == 1 })
		if n := c.node('d').repair.Counters(); n.Dropped != 1500 || n.Foreign != 0 {
			t.Fatalf("%+v", n)
		}
		c.waitCurrent()
	})
}

// What changes at the fallback while it is on its way stays, and goes home too: when all owners are sent to, and
// what they confirm is dropped at once; when one was away, and the others have confirmed before; when the change comes
// after that and before the slot is read, so that only the one is sent it.
func TestAFallbacksRecordThatChangesStays(t *testing.T) {
	for _, v := range []struct{ away, kind string }{{"", "write"}, {"c", "write"}, {"c", "digests"}} {
		inCluster(t, "abcd", nil, func(c *cluster) {
			c.waitCurrent()
			x := keyOf(0, 1)
			c.set(keyOf(0, 2), "other", "abc") // so no owner holds the same
			if v.away != "" {
				c.suspect('c', "abd")
				c.set(x, "one", "abd")
				time.Sleep(2 * time.Second)
			}
			var changed atomic.Bool
			c.mu.Lock()
			c.before = func(kind string, from, to ring.ID) {
				if kind != v.kind || from != named('d') || to != named('c') || c.node('d').repair.Counters().Foreign == 0 {
					return
				}
				if !changed.Swap(true) {
					c.set(x, "two", "d")
				}
			}
			c.mu.Unlock()
			if v.away != "" {
				c.answers('c', "abd")
			} else {
				w := c.set(x, "one", "ab")
				c.node('d').store1(x, &w)
			}
			for !changed.Load() || c.foreign() > 0 { // looked at so often that nobody else has brought it there since
				time.Sleep(latency / 5)
			}
			c.want(x, "a:[two] b:[two] c:[two] d:nothing")
		})
	}
}

// A view that makes a node the owner of what it is about to drop stops that.
func TestNothingIsDroppedThatBecomesANodesOwn(t *testing.T) {
	inCluster(t, "abcd", nil, func(c *cluster) {
		c.waitCurrent()
		var changed atomic.Bool
		c.mu.Lock()
		c.before = func(kind string, from, to ring.ID) {
			if kind == "write" && from == named('d') && !changed.Swap(true) {
				v := View{Self: from, Members: c.view.Members, Owners: func(uint16) []ring.ID { return []ring.ID{named('a'), named('b'), named('d')} }}
				c.node('d').repair.SetView(&v)
			}
		}
		c.mu.Unlock()
		x := keyOf(0, 1)
		c.set(x, "value", "d")
		c.wait("it is on its way", changed.Load)
		time.Sleep(time.Second)
		if n := c.node('d').repair.Counters().Dropped; n != 0 {
			t.Fatalf("%d records were dropped: %s", n, c.show(x))
		}
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
		var lost atomic.Int64
		c.mu.Lock()
		c.lose = func(string) bool { n := lost.Add(1); return n%3 == 0 && n < 60 }
		c.mu.Unlock()
		c.wait("all goes home", func() bool { return c.foreign() == 0 })
		if n := lost.Load(); n < 10 {
			t.Fatal("hardly anything was sent: ", n)
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
		for _, to := range []byte("abc") {
			if n := c.sentTo('d', to); n > 0 {
				t.Errorf("%d records were sent to %c", n, to)
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
