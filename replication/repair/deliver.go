package repair

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/ring"
)

const (
	deliverEvery   = 200 * time.Millisecond
	deliverWorkers = 4 // slots at a time

	// mostRemembered bounds the names of a slot that are kept until its end, to be dropped then. What is beyond
	// is sent to all owners once more.
	mostRemembered = 1 << 16
)

// deliverLoop brings home what this node holds and does not own.
func (r *Repair) deliverLoop() {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		case <-r.bring:
		}
		r.deliverAll()
	}
}

func (r *Repair) deliverAll() {
	a := r.area.Load()
	if a == nil || !a.member {
		return
	}
	reachable := map[ring.ID]bool{}
	for _, id := range a.others {
		reachable[id] = r.reachable(id)
	}
	all := r.foreignSlots(a, ring.ID{})
	r.home.Lock()
	plans := r.foreign.plans(r.now(), all, reachable)
	r.home.Unlock()
	r.compareFirst(plans)
	// Nothing fails here: what goes wrong with a slot is noted with the slot.
	_ = each(r.ctx, deliverWorkers, plans, func(ctx context.Context, p plan) error {
		(&delivering{r: r, ctx: ctx, area: a, p: p, failed: make([]error, len(p.to)), left: make([][]int, len(p.to))}).run()
		return nil
	})
	r.tellHome()
}

