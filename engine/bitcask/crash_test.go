package bitcask

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// script is a workload that is killed at every I/O call. It notes what the keys
// were after each step, and up to which step everything was acknowledged.
type script struct {
	e     *Engine
	now   map[string]string
	after []map[string]string // by step; after[0] is empty

	written int // steps acknowledged as written
	durable int // steps acknowledged as durable
	always  bool
	pos     engine.Position
}

const scriptSlots = 4

func slotOf(name string) uint16 { return uint16(name[len(name)-1]) % scriptSlots }

// step carries out one change of several keys; no value deletes.
func (s *script) step(changes map[string]string) error {
	var keys []engine.Key
	for name := range changes {
		keys = append(keys, enginetest.Key(slotOf(name), name))
	}
	s.now = maps.Clone(s.now)
	for name, v := range changes {
		s.now[name] = v
		if v == "" {
			delete(s.now, name)
		}
	}
	s.after = append(s.after, s.now)
	var e engine.Engine = s.e
	if len(s.after)%2 == 0 { // the larger ones are lent: see crashAt
		e = started{s.e}
	}
	pos, err := enginetest.Do(e, engine.Write, keys, func(t *engine.Txn) {
		for i := range t.New {
			t.New[i] = engine.Change{Action: engine.Delete}
			if v := changes[string(keys[i].Name)]; v != "" {
				t.New[i] = engine.Change{Action: engine.Put, Head: []byte(v[:1]), Body: []byte(v[1:])}
			}
		}
	})
	if err != nil {
		return err
	}
	s.pos = max(s.pos, pos)
	return s.acknowledge(len(s.after) - 1)
}

// acknowledge does what a connection loop does, for every third step.
func (s *script) acknowledge(step int) error {
	if step%3 != 0 {
		return nil
	}
	if err := s.e.Flush(); err != nil {
		return err
	}
	if err := enginetest.Await(s.e, s.pos); err != nil {
		return err
	}
	s.written = step
	if s.always {
		s.durable = step
	}
	if step%9 == 0 {
		if err := s.e.Sync(); err != nil {
			return err
		}
		s.durable = step
	}
	return nil
}

// drop drops a slot, as a step.
func (s *script) drop(slot uint16) error {
	s.now = maps.Clone(s.now)
	maps.DeleteFunc(s.now, func(name, _ string) bool { return slotOf(name) == slot })
	s.after = append(s.after, s.now)
	return s.e.Drop(slot)
}

// run goes on from what there is.
func (s *script) run(e *Engine, rounds int) error {
	s.e = e
	for i := range rounds {
		value := fmt.Sprint("value ", len(s.after), strings.Repeat("x", i*37%300))
		pair := fmt.Sprint("pair ", len(s.after))
		name := fmt.Sprint("key", i%7)
		changes := []map[string]string{
			{name: value},
			{"left": pair, "right": pair, name: value + "again"},
			{fmt.Sprint("key", (i+3)%7): ""},
			{"gone": value}, {"gone": ""},
		}
		for _, c := range changes {
			if err := s.step(c); err != nil {
				return err
			}
		}
		if i%4 == 3 {
			if err := s.drop(uint16(i) % scriptSlots); err != nil {
				return err
			}
			e.awaitMerges()
		}
	}
	return nil
}

// awaitMerges lets the keeper merge what wins something.
func (e *Engine) awaitMerges() {
	e.keeper.mu.Lock()
	turn := e.keeper.turn
	e.keeper.mu.Unlock()
	e.Merge()
	<-turn
}

// held is what an engine holds.
func held(e *Engine) (map[string]string, error) {
	all := map[string]string{}
	for slot := range uint16(scriptSlots) {
		records, err := enginetest.ScanAll(e, slot, 0, 1<<30, true)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			all[r.Name] = r.Value
		}
	}
	return all, nil
}

