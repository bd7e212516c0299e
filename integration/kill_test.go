package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestKill kills a node at a random moment, again and again, while clients
// write, and looks after each start for what had been acknowledged: each key has
// its last acknowledged value, or the one whose reply was outstanding.
func TestKill(t *testing.T) {
	small := map[string][]string{ // so that files end, and are merged, all the time
		"bitcask": {"--bitcask-segment-size", "64kb"},
		"lsm":     {"--lsm-memtable-size", "1mb"},
	}
	for _, test := range []struct {
		engine, fsync string
		rounds        int // of the short form
	}{
		{"bitcask", "always", 3},
		{"bitcask", "everysec", 3},
		{"bitcask", "no", 3},
		{"lsm", "always", 5},
		// What is given to the system outlives the process, and a write is
		// acknowledged only then: nothing is lost here either.
		{"lsm", "everysec", 2},
		{"lsm", "no", 2},
	} {
		t.Run(test.engine+"/"+test.fsync, func(t *testing.T) {
			rounds := test.rounds
			if soak() {
				rounds = 20
			}
			dir := t.TempDir()
			o := options{engine: test.engine, dir: dir, more: append([]string{"--fsync", test.fsync}, small[test.engine]...)}
			if subjectIsRedis() {
				o = options{more: []string{"--dir", dir, "--appendonly", "yes", "--appendfsync", test.fsync}}
			}
			k := newKilling(t, o)
			for range rounds {
				k.round(t)
			}
			k.check(t)
			t.Logf("%d writes acknowledged in %d processes, %d of them lost; %d replies were outstanding, %d of these writes are there",
				k.acked, rounds, k.lost, k.outstanding, k.kept)
			if k.lost > 0 {
				t.Errorf("%d acknowledged writes are lost", k.lost)
			}
		})
	}
}

const killWriters = 6

// killing is a node that is killed, and what its clients know of their writes.
type killing struct {
	options options
	process *process
	writers []*killWriter

	acked, outstanding, kept, lost int
}

func newKilling(t *testing.T, o options) *killing {
	k := &killing{options: o, process: startSubject(t, o)}
	for i := range killWriters {
		k.writers = append(k.writers, newKillWriter(i))
	}
	return k
}

// round has the clients write until the node is killed, starts it again and
// looks at what is there.
func (k *killing) round(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	var writing sync.WaitGroup
	var acks atomic.Int64
	killed := make(chan struct{}) // closed just before the kill
	kill := sync.OnceFunc(func() {
		close(killed)
		k.process.kill()
	})
	last := 1 + rand.Int64N(1<<(4+rand.IntN(10))) // often early, sometimes late
	for _, w := range k.writers {
		writing.Go(func() {
			err := w.write(ctx, k.process.addr, func() {
				if acks.Add(1) >= last {
					kill()
				}
			})
			select {
			case <-killed:
			default:
				t.Errorf("a write failed before the node was killed: %v", err)
				kill()
			}
		})
	}
	writing.Wait()
	for _, fault := range faults(nil, k.process.log.String()) {
		t.Errorf("%s %s", k.process.name, fault)
	}
	k.acked += int(acks.Load())
	if rand.IntN(3) == 0 {
		k.interruptStart(t)
	}
	k.process = startSubject(t, k.options)
	k.check(t)
}

// interruptStart kills a process while it starts, or soon after.
func (k *killing) interruptStart(t *testing.T) {
	t.Helper()
	args := k.options.rldbArgs(freePort(t))
	if subjectIsRedis() {
		args = k.options.redisArgs(freePort(t))
	}
	cmd := exec.Command(subjectPath(t, false), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = t.TempDir(), childEnv(), childAttr()
	must(t, cmd.Start())
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range rand.IntN(500) { // a random moment; nothing waits for it
		<-tick.C
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // "killed"
}

// check compares what is there with what the writers know, and has them take
// what is there for granted.
func (k *killing) check(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	rdb := killClient(k.process.addr)
	defer rdb.Close()
	for _, w := range k.writers {
		seen, err := w.look(ctx, rdb)
		must(t, err)
		if w.flying != nil {
			k.outstanding++
			kept, err := w.landed(seen)
			if err != nil {
				t.Error(err)
			}
			if kept {
				k.kept++
			}
		}
		for key := range w.keys {
			lost, err := w.lost(key, seen[key])
			if err != nil {
				t.Error(err)
			}
			if lost > 0 {
				t.Logf("%s is %v, which was overwritten by %d acknowledged writes", key, seen[key], lost)
			}
			k.lost += lost
		}
		w.startFrom(seen)
	}
}

// String is for messages.
func (s killState) String() string {
	if !s.there {
		return "absent"
	}
	if s.expires.to == 0 {
		return fmt.Sprintf("%.40q", s.value)
	}
	return fmt.Sprintf("%.40q until %d…%d", s.value, s.expires.from, s.expires.to)
}
