package repair

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rldb/rldb/ring"
)

const (
	// roundEvery is the pause between two rounds of anti-entropy.
	roundEvery = time.Second
	// secondLook is the pause between the two comparisons of a round: what was under way by the first has landed.
	secondLook = 200 * time.Millisecond
	// defaultRate is how many bytes a second anti-entropy moves, if nothing else is said.
	defaultRate = 32 << 20
)

// entropyLoop compares this node's slots with one reachable co-owner after the other.
func (r *Repair) entropyLoop() {
	var last ring.ID
	for pause(r.ctx, roundEvery) == nil {
		id, ok := r.nextCoOwner(last)
		if !ok {
			continue
		}
		last = id
		if err := r.round(r.ctx, id); err != nil && r.ctx.Err() == nil {
			r.o.Log.Debug("a round of anti-entropy failed", "member", id.Short(), "err", err)
		}
	}
}

// coOwners are the members that share slots with this node and are reachable, in the order of their IDs.
func (r *Repair) coOwners() (ids []ring.ID) {
	a := r.area.Load()
	if a == nil {
		return nil
	}
	for _, id := range a.others {
		if len(a.shared[id]) > 0 && r.reachable(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *Repair) nextCoOwner(after ring.ID) (ring.ID, bool) {
	ids := r.coOwners()
	for _, id := range ids {
		if id.Compare(after) > 0 {
			return id, true
		}
	}
	if len(ids) == 0 {
		return ring.ID{}, false
	}
	return ids[0], true
}

// round makes those slots equal with a member that differ in two comparisons in a row: writes under way make them differ for
// a moment.
func (r *Repair) round(ctx context.Context, id ring.ID) error {
	began := time.Now()
	a := r.area.Load()
	x := &exchange{r: r, ctx: ctx, with: id, limit: r.limit}
	apart, err := x.differing(a.shared[id])
	if err == nil && len(apart) > 0 {
		if err = pause(ctx, secondLook); err == nil {
			apart, err = x.differing(apart)
		}
	}
	if err != nil {
		return err
	}
	r.differences.Add(int64(len(apart)))
	for _, slot := range apart {
		if _, err := r.exchangeOf(ctx, x, slot); err != nil {
			return err
		}
	}
	r.rounds.Add(1)
	r.lastRound.Store(int64(time.Since(began)))
	return nil
}

// Now has a round of anti-entropy done with every reachable co-owner at once, and waits for it (CLUSTER REPAIR).
func (r *Repair) Now(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	var mu sync.Mutex
	var all []error
	var wg sync.WaitGroup
	for _, id := range r.coOwners() {
		wg.Go(func() {
			if err := r.round(ctx, id); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, fmt.Errorf("repair with %s: %w", id.Short(), err))
			}
		})
	}
	wg.Wait()
	return errors.Join(all...)
}
