package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// gapWriters is how many write at the same time.
const gapWriters = 8

// clientSettings is how go-redis is set up.
type clientSettings struct {
	name   string
	change func(*redis.ClusterOptions)
}

func gapSettings() []clientSettings {
	return []clientSettings{
		{"defaults", func(*redis.ClusterOptions) {}},
		{"500 ms", func(o *redis.ClusterOptions) {
			o.ReadTimeout, o.DialTimeout = 500*time.Millisecond, 500*time.Millisecond
		}},
	}
}

// writers share one go-redis ClusterClient. Each sets a key that was never set
// before, waits for the answer, and sets the next.
type writers struct {
	rdb   *redis.ClusterClient
	hurt  *[slots]bool // slots that the node which fails serves at first
	size  int          // of a value
	every time.Duration
	began time.Time

	stop  chan struct{}
	once  sync.Once
	wait  sync.WaitGroup
	acks  [][]ack                  // each writer's own, until all have ended
	last  [gapWriters]atomic.Int64 // when each last wrote a key in hurt, since began
	fails atomic.Int64

	mu    sync.Mutex // guards first
	first error      // that go-redis gave
}

// startWriters begins to write.
func startWriters(ctx context.Context, addrs []string, s clientSettings, hurt *[slots]bool, size int, every time.Duration) *writers {
	o := &redis.ClusterOptions{Addrs: addrs}
	s.change(o)
	w := &writers{
		rdb: redis.NewClusterClient(o), hurt: hurt, size: size, every: every, began: time.Now(),
		stop: make(chan struct{}), acks: make([][]ack, gapWriters),
	}
	for i := range gapWriters {
		w.wait.Go(func() { w.write(ctx, i) })
	}
	return w
}

// end stops the writers and waits for them.
func (w *writers) end() {
	w.once.Do(func() { close(w.stop) })
	w.wait.Wait()
	_ = w.rdb.Close() // nothing is under way any more
}

func (w *writers) now() time.Duration { return time.Since(w.began) }

// gapKey names write n of a writer; its value is told by value.
func gapKey(writer, n int) string { return "gap:" + strconv.Itoa(writer) + ":" + strconv.Itoa(n) }

func (w *writers) value(dst []byte, writer, n int) []byte {
	return keyspace{size: w.size}.appendValue(dst, writer<<40|n)
}

func (w *writers) write(ctx context.Context, writer int) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	var value []byte
	for n := 0; ; n++ {
		select {
		case <-w.stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key := gapKey(writer, n)
		value = w.value(value[:0], writer, n)
		if err := w.rdb.Set(ctx, key, value, 0).Err(); err != nil {
			w.failed(err)
			continue
		}
		a := ack{at: w.now(), n: n, hurt: w.hurt[slotOf([]byte(key))]}
		w.acks[writer] = append(w.acks[writer], a)
		if a.hurt {
			w.last[writer].Store(int64(a.at))
		}
	}
}

func (w *writers) failed(err error) {
	w.fails.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first == nil {
		w.first = err
	}
}

// How long all must go well until it counts as well again, and how often that is
// looked at.
const (
	calmFor   = 2 * time.Second
	calmEvery = 20 * time.Millisecond
)

// waitCalm waits until all writers have written the failed node's keys for a
// while, and says whether they do.
func (w *writers) waitCalm(ctx context.Context, most time.Duration) (bool, error) {
	after := w.now()
	since, was := after, false
	for w.now()-after < most {
		if err := pause(ctx, calmEvery); err != nil {
			return false, err
		}
		now := w.now()
		if !calm(w.latest(), after, now) {
			was = false
			continue
		}
		if !was {
			was, since = true, now
		}
		if now-since >= calmFor {
			return true, nil
		}
	}
	return false, nil
}

func (w *writers) latest() []time.Duration {
	var all []time.Duration
	for i := range w.last {
		all = append(all, time.Duration(w.last[i].Load()))
	}
	return all
}

// Reading everything back: in batches, and for how long one is tried.
const (
	backBatch = 500
	backLimit = 60 * time.Second
)

// lost reads all that was acknowledged with a new client, after the writers have
// ended, and counts what is not there.
func (w *writers) lost(ctx context.Context, addrs []string) (lost int, err error) {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	defer rdb.Close()
	for writer, acks := range w.acks {
		for len(acks) > 0 {
			n := min(backBatch, len(acks))
			gone, err := w.lostOf(ctx, rdb, writer, acks[:n])
			if err != nil {
				return lost, err
			}
			lost += gone
			acks = acks[n:]
		}
	}
	return lost, nil
}

// lostOf reads a batch, those again that were answered with an error.
func (w *writers) lostOf(ctx context.Context, rdb *redis.ClusterClient, writer int, acks []ack) (lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, backLimit)
	defer cancel()
	var want []byte
	for len(acks) > 0 {
		replies := make([]*redis.StringCmd, len(acks))
		_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each reply has its own error
			for i, a := range acks {
				replies[i] = p.Get(ctx, gapKey(writer, a.n))
			}
			return nil
		})
		var again []ack
		for i, r := range replies {
			got, failed := r.Bytes()
			want = w.value(want[:0], writer, acks[i].n)
			switch {
			case errors.Is(failed, redis.Nil):
				lost++
			case failed != nil:
				again, err = append(again, acks[i]), failed
			case !bytes.Equal(got, want):
				lost++
			}
		}
		acks = again
		if len(acks) > 0 && pause(ctx, 100*time.Millisecond) != nil {
			return lost, fmt.Errorf("%d writes cannot be read back: %w", len(acks), err)
		}
	}
	return lost, nil
}
