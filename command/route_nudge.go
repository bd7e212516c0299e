package command

import (
	"sync"
	"time"
)

// The limits of nudges, see call.nudge.
const (
	nudgeFor   = 30 * time.Second // after a change
	nudgeEvery = time.Second      // for one address and slot
	nudgeAgain = 100 * time.Millisecond
	maxNudged  = 4096 // addresses and slots that are remembered for a second
)

// nudge says whether a command that this node would execute is to be answered
// MOVED to this very node instead, once, so that a client whose slot map may be
// old fetches it anew. Clients such as go-redis look at theirs but once a minute
// while nothing redirects them, and go on writing to a member that has died.
//
// Nothing was executed, so it is safe; that it costs little, and that nobody is
// told who does not know what to make of it, is what the limits are for: once a
// connection and epoch; only connections from before the change, and 30 s after it;
// only clients that follow slot maps (see followers); never in MULTI.
//
// And at most once a second for one address and slot. The client sends the command
// again at once, perhaps through another connection from before the change, and
// go-redis gives up after three redirects: for a second, which a command is retried
// in, it meets no more than one nudge. A limit by address alone would do that too, but
// then clients behind one address, each with its many connections, would wait for
// one another; by slot they do not.
//
// What stands behind that command in the same pipeline the client sent without knowing:
// if it is on the same slot it is answered alike, lest it overtake. (What it sends
// in further packets before it reads the answer may overtake. It has several commands
// under way then, and cannot know that one is done before the next is.)
func (c *call) nudge(slot uint16) bool {
	v, x := c.view, &c.cl.nudging
	since := c.wall.Sub(v.changed)
	switch {
	case c.cl.multi:
		return false
	case x.given == v.epoch+1:
		return x.trails(slot, c.s.Drained(), c.wall)
	case since > nudgeFor || !c.s.Created().Before(v.changed) || !c.srv.Settings().Nudge:
		x.settled = v.epoch + 1
		return false
	case c.wall.Before(x.patience):
		return false
	}
	host := c.cl.remoteHost()
	if !c.srv.followers.has(Follower{host, c.cl.library()}) || !c.srv.nudges.take(hostSlot{host, slot}, c.wall) {
		x.patience = c.wall.Add(nudgeAgain)
		return false
	}
	x.given, x.slot, x.drained, x.at = v.epoch+1, slot, c.s.Drained(), c.wall
	return true
}

// nudging is what is known of one client's nudges. Epochs are kept plus one.
type nudging struct {
	settled  uint64    // the epoch for which there is nothing more to do
	patience time.Time // when to look again whether a nudge is due
	given    uint64    // the epoch for which there was one:
	slot     uint16    // for a command on this slot
	drained  uint64    // the session's input was used up so often then
	at       time.Time // when that was
}

// trails says whether a command was sent before the client could know of the nudge,
// and is on the same slot. A client that sends without end is told no more after a
// second.
func (x *nudging) trails(slot uint16, drained uint64, now time.Time) bool {
	if drained == x.drained && now.Sub(x.at) < nudgeEvery {
		return slot == x.slot
	}
	x.settled = x.given
	return false
}

// nudges remembers who was nudged in the last second. Where there are too many,
// nobody is.
type nudges struct {
	mu    sync.Mutex // guards what follows
	last  map[hostSlot]time.Time
	swept time.Time // when what is over was last removed
}

func (n *nudges) take(x hostSlot, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.last[x]; ok && now.Sub(at) < nudgeEvery {
		return false
	}
	if len(n.last) >= maxNudged && now.Sub(n.swept) >= sweepEvery {
		n.swept = now
		for k, at := range n.last {
			if now.Sub(at) >= nudgeEvery {
				delete(n.last, k)
			}
		}
	}
	if len(n.last) >= maxNudged {
		return false
	}
	if n.last == nil {
		n.last = map[hostSlot]time.Time{}
	}
	n.last[x] = now
	return true
}
