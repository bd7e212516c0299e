package command

import (
	"fmt"
	"strconv"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

const (
	errCrossSlot = "CROSSSLOT Keys in request don't hash to the same slot"
	errUnserved  = "CLUSTERDOWN Hash slot not served"
)

// route says, in a cluster, why a command is not to be executed by this node, or
// "": an error, or where else to ask. The view that decides it is the call's: what
// the command does afterwards it does by the same one.
//
// What it costs a command on one key: the key is hashed here instead of in the
// store, and its slot is looked up in a table.
func (c *call) route() string {
	r := c.row
	switch {
	case r.oneKey():
		if c.key.Name == nil {
			c.key = replica.KeyOf(c.args[r.first])
		}
		return c.routeSlot(c.key.Slot)
	case r.first != 0 || r.keys != nil: // channels of shards, too
		slot, n, same := c.slotOf(r, c.args, 0, 0)
		switch {
		case !same:
			return errCrossSlot
		case n > 0:
			return c.routeSlot(slot)
		}
	case r.has(queueless) && r.full == "exec" && c.cl.multi && !c.cl.doomed:
		if where := c.routeExec(); where != "" {
			// As in Redis, the transaction is over.
			c.cl.dropQueue()
			c.cl.dropWatches()
			c.ended = true
			return where
		}
	}
	return ""
}

// slotOf is the slot of the keys of a command, of which n were met before, all in
// one slot; same is false if these are in another. Words that cannot be
// understood name no keys: their handler says what is wrong.
func (c *call) slotOf(r *row, args [][]byte, slot uint16, n int) (_ uint16, _ int, same bool) {
	pos, ok := r.keyPositions(args, c.pos[:0])
	c.pos = pos[:0]
	if !ok {
		return slot, n, true
	}
	for _, p := range pos {
		s := ring.Slot(args[p])
		if n > 0 && s != slot {
			return slot, n, false
		}
		slot = s
		n++
	}
	return slot, n, true
}

// routeExec looks at all that a transaction has queued, and at what it watches: a
// view may have come since.
func (c *call) routeExec() string {
	var slot uint16
	n, same := 0, true
	for i := range c.cl.queue {
		if q := &c.cl.queue[i]; q.row.first != 0 || q.row.keys != nil {
			if slot, n, same = c.slotOf(q.row, q.args, slot, n); !same {
				return errCrossSlot
			}
		}
	}
	for i := range c.cl.watched {
		if s := ring.Slot(c.cl.watched[i].name); !c.view.serves(s) {
			return c.elsewhere(s)
		}
	}
	if n > 0 && !c.view.serves(slot) {
		return c.elsewhere(slot)
	}
	return ""
}

// routeSlot is route for a command on one slot. An owner that is not the one advertised
// serves, too. A client that comes to it with an old map is nudged all the same, away: it
// is to go where the others go.
//
// Who listens to a shard channel, and who speaks on it, must meet: so that is done in
// one place.
func (c *call) routeSlot(slot uint16) string {
	if !c.view.serves(slot) || c.row.access == notKey && !c.view.advertised(slot) {
		return c.elsewhere(slot)
	}
	if c.cl.nudging.settled != c.view.epoch+1 {
		if to := c.view.primaryOf(slot); to != nil && c.nudge(slot) {
			return moved(slot, to, c.s.TLS())
		}
	}
	return ""
}

// elsewhere tells who serves a slot that this node does not.
func (c *call) elsewhere(slot uint16) string {
	m := c.view.primaryOf(slot)
	switch {
	case m == nil:
		return errUnserved
	case c.bounced(slot):
		return fmt.Sprintf("CLUSTERDOWN The members do not agree yet on who serves slot %d", slot)
	}
	return moved(slot, m, c.s.TLS())
}

func moved(slot uint16, to *Member, tls bool) string {
	return "MOVED " + strconv.Itoa(int(slot)) + " " + to.address(tls)
}
