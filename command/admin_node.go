package command

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/resp"
)

// nodeRows are about this node's process and its copy of the data.
func nodeRows() []row {
	return []row{
		{name: "time", arity: 1, flags: loading | stale | fast | anywhere, run: cmdTime, group: "server", since: "2.6.0",
			complexity: "O(1)", summary: "Tells the server's time: Unix seconds, and microseconds."},
		{name: "lastsave", arity: 1, flags: loading | stale | fast | anywhere, run: cmdLastSave, group: "server", since: "1.0.0",
			complexity: "O(1)", summary: "Tells when the data was last made durable by a command, in Unix seconds.",
			cats: "admin dangerous"},
		{name: "save", arity: 1, flags: admin | noscript | noAsyncLoading | noMulti, run: cmdSave, group: "server",
			since: "1.0.0", complexity: "O(N) with N bytes that are not durable yet.",
			summary: "Makes everything durable that was written so far, and answers then."},
		{name: "bgsave", arity: -1, flags: admin | noscript | noAsyncLoading, run: cmdBgSave, group: "server", since: "1.0.0",
			complexity: "O(N) with N bytes that are not durable yet.",
			summary:    "Makes everything durable that was written so far.", syntax: "[SCHEDULE]"},
		{name: "bgrewriteaof", arity: 1, flags: admin | noscript | noAsyncLoading, run: cmdBgRewriteAOF, group: "server",
			since: "1.0.0", complexity: "O(1)", summary: "Starts to merge or compact the engine's files, where it has files."},
		{name: "shutdown", arity: -1, flags: admin | noscript | loading | stale | noMulti | allowBusy, run: cmdShutdown,
			group: "server", since: "1.0.0", complexity: "O(N) with N bytes that are not durable yet.",
			summary: "Makes everything durable, then ends the server.",
			syntax:  "[nosave-save(NOSAVE|SAVE)] [NOW] [FORCE] [ABORT]"},
		{name: "lolwut", arity: -1, flags: readonly | fast | anywhere, run: cmdLolwut, group: "server", since: "5.0.0",
			complexity: "O(1)", summary: "Tells the version, in good spirits.", syntax: "[VERSION=version:integer]"},
	}
}

func cmdTime(c *call) {
	now := time.Now()
	c.w.Array(2)
	c.w.BulkInt(now.Unix())
	c.w.BulkInt(int64(now.Nanosecond() / 1000))
}

func cmdLastSave(c *call) { c.w.Int(c.srv.admin.saves.last.Load()) }

// cmdSave makes everything durable. Only the client that asked waits for it.
func cmdSave(c *call) {
	srv := c.srv
	c.away(false, func(w *resp.Writer, _ bool) error {
		if err := srv.save(); err != nil {
			return err
		}
		w.OK()
		return nil
	})
}

// cmdBgSave has it done in the background. How that ended, INFO tells. While
// one is under way, which may have begun before the client's last write, another
// is to follow it.
func cmdBgSave(c *call) {
	if len(c.args) > 2 || len(c.args) == 2 && !c.is(1, "SCHEDULE") {
		c.fail(errSyntax)
		return
	}
	srv := c.srv
	v := &srv.admin.saves
	if v.wanted.Add(1) > 1 {
		c.w.Status("Background saving scheduled")
		return
	}
	srv.background.start(func() {
		for n := int64(1); n > 0; n = v.wanted.Add(-n) {
			n = v.wanted.Load()
			_ = srv.save() // what becomes of it, saves remembers
		}
	})
	c.w.Status("Background saving started")
}

// saves is what is remembered of SAVE and BGSAVE.
type saves struct {
	last   atomic.Int64 // Unix seconds of the last that went well; at first of the start
	wanted atomic.Int64 // calls of BGSAVE that are not answered for; 0: none runs
	failed atomic.Bool  // the last one did
	took   atomic.Int64 // seconds; -1: there was none
	done   atomic.Int64
	upTo   atomic.Int64 // replica.Store.Changes when the last that went well began
}

// save makes everything durable, and waits for it.
func (s *Server) save() error {
	began, changes := time.Now(), s.store.Changes()
	err := s.store.Sync()
	v := &s.admin.saves
	v.took.Store(int64(time.Since(began) / time.Second))
	v.failed.Store(err != nil)
	if err != nil {
		s.log.Error("saving failed", "err", err)
		return err
	}
	v.done.Add(1)
	v.upTo.Store(changes)
	v.last.Store(time.Now().Unix())
	return nil
}

// cmdBgRewriteAOF has the engine tidy its files up, if it has any.
func cmdBgRewriteAOF(c *call) {
	if c.srv.opt.Tidy != nil {
		c.srv.opt.Tidy()
	}
	c.w.Status("Background append only file rewriting started")
}

// cmdShutdown ends the node. Whatever the words say, what was written is made
// durable first: there is nothing to gain from leaving that out.
func cmdShutdown(c *call) {
	save, noSave, urgent, abort := false, false, false, false
	for i := 1; i < len(c.args); i++ {
		switch {
		case c.is(i, "SAVE"):
			save = true
		case c.is(i, "NOSAVE"):
			noSave = true
		case c.is(i, "NOW"), c.is(i, "FORCE"):
			urgent = true
		case c.is(i, "ABORT"):
			abort = true
		default:
			c.fail(errSyntax)
			return
		}
	}
	if save && noSave || abort && (save || noSave || urgent) {
		c.fail(errSyntax)
		return
	}
	if abort {
		c.fail("ERR No shutdown in progress.")
		return
	}
	c.srv.log.Info("shutting down: a client asked for it", "id", c.s.ID(), "addr", c.s.Remote())
	c.srv.opt.Shutdown()
	c.s.Hangup()
}

