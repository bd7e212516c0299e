package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// How a value may be damaged: in the engine's bytes, or so that the engine itself
// finds it.
var damages = map[string]func(*node, string){
	"bytes": func(n *node, name string) { n.eng.damage(name) },
	"found by the engine": func(n *node, name string) {
		n.eng.mu.Lock()
		defer n.eng.mu.Unlock()
		n.eng.bad[name] = true
	},
}

func TestDamaged(t *testing.T) {
	for how, damage := range damages {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprint(how, slow), func(t *testing.T) { testDamaged(t, damage, slow) })
		}
	}
}

func testDamaged(t *testing.T, damage func(*node, string), slow bool) {
	n := newNode(t)
	n.eng.slow.Store(slow)
	names := []string{"{a}1", "{a}2", "{a}3"}
	records := []record.Whole{value(dot(1, 1), "one"), value(dot(1, 2), "two"), value(dot(1, 3), "three")}
	_, err := n.put(false, names, records...)
	must(t, err)
	damage(n, "{a}2")
	got, err := n.fetch(names...)
	var which *Damaged
	if !errors.As(err, &which) || !slices.Equal(which.Keys, []int{1}) || !errors.Is(err, engine.ErrCorrupt) {
		t.Fatalf("a fetch: %v", err)
	}
	if !equal(&got[0], &records[0]) || !got[1].IsZero() || !equal(&got[2], &records[2]) {
		t.Errorf("a fetch with a damaged one: %+v", got)
	}
	if _, err = n.fetch("{a}2"); !errors.As(err, &which) {
		t.Errorf("a fetch of the damaged one: %v", err)
	}
	if a, err := n.hash(names...); err == nil {
		t.Errorf("the hashes, one of a damaged one: %+v", a)
	}
	if _, err = n.hash("{a}1", "{a}3"); err != nil {
		t.Errorf("the hashes of the others: %v", err)
	}
	newer := records[0].Put(dot(2, 9), record.NewValue([]byte("newer"), 0))
	if a, err := n.put(true, names[:2], newer, records[1]); err != nil || a.Refused || len(a.Held[1].Unseen) != 0 {
		t.Fatalf("a write over it: %+v, %v", a, err)
	}
	if got, err = n.fetch(names...); err != nil || !equal(&got[0], &newer) || !equal(&got[1], &records[1]) {
		t.Errorf("after the write: %+v, %v", got, err)
	}
	damage(n, "{a}3")
	if _, err = n.fetch("{a}3"); err == nil {
		t.Error("the third is not damaged")
	}
	if a, err := n.put(true, []string{"{a}3"}, records[2]); err != nil || a.Refused {
		t.Errorf("a conditional write over it: %+v, %v", a, err)
	}
	damage(n, "{a}2")
	older := value(dot(3, 1), "older") // has not seen what {a}1 holds
	before := n.eng.written()
	a, err := n.put(true, names[:2], older, records[1])
	if err != nil || !a.Refused || n.eng.written() != before {
		t.Errorf("a conditional write of which a part is not covered: %+v, %v", a, err)
	}
	if _, err = n.fetch("{a}2"); !errors.As(err, &which) {
		t.Errorf("what is damaged was overwritten by it: %v", err)
	}
}

// Answers wait until what they tell of is durable: one flush and one wait a batch.
func TestDurability(t *testing.T) {
	n := newNode(t)
	n.idle = false
	n.eng.logs.Store(true)
	ended := map[string]error{}
	write := func(name string) {
		w := &coordinator.WriteRequest{Records: []coordinator.Entry{{Key: replica.KeyOf([]byte(name)), Whole: value(dot(1, 1), name)}}}
		n.Write(n.self, w, func(_ coordinator.WriteAnswer, err error) { ended[name] = err })
	}
	write("a")
	write("b")
	n.Hash(n.self, keysOf("a"), func(_ coordinator.HashAnswer, err error) { ended["hash"] = err })
	if n.eng.durable(nil); len(ended) != 0 || n.eng.flushes != 0 {
		t.Fatalf("before Idle: %v, %d flushes", ended, n.eng.flushes)
	}
	n.server.Idle()
	n.server.Idle()
	if len(ended) != 0 || n.eng.flushes != 1 || len(n.eng.waiting) != 1 {
		t.Fatalf("after Idle: %v, %d flushes, %d wait", ended, n.eng.flushes, len(n.eng.waiting))
	}
	if n.eng.durable(nil); len(ended) != 3 || ended["a"] != nil || ended["b"] != nil || ended["hash"] != nil {
		t.Fatalf("when all is durable: %v", ended)
	}
	write("c")
	n.server.Idle()
	n.eng.durable(engine.ErrBroken)
	if err := ended["c"]; err == nil || errors.Is(err, coordinator.ErrNotApplied) {
		t.Errorf("when the disk fails: %v", err)
	}
}

// What the engine's pool has done is waited for without Idle.
func TestDurabilityOfStarted(t *testing.T) {
	n := newNode(t)
	n.eng.slow.Store(true)
	n.eng.logs.Store(true)
	over := make(chan error, 1)
	w := &coordinator.WriteRequest{Records: []coordinator.Entry{{Key: replica.KeyOf([]byte("a")), Whole: value(dot(1, 1), "a")}}}
	n.Write(n.self, w, func(_ coordinator.WriteAnswer, err error) { over <- err })
	for {
		n.eng.durable(nil)
		select {
		case err := <-over:
			must(t, err)
			return
		default:
		}
	}
}

func TestEngineErrors(t *testing.T) {
	n := newNode(t)
	old := value(dot(1, 1), "old")
	_, err := n.put(false, []string{"a"}, old)
	must(t, err)
	for _, c := range []struct {
		fault   error
		certain bool
	}{
		{engine.ErrDiskFull, true}, {engine.ErrFull, true}, {engine.ErrTooLarge, true},
		{engine.ErrBroken, false}, {fmt.Errorf("%w: %w", engine.ErrBroken, engine.ErrFull), false}, {errors.New("something"), false},
	} {
		n.eng.fault.Store(&c.fault)
		_, err := n.put(false, []string{"a"}, value(dot(1, 2), "new"))
		if err == nil || errors.Is(err, coordinator.ErrNotApplied) != c.certain || !strings.Contains(err.Error(), c.fault.Error()) {
			t.Errorf("%v: the write ended with %v", c.fault, err)
		}
		reads := errors.Is(c.fault, engine.ErrBroken) || c.fault == engine.ErrDiskFull
		if a, err := n.hash("a"); reads && (err != nil || a.Hashes[0] != old.Vector.Hash()) {
			t.Errorf("%v: the hash is %+v, %v", c.fault, a, err)
		}
		if got, err := n.fetch("a"); err != nil || !equal(&got[0], &old) {
			t.Errorf("%v: fetched %+v, %v", c.fault, got, err)
		}
	}
}
