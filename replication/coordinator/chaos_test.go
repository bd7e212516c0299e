package coordinator

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// registerOp is a command on one key: what it was to do, and what it answered.
type registerOp struct {
	kind  string // set, get, del
	value string // written or read
}

type registerEnd struct {
	known   bool
	value   string
	removed bool
}

// register is what one key must look like.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		is, op, end := state.(string), input.(registerOp), output.(registerEnd)
		switch op.kind {
		case "set":
			return true, op.value
		case "del":
			return !end.known || end.removed == (is != ""), ""
		}
		return end.value == is, is
	},
}

// history is what clients saw of one key.
type history struct {
	s   *sim
	at  int64
	ops []porcupine.Operation
}

func (h *history) tick() int64 {
	h.at++
	return h.at
}

// end notes how a command ended: an error that says that nothing was applied leaves
// no trace, another one of a write may take effect at any time later.
func (h *history) end(client int, call int64, op registerOp, e registerEnd, err error) {
	at := h.tick()
	switch {
	case err == nil:
		e.known = true
	case op.kind == "get" || err == errGaveUp || strings.HasPrefix(err.Error(), "CLUSTERDOWN"), strings.HasPrefix(err.Error(), "NOQUORUM read"):
		return
	default:
		at = math.MaxInt64
	}
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: op, Call: call, Output: e, Return: at})
}

// any starts a command of any kind on a key.
func (h *history) any(client int, x *simNode, key string) {
	call := h.tick()
	switch h.s.rng.IntN(5) {
	case 0, 1:
		op := registerOp{"set", fmt.Sprint("v", client)}
		x.set(key, op.value, func(err error) { h.end(client, call, op, registerEnd{}, err) })
	case 2:
		x.del(key, func(removed bool, err error) {
			h.end(client, call, registerOp{kind: "del"}, registerEnd{removed: removed}, err)
		})
	default:
		x.get(key, func(v string, err error) { h.end(client, call, registerOp{kind: "get"}, registerEnd{value: v}, err) })
	}
}

// trouble has something fail, or all be well again. One node at a time fails.
func (s *sim) trouble() {
	for _, x := range s.nodes {
		x.down = false
	}
	clear(s.cut)
	s.forget()
	s.dup = s.rng.IntN(4)
	x := s.nodes[s.rng.IntN(len(s.nodes))]
	switch s.rng.IntN(4) {
	case 0:
		x.down = true
	case 1: // one way
		for y := range s.nodes {
			s.cut[[2]int{x.i, y}] = true
		}
	case 2: // one link, or one way of it
		y := s.rng.IntN(len(s.nodes))
		s.cut[[2]int{x.i, y}] = true
		s.cut[[2]int{y, x.i}] = s.rng.IntN(2) == 0
	}
}

// someNode is one that is not down.
func (s *sim) someNode() *simNode {
	for {
		if x := s.nodes[s.rng.IntN(min(s.n, len(s.nodes)))]; !x.down {
			return x
		}
	}
}

// TestOneKeyIsLinearizable with strict quorums, whatever fails, one node at a time.
func TestOneKeyIsLinearizable(t *testing.T) {
	runs, counted := 250, Counters{}
	if testing.Short() {
		runs = 50
	}
	for seed := range uint64(runs) {
		s := newSim(t, seed, three)
		h := &history{s: s}
		at := int64(0)
		for i := range 22 { // a history of more takes too long to check
			at += s.rng.Int64N(6_000)
			s.after(at, func() { h.any(i, s.someNode(), "k") })
		}
		if seed%2 == 1 {
			for range 4 {
				s.after(s.rng.Int64N(at+1), s.trouble)
			}
		}
		s.run()
		if got := porcupine.CheckOperationsTimeout(register, h.ops, time.Minute); got != porcupine.Ok {
			for _, o := range h.ops {
				t.Logf("%4d to %4d: %+v %+v", o.Call, o.Return, o.Input, o.Output)
			}
			t.Fatalf("seed %d: %v", seed, got)
		}
		for _, x := range s.nodes {
			n := x.c.Counters()
			counted.Remints += n.Remints
			counted.Repairs += n.Repairs
			counted.NoQuorum += n.NoQuorum
			counted.Retries += n.Retries
		}
		s.trouble()
		clear(s.cut)
	}
	t.Logf("%+v", counted)
	if counted.Remints == 0 || counted.Repairs == 0 || counted.Retries == 0 {
		t.Errorf("some paths were never taken: %+v", counted)
	}
}

