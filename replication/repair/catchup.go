package repair

import (
	"context"
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
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		case <-r.meet:
		}
		tried := map[ring.ID]bool{}
		for id, ok := r.nextMissing(tried); ok; id, ok = r.nextMissing(tried) {
			tried[id] = true
			if err := r.catchUpWith(id); err != nil && r.ctx.Err() == nil && time.Since(told) > stillEvery {
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

// catchUpWith makes all slots that are shared with a member equal.
func (r *Repair) catchUpWith(id ring.ID) error {
	r.mu.Lock()
	slots := r.standing.area.shared[id]
	number, current := r.standing.begin(id)
	r.mu.Unlock()
	if err := r.exchange(r.ctx, id, slots, catchUpWorkers); err != nil {
		return err
	}
	r.mu.Lock()
	r.standing.equalled(id, number, current)
	r.mu.Unlock()
	r.settle()
	return nil
}

// exchange makes slots equal with a member, as fast as it goes.
func (r *Repair) exchange(ctx context.Context, id ring.ID, slots []uint16, workers int) error {
	x := &exchange{r: r, ctx: ctx, with: id}
	apart, err := x.differing(slots)
	if err != nil {
		return err
	}
	r.differences.Add(int64(len(apart)))
	return each(ctx, workers, apart, func(ctx context.Context, slot uint16) error {
		return (&exchange{r: r, ctx: ctx, with: id}).slot(slot)
	})
}
