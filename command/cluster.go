package command

import (
	"github.com/rldb/rldb/resp"
	"github.com/rldb/rldb/ring"
)

// clusterRows: a node that stands alone has the slots of the key space, as
// every node has, and answers what can be asked about them; the rest of CLUSTER
// it refuses as Redis does without cluster mode.
func clusterRows() []row {
	const change = admin | stale | noAsyncLoading | anywhere
	refused := func(name string, arity int, flags flag, since, syntax string) row {
		return row{name: name, arity: arity, flags: flags | anywhere, run: cmdNoCluster, since: since, complexity: "O(1)",
			summary: "Is refused: this node stands alone.", syntax: syntax}
	}
	subs := []row{
		{name: "keyslot", arity: 3, flags: stale | anywhere, run: cmdClusterKeySlot, since: "3.0.0",
			complexity: "O(N) with N bytes of the key.", summary: "Tells in which slot a key is.", syntax: "key:string"},
		{name: "countkeysinslot", arity: 3, flags: stale, run: cmdClusterCountKeys, since: "3.0.0", complexity: "O(1)",
			summary: "Counts the keys of a slot.", syntax: "slot:integer"},
		{name: "getkeysinslot", arity: 4, flags: stale, run: cmdClusterGetKeys, since: "3.0.0",
			complexity: "O(N) with N keys.", summary: "Names keys of a slot, up to a number of them.",
			syntax: "slot:integer count:integer"},
		{name: "myid", arity: 2, flags: stale | anywhere, run: func(c *call) { c.w.BulkString(c.srv.admin.nodeID) },
			since: "3.0.0", complexity: "O(1)", summary: "Tells this node's ID."},
		refused("info", 2, stale, "3.0.0", ""),
		refused("nodes", 2, stale, "3.0.0", ""),
		refused("slots", 2, stale, "3.0.0", ""),
		refused("shards", 2, stale, "7.0.0", ""),
		refused("links", 2, stale, "7.0.0", ""),
		refused("replicas", 3, admin|stale, "5.0.0", "node-id"),
		refused("slaves", 3, admin|stale, "3.0.0", "node-id"),
		refused("count-failure-reports", 3, admin|stale, "3.0.0", "node-id"),
		refused("reset", -2, admin|noscript|stale, "3.0.0", "[hard-soft(HARD|SOFT)]"),
		refused("meet", -4, change, "3.0.0", "ip port:integer [cluster-bus-port:integer]"),
		refused("forget", 3, change, "3.0.0", "node-id"),
		refused("replicate", 3, change, "3.0.0", "node-id"),
		refused("failover", -2, change, "3.0.0", "[options(FORCE|TAKEOVER)]"),
		refused("addslots", -3, change, "3.0.0", "slot:integer..."),
		refused("delslots", -3, change, "3.0.0", "slot:integer..."),
		refused("addslotsrange", -4, change, "7.0.0", "range{start-slot:integer end-slot:integer}..."),
		refused("delslotsrange", -4, change, "7.0.0", "range{start-slot:integer end-slot:integer}..."),
		refused("flushslots", 2, change, "3.0.0", ""),
		refused("bumpepoch", 2, change, "3.0.0", ""),
		refused("saveconfig", 2, change, "3.0.0", ""),
		refused("set-config-epoch", 3, change, "3.0.0", "config-epoch:integer"),
		refused("setslot", -4, change, "3.0.0",
			"slot:integer subcommand(IMPORTING=node-id|MIGRATING=node-id|NODE=node-id|STABLE)"),
		helpRow("5.0.0", ""),
	}
	return []row{
		{name: "cluster", arity: -2, sub: subs, group: "cluster", since: "3.0.0",
			complexity: "Depends on the subcommand.", summary: "Answers questions about slots and nodes."},
	}
}

func cmdNoCluster(c *call) { c.fail("ERR This instance has cluster support disabled") }

func cmdClusterKeySlot(c *call) { c.w.Int(int64(ring.Slot(c.args[2]))) }

func cmdClusterCountKeys(c *call) {
	slot, ok := c.intArg(2)
	if !ok {
		return
	}
	if slot < 0 || slot >= ring.Slots {
		c.fail("ERR Invalid slot")
		return
	}
	c.w.Int(c.srv.store.SlotKeys(uint16(slot)))
}

func cmdClusterGetKeys(c *call) {
	slot, ok := c.intArg(2)
	if !ok {
		return
	}
	count, ok := c.intArg(3)
	if !ok {
		return
	}
	if slot < 0 || slot >= ring.Slots || count < 0 {
		c.fail("ERR Invalid slot or number of keys")
		return
	}
	srv, now := c.srv, c.now
	c.away(min(count, srv.store.SlotKeys(uint16(slot))) <= manyKeys, func(w *resp.Writer, wait bool) error {
		var names [][]byte
		err := srv.store.ScanSlot(uint16(slot), int(min(count, 1<<30)), now, wait, func(name []byte, _ int64) {
			names = append(names, append([]byte(nil), name...))
		})
		if err != nil {
			return err
		}
		w.Array(len(names))
		for _, name := range names {
			w.Bulk(name)
		}
		return nil
	})
}
