package membership

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rldb/rldb/ring"
)

func TestLeave(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	full := nodes[1]
	id := full.View().Self
	full.o.Empty = func() bool { return false }
	if err := full.Leave(t.Context(), false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("leaving with keys: %v", err)
	}
	must(t, full.Leave(t.Context(), true))
	if !full.View().Parted {
		t.Error("it has not parted")
	}
	eventually(t, "the others see it go", func() bool {
		return nodes[0].View().HasLeft(id) && nodes[2].View().HasLeft(id)
	})
	agree(t, 2, nodes[0], nodes[2])
	if err := full.Leave(t.Context(), true); !errors.Is(err, ErrOnlyMember) {
		t.Errorf("leaving again: %v", err)
	}
}

// TestJoinThatHidesKeys: whoever would take slots away from keys joins with force only.
func TestJoinThatHidesKeys(t *testing.T) {
	w := newWorld(t)
	o := w.options("a")
	o.Empty = func() bool { return false }
	a, b := w.open(o), w.open(w.options("b"))
	before := b.View().Cluster
	if err := b.Join(t.Context(), "a", false); !errors.Is(err, ErrHidesKeys) {
		t.Errorf("joining who holds keys: %v", err)
	}
	if b.View().Cluster != before {
		t.Error("a refused join has changed the cluster")
	}
	must(t, b.Join(t.Context(), "a", true))
	agree(t, 2, a, b)
}

// TestJoinFindsKeysLate: keys that clients write while a join is under way are not
// lost.
func TestJoinFindsKeysLate(t *testing.T) {
	w := newWorld(t)
	w.open(w.options("a"))
	o := w.options("b")
	var asked atomic.Int32
	o.Empty = func() bool { return asked.Add(1) == 1 } // the first time only
	b := w.open(o)
	before := b.View().Cluster
	if err := b.Join(t.Context(), "a", false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a key came while it joined: %v", err)
	}
	if b.View().Cluster != before {
		t.Error("a refused join has changed the cluster")
	}
}

func TestJoinErrorsChangeNothing(t *testing.T) {
	w := newWorld(t)
	a := w.open(w.options("a"))
	pair := newWorld(t).grow("x", "y")
	full := w.options("full")
	full.Empty = func() bool { return false }
	f := w.open(full)
	waiting := w.options("waiting")
	waiting.Join = []string{"waiting", "nobody", "noone"}
	w.open(waiting)
	dumb := w.options("dumb")
	dumb.Call = func(context.Context, string, []string) ([]string, error) { return nil, ErrNotRldb }
	d := w.open(dumb)
	odd := w.options("odd")
	odd.Call = func(context.Context, string, []string) ([]string, error) { return []string{"PONG"}, nil }
	unreached := w.options("unreached")
	unreached.Call = func(_ context.Context, _ string, args []string) ([]string, error) {
		asked, _ := parseAsk(args)
		var g greeting
		a.do(t.Context(), func(now time.Time) { g = a.core.greet(now, asked, true) })
		g.gossip = "127.0.0.1:1"
		return g.fields(), nil
	}
	for _, tc := range []struct {
		n    *Node
		to   string
		want error
	}{
		{a, "nobody", ErrUnreachable}, {a, "a", ErrItself}, {a, "waiting", ErrNoCluster},
		{d, "a", ErrNotRldb}, {w.open(odd), "a", ErrNotRldb},
		{f, "a", ErrNotEmpty}, {w.open(unreached), "a", ErrUnreachable},
	} {
		before := tc.n.View()
		err := tc.n.Join(t.Context(), tc.to, false)
		if !errors.Is(err, tc.want) {
			t.Errorf("joining %s: %v, want %v", tc.to, err, tc.want)
		}
		t.Log(err)
		if after := tc.n.View(); !sameTable(before, after) || after.Self != before.Self {
			t.Errorf("joining %s has changed the view", tc.to)
		}
	}
	must(t, f.Join(t.Context(), "a", true))
	agree(t, 2, a, f)

	w2 := newWorld(t)
	z := w2.open(w2.options("z"))
	pair[0].o.Call = z.o.Call
	if err := pair[0].Join(t.Context(), "z", true); !errors.Is(err, ErrInCluster) {
		t.Errorf("joining another cluster: %v", err)
	}
}

// TestDrain: the others advertise other members at once, and again the one that
// drained when it is back.
func TestDrain(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	o := nodes[1].o
	id := nodes[1].View().Self
	must(t, nodes[1].Drain(t.Context()))
	for _, n := range nodes {
		eventually(t, "nothing is advertised at the draining one", func() bool {
			v := n.View()
			for _, r := range v.Ranges {
				if v.Members[r.Member].ID == id {
					return false
				}
			}
			return v.SlotsServed() == ring.Slots
		})
	}
	w.close("b", nodes[1])
	nodes[1] = w.open(o)
	agree(t, 3, nodes...)
}

func TestDirectoryOfAnotherCluster(t *testing.T) {
	w := newWorld(t)
	o := w.options("a")
	w.close("a", w.open(o))
	o.Name = "another"
	if _, err := Open(o); err == nil {
		t.Error("a directory of a cluster of another name is opened")
	}
	o.Name = "test"
	must(t, save(filepath.Clean(o.Dir), []byte("garbage")))
	if _, err := Open(o); !errors.Is(err, errMalformed) {
		t.Errorf("a damaged member map is opened: %v", err)
	}
}

// TestOnChange: watchers see the current view, and the newest one.
func TestOnChange(t *testing.T) {
	w := newWorld(t)
	a := w.open(w.options("a"))
	seen := make(chan *View, 1000)
	a.OnChange(func(v *View) { seen <- v })
	if v := <-seen; v != a.View() {
		t.Error("the first is not the current view")
	}
	b := w.open(w.options("b"))
	must(t, b.Join(t.Context(), "a", false))
	last := uint64(0)
	for v := range seen {
		if v.Epoch < last {
			t.Fatalf("epoch %d after %d", v.Epoch, last)
		}
		last = v.Epoch
		if len(v.Members) == 2 && v.Members[0].Status == Active && v.Members[1].Status == Active {
			break
		}
	}
}
