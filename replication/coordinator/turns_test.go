package coordinator

import (
	"slices"
	"testing"

	"github.com/rldb/rldb/engine"
	"pgregory.net/rapid"
)

func turnKeys(hashes ...uint64) (keys []engine.Key) {
	for _, h := range hashes {
		keys = append(keys, engine.Key{Slot: 5, Hash: h})
	}
	return keys
}

// TestTurns: calls on some keys each, some of which share a hash, end at any time.
// Of two calls with a key in common the one that came first has the turn first; who
// waits for nobody has it; and nothing is left at the end.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type call struct {
			ticket
			keys   []engine.Key
			runs   int
			behind bool
		}
		var s turns
		var open []*call // in the order of their starts, not over
		overlap := func(a, b *call) bool {
			return slices.ContainsFunc(a.keys, func(k engine.Key) bool {
				return slices.ContainsFunc(b.keys, func(l engine.Key) bool { return k.Hash == l.Hash })
			})
		}
		check := func() {
			for i, c := range open {
				free := !slices.ContainsFunc(open[:i], func(b *call) bool { return overlap(b, c) })
				if free != (c.runs == 1) || c.runs > 1 {
					t.Fatalf("call %d of %d ran %d times, free %v", i, len(open), c.runs, free)
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(open) > 0 && rapid.Bool().Draw(t, "end") {
				var running []int
				for i, c := range open {
					if c.runs == 1 && !c.behind {
						running = append(running, i)
					}
				}
				i := rapid.SampledFrom(running).Draw(t, "which")
				c := open[i]
				open = slices.Delete(open, i, i+1)
				s.give(&c.ticket)
			} else {
				c := &call{behind: rapid.IntRange(0, 3).Draw(t, "behind") == 0}
				c.keys = turnKeys(rapid.SliceOfN(rapid.Uint64Range(1, 4), 1, 3).Draw(t, "keys")...)
				if open = append(open, c); c.behind {
					s.behind(&c.ticket, c.keys, func() {
						c.runs++
						open = slices.DeleteFunc(open, func(o *call) bool { return o == c })
					})
				} else {
					s.take(&c.ticket, c.keys, func() { c.runs++ })
				}
			}
			check()
		}
		for len(open) > 0 {
			i := slices.IndexFunc(open, func(c *call) bool { return c.runs == 1 })
			c := open[i]
			open = slices.Delete(open, i, i+1)
			s.give(&c.ticket)
			check()
		}
		if n := s.waiting.Load(); n != 0 || len(s.shards[5].mu.keys) != 0 {
			t.Fatalf("%d wait, %d queues are left", n, len(s.shards[5].mu.keys))
		}
	})
}

// TestTurnsAreBounded, and a long queue whose calls end as soon as they begin needs
// no deep stack.
func TestTurnsAreBounded(t *testing.T) {
	var s turns
	keys, first, ran := turnKeys(7), new(ticket), 0
	s.take(first, keys, func() {})
	for range maxWaiting {
		x := new(ticket)
		if !s.take(x, keys, func() {
			ran++
			s.give(x)
		}) {
			t.Fatal("refused too early")
		}
	}
	if s.take(new(ticket), keys, func() {}) || s.behind(new(ticket), keys, func() {}) {
		t.Fatal("more than maxWaiting calls wait")
	}
	other := new(ticket)
	if !s.take(other, turnKeys(8), func() {}) {
		t.Fatal("a call that need not wait is refused")
	}
	s.give(other)
	s.give(first)
	if ran != maxWaiting || s.waiting.Load() != 0 || len(s.shards[5].mu.keys) != 0 {
		t.Fatalf("%d ran, %d wait", ran, s.waiting.Load())
	}
}
