package enginetest

import (
	"fmt"
	"testing"

	"github.com/rldb/rldb/engine"
)

// testReopen closes an engine and opens it again, several times: it holds what
// it held, and goes on from there.
func testReopen(t *testing.T, open Open) {
	dir := t.TempDir()
	w := twin{}
	for round := range 4 {
		e := open(t, dir)
		must(t, w.compare(e))
		must(t, writeRound(e, w, round))
		must(t, w.compare(e))
		closeEngine(t, e)
	}
}

// crashTest ends an engine after writes that Await reported as durable.
func crashTest(crash func(*testing.T, engine.Engine)) func(*testing.T, Open) {
	return func(t *testing.T, open Open) {
		dir := t.TempDir()
		w := twin{}
		for round := range 4 {
			e := open(t, dir)
			must(t, w.compare(e))
			must(t, writeRound(e, w, round))
			crash(t, e)
		}
		e := open(t, dir)
		must(t, w.compare(e))
		closeEngine(t, e)
	}
}

// writeRound puts, overwrites, deletes and drops, and waits until it is durable.
func writeRound(e engine.Engine, w twin, round int) error {
	dropped := uint16(round)
	if err := e.Drop(dropped); err != nil {
		return err
	}
	delete(w, dropped)
	var last engine.Position
	for i := range 500 {
		k := Key(uint16(i%8), fmt.Sprint("key", i))
		ch := engine.Change{
			Action: engine.Put, Meta: engine.Meta{byte(round), byte(i)},
			Head: fmt.Append(nil, "round ", round), Body: make([]byte, i*round),
		}
		if (i+round)%5 == 0 {
			ch = engine.Change{Action: engine.Delete}
		}
		pos, err := Do(e, engine.Write, []engine.Key{k}, func(x *engine.Txn) { x.New[0] = ch })
		if err != nil {
			return err
		}
		w.apply(k, ch)
		last = max(last, pos)
	}
	if err := e.Sync(); err != nil {
		return err
	}
	return Await(e, last)
}
