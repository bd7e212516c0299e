package command

import (
	"fmt"
	"sync"
	"time"
)

// slowlog keeps the slowest commands: at most as many as slowlog-max-len says,
// each with at most slowArgs words of slowArgLen bytes, as Redis does.
type slowlog struct {
	mu      sync.Mutex  // guards what follows
	entries []slowEntry // oldest first
	nextID  int64
}

const (
	slowArgs   = 32
	slowArgLen = 128
)

type slowEntry struct {
	id   int64
	at   int64 // Unix seconds
	took time.Duration
	args []string
	addr string
	name string // the client's
}

// add remembers a command.
func (l *slowlog) add(c *call, took time.Duration, max int) {
	l.push(slowEntryOf(c), took, max)
}

// slowEntryOf copies what the slow log shows of a command.
func slowEntryOf(c *call) slowEntry {
	e := slowEntry{at: c.wall.Unix(), addr: c.s.Remote()}
	c.cl.mu.Lock()
	e.name = c.cl.name
	c.cl.mu.Unlock()
	e.args = make([]string, 0, min(len(c.args), slowArgs))
	for i, a := range c.withoutSecrets() {
		if i == slowArgs-1 && len(c.args) > slowArgs {
			e.args = append(e.args, fmt.Sprintf("... (%d more arguments)", len(c.args)-slowArgs+1))
			break
		}
		if len(a) > slowArgLen {
			e.args = append(e.args, fmt.Sprintf("%s... (%d more bytes)", a[:slowArgLen], len(a)-slowArgLen))
			continue
		}
		e.args = append(e.args, string(a))
	}
	return e
}

func (l *slowlog) push(e slowEntry, took time.Duration, max int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id, e.took = l.nextID, took
	l.nextID++
	l.entries = append(l.entries, e)
	if over := len(l.entries) - max; over > 0 {
		n := copy(l.entries, l.entries[over:])
		clear(l.entries[n:])
		l.entries = l.entries[:n]
	}
}

// latest copies the last n entries, the newest first; n < 0 means all.
func (l *slowlog) latest(n int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n > int64(len(l.entries)) {
		n = int64(len(l.entries))
	}
	out := make([]slowEntry, n)
	for i := range out {
		out[i] = l.entries[len(l.entries)-1-i]
	}
	return out
}

func (l *slowlog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowlog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

func slowlogRows() []row {
	const ask = admin | loading | stale | anywhere
	subs := []row{
		{name: "get", arity: -2, flags: ask, run: cmdSlowlogGet, since: "2.2.12", complexity: "O(N) with N entries.",
			summary: "Shows the latest slow commands; 10 unless told, -1 is all.", syntax: "[count:integer]"},
		{name: "len", arity: 2, flags: ask, run: func(c *call) { c.w.Int(int64(c.srv.slowlog.len())) }, since: "2.2.12",
			complexity: "O(1)", summary: "Counts the entries of the slow log."},
		{name: "reset", arity: 2, flags: ask, run: cmdSlowlogReset, since: "2.2.12", complexity: "O(N) with N entries.",
			summary: "Empties the slow log."},
		helpRow("6.2.0", ""),
	}
	return []row{{name: "slowlog", arity: -2, sub: subs, group: "server", since: "2.2.12",
		complexity: "Depends on the subcommand.", summary: "Shows the commands that took long."}}
}

func cmdSlowlogReset(c *call) {
	c.srv.slowlog.reset()
	c.w.OK()
}

func cmdSlowlogGet(c *call) {
	count := int64(10)
	switch len(c.args) {
	case 2:
	case 3:
		n, ok := parseInt(c.args[2])
		if !ok || n < -1 {
			c.fail("ERR count should be greater than or equal to -1")
			return
		}
		count = n
	default:
		c.subcommandError()
		return
	}
	entries := c.srv.slowlog.latest(count)
	c.w.Array(len(entries))
	for i := range entries {
		e := &entries[i]
		c.w.Array(6)
		c.w.Int(e.id)
		c.w.Int(e.at)
		c.w.Int(e.took.Microseconds())
		c.w.Array(len(e.args))
		for _, a := range e.args {
			c.w.BulkString(a)
		}
		c.w.BulkString(e.addr)
		c.w.BulkString(e.name)
	}
}
