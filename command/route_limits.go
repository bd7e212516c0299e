package command

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"time"
)

// remoteHost is the address that a client comes from, without its port.
func (cl *client) remoteHost() string {
	if cl.s.Unix() {
		return "unix"
	}
	host, _, err := net.SplitHostPort(cl.s.Remote())
	if err != nil {
		return cl.s.Remote()
	}
	return host
}

// sweepEvery is how often a full table is looked through for what is over.
const sweepEvery = 100 * time.Millisecond

// hostSlot is a slot as clients at one address ask for it.
type hostSlot struct {
	host string
	slot uint16
}

// The limits of redirects. While members do not agree, two of them may send a
// client to one another. Most libraries give up after 3 to 16 redirects, redis-cli
// follows for ever. Where members agree that cannot be, whatever clients do: so then
// there is only a limit that no honest client comes near.
const (
	bounceFor    = time.Second // where bounces has no other
	bounceDoubt  = 16          // times that clients may come back within it, while members may not agree
	bounceAlways = 1000        // redirects of one address for one slot within it
	bounceKnown  = 8           // connections that are recognised
	maxBounced   = 4096        // addresses and slots that are counted
)

// bounces counts redirects by address and slot. What counts is that a client comes
// back: on a connection that was redirected for the slot already, or on one that was
// opened since. That fifty connections, or a pipeline, are sent away together is no
// such thing. Where there are too many addresses and slots, those that come late
// are not counted.
type bounces struct {
	window time.Duration // how long is counted; set before the first client comes

	mu    sync.Mutex // guards what follows
	of    map[hostSlot]*bounce
	swept time.Time // when what is over was last removed
}

// bounce is what one address was told about one slot since a time.
type bounce struct {
	since time.Time
	told  int     // redirects, those of one batch of a connection counted once
	back  int     // of those, to clients that came back
	known []int64 // the first connections
	last  int64   // the connection that was told last,
	batch time.Time
}

// bounced notes that a client is to be redirected for a slot, and says whether it
// had better not be: it is to wait, and try again.
func (c *call) bounced(slot uint16) bool {
	limit := bounceAlways
	if !c.srv.cluster.Agreed() {
		limit = bounceDoubt
	}
	return c.srv.bounces.note(hostSlot{c.cl.remoteHost(), slot}, c.s.ID(), c.s.Created(), c.wk.began, c.wall, limit)
}

func (b *bounces) note(x hostSlot, conn int64, opened, batch, now time.Time, limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.of[x]
	if e == nil || now.Sub(e.since) >= b.span() {
		if e = b.room(x, now); e == nil {
			return false
		}
		e.since = now
	}
	if e.told > 0 && e.last == conn && e.batch.Equal(batch) {
		return e.over(limit)
	}
	again := slices.Contains(e.known, conn)
	if again || e.told > 0 && opened.After(e.since) {
		e.back++
	}
	e.told++
	e.last, e.batch = conn, batch
	if !again && len(e.known) < bounceKnown {
		e.known = append(e.known, conn)
	}
	return e.over(limit)
}

func (e *bounce) over(limit int) bool { return e.back > limit || e.told > bounceAlways }

// span is how long is counted.
func (b *bounces) span() time.Duration { return cmp.Or(b.window, bounceFor) }

// room is a fresh entry, nil if there is no place for one.
func (b *bounces) room(x hostSlot, now time.Time) *bounce {
	if b.of == nil {
		b.of = map[hostSlot]*bounce{}
	}
	if len(b.of) >= maxBounced && now.Sub(b.swept) >= sweepEvery {
		b.swept = now
		for k, e := range b.of {
			if now.Sub(e.since) >= b.span() {
				delete(b.of, k)
			}
		}
	}
	if _, there := b.of[x]; !there && len(b.of) >= maxBounced {
		return nil
	}
	e := new(bounce)
	b.of[x] = e
	return e
}
