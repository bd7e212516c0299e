package command

import (
	"testing"

	"github.com/rldb/rldb/engine"
)

// One wait for the engine serves all sessions of a round, and what is good
// already needs none.
func TestOneWaitServesARound(t *testing.T) {
	n, e := startSlowNode(t)
	w := newWorker(n.srv)
	a, b, idle := &client{}, &client{}, &client{}
	e.set(func() { e.holds = true })
	w.told(a, 3, true)
	w.told(b, 7, false)
	w.told(a, 5, false)
	first, second := w.gateFor(a.told), w.gateFor(b.told)
	if first == nil || first != second || e.held() != 1 {
		t.Fatalf("two sessions of a round wait at %p and %p, for %d answers", first, second, e.held())
	}
	if w.gateFor(idle.told) != nil {
		t.Error("a session that was told nothing waits")
	}
	if a.told != 5 || a.wrote != 3 || b.wrote != 0 {
		t.Errorf("told %d, wrote %d; the other wrote %d", a.told, a.wrote, b.wrote)
	}
	w.told(a, 9, true)
	if next := w.gateFor(a.told); next == first || e.held() != 2 {
		t.Error("what came after the question is not waited for")
	}
	e.settle(nil)
	for _, pos := range []engine.Position{3, 7, 9} {
		if w.gateFor(pos) != nil {
			t.Errorf("position %d is good, and waited for", pos)
		}
	}
	if !first.Settled() {
		t.Error("the gate is closed")
	}
}
