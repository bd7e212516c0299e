package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// ledger is what one client wrote and was told. It has keys of its own, so that
// it alone knows what they must hold.
type ledger struct {
	name  string
	told  map[string]string   // acknowledged last
	open  map[string][]string // sent since, not acknowledged: either may be there
	count int
}

func (l *ledger) value(rnd *rand.Rand) string {
	l.count++
	return fmt.Sprintf("%s-%d-%s", l.name, l.count, strings.Repeat("v", rnd.IntN(300)))
}

// work writes until the node is gone: single SETs and DELs, pipelines, and
// transactions.
func (l *ledger) work(ctx context.Context, c *redis.Client, rnd *rand.Rand) {
	for {
		n := 1
		if rnd.IntN(3) == 0 {
			n = 2 + rnd.IntN(10)
		}
		keys, values := make([]string, n), make([]string, n)
		cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for i := range n {
				keys[i], values[i] = fmt.Sprintf("%s:%d", l.name, rnd.IntN(200)), ""
				if rnd.IntN(5) == 0 {
					p.Del(ctx, keys[i])
				} else {
					values[i] = l.value(rnd)
					p.Set(ctx, keys[i], values[i], 0)
				}
				l.open[keys[i]] = append(l.open[keys[i]], values[i])
			}
			return nil
		})
		if err != nil {
			return
		}
		for i := range cmds {
			if cmds[i].Err() != nil {
				return
			}
			l.told[keys[i]] = values[i]
			delete(l.open, keys[i])
		}
	}
}

// audit compares what is there with what was told; what is there is the truth
// from then on.
func (l *ledger) audit(t *testing.T, c *redis.Client) {
	t.Helper()
	for i := range 200 {
		key := fmt.Sprintf("%s:%d", l.name, i)
		got, err := c.Get(context.Background(), key).Result()
		if err != nil && err != redis.Nil {
			t.Fatal(err)
		}
		known := got == l.told[key]
		for _, v := range l.open[key] {
			known = known || got == v
		}
		if !known {
			t.Errorf("%s is %.40q, told was %.40q, sent since %d", key, got, l.told[key], len(l.open[key]))
		}
		l.told[key] = got
	}
	clear(l.open)
}

// TestKill: whatever was acknowledged is there after kill -9, round after round
// on the same directory.
func TestKill(t *testing.T) {
	for _, setting := range []string{"bitcask everysec", "bitcask always", "lsm always", "lsm everysec"} {
		engine, fsync, _ := strings.Cut(setting, " ")
		t.Run(setting, func(t *testing.T) {
			eachDurable(t, []string{engine}, func(t *testing.T, engine string) { killRounds(t, engine, fsync) })
		})
	}
}

func killRounds(t *testing.T, engine, fsync string) {
	o := options{engine: engine, plain: true, dir: filepath.Join(t.TempDir(), "data"),
		more: []string{"--fsync", fsync, "--bitcask-segment-size", "256kb", "--lsm-memtable-size", "1mb"}}
	rnd := rand.New(rand.NewPCG(1, uint64(len(engine)+len(fsync))))
	ledgers := make([]*ledger, 4)
	for i := range ledgers {
		ledgers[i] = &ledger{name: fmt.Sprint("client", i), told: map[string]string{}, open: map[string][]string{}}
	}
	for range 20 {
		p := startSubject(t, o)
		db := redis.NewClient(&redis.Options{Addr: p.addr, MaxRetries: -1})
		for _, l := range ledgers {
			l.audit(t, db)
		}
		if t.Failed() {
			return
		}
		var done sync.WaitGroup
		for _, l := range ledgers {
			own := rand.New(rand.NewPCG(rnd.Uint64(), 1))
			done.Go(func() { l.work(t.Context(), db, own) })
		}
		wait := time.NewTimer(time.Duration(20+rnd.IntN(300)) * time.Millisecond)
		<-wait.C
		p.kill()
		done.Wait()
		db.Close()
	}
	total := 0
	for _, l := range ledgers {
		total += l.count
	}
	t.Logf("%d values were written", total)
}
