package replica_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// kept is an engine that outlives the store over it, and is found with its
// entries by the next.
type kept struct{ engine.Engine }

func (kept) Close() error { return nil }

// TestOpenCountsAgain: a store that is opened over an engine with entries knows
// of their expiries what the store before it knew, and removes them in time.
func TestOpenCountsAgain(t *testing.T) {
	c := &clock{}
	c.ms.Store(1_700_000_000_000)
	eng := memory.New()
	defer eng.Close()
	options := replica.Options{Engine: kept{eng}, Clock: record.NewClock(c.now), Actor: 7, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s := replica.Open(options)
	for i := range 1000 {
		at := int64(0)
		if i%2 == 0 {
			at = c.now() + 1000 + int64(i)
		}
		set(s, c, fmt.Sprint("k", i), "v", at)
	}
	wantKeys, wantSum := s.Expiring(nil)
	s.Close()

	options.Actor = 8
	s = replica.Open(options)
	defer s.Close()
	if keys, sum := s.Expiring(nil); keys != 500 || keys != wantKeys || sum != wantSum {
		t.Errorf("%d keys expire, sum %d; before %d, %d", keys, sum, wantKeys, wantSum)
	}
	c.ms.Add(10_000)
	until(t, "expired keys were removed", func() bool { return s.Keys() == 500 })
	if keys, sum := s.Expiring(nil); keys != 0 || sum != 0 {
		t.Errorf("%d keys expire still, sum %d", keys, sum)
	}
}
