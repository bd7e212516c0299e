package repair

import (
	"context"
	"errors"
	"math"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// The bounds of one step. A call ends within the node timeout, so it must not carry too much.
const (
	pageRecords  = 512     // records that a page lists
	batchRecords = 128     // that one call carries
	firstRecords = 8       // that the first call asks for, when nobody knows how large they are
	batchBytes   = 1 << 20 // that one call carries, or one record
	digestSlots  = 4096    // that one call asks for
)

// exchange is an attempt to make slots equal with one member.
type exchange struct {
	r     *Repair
	ctx   context.Context
	with  ring.ID
	limit *limiter

	left  int // records that could not be moved: see stuck
	lacks int // of these: that this node lacks
}

var errDigests = errors.New("repair: not as many digests as were asked for")

// theirs are the digests of the member's slots.
func (x *exchange) theirs(slots []uint16) ([]uint64, error) {
	digests := make([]uint64, 0, len(slots))
	for len(slots) > 0 {
		part := slots[:min(len(slots), digestSlots)]
		slots = slots[len(part):]
		got, err := x.r.digests(x.ctx, x.with, part)
		if err == nil && len(got) != len(part) {
			err = errDigests
		}
		if err != nil {
			return nil, err
		}
		digests = append(digests, got...)
	}
	return digests, nil
}

// differing compares the digests of slots, and gives those that differ.
func (x *exchange) differing(slots []uint16) (apart []uint16, err error) {
	theirs, err := x.theirs(slots)
	if err != nil {
		return nil, err
	}
	for i, slot := range slots {
		if x.r.o.Store.Digest(slot) != theirs[i] {
			apart = append(apart, slot)
		}
	}
	return apart, nil
}

// slot makes one slot equal: when it returns nil, this node holds all that the member held when it
// began, and the member what this node held.
func (x *exchange) slot(slot uint16) error {
	for from, more := uint64(0), true; more; {
		theirs, err := x.r.page(x.ctx, x.with, slot, from)
		if err == nil {
			err = theirs.check(slot, from)
		}
		if err != nil {
			return err
		}
		var ours page
		if ours.list, ours.next, ours.more, err = x.r.o.Store.Page(slot, from, pageRecords); err != nil {
			return err
		}
		var a, b []replica.Listed
		a, b, from, more = common(&ours, &theirs)
		if err := x.settle(compare(a, b)); err != nil {
			return err
		}
		if err := x.limit.take(x.ctx, listedBytes(b)); err != nil {
			return err
		}
	}
	return nil
}

func listedBytes(list []replica.Listed) (n int) {
	for i := range list {
		n += len(list[i].Key.Name) + 16
	}
	return n
}

// settle takes what differs away: what they have is merged here, then what they lack is sent.
func (x *exchange) settle(differ []difference) error {
	var pull, push []engine.Key
	for _, d := range differ {
		if d.listed {
			pull = append(pull, d.key)
		} else {
			push = append(push, d.key)
		}
	}
	for len(pull) > 0 {
		n := min(len(pull), x.r.batchOf(x.with))
		apart, err := x.pull(pull[:n])
		if err != nil {
			return err
		}
		push, pull = append(push, apart...), pull[n:]
	}
	return x.push(push)
}

// pull fetches records and merges them; apart are the keys of which more is here than there.
func (x *exchange) pull(keys []engine.Key) (apart []engine.Key, err error) {
	got, err := x.r.fetch(x.ctx, x.with, keys)
	if err != nil && !(errors.Is(err, engine.ErrCorrupt) && len(got) == len(keys)) { // damaged there is as good as none
		x.r.fetched(x.with, len(keys), math.MaxInt)
		return x.pullOneByOne(keys, err)
	}
	hashes, err := x.r.merge(keys, got)
	if err != nil {
		return x.pullOneByOne(keys, err)
	}
	bytes := 0
	for i := range got {
		bytes += sizeOf(&got[i])
		if hashes[i] != got[i].Vector.Hash() {
			apart = append(apart, keys[i])
		}
	}
	x.r.fetched(x.with, len(keys), bytes)
	return apart, x.limit.take(x.ctx, bytes)
}

func sizeOf(w *record.Whole) int {
	n := 16*len(w.Vector) + 32*len(w.Values)
	for i := range w.Values {
		n += len(w.Values[i].Value)
	}
	return n
}

// push sends what is here under keys.
func (x *exchange) push(keys []engine.Key) error {
	for len(keys) > 0 {
		b, err := x.r.read(keys[:min(len(keys), batchRecords)], x.limit.batch())
		if err != nil {
			return err
		}
		keys = keys[b.looked:]
		if len(b.entries) == 0 {
			continue
		}
		left, err := x.sendAll(b.entries)
		if err != nil {
			return err
		}
		x.r.pushed.Add(int64(len(b.entries) - len(left)))
		if err := x.limit.take(x.ctx, b.bytes); err != nil {
			return err
		}
	}
	return nil
}

var errRefused = errors.New("repair: a write was refused")

func (x *exchange) send(entries []coordinator.Entry) error {
	a, err := x.r.write(x.ctx, x.with, entries)
	if err == nil && a.Refused {
		err = errRefused
	}
	return err
}

// batchOf is how many records to ask a member for in one call: nobody knows how large they are before.
func (r *Repair) batchOf(id ring.ID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.batches[id]; n > 0 {
		return n
	}
	return firstRecords
}

// fetched notes how large a batch was; more than the batch may be, if it failed: the next attempt then asks for less at a time.
func (r *Repair) fetched(id ring.ID, records, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.batches[id]
	if n == 0 {
		n = firstRecords
	}
	switch {
	case bytes > batchBytes:
		n = max(1, min(n, records)/2)
	case bytes < batchBytes/4:
		n = min(batchRecords, 2*n)
	}
	r.batches[id] = n
}