// compareFirst asks the recipients for the digests of what they are to be sent: who has the same needs nothing.
func (r *Repair) compareFirst(plans []plan) {
	slots := map[ring.ID][]uint16{}
	for i := range plans {
		for _, to := range plans[i].to {
			slots[to.id] = append(slots[to.id], plans[i].slot)
		}
	}
	type place struct {
		id   ring.ID
		slot uint16
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	theirs := map[place]uint64{}
	for id := range slots {
		wg.Go(func() {
			got, err := (&exchange{r: r, ctx: r.ctx, with: id}).theirs(slots[id])
			if err != nil {
				return // the first write will fail too
			}
			mu.Lock()
			defer mu.Unlock()
			for i, digest := range got {
				theirs[place{id, slots[id][i]}] = digest
			}
		})
	}
	wg.Wait()
	for i := range plans {
		plans[i].equal(func(id ring.ID) uint64 { return theirs[place{id, plans[i].slot}] })
	}
}

// delivering is one slot on its way.
type delivering struct {
	r    *Repair
	ctx  context.Context
	area *area
	p    plan

	failed  []error // of each recipient: why it gets no more
	records int64   // sent, to all together
	bytes   int64

	left [][]int // of each recipient: the numbers of those of the batch that it cannot be sent
	all  int     // how many that were, of all batches

	keys   []engine.Key // what may be dropped at the end
	hashes []uint64
}

func (d *delivering) run() {
	err := d.walk()
	confirmed := d.p.same
	for i, to := range d.p.to {
		if err == nil && d.failed[i] == nil {
			confirmed = append(confirmed, to)
		}
	}
	well := err == nil && len(confirmed) == len(d.p.to)+len(d.p.same)
	r := d.r
	r.home.Lock()
	var agreed bool
	if err == nil && d.all > 0 {
		agreed = r.foreign.short(r.now(), &d.p, confirmed)
	} else {
		r.foreign.done(r.now(), &d.p, confirmed, well)
		agreed = r.foreign.agreed(&d.p)
	}
	r.home.Unlock()
	// If the digest is what it was, all that was read is what the owners have confirmed with it.
	if agreed && r.o.Store.Digest(d.p.slot) == d.p.digest {
		for len(d.keys) > 0 && err == nil {
			n := min(len(d.keys), batchRecords)
			err = r.drop(d.area, d.keys[:n], d.hashes[:n])
			d.keys, d.hashes = d.keys[n:], d.hashes[n:]
		}
	}
	if d.records > 0 || err != nil {
		r.o.Log.Debug("foreign data goes home", "slot", d.p.slot, "records", d.records, "bytes", d.bytes, "owners", len(d.p.to), "err", err)
	}
}

// walk sends all of the slot to the recipients.
func (d *delivering) walk() error {
	if len(d.p.to) == 0 && !d.p.whole {
		return nil
	}
	for from, more := uint64(0), true; more; {
		p := page{}
		var err error
		if p.list, p.next, p.more, err = d.r.o.Store.Page(d.p.slot, from, pageRecords); err != nil {
			return err
		}
		from, more = p.next, p.more
		keys := make([]engine.Key, len(p.list))
		for i := range p.list {
			keys[i] = p.list[i].Key
			if len(d.p.to) == 0 {
				d.remember(keys[i:i+1], []uint64{p.list[i].Hash})
			}
		}
		for len(keys) > 0 && len(d.p.to) > 0 {
			b, err := d.r.read(keys[:min(len(keys), batchRecords)], batchBytes)
			if err != nil {
				return err
			}
			keys = keys[b.looked:]
			if err := d.batch(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch sends a batch to all recipients, and drops it, or remembers that it may be dropped, once all have confirmed it.
func (d *delivering) batch(b *reader) error {
	if len(b.entries) == 0 {
		return nil
	}
	d.send(b)
	lost := 0
	var last error
	for _, err := range d.failed {
		if err != nil {
			lost, last = lost+1, err
		}
	}
	switch {
	case lost == len(d.failed):
		return last
	case lost > 0 || !d.p.whole:
		return nil
	}
	var keys []engine.Key
	var hashes []uint64
	for i := range b.entries {
		if !slices.ContainsFunc(d.left, func(left []int) bool { return slices.Contains(left, i) }) {
			keys, hashes = append(keys, b.entries[i].Key), append(hashes, b.hashes[i])
		}
	}
	if d.p.direct {
		return d.r.drop(d.area, keys, hashes)
	}
	d.remember(keys, hashes)
	return nil
}

// remember notes what may be dropped once the whole slot is confirmed.
func (d *delivering) remember(keys []engine.Key, hashes []uint64) {
	if len(d.keys)+len(keys) <= mostRemembered {
		d.keys, d.hashes = append(d.keys, keys...), append(d.hashes, hashes...)
	}
}

// send sends a batch to all recipients at once, and waits for them.
func (d *delivering) send(b *reader) {
	var wg sync.WaitGroup
	for i, to := range d.p.to {
		if d.failed[i] == nil {
			wg.Go(func() { d.left[i], d.failed[i] = d.sendTo(to.id, b.entries) })
		}
	}
	wg.Wait()
	r := d.r
	r.home.Lock()
	defer r.home.Unlock()
	for i, to := range d.p.to {
		if d.failed[i] == nil {
			d.all += len(d.left[i])
			n := int64(len(b.entries) - len(d.left[i]))
			d.records, d.bytes = d.records+n, d.bytes+int64(b.bytes)
			r.delivered.Add(n)
			r.foreign.went(to.id, n, int64(b.bytes))
		}
	}
}

func (d *delivering) sendTo(id ring.ID, entries []coordinator.Entry) (left []int, err error) {
	return (&exchange{r: d.r, ctx: d.ctx, with: id}).sendAll(entries)
}

// sendHome has everything that is a member's sent to it again: it is back, and may have come with nothing.
func (r *Repair) sendHome(id ring.ID) {
	a := r.area.Load()
	if a == nil {
		return
	}
	r.home.Lock()
	r.foreign.returned(r.now(), id, a.view.Owners)
	r.home.Unlock()
	wake(r.bring)
}

// tellHome tells the log of members that have got back all that was theirs.
func (r *Repair) tellHome() {
	r.home.Lock()
	ids := make([]ring.ID, 0, len(r.foreign.returning))
	for id := range r.foreign.returning {
		ids = append(ids, id)
	}
	r.home.Unlock()
	for _, id := range ids {
		if r.lacksAny(id) {
			continue
		}
		r.home.Lock()
		d := r.foreign.settled(id)
		r.home.Unlock()
		if d != nil && d.records > 0 {
			r.o.Log.Info("all that this node kept for a member went home", "member", id.Short(),
				"records", d.records, "bytes", d.bytes, "took", (r.now() - d.since).Round(time.Millisecond))
		}
	}
}

// foreignSlots are the slots that this node holds and does not own; of one owner's, or of all.
func (r *Repair) foreignSlots(a *area, owner ring.ID) (all []held) {
	if a == nil || !a.member {
		return nil
	}
	for _, slot := range a.foreign {
		digest := r.o.Store.Digest(slot)
		if digest == 0 {
			continue
		}
		if owners := a.view.Owners(slot); owner.IsZero() || slices.Contains(owners, owner) {
			all = append(all, held{slot, digest, owners})
		}
	}
	return all
}

func (r *Repair) lacksAny(id ring.ID) bool {
	all := r.foreignSlots(r.area.Load(), id)
	r.home.Lock()
	defer r.home.Unlock()
	return slices.ContainsFunc(all, func(h held) bool { return r.foreign.lacks(id, h) })
}

// foreignFor answers how many records a member that asks still lacks of what this node held for it when it last asked.
func (r *Repair) foreignFor(id ring.ID, current bool) (n int64) {
	a := r.area.Load()
	if a == nil {
		return 1 // nothing is known yet
	}
	all := r.foreignSlots(a, id)
	r.home.Lock()
	defer r.home.Unlock()
	for _, h := range all {
		if r.foreign.asked(id, h, !current) {
			n += max(1, r.o.Store.RecordsIn(h.slot))
		}
	}
	return n
}
