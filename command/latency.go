package command

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// latency is LATENCY's history of slow events: of each event the last
// latencyKept seconds in which it was slow.
type latency struct {
	mu     sync.Mutex // guards what follows
	events map[string]*spikes
}

// The events: commands that cost little whatever they are given, and others.
const (
	eventFast    = "fast-command"
	eventCommand = "command"
	latencyKept  = 160
)

// spikes are one event's slow seconds, the oldest first.
type spikes struct {
	list  []spike
	worst int64
}

// spike is the worst of one second.
type spike struct {
	at int64 // Unix seconds
	ms int64
}

func (l *latency) add(c *call, took time.Duration) { l.note(eventOf(c.row), c.wall.Unix(), took) }

func eventOf(r *row) string {
	if r.has(fast) {
		return eventFast
	}
	return eventCommand
}

func (l *latency) note(event string, at int64, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]*spikes{}
	}
	s := l.events[event]
	if s == nil {
		s = new(spikes)
		l.events[event] = s
	}
	ms := took.Milliseconds()
	s.worst = max(s.worst, ms)
	if n := len(s.list); n > 0 && s.list[n-1].at == at {
		s.list[n-1].ms = max(s.list[n-1].ms, ms)
		return
	}
	if len(s.list) == latencyKept {
		s.list = s.list[:copy(s.list, s.list[1:])]
	}
	s.list = append(s.list, spike{at, ms})
}

// namedSpikes is a copy of an event's history.
type namedSpikes struct {
	event string
	spikes
}

// all copies the histories, by name.
func (l *latency) all() []namedSpikes {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []namedSpikes
	for _, event := range []string{eventCommand, eventFast} {
		if s := l.events[event]; s != nil {
			out = append(out, namedSpikes{event, spikes{slices.Clone(s.list), s.worst}})
		}
	}
	return out
}

// of copies one event's history, which may be empty.
func (l *latency) of(event []byte) spikes {
	for _, s := range l.all() {
		if s.event == string(event) {
			return s.spikes
		}
	}
	return spikes{}
}

// forget drops the named histories, all if none is named, and counts them.
func (l *latency) forget(events [][]byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.events)
	if len(events) == 0 {
		l.events = nil
		return n
	}
	for _, e := range events {
		delete(l.events, string(e))
	}
	return n - len(l.events)
}

func latencyRows() []row {
	const ask = admin | noscript | loading | stale | anywhere
	subs := []row{
		{name: "latest", arity: 2, flags: ask, run: cmdLatencyLatest, since: "2.8.13", complexity: "O(1)",
			summary: "Shows for each kind of event when it was last slow, and how slow it has been."},
		{name: "history", arity: 3, flags: ask, run: cmdLatencyHistory, since: "2.8.13", complexity: "O(1)",
			summary: "Shows when an event was slow, and how slow.", syntax: "event"},
		{name: "reset", arity: -2, flags: ask, run: cmdLatencyReset, since: "2.8.13", complexity: "O(1)",
			summary: "Forgets the history of events, of all if none is named.", syntax: "[event...]"},
		{name: "graph", arity: 3, flags: ask, run: cmdLatencyGraph, since: "2.8.13", complexity: "O(1)",
			summary: "Draws an event's history.", syntax: "event"},
		{name: "doctor", arity: 2, flags: ask, run: cmdLatencyDoctor, since: "2.8.13", complexity: "O(1)",
			summary: "Sums up what was slow, for people."},
		{name: "histogram", arity: -2, flags: ask, run: cmdLatencyHistogram, since: "7.0.0",
			complexity: "O(N) with N commands.", summary: "Shows how the durations of commands are spread.", syntax: "[command...]"},
		helpRow("2.8.13", ""),
	}
	return []row{{name: "latency", arity: -2, sub: subs, group: "server", since: "2.8.13",
		complexity: "Depends on the subcommand.", summary: "Shows how long commands take."}}
}

func cmdLatencyLatest(c *call) {
	all := c.srv.latency.all()
	c.w.Array(len(all))
	for _, s := range all {
		last := s.list[len(s.list)-1]
		c.w.Array(4)
		c.w.BulkString(s.event)
		c.w.Int(last.at)
		c.w.Int(last.ms)
		c.w.Int(s.worst)
	}
}

