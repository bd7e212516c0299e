package repair

import (
	"context"
	"strings"
	"testing"
	"time"
)

// One record that no call can carry keeps neither the others of its slot nor the node from what is theirs.
func TestARecordThatCannotBeFetched(t *testing.T) {
	heavy := keyOf(0, 7)
	inCluster(t, "abc", func(c *cluster) { c.heavy = map[string]bool{string(heavy.Name): true} }, func(c *cluster) {
		c.waitCurrent()
		c.suspect('c', "ab")
		for i := range 40 {
			c.set(keyOf(0, i), "new", "ab")
		}
		time.Sleep(time.Second)
		c.answers('c', "ab")
		c.waitCurrent() // it has lost nothing
		for i := range 40 {
			if want := "a:[new] b:[new] c:[new]"; i != 7 {
				c.want(keyOf(0, i), want)
			}
		}
		c.want(heavy, "a:[new] b:[new] c:nothing")
		if n := c.node('c').repair.Counters(); n.Stuck == 0 || n.Reason != "" {
			t.Errorf("%+v", n)
		}
		c.set(keyOf(0, 100), "one more", "ab")
		if err := c.node('c').repair.Now(context.Background()); err != nil {
			t.Error(err)
		}
		c.want(keyOf(0, 100), "a:[one more] b:[one more] c:[one more]")
		time.Sleep(30 * time.Second)
		if n := c.heard('c', "cannot be moved"); n != 1 {
			t.Errorf("the log says so %d times in half a minute", n)
		}
	})
}

func TestALostNodeSaysThatARecordCannotBeFetched(t *testing.T) {
	heavy := keyOf(0, 7)
	inCluster(t, "abc", func(c *cluster) { c.heavy = map[string]bool{string(heavy.Name): true} }, func(c *cluster) {
		c.waitCurrent()
		for i := range 40 {
			c.set(keyOf(0, i), "old", "abc")
		}
		c.stop('c')
		fresh := c.start('c', true)
		time.Sleep(20 * time.Second)
		if fresh.repair.Current() || !fresh.repair.Lost() {
			t.Error("it lacks a record that it may have acknowledged, and is current")
		}
		n := fresh.repair.Counters()
		if !strings.Contains(n.Reason, "cannot be fetched") || n.Pulled != 39 {
			t.Errorf("%+v", n)
		}
		if n.Stuck > 40 { // by anti-entropy each second, by catching up each five
			t.Errorf("it has tried %d times in 20 s", n.Stuck)
		}
		c.mu.Lock()
		calls := c.calls["fetch"]
		c.mu.Unlock()
		if calls > 1000 {
			t.Errorf("%d fetches in 20 s", calls)
		}
		c.lighten()
		c.waitCurrent()
		c.want(heavy, "a:[old] b:[old] c:[old]")
	})
}

func TestARecordThatCannotGoHome(t *testing.T) {
	heavy := keyOf(0, 7)
	inCluster(t, "abcd", func(c *cluster) { c.heavy = map[string]bool{string(heavy.Name): true} }, func(c *cluster) {
		c.waitCurrent()
		c.suspect('c', "abd")
		for i := range 40 {
			c.set(keyOf(0, i), "hint", "abd")
		}
		time.Sleep(time.Second)
		c.answers('c', "abd")
		c.waitCurrent()
		c.wait("all others go home", func() bool { return c.foreign() == 1 })
		c.want(keyOf(0, 8), "a:[hint] b:[hint] c:[hint] d:nothing")
		c.want(heavy, "a:[hint] b:[hint] c:nothing d:[hint]")
		time.Sleep(time.Minute)
		c.want(heavy, "a:[hint] b:[hint] c:nothing d:[hint]")
		c.lighten()
		c.wait("it goes home too", func() bool { return c.foreign() == 0 })
		c.want(heavy, "a:[hint] b:[hint] c:[hint] d:nothing")
	})
}
