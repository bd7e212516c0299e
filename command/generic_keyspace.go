package command

import (
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/resp"
)

// keyspaceRows are the commands on all keys together.
func keyspaceRows() []row {
	const flushes = "O(N) with N keys."
	return []row{
		{name: "keys", arity: 2, flags: readonly, run: cmdKeys,
			since: "1.0.0", complexity: "O(N) with N keys.", syntax: "pattern:pattern", cats: "keyspace dangerous",
			summary: "Lists the keys that match a pattern. It looks at every key: SCAN does so in small steps."},
		{name: "scan", arity: -2, flags: readonly, run: cmdScan,
			since: "2.8.0", complexity: "O(1) for each step, O(N) with N keys for all of them.",
			syntax:  "cursor:integer [MATCH=pattern:pattern] [COUNT=count:integer] [TYPE=type]",
			summary: "Lists keys step by step: each reply gives the cursor for the next step, 0 at the end."},
		{name: "randomkey", arity: 1, flags: readonly, run: cmdRandomKey,
			since: "1.0.0", complexity: "O(1)",
			summary: "Gives a key drawn by chance."},
		{name: "dbsize", arity: 1, flags: readonly | fast, run: cmdDBSize, group: "server",
			since: "1.0.0", complexity: "O(1)",
			summary: "Counts the keys, those included that have expired and were not removed yet."},
		{name: "flushall", arity: -1, flags: write, run: cmdFlush, group: "server", cats: "keyspace dangerous",
			since: "1.0.0", complexity: flushes, syntax: "[async(ASYNC|SYNC)]",
			summary: "Removes every key, and answers when that is done."},
		{name: "flushdb", arity: -1, flags: write, run: cmdFlush, group: "server", cats: "keyspace dangerous",
			since: "1.0.0", complexity: flushes, syntax: "[async(ASYNC|SYNC)]",
			summary: "Removes every key, as FLUSHALL does: there is one database."},
		{name: "swapdb", arity: 3, flags: write | fast | anywhere, run: cmdSwapDB, group: "server", cats: "keyspace dangerous",
			since: "4.0.0", complexity: "O(1)", syntax: "index1:integer index2:integer",
			summary: "Changes nothing: the one database, 0, can only be swapped with itself."},
		{name: "select", arity: 2, flags: loading | stale | fast | anywhere, run: cmdSelect, group: "connection", cats: "connection",
			since: "1.0.0", complexity: "O(1)", syntax: "index:integer",
			summary: "Chooses the connection's database; there is one, 0."},
	}
}

func cmdRandomKey(c *call) {
	store, slots, now := c.srv.store, c.slots(), c.now
	c.away(true, func(w *resp.Writer, wait bool) error {
		name, ok, err := store.Random(slots, now, wait)
		switch {
		case err != nil:
			return err
		case ok:
			w.Bulk(name)
		default:
			w.Null()
		}
		return nil
	})
}

func cmdDBSize(c *call) { c.w.Int(c.srv.store.KeysIn(c.slots())) }

// cmdFlush empties the store, or in a cluster, on all nodes, the slots whose primary this
// one is. Keys that other clients write meanwhile may stay.
func cmdFlush(c *call) {
	if len(c.args) > 2 || len(c.args) == 2 && !c.is(1, "ASYNC") && !c.is(1, "SYNC") {
		c.fail(errSyntax)
		return
	}
	store, slots, wk, cl := c.srv.store, c.slots(), c.wk, c.cl
	if copies := c.srv.copies; copies != nil {
		c.away(false, func(w *resp.Writer, _ bool) error {
			n, err := copies.Clear(slots)
			store.Changed(n)
			if err != nil {
				return err
			}
			w.OK()
			return nil
		})
		return
	}
	var upTo engine.Position
	c.away(!c.srv.large(), func(w *resp.Writer, wait bool) error {
		pos, err := store.Clear(slots, wait)
		upTo = max(upTo, pos) // what it did before it had to wait counts, too
		switch {
		case err != nil:
			return err
		case wait:
			err = store.Commit(upTo)
		default:
			wk.told(cl, upTo, true)
		}
		if err == nil {
			w.OK()
		}
		return err
	})
}
