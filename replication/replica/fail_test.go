package replica_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// refusing is an engine that decides writes, then refuses what was decided, while
// fault is set. slow has it do nothing at once.
type refusing struct {
	engine.Engine
	fault error
	slow  bool
}

func (r *refusing) Try(t *engine.Txn) bool { return !r.slow && r.do(t) }

func (r *refusing) Start(t *engine.Txn) {
	r.do(t)
	t.Step.Done(t)
}

func (r *refusing) do(t *engine.Txn) bool {
	if r.fault == nil || t.Mode == engine.Read {
		return r.Engine.Try(t)
	}
	shown := engine.Txn{Keys: t.Keys, Mode: t.Mode, Step: decideOnly{t}}
	r.Engine.Try(&shown)
	t.Err = r.fault
	return true
}

// decideOnly has another transaction decide over what there is, and keeps all.
type decideOnly struct{ of *engine.Txn }

func (d decideOnly) Decide(t *engine.Txn) {
	d.of.Prepare()
	copy(d.of.Old, t.Old)
	d.of.Step.Decide(d.of)
}

func (decideOnly) Done(*engine.Txn) {}

// TestFiguresOfWhatIsRefused: a write that the engine refuses once it is decided
// changes no figure.
func TestFiguresOfWhatIsRefused(t *testing.T) {
	for _, slow := range []bool{false, true} {
		e, c := &refusing{Engine: memory.New(), slow: slow}, &clock{}
		c.ms.Store(1_700_000_000_000)
		s := replica.Open(replica.Options{Engine: e, Clock: record.NewClock(c.now), Actor: 7, Log: slog.New(slog.DiscardHandler)})
		s.SetActiveExpire(false)
		at := c.now() + 1000
		set(s, c, "lapsed", "v", c.now()+1)
		set(s, c, "expiring", "v", at)
		set(s, c, "plain", "v", 0)
		c.ms.Add(5)
		wantKeys, wantSum := s.Expiring(nil)
		changes := func(f step, keys ...string) (changes int, err error) {
			var txn replica.Txn
			txn.Reset(s, replica.Write, c.now(), f)
			for _, k := range keys {
				txn.Key([]byte(k))
			}
			s.Do(&txn)
			return txn.Changes(), txn.Err()
		}
		e.fault = errors.New("no room after all")
		for name, f := range map[string]step{
			"set, forever": func(t *replica.Txn) { t.Set(0, []byte("w"), 0); t.Set(1, []byte("w"), 0) },
			"set, expiring": func(t *replica.Txn) {
				t.Set(0, []byte("w"), at+7)
				t.Set(1, []byte("w"), at+7)
				t.Set(2, []byte("w"), at+7)
				t.Set(3, []byte("w"), at+7)
			},
			"delete":  func(t *replica.Txn) { t.Delete(0); t.Delete(1); t.Delete(2) },
			"nothing": func(*replica.Txn) {},
		} {
			n, err := changes(f, "expiring", "plain", "lapsed", "new")
			keys, sum := s.Expiring(nil)
			if n != 0 || !errors.Is(err, e.fault) || keys != wantKeys || sum != wantSum || s.Counters().Expired != 0 {
				t.Errorf("%s: %d changes, error %v; %d keys expire, sum %d, want %d and %d; %d have expired",
					name, n, err, keys, sum, wantKeys, wantSum, s.Counters().Expired)
			}
		}
		e.fault = nil
		n, err := changes(func(t *replica.Txn) { t.Set(0, []byte("w"), 0); t.Delete(1); t.Delete(3) }, "expiring", "plain", "lapsed", "new")
		if keys, _ := s.Expiring(nil); n != 2 || err != nil || keys != 0 || s.Counters().Expired != 1 {
			t.Errorf("%d changes, error %v; %d keys expire, %d have expired", n, err, keys, s.Counters().Expired)
		}
		s.Close()
	}
}

// damaged is an engine of which one key cannot be read.
type damaged struct {
	engine.Engine
	key string
}

func (d *damaged) Try(t *engine.Txn) bool {
	for i := range t.Keys {
		if string(t.Keys[i].Name) == d.key {
			t.Prepare()
			t.Err = engine.ErrCorrupt
			return true
		}
	}
	return d.Engine.Try(t)
}

// TestSweepPassesDamage: a damaged key does not keep others that have expired.
func TestSweepPassesDamage(t *testing.T) {
	e, c := &damaged{Engine: memory.New()}, &clock{}
	c.ms.Store(1_700_000_000_000)
	s := replica.Open(replica.Options{Engine: e, Clock: record.NewClock(c.now), Actor: 7, Log: slog.New(slog.DiscardHandler)})
	s.SetActiveExpire(false)
	for i := range 500 {
		set(s, c, fmt.Sprint("key", i), "v", c.now()+1)
	}
	e.key = "key77"
	c.ms.Add(5)
	s.SetActiveExpire(true)
	until(t, "all but one are removed", func() bool { return s.Keys() == 1 })
	if keys, _ := s.Expiring(nil); keys != 1 || s.Counters().Expired != 499 {
		t.Errorf("%d keys expire, %d have expired", keys, s.Counters().Expired)
	}
	s.Close()
}