func cmdLatencyHistory(c *call) {
	list := c.srv.latency.of(c.args[2]).list
	c.w.Array(len(list))
	for _, x := range list {
		c.w.Array(2)
		c.w.Int(x.at)
		c.w.Int(x.ms)
	}
}

func cmdLatencyReset(c *call) { c.w.Int(int64(c.srv.latency.forget(c.args[2:]))) }

// cmdLatencyGraph draws a bar for each second, the latest last.
func cmdLatencyGraph(c *call) {
	s := c.srv.latency.of(c.args[2])
	if len(s.list) == 0 {
		c.fail("ERR No samples available for event '" + excerpt(c.args[2], 128) + "'")
		return
	}
	low, high := s.list[0].ms, s.list[0].ms
	for _, x := range s.list {
		low, high = min(low, x.ms), max(high, x.ms)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", c.args[2], high, low, s.worst)
	now := c.wall.Unix()
	for _, x := range s.list {
		bar := strings.Repeat("#", max(1, int(50*x.ms/max(high, 1))))
		fmt.Fprintf(&b, "%10s ago %-50s %d ms\n", time.Duration(max(0, now-x.at))*time.Second, bar, x.ms)
	}
	c.w.Verbatim("txt", b.String())
}

func cmdLatencyDoctor(c *call) {
	set := c.srv.Settings()
	if set.LatencyThreshold <= 0 {
		c.w.Verbatim("txt", "Nothing is being watched: latency-monitor-threshold is 0. CONFIG SET it to the "+
			"number of milliseconds from which on a command is slow.\n")
		return
	}
	all := c.srv.latency.all()
	if len(all) == 0 {
		c.w.Verbatim("txt", fmt.Sprintf("No command has taken %s or longer.\n", set.LatencyThreshold))
		return
	}
	var b strings.Builder
	for _, s := range all {
		var sum int64
		for _, x := range s.list {
			sum += x.ms
		}
		fmt.Fprintf(&b, "%s: slow in %d of the seconds that are remembered, %d ms on average, %d ms at worst.\n",
			s.event, len(s.list), sum/int64(len(s.list)), s.worst)
	}
	b.WriteString("\nSLOWLOG GET shows the commands. Long ones are commands on many keys or large values; where even " +
		"fast-command is slow, the machine is busy: look at its load, its swap space and its other programs.\n")
	if set.SlowlogThan < 0 || set.SlowlogThan > set.LatencyThreshold {
		fmt.Fprintf(&b, "The slow log leaves some of them out: CONFIG SET slowlog-log-slower-than %d has it take all.\n",
			set.LatencyThreshold.Microseconds())
	}
	c.w.Verbatim("txt", b.String())
}

// cmdLatencyHistogram replies the durations in steps that double, from one
// 1024 ns long, as Redis has them; only those into which something fell.
func cmdLatencyHistogram(c *call) {
	var rows []*row
	if len(c.args) == 2 {
		c.srv.table.eachRow(func(r *row) { rows = append(rows, r) })
	}
	for _, name := range c.args[2:] {
		if r := c.srv.table.byFullName(name); r != nil {
			rows = append(rows, r)
			if r.table != nil {
				rows = append(rows, r.table.rows...)
			}
		}
	}
	found := c.srv.stats.histograms(rows)
	c.w.Map(len(found))
	for i := range found {
		c.w.BulkString(found[i].row.full)
		writeHistogram(c, &found[i].hist)
	}
}

func writeHistogram(c *call, h *histogram) {
	type step struct{ usec, count int64 }
	var steps []step
	var seen int64
	for width := int64(1024); seen < h.count && width < 1<<37; width *= 2 {
		if n := h.upTo(time.Duration(width - 1)); n > seen {
			seen = n
			steps = append(steps, step{width / 1000, n})
		}
	}
	if seen < h.count {
		steps = append(steps, step{1 << 37 / 1000, h.count})
	}
	c.w.Map(2)
	c.w.BulkString("calls")
	c.w.Int(h.count)
	c.w.BulkString("histogram_usec")
	c.w.Map(len(steps))
	for _, s := range steps {
		c.w.Int(s.usec)
		c.w.Int(s.count)
	}
}
