package command

import (
	"github.com/rldb/rldb/resp"
	"github.com/rldb/rldb/ring"
)

// clusterRows: a node that stands alone has the slots of the key space, as
// every node has, and answers what can be asked about them; the rest of CLUSTER
// it refuses as Redis does without cluster mode.
func clusterRows() []row {
	subs := append(clusterSlotRows(), clusterViewRows()...)
	subs = append(subs, clusterChangeRows()...)
	subs = append(subs, clusterRefusedRows()...)
	subs = append(subs, helpRow("5.0.0", ""))
	return []row{
		{name: "cluster", arity: -2, sub: subs, group: "cluster", since: "3.0.0",
			complexity: "Depends on the subcommand.", summary: "Answers questions about slots and nodes."},
	}
}

// clusterSlotRows are about slots.
func clusterSlotRows() []row {
	return []row{
		{name: "keyslot", arity: 3, flags: stale | anywhere, run: cmdClusterKeySlot, since: "3.0.0",
			complexity: "O(N) with N bytes of the key.", summary: "Tells in which slot a key is.", syntax: "key:string"},
		{name: "countkeysinslot", arity: 3, flags: stale, run: cmdClusterCountKeys, since: "3.0.0", complexity: "O(1)",
			summary: "Counts the keys of a slot; 0 where another node is the slot's primary.", syntax: "slot:integer"},
		{name: "getkeysinslot", arity: 4, flags: stale, run: cmdClusterGetKeys, since: "3.0.0",
			complexity: "O(N) with N keys.", summary: "Names keys of a slot, up to a number of them.",
			syntax: "slot:integer count:integer"},
	}
}

// clusterViewRows tell what this node knows of the cluster.
func clusterViewRows() []row {
	tells := func(name string, arity int, flags flag, run handler, since, summary, syntax string) row {
		return row{name: name, arity: arity, flags: stale | anywhere | flags, run: run, since: since,
			complexity: "O(N) with N members.", summary: summary, syntax: syntax}
	}
	return []row{
		{name: "myid", arity: 2, flags: stale | anywhere, run: cmdClusterMyID,
			since: "3.0.0", complexity: "O(1)", summary: "Tells this node's ID."},
		tells("myshardid", 2, ours, inCluster(cmdClusterMyID), "7.2.0", "Tells this node's ID: each node is a shard.", ""),
		tells("info", 2, 0, inCluster(cmdClusterInfo), "3.0.0", "Tells how the cluster is.", ""),
		tells("nodes", 2, 0, inCluster(cmdClusterNodes), "3.0.0", "Lists the members with their slots, a line each.", ""),
		tells("slots", 2, 0, inCluster(cmdClusterSlots), "3.0.0", "Tells which slots are where.", ""),
		tells("shards", 2, 0, inCluster(cmdClusterShards), "7.0.0", "Tells which member serves which slots.", ""),
		tells("links", 2, 0, inCluster(cmdClusterLinks), "7.0.0", "Lists the connections to other members.", ""),
		tells("replicas", 3, admin, inCluster(cmdClusterReplicas), "5.0.0", "Lists none: every member is a primary.", "node-id"),
		tells("slaves", 3, admin, inCluster(cmdClusterReplicas), "3.0.0", "Lists none: every member is a primary.", "node-id"),
		tells("count-failure-reports", 3, admin, inCluster(cmdClusterReports), "3.0.0",
			"Counts the members that say that a member does not answer them.", "node-id"),
	}
}

// clusterChangeRows change who is in the cluster. They are answered when that is done.
func clusterChangeRows() []row {
	const flags = admin | stale | noAsyncLoading | anywhere
	change := func(name string, arity int, more flag, run handler, since, summary, syntax string) row {
		return row{name: name, arity: arity, flags: flags | more, run: inCluster(run), since: since,
			complexity: "O(N) with N members.", summary: summary, syntax: syntax}
	}
	return []row{
		change("join", -3, ours, cmdClusterJoin, "7.0.0",
			"Has this node join the cluster of another.", "host-port [FORCE]"),
		change("meet", -4, 0, cmdClusterMeet, "3.0.0",
			"Has this node join the cluster of another, as JOIN does.", "ip port:integer [cluster-bus-port:integer]"),
		change("leave", -2, ours, cmdClusterLeave, "7.0.0", "Has this node leave the cluster.", "[FORCE]"),
		change("forget", 3, 0, cmdClusterForget, "3.0.0", "Removes a member that is dead.", "node-id"),
		change("greet", -2, ours, cmdClusterGreet, "7.0.0", "Is for other nodes: tells one that wants to join about this one.", "[word...]"),
		change("repair", 2, ours, cmdClusterRepair, "7.0.0",
			"Compares this node's slots with the other owners' copies, once, and answers when they are equal.", ""),
		{name: "saveconfig", arity: 2, flags: flags, run: inCluster(cmdOK), since: "3.0.0", complexity: "O(1)",
			summary: "Answers OK: what is known of members is on disk already."},
	}
}

// clusterRefusedRows would give slots to nodes by hand, or make nodes replicas.
func clusterRefusedRows() []row {
	const change = admin | stale | noAsyncLoading | anywhere
	refused := func(name string, arity int, flags flag, since, syntax string) row {
		return row{name: name, arity: arity, flags: flags | anywhere, run: inCluster(cmdClusterRefused), since: since, complexity: "O(1)",
			summary: "Is refused: the ring says who has which slots.", syntax: syntax}
	}
	return []row{
		refused("reset", -2, admin|noscript|stale, "3.0.0", "[hard-soft(HARD|SOFT)]"),
		refused("replicate", 3, change, "3.0.0", "node-id"),
		refused("failover", -2, change, "3.0.0", "[options(FORCE|TAKEOVER)]"),
		refused("addslots", -3, change, "3.0.0", "slot:integer..."),
		refused("delslots", -3, change, "3.0.0", "slot:integer..."),
		refused("addslotsrange", -4, change, "7.0.0", "range{start-slot:integer end-slot:integer}..."),
		refused("delslotsrange", -4, change, "7.0.0", "range{start-slot:integer end-slot:integer}..."),
		refused("flushslots", 2, change, "3.0.0", ""),
		refused("bumpepoch", 2, change, "3.0.0", ""),
		refused("set-config-epoch", 3, change, "3.0.0", "config-epoch:integer"),
		refused("setslot", -4, change, "3.0.0",
			"slot:integer subcommand(IMPORTING=node-id|MIGRATING=node-id|NODE=node-id|STABLE)"),
	}
}

// inCluster is a handler that answers only where the node is part of a cluster.
func inCluster(run handler) handler {
	return func(c *call) {
		if c.view == nil {
			c.fail("ERR This instance has cluster support disabled")
			return
		}
		run(c)
	}
}

func cmdClusterRefused(c *call) {
	c.fail("ERR slots are assigned by the ring; use CLUSTER MEET|FORGET")
}

func (c *call) unknownNode() { c.fail("ERR Unknown node " + excerpt(c.args[2], 128)) }

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
	n := int64(0)
	if c.slots().Has(uint16(slot)) {
		n = c.srv.store.SlotKeys(uint16(slot))
	}
	c.w.Int(n)
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
	if !c.slots().Has(uint16(slot)) {
		c.w.Array(0)
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