func cmdLolwut(c *call) {
	if len(c.args) > 2 && c.is(1, "VERSION") {
		version, ok := c.intArg(2)
		if !ok {
			return
		}
		// Redis has pictures for two versions, with three and two sizes.
		sizes := map[int64]int{5: 3, 6: 2}[version]
		for i := 3; i < min(len(c.args), 3+sizes); i++ {
			if _, ok := c.intArg(i); !ok {
				return
			}
		}
	}
	c.w.Verbatim("txt", "rldb "+c.srv.opt.Version+": no leader, and yet everybody gets a key.\n")
}

// replicationRows are Redis's commands for a primary and its replicas, which
// rldb has not.
func replicationRows() []row {
	follow := func(name, since string) row {
		return row{name: name, arity: 3, flags: admin | noscript | stale | noAsyncLoading, run: cmdReplicaOf, group: "server",
			since: since, complexity: "O(1)", summary: "Answers OK to NO ONE: this node follows nobody.",
			syntax: "args(host-port{host port:integer}|no-one{NO ONE})"}
	}
	refused := func(name string, arity int, flags flag, since, syntax string) row {
		return row{name: name, arity: arity, flags: flags, run: cmdNoReplication, group: "server", since: since,
			complexity: "O(1)", summary: "Is refused: nodes of rldb are not replicas of one another.", syntax: syntax}
	}
	return []row{
		follow("replicaof", "5.0.0"), follow("slaveof", "1.0.0"),
		refused("sync", 1, admin|noscript|noAsyncLoading|noMulti, "1.0.0", ""),
		refused("psync", -3, admin|noscript|noAsyncLoading|noMulti, "2.8.0", "replicationid offset:integer"),
		{name: "failover", arity: -1, flags: admin | noscript | stale, run: cmdFailover, group: "server", since: "6.2.0",
			complexity: "O(1)", summary: "Is refused: there is no primary that a replica could take over from.",
			syntax: "[TO=target{host port:integer [FORCE]}] [ABORT] [TIMEOUT=milliseconds:integer]"},
		{name: "role", arity: 1, flags: noscript | loading | stale | fast | anywhere, run: cmdRole, group: "server",
			since: "2.8.12", complexity: "O(1)", summary: "Tells that this node takes writes, and has no replicas.",
			cats: "admin dangerous"},
	}
}

const errNoReplication = "ERR rldb has no Redis replication: its nodes hold copies of each other's keys without primaries"

func cmdReplicaOf(c *call) {
	if c.is(1, "NO") && c.is(2, "ONE") {
		c.w.OK()
		return
	}
	if port, err := strconv.Atoi(string(c.args[2])); err != nil || port < 0 || port > 65535 {
		c.fail("ERR Invalid master port")
		return
	}
	c.fail(errNoReplication)
}

func cmdNoReplication(c *call) { c.fail(errNoReplication) }

func cmdFailover(c *call) {
	if len(c.args) == 2 && c.is(1, "ABORT") {
		c.fail("ERR No failover in progress.")
		return
	}
	for i := 1; i < len(c.args); i++ {
		switch {
		case c.is(i, "FORCE"), c.is(i, "ABORT"):
		case c.is(i, "TIMEOUT") && i+1 < len(c.args):
			i++
		case c.is(i, "TO") && i+2 < len(c.args):
			i += 2
		default:
			c.fail(errSyntax)
			return
		}
	}
	c.fail("ERR FAILOVER requires connected replicas.")
}

func cmdRole(c *call) {
	c.w.Array(3)
	c.w.BulkString("master")
	c.w.Int(0)
	c.w.Array(0)
}

// moduleRows: there are no modules.
func moduleRows() []row {
	const never = admin | noscript | noAsyncLoading | anywhere
	refused := func(name string, arity int, since, syntax string) row {
		return row{name: name, arity: arity, flags: never, run: cmdNoModules, since: since, complexity: "O(1)",
			summary: "Is refused: rldb loads no modules.", syntax: syntax}
	}
	subs := []row{
		{name: "list", arity: 2, flags: admin | noscript | anywhere, run: func(c *call) { c.w.Array(0) }, since: "4.0.0",
			complexity: "O(1)", summary: "Lists the modules: none."},
		refused("load", -3, "4.0.0", "path [arg...]"),
		refused("loadex", -3, "7.0.0", "path [CONFIG=config{name value}...+] [ARGS=arg...]"),
		refused("unload", 3, "4.0.0", "name"),
		helpRow("5.0.0", ""),
	}
	return []row{{name: "module", arity: -2, sub: subs, group: "server", since: "4.0.0",
		complexity: "Depends on the subcommand.", summary: "Answers questions about modules: there are none."}}
}

func cmdNoModules(c *call) { c.fail("ERR rldb loads no modules") }
