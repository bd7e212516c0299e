package repair

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/ring"
)

// stillEvery is the pause between two lines of the log about attempts that fail.
const stillEvery = 10 * time.Second

// catchUpWorkers is how many slots are made equal at a time.
const catchUpWorkers = 4

// catchUpLoop meets the co-owners that standing misses, one after the other; those with whom it went wrong, at the next tick again.
func (r *Repair) catchUpLoop() {
	tick := time.NewTicker(r.tick)
	defer tick.Stop()
	var told time.Time
	wait := map[ring.ID]time.Time{} // until when those are left alone of whom records could not be fetched
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		case <-r.meet:
		}
		tried := map[ring.ID]bool{}
		for id, until := range wait {
			if time.Now().Before(until) {
				tried[id] = true
			} else {
				delete(wait, id)
			}
		}
		for id, ok := r.nextMissing(tried); ok; id, ok = r.nextMissing(tried) {
			tried[id] = true
			lacks, err := r.catchUpWith(id)
			if lacks && r.Lost() {
				wait[id] = time.Now().Add(stuckPause)
			}
			if err != nil && r.ctx.Err() == nil && time.Since(told) > stillEvery {
				told = time.Now()
				r.o.Log.Warn("catching up with a member failed, and is tried again", "member", id.Short(), "err", err)
			}
		}
	}
}

func (r *Repair) nextMissing(tried map[ring.ID]bool) (ring.ID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return ring.ID{}, false
	}
	for _, id := range r.standing.missing() {
		if !tried[id] {
			return id, true
		}
	}
	return ring.ID{}, false
}

// catchUpWith makes all slots that are shared with a member equal. lacks says that records could not be fetched.
func (r *Repair) catchUpWith(id ring.ID) (lacks bool, err error) {
	r.mu.Lock()
	slots := r.standing.area.shared[id]
	number, current := r.standing.begin(id)
	r.mu.Unlock()
	n, err := r.exchange(r.ctx, id, slots, catchUpWorkers)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	r.standing.equalled(id, number, current, n)
	r.mu.Unlock()
	r.settle()
	return n > 0, nil
}

// exchange makes slots equal with a member, as fast as it goes. It says how many of its records could not be fetched.
func (r *Repair) exchange(ctx context.Context, id ring.ID, slots []uint16, workers int) (int, error) {
	x := &exchange{r: r, ctx: ctx, with: id}
	apart, err := x.differing(slots)
	if err != nil {
		return 0, err
	}
	r.differences.Add(int64(len(apart)))
	var lacks atomic.Int64
	err = each(ctx, workers, apart, func(ctx context.Context, slot uint16) error {
		n, err := r.exchangeOf(ctx, x, slot)
		lacks.Add(int64(n))
		return err
	})
	return int(lacks.Load()), err
}
