package repair

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

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
