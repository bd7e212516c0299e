package command

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func monitorRows() []row {
	return []row{
		{name: "monitor", arity: 1, flags: admin | noscript | loading | stale | anywhere, run: cmdMonitor,
			group: "server", since: "1.0.0", summary: "Shows every command that the server executes, from now on."},
	}
}

// monitors are the clients that watch all commands.
type monitors struct {
	n   atomic.Int32 // len(all)
	mu  sync.RWMutex // guards what follows
	all map[*client]struct{}
}

// any says whether somebody watches.
func (m *monitors) any() bool { return m.n.Load() > 0 }

func (m *monitors) add(cl *client) {
	cl.monitor = true
	cl.mark(markMonitor, true)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[*client]struct{}{}
	}
	m.all[cl] = struct{}{}
	m.n.Store(int32(len(m.all)))
}

func (m *monitors) remove(cl *client) {
	if !cl.monitor {
		return
	}
	cl.monitor = false
	cl.mark(markMonitor, false)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, cl)
	m.n.Store(int32(len(m.all)))
}

// feed shows a command that was executed to those who watch. What a monitor
// does not read is bounded as messages are, by Session.Push.
func (m *monitors) feed(c *call) {
	if c.row.any(skipMonitor | admin) {
		return
	}
	line := monitorLine(c, time.Now())
	m.mu.RLock()
	defer m.mu.RUnlock()
	for cl := range m.all {
		cl.s.Push(line, c.s)
	}
}

// maxMonitorLine bounds a line. A monitor that is behind by that much is closed
// anyway, by default. A word may take four times its length.
const maxMonitorLine = 32 << 20

// monitorLine is a command as MONITOR shows it: when, by whom, and its words as
// one would write them in C.
func monitorLine(c *call, now time.Time) []byte {
	from := c.s.Remote()
	if c.s.Unix() {
		from = "unix:" + strings.TrimSuffix(c.s.Local(), ":0")
	}
	line := fmt.Appendf(make([]byte, 0, 128), "+%d.%06d [0 %s]", now.Unix(), now.Nanosecond()/1000, from)
	for _, word := range c.withoutSecrets() {
		if line = append(line, ' '); len(line)+len(word) > maxMonitorLine {
			return append(line, "...\r\n"...)
		}
		line = appendQuoted(line, word)
	}
	return append(line, "\r\n"...)
}

// appendQuoted appends a word in quotes, with escapes for all but printable
// ASCII.
func appendQuoted(to, word []byte) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	for _, ch := range word {
		switch ch {
		case '\\', '"':
			to = append(to, '\\', ch)
		case '\n':
			to = append(to, `\n`...)
		case '\r':
			to = append(to, `\r`...)
		case '\t':
			to = append(to, `\t`...)
		case '\a':
			to = append(to, `\a`...)
		case '\b':
			to = append(to, `\b`...)
		default:
			if ch >= ' ' && ch <= '~' {
				to = append(to, ch)
			} else {
				to = append(to, '\\', 'x', hex[ch>>4], hex[ch&15])
			}
		}
	}
	return append(to, '"')
}

// cmdMonitor is answered also where the client is a monitor already: Redis
// leaves that one without a reply, and the client waiting for it.
func cmdMonitor(c *call) {
	if c.inExec {
		c.fail("ERR MONITOR isn't allowed for DENY BLOCKING client")
		return
	}
	if !c.cl.monitor {
		c.srv.monitors.add(c.cl)
		c.s.SetPubSub(true)
	}
	c.w.OK()
}
