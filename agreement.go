package main

import (
	"encoding/binary"
	"hash/fnv"
	"sync"
	"time"

	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/ring"
)

// agreement is what a node knows of the views of the others: whether clients that
// it sends to one of them will be served there, or sent on.
//
// After each change a node tells every member the digest of its view, and is
// answered with theirs. work is its goroutine, which goes on telling those whom no
// message reached, and those who answered that theirs is another: two messages may
// overtake each other. mu guards what stands below it.
type agreement struct {
	tell func(to ring.ID, digest uint64) // starts a call; its end is told through heard

	wake chan struct{} // of one: there is a new view
	stop chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	view   *membership.View
	mine   uint64
	theirs map[ring.ID]uint64 // of members only
	told   map[ring.ID]bool   // who has been told mine
}

func newAgreement(tell func(ring.ID, uint64)) *agreement {
	a := &agreement{
		tell: tell, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		theirs: map[ring.ID]uint64{}, told: map[ring.ID]bool{},
	}
	a.wg.Go(a.work)
	return a
}

// tellAgain is how often a member is told that does not know, or does not agree.
const tellAgain = 200 * time.Millisecond

func (a *agreement) work() {
	tick := time.NewTicker(tellAgain)
	defer tick.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-a.wake:
		case <-tick.C:
		}
		whom, digest := a.untold()
		for _, id := range whom {
			a.tell(id, digest)
		}
	}
}

// untold are the members that may be reached, and are not known to agree.
func (a *agreement) untold() (whom []ring.ID, digest uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.others() {
		if !a.told[id] || a.theirs[id] != a.mine {
			whom = append(whom, id)
		}
	}
	return whom, a.mine
}

// others ranges over the members that are not down, but for this one.
func (a *agreement) others() func(func(ring.ID) bool) {
	return func(yield func(ring.ID) bool) {
		if a.view == nil {
			return
		}
		for _, m := range a.view.Members {
			if m.ID != a.view.Self && m.Health != membership.Down && !yield(m.ID) {
				return
			}
		}
	}
}

// changed takes the next view.
func (a *agreement) changed(v *membership.View) {
	a.mu.Lock()
	digest := digestOf(v)
	if a.view == nil || digest != a.mine {
		clear(a.told)
	}
	a.view, a.mine = v, digest
	for id := range a.theirs {
		if v.Index(id) < 0 {
			delete(a.theirs, id)
		}
	}
	a.mu.Unlock()
	a.rouse()
}

// heard notes the digest of another member's view. told is the one of this node that
// it has answered, 0 if it spoke by itself.
func (a *agreement) heard(from ring.ID, digest, told uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.view == nil || a.view.Index(from) < 0 {
		return
	}
	a.theirs[from] = digest
	if told == a.mine {
		a.told[from] = true
	}
}

// reached notes that a member answers: if it does not know this node's view yet, it
// is told now.
func (a *agreement) reached(id ring.ID) {
	a.mu.Lock()
	told := a.told[id]
	a.mu.Unlock()
	if !told {
		a.rouse()
	}
}

func (a *agreement) rouse() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// digest is that of this node's view.
func (a *agreement) digest() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mine
}

// agreed says whether all members that are not down have this node's view.
func (a *agreement) agreed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.others() {
		if a.theirs[id] != a.mine {
			return false
		}
	}
	return true
}

// await waits until these members have the view of this node, until the deadline at
// the latest, and only while newer is false.
func (a *agreement) await(whom []ring.ID, deadline time.Time, newer func() bool) {
	tick := time.NewTicker(handoverTick)
	defer tick.Stop()
	for !a.have(whom) && !newer() && time.Now().Before(deadline) {
		select {
		case <-a.stop:
			return
		case <-tick.C:
		}
	}
}

// have says whether these members have this node's view.
func (a *agreement) have(whom []ring.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range whom {
		if a.theirs[id] != a.mine {
			return false
		}
	}
	return true
}

func (a *agreement) close() {
	close(a.stop)
	a.wg.Wait()
}

// digestOf is equal for views that send clients to the same places. It is never 0.
func digestOf(v *membership.View) uint64 {
	h := fnv.New64a()
	var b [8]byte
	number := func(n int) {
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	h.Write(v.Cluster[:])
	for _, r := range v.Ranges {
		m := &v.Members[r.Member]
		number(int(r.From))
		number(int(r.To))
		h.Write(m.ID[:])
		number(m.Port)
		number(m.TLSPort)
		number(len(m.Host))
		h.Write([]byte(m.Host))
	}
	return max(h.Sum64(), 1)
}
