package repair

import (
	"context"
	"sync"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// outcome is what a call has ended with.
type outcome[T any] struct {
	value T
	err   error
}

// await starts a call and waits for its end, or for that of ctx. Every call ends within the node timeout.
func await[T any](ctx context.Context, start func(done func(T, error))) (T, error) {
	got := make(chan outcome[T], 1)
	start(func(v T, err error) { got <- outcome[T]{v, err} })
	select {
	case o := <-got:
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (r *Repair) write(ctx context.Context, to ring.ID, records []coordinator.Entry) (coordinator.WriteAnswer, error) {
	return await(ctx, func(done func(coordinator.WriteAnswer, error)) {
		r.o.Peers.Write(to, &coordinator.WriteRequest{Records: records}, done)
	})
}

func (r *Repair) fetch(ctx context.Context, to ring.ID, keys []engine.Key) ([]record.Whole, error) {
	return await(ctx, func(done func([]record.Whole, error)) { r.o.Peers.Fetch(to, keys, done) })
}

func (r *Repair) digests(ctx context.Context, to ring.ID, slots []uint16) ([]uint64, error) {
	return await(ctx, func(done func([]uint64, error)) { r.o.Peers.Digests(to, slots, done) })
}

func (r *Repair) page(ctx context.Context, to ring.ID, slot uint16, from uint64) (page, error) {
	return await(ctx, func(done func(page, error)) {
		r.o.Peers.Page(to, slot, from, pageRecords, func(list []replica.Listed, next uint64, more bool, err error) {
			done(page{list, next, more}, err)
		})
	})
}

// reachable says whether a member can be called, as far as is known.
func (r *Repair) reachable(id ring.ID) bool { return r.o.Peers.State(id) != quorum.Down }

// each calls f for each of items, a few at a time, until one fails. It returns when no call is running.
func each[T any](ctx context.Context, workers int, items []T, f func(ctx context.Context, item T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	queue := make(chan T)
	for range min(workers, len(items)) {
		wg.Go(func() {
			for item := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := f(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	wg.Wait()
	return context.Cause(ctx)
}

// limiter bounds how many bytes a second are moved. A nil one bounds nothing.
type limiter struct {
	rate int64

	mu   sync.Mutex
	free time.Time // when all that was taken has been moved
}

// take waits until n more bytes may be moved. It lets up to a tenth of a second's worth go ahead.
func (l *limiter) take(ctx context.Context, n int) error {
	if l == nil {
		return ctx.Err()
	}
	now := time.Now()
	l.mu.Lock()
	if l.free.Before(now) {
		l.free = now
	}
	wait := l.free.Sub(now) - time.Second/10
	l.free = l.free.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	l.mu.Unlock()
	if wait <= 0 {
		return ctx.Err()
	}
	return pause(ctx, wait)
}

// batch is how many bytes to move at a time: a tenth of a second's worth.
func (l *limiter) batch() int {
	if l == nil {
		return batchBytes
	}
	return int(min(l.rate/10, batchBytes))
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