// checkKilled: after a kill, what is there is what was there after some step,
// and no earlier one than the last that was acknowledged.
func (s *script) checkKilled(got map[string]string) error {
	for _, want := range s.after[s.written:] {
		if maps.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("holds\n%v\nwhich was never there since step %d of %d:\n%v", got, s.written, len(s.after), s.after[s.written])
}

// checkPowerLost: after a power loss each key has a value that it had then, and
// what was written together is there together.
func (s *script) checkPowerLost(got map[string]string) error {
	names := map[string]bool{}
	for _, m := range append(s.after[s.durable:], got) {
		for name := range m {
			names[name] = true
		}
	}
	for name := range names {
		ok := false
		for _, want := range s.after[s.durable:] {
			ok = ok || want[name] == got[name]
		}
		if !ok {
			return fmt.Errorf("%q is %q, which it never was since step %d", name, got[name], s.durable)
		}
	}
	return nil
}

// TestCrash kills the script at every I/O call, under every setting, by killing
// the process and by taking the power away, and sometimes again during the
// recovery.
func TestCrash(t *testing.T) {
	for _, policy := range []Fsync{Always, EverySec, No} {
		for _, power := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/power=%v", policy, power), func(t *testing.T) {
				t.Parallel()
				rng := sampler(t)
				for n := 1; crashAt(t, policy, power, n); n++ {
					if n >= everyCall && soak() {
						n += rng.IntN(2*soakStep - 1)
					}
				}
			})
		}
	}
}

// The long form takes every call up to everyCall, and then one in soakStep, by
// chance: its script has some thousand, and each costs all that came before.
const (
	everyCall = 150
	soakStep  = 40
)

func soak() bool { return os.Getenv("RLDB_SOAK") != "" }

// sampler is the chance by which the long form picks calls. RLDB_SEED repeats it.
func sampler(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if text := os.Getenv("RLDB_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	if soak() {
		t.Logf("RLDB_SEED=%d", seed)
	}
	return rand.New(rand.NewPCG(seed, 0))
}

// rounds is how long the script is: long enough for several merges.
func rounds() int {
	if soak() {
		return 40
	}
	return 6
}

// crashAt runs the script and ends it at the n-th call. It is false if there
// are fewer calls.
func crashAt(t *testing.T, policy Fsync, power bool, n int) bool {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	fs := newMemFS()
	fs.crashAt = n
	o := tiny(Options{Dir: "data", FS: fs, Fsync: policy, ReadPool: 1, Log: slog.New(slog.DiscardHandler)})
	o.SegmentBytes, o.large = 1<<10, 200
	s := &script{now: map[string]string{}, after: []map[string]string{{}}, always: policy == Always}
	e, err := Open(o)
	if err == nil {
		err = s.run(e, rounds())
		if err == nil && figure(e, "merges") == 0 {
			t.Errorf("call %d: the script has not merged", n)
		}
		if closed := e.Close(); err == nil {
			err = closed
		}
	}
	crashed := fs.isDead()
	if err != nil && !crashed {
		t.Fatalf("call %d: %v", n, err)
	}
	if err == nil { // the whole script was carried out, and closed
		s.written, s.durable = len(s.after)-1, len(s.after)-1
	}
	next := func(fs *memFS) *memFS {
		if power {
			return fs.powerLost(rng)
		}
		return fs.killed()
	}
	after := next(fs)
	for range rng.IntN(3) { // crashes while it recovers
		after.crashAt = 1 + rng.IntN(12)
		o.FS = after
		if e, err := Open(o); err == nil {
			_ = e.Close()
		}
		after = next(after)
	}
	reopen(t, o, after, s, power, n)
	return crashed
}

func (m *memFS) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// reopen opens what a crash has left, compares it, goes on, and compares again.
func reopen(t *testing.T, o Options, fs *memFS, s *script, power bool, n int) {
	t.Helper()
	o.FS, o.Log = fs, nil
	s.pos = 0
	e := open(t, o)
	got, err := held(e)
	if err == nil {
		if power {
			err = s.checkPowerLost(got)
		} else {
			err = s.checkKilled(got)
		}
	}
	if err == nil && got["left"] != got["right"] { // they are in one slot: a drop takes both
		err = fmt.Errorf("half of a transaction: %q and %q", got["left"], got["right"])
	}
	if err != nil {
		t.Fatalf("killed at call %d: %v", n, err)
	}
	if e.problems.count.Load() > 0 {
		t.Errorf("killed at call %d: reported as corrupt: %d", n, e.problems.count.Load())
	}
	s.after, s.now, s.written = []map[string]string{got}, got, 0
	if err := s.run(e, 3); err != nil {
		t.Fatalf("after call %d: %v", n, err)
	}
	if err := e.Close(); err != nil {
		t.Fatalf("after call %d: Close: %v", n, err)
	}
	e = open(t, o)
	got, err = held(e)
	if err != nil || !maps.Equal(got, s.now) || !e.Clean() {
		t.Fatalf("after call %d, and more: clean %v, error %v, holds\n%v\nwant\n%v", n, e.Clean(), err, got, s.now)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
