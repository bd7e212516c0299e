package replica

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rldb/rldb/record"
)

// An idle sweep looks at the clock once, and not for each slot.
func TestAnIdleSweepHardlyAsksForTheTime(t *testing.T) {
	var asked atomic.Int64
	e := newPicky()
	defer e.Engine.Close()
	s := Open(Options{Engine: e, Actor: 1, Replicated: true, Log: slog.New(slog.DiscardHandler), Clock: record.NewClock(func() int64 {
		asked.Add(1)
		return 1_700_000_000_000
	})})
	defer s.Close()
	s.SetActiveExpire(false) // only by this test
	before := asked.Load()
	w := sweeper{store: s, page: page{store: s}}
	w.round(time.Now().Add(time.Hour))
	// A round that the store's own sweep had begun may ask too.
	if n := asked.Load() - before; n < 1 || n > 10 {
		t.Errorf("it asked %d times", n)
	}
}
