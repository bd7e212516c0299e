package command

import (
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/resp"
)

// The rows of the commands that look after the server.
func serverRows() []row {
	var all []row
	for _, group := range [][]row{
		commandRows(), configRows(), infoRows(), nodeRows(), replicationRows(),
		slowlogRows(), latencyRows(), memoryRows(), moduleRows(), aclRows(), debugRows(),
	} {
		all = append(all, group...)
	}
	return all
}

// adminState is what the commands of this group remember between calls.
type adminState struct {
	rates   rates
	scripts scriptCache

	saves   saves
	purging atomic.Bool // MEMORY PURGE is at work
	replID  string      // what INFO calls master_replid
	nodeID  string      // CLUSTER MYID

	// since is where the totals stood that INFO counts from: at the start, and
	// after CONFIG RESETSTAT.
	since atomic.Pointer[totals]
}

// totals are sums that other parts of the node keep and nobody can set back.
type totals struct {
	front   resp.Counters
	expired int64
}

func (a *adminState) init(started time.Time) {
	a.saves.last.Store(started.Unix())
	a.saves.took.Store(-1)
	a.replID, a.nodeID = randomID(), randomID()
	a.since.Store(new(totals))
}

// totals are what the sums have grown to since the last CONFIG RESETSTAT.
func (s *Server) totals() totals {
	now, since := s.grandTotals(), s.admin.since.Load()
	now.front.Accepted -= since.front.Accepted
	now.front.Rejected -= since.front.Rejected
	now.front.In -= since.front.In
	now.front.Out -= since.front.Out
	now.expired -= since.expired
	return now
}

func (s *Server) grandTotals() totals {
	return totals{front: s.front.Counters(), expired: s.store.Counters().Expired}
}

// resetStats has every figure that INFO counts begin anew.
func (s *Server) resetStats() {
	now := s.grandTotals()
	s.admin.since.Store(&now)
	s.stats.reset()
	s.admin.rates.reset()
}

// helpRow is the HELP of a command that has subcommands. cats is for those
// whose group gives no category.
func helpRow(since, cats string) row {
	return row{name: "help", arity: 2, flags: loading | stale | anywhere, run: cmdHelpOfParent,
		since: since, complexity: "O(1)", summary: "Lists the subcommands.", cats: cats}
}

// cmdHelpOfParent lists what the parent's table has, so that it cannot be out
// of date.
func cmdHelpOfParent(c *call) {
	rows := c.row.parent.table.rows
	lines := make([]string, 0, 2*len(rows)+2)
	for _, r := range rows {
		if r == c.row {
			continue
		}
		line := upper(r.name)
		if args, err := parseSyntax(r.syntax); err == nil && len(args) > 0 {
			line += " " + usage(args)
		}
		lines = append(lines, line, "    "+r.summary)
	}
	writeHelp(c, c.row.parent.name, append(lines, "HELP", "    Prints this list."))
}

// writeHelp replies a help text: Redis's first line, then ours.
func writeHelp(c *call, name string, lines []string) {
	c.w.Array(len(lines) + 1)
	c.w.Status(upper(name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		c.w.Status(line)
	}
}