// TestNothingAcknowledgedIsLost: with fallbacks, writes go on while an owner is
// away. Once all are back, and a read of every node has repaired what it met, each
// write that was answered OK is there, or was overwritten by one that saw it.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	fallbacks := int64(0)
	for seed := range uint64(40) {
		s := newSim(t, seed, simOptions{nodes: 5, n: 3, r: 2, w: 2, sloppy: true})
		acked := map[string]bool{} // values of keys that are written once
		at := int64(0)
		for i := range 60 {
			at += s.rng.Int64N(5_000)
			key := fmt.Sprint("k", i)
			s.after(at, func() {
				s.someNode().set(key, key, func(err error) { acked[key] = err == nil })
			})
		}
		for range 6 {
			s.after(s.rng.Int64N(at+1), s.trouble)
		}
		s.run()
		for _, x := range s.nodes {
			x.down = false
		}
		clear(s.cut)
		s.forget()
		ok := 0
		for i := range 60 {
			key := fmt.Sprint("k", i)
			if !acked[key] {
				continue
			}
			ok++
			copies, merged := 0, record.Whole{}
			for _, x := range s.nodes {
				if w := x.whole(key); !w.IsZero() {
					copies++
					merged = record.Merge(&merged, &w)
				}
			}
			if w := merged.Winner(0); copies < 2 || w == nil || string(w.Value) != key {
				t.Fatalf("seed %d: %s has %d copies: %+v", seed, key, copies, merged)
			}
		}
		if ok < 30 {
			t.Fatalf("seed %d: %d of 60 writes were answered OK", seed, ok)
		}
		for _, x := range s.nodes {
			fallbacks += x.c.Counters().Fallbacks
		}
	}
	if fallbacks == 0 {
		t.Error("no write went to a fallback")
	}
}

// TestIncrsAreCounted: at last a counter is at least what was acknowledged, and at
// most what was attempted, through one coordinator at a time.
func TestIncrsAreCounted(t *testing.T) {
	for seed := range uint64(60) {
		s := newSim(t, seed, three)
		acked, attempted := 0, 0
		for i := range 40 {
			if i%8 == 7 {
				s.trouble()
			}
			x := s.someNode()
			attempted++
			s.end(func(done func(error)) {
				x.incr("n", func(_ int, err error) {
					if done(err); err == nil {
						acked++
					}
				})
			})
		}
		for _, x := range s.nodes {
			x.down = false
		}
		clear(s.cut)
		s.forget()
		s.run()
		var n int
		fmt.Sscan(s.mustGet(0, "n"), &n)
		if n < acked || n > attempted {
			t.Fatalf("seed %d: %d at last, %d acknowledged of %d", seed, n, acked, attempted)
		}
		if acked < 10 {
			t.Fatalf("seed %d: %d of %d", seed, acked, attempted)
		}
	}
}

// TestSmallQuorums: where 2W ≤ N a blind write reads first, and where R < W a read
// waits for W holders.
func TestSmallQuorums(t *testing.T) {
	for seed := range uint64(15) {
		s := newSim(t, seed, simOptions{nodes: 3, n: 3, r: 3, w: 1})
		s.nodes[0].skew, s.nodes[1].skew, s.nodes[2].skew = 300, 300, 0
		s.lose = func(kind string, from, to int) bool { return kind == "write" }
		s.mustSet(0, "k", "old")
		s.run()
		s.lose = nil
		s.forget()
		s.mustSet(2, "k", "new") // its dot would be lower
		if v := s.mustGet(1, "k"); v != "new" {
			t.Fatalf("seed %d: %q", seed, v)
		}
		s = newSim(t, seed, simOptions{nodes: 3, n: 3, r: 1, w: 3})
		s.mustSet(0, "k", "v")
		s.mustSet(1, "k", "w")
		if v := s.mustGet(2, "k"); v != "w" {
			t.Fatalf("seed %d: %q", seed, v)
		}
	}
}

func TestSlotsAndStrangers(t *testing.T) {
	s := newSim(t, 1, simOptions{nodes: 4, n: 3, r: 2, w: 2})
	code := func(node int, keys ...string) string {
		err := s.end(func(done func(error)) {
			s.nodes[node].start(keys, replica.Read, Call{}, func(*replica.Txn) {}, done)
		})
		return err.Error()
	}
	if e := code(0, "a", "b"); !strings.HasPrefix(e, "CROSSSLOT") {
		t.Error(e)
	}
	if e := code(3, "a"); !strings.HasPrefix(e, "CLUSTERDOWN") {
		t.Error(e)
	}
	if err := s.end(func(done func(error)) {
		s.nodes[0].set("k", strings.Repeat("x", MaxBytes), done)
	}); err != errTooLarge {
		t.Error(err)
	}
	if w := s.nodes[0].whole("k"); !w.IsZero() {
		t.Error("a value that is too large was applied")
	}
	if err := s.end(func(done func(error)) {
		s.nodes[0].start(nil, replica.Read, Call{}, func(*replica.Txn) {}, done)
	}); err != nil {
		t.Error(err)
	}
}
