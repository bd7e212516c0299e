package repair

import (
	"context"
	"errors"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/coordinator"
)

// A record that cannot be moved, as it is larger than what goes to another node at once or is refused there,
// must not keep the others of its slot. Which record it is shows when each is moved alone; that
// it is the record, and not the member, shows when the member answers something else right after.

const (
	// mostStuck bounds the records that an attempt at a slot leaves behind before it fails: then it is not they.
	mostStuck = 16
	// stuckAfter is how many attempts since the last reason leave records behind before a node
	// that has lost nothing is current without them: what fails for a moment has gone by then.
	stuckAfter = 3
	// stuckPause is that between two attempts to fetch records that were left behind.
	stuckPause = 5 * time.Second
	// stuckEvery is that between two lines of the log about them.
	stuckEvery = time.Minute
)

// ownFault says whether a local write has failed for what this node is, and not for the record.
func ownFault(err error) bool {
	return !errors.Is(err, engine.ErrCorrupt) && !errors.Is(err, engine.ErrTooLarge)
}

// leave says whether the failure of a call is that of what it carried, of this slot: the member still answers.
func (x *exchange) leave(slot uint16, err error) bool {
	if x.ctx.Err() != nil || errors.Is(err, errOwn) {
		return false
	}
	_, probe := x.r.digests(x.ctx, x.with, []uint16{slot})
	return probe == nil
}

// errOwn marks a failure of this node's own engine.
var errOwn = errors.New("repair: this node cannot write")

// stuck notes that a record stays behind; the error says that there are too many of them.
func (x *exchange) stuck(k engine.Key, err error) error {
	x.left++
	if x.left > mostStuck {
		return err
	}
	r := x.r
	n, now := r.stuck.Add(1), int64(r.now())
	if last := r.stuckTold.Load(); (n == 1 || now-last >= int64(stuckEvery)) && r.stuckTold.CompareAndSwap(last, now) {
		r.o.Log.Warn("a record cannot be moved, and is left behind; it is tried again", "member", x.with.Short(),
			"slot", k.Slot, "hash", k.Hash, "err", err, "so-far", n)
	}
	return nil
}

// pullOneByOne pulls keys that could not be pulled together. What cannot be pulled is counted, and left out.
func (x *exchange) pullOneByOne(keys []engine.Key, err error) (apart []engine.Key, _ error) {
	if !x.leave(keys[0].Slot, err) {
		return nil, err
	}
	if len(keys) == 1 {
		x.lacks++
		return nil, x.stuck(keys[0], err)
	}
	for i := range keys {
		more, err := x.pull(keys[i : i+1])
		if err != nil {
			return nil, err
		}
		apart = append(apart, more...)
	}
	return apart, nil
}

// sendAll sends entries, those that cannot be sent together one by one; left are the numbers of those that cannot be
// sent at all.
func (x *exchange) sendAll(entries []coordinator.Entry) (left []int, err error) {
	err = x.send(entries)
	if err == nil {
		return nil, nil
	}
	if !x.leave(entries[0].Key.Slot, err) {
		return nil, err
	}
	if len(entries) == 1 {
		return []int{0}, x.stuck(entries[0].Key, err)
	}
	for i := range entries {
		one, err := x.sendAll(entries[i : i+1])
		if err != nil {
			return nil, err
		}
		if len(one) > 0 {
			left = append(left, i)
		}
	}
	return left, nil
}

// exchangeOf makes one slot equal, and says how many records of the member this node still lacks.
func (r *Repair) exchangeOf(ctx context.Context, x *exchange, slot uint16) (lacks int, err error) {
	one := &exchange{r: r, ctx: ctx, with: x.with, limit: x.limit}
	err = one.slot(slot)
	return one.lacks, err
}
