package coordinator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// liveNode is a node whose calls end on other goroutines, at once.
type liveNode struct{ *simNode }

func (x liveNode) Write(to Node, w *WriteRequest, done func(WriteAnswer, error)) {
	go func() { done(x.sim.node(to).store1(w), nil) }()
}

func (x liveNode) Hash(to Node, keys []engine.Key, done func(HashAnswer, error)) {
	go func() {
		a := HashAnswer{Current: true}
		for _, w := range x.sim.node(to).records(keys) {
			a.Hashes = append(a.Hashes, w.Vector.Hash())
		}
		done(a, nil)
	}()
}

func (x liveNode) Fetch(to Node, keys []engine.Key, done func([]record.Whole, error)) {
	go func() { done(x.sim.node(to).records(keys), nil) }()
}

func (x liveNode) State(Node) State { return quorum.Up }

// TestManyGoroutines: what the simulation does on one goroutine, on many, for the
// race detector. INCRs of one node are counted exactly.
func TestManyGoroutines(t *testing.T) {
	s := newSim(t, 1, three)
	for _, x := range s.nodes {
		x.c.o.Peers, x.c.o.Random = liveNode{x}, rand.Int64N
		x.c.o.After = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	var wg sync.WaitGroup
	var acked atomic.Int64
	const each = 150
	for client := range 8 {
		wg.Go(func() {
			x, other := s.nodes[0], s.nodes[client%3]
			var w Written
			for i := range each {
				var step sync.WaitGroup
				step.Add(4)
				x.incr("n", func(_ int, err error) {
					if err == nil {
						acked.Add(1)
					}
					step.Done()
				})
				key := fmt.Sprint("k", i%5)
				value := fmt.Sprint(client, " ", i)
				other.setWith(key, value, Call{Written: &w}, func(error) { step.Done() })
				other.get(key, func(string, error) { step.Done() })
				other.c.Get(replica.KeyOf([]byte(key)), Quorum{}, func(Got) { step.Done() })
				step.Wait()
				if i%50 == 0 {
					told := make(chan struct{})
					w.Notify(2, func() { close(told) })
					<-told
				}
			}
		})
	}
	wg.Wait()
	for _, x := range s.nodes {
		x.c.Close()
	}
	got := make(chan string, 1)
	s.nodes[2].get("n", func(v string, err error) { got <- v })
	if n, _ := strconv.ParseInt(<-got, 10, 64); n != acked.Load() || n != 8*each {
		t.Fatalf("%d at last, %d acknowledged of %d", n, acked.Load(), 8*each)
	}
	for i := range 5 {
		key := fmt.Sprint("k", i)
		s.nodes[0].get(key, func(v string, _ error) { got <- v })
		a := <-got
		s.nodes[1].get(key, func(v string, _ error) { got <- v })
		if b := <-got; a != b || a == "" {
			t.Errorf("%s: %q and %q", key, a, b)
		}
	}
	for _, x := range s.nodes {
		x.c.Close() // what goes on after an answer
	}
}
