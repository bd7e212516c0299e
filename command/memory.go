package command

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// usedMemory is what maxmemory is held against: what the data takes, and the
// clients' buffers. It reads two counters, since it is asked before every
// write.
func (s *Server) usedMemory() int64 { return s.store.UsedBytes() + s.front.ClientMemory() }

// outOfMemory says whether maxmemory is exceeded, with so many bytes more than the
// store knows of.
func (s *Server) outOfMemory(more int64) bool {
	limit := s.Settings().MaxMemory
	return limit > 0 && s.usedMemory()+more > limit
}

// memoryFigures are what INFO and MEMORY tell of memory, in bytes.
type memoryFigures struct {
	used    int64 // usedMemory, of which
	dataset int64 // … keys and values
	clients int64 // … clients' buffers
	peak    int64 // the most that used has been seen to be
	rss     int64 // of the whole process
	system  int64 // of the machine; 0: unknown

	// Go's own heap, outside of which the memory engine keeps its data: what is
	// in objects, what is set aside for objects, and all that the runtime holds.
	heapLive, heapUsed, mapped int64

	engine engine.Stats
}

func (s *Server) memory() memoryFigures {
	m := memoryFigures{engine: s.store.Stats(), clients: s.front.ClientMemory(), rss: residentBytes(), system: systemBytes()}
	m.used = m.engine.UsedBytes + m.clients
	m.dataset = min(m.engine.LiveBytes, m.used)
	m.peak = s.admin.rates.seen(m.used)
	figures := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(figures)
	m.heapLive = int64(figures[0].Value.Uint64())
	m.heapUsed = m.heapLive + int64(figures[1].Value.Uint64())
	m.mapped = int64(figures[2].Value.Uint64())
	return m
}

// What an entry takes besides its key and value: its meta and the record's
// head, and its share of what the engine takes beyond its entries. That share
// is known as an average only, and not a fair one while there are few keys and
// the engine's first pages are mostly empty: hence the bound.
const maxExcess = 64

func excessOf(st engine.Stats) int64 {
	if st.Keys == 0 {
		return 0
	}
	return max(0, min((st.UsedBytes-st.LiveBytes)/st.Keys, maxExcess))
}

func memoryRows() []row {
	subs := []row{
		{name: "usage", arity: -3, flags: readonly, first: 2, last: 2, step: 1, access: "RO", run: cmdMemoryUsage, since: "4.0.0",
			complexity: "O(1)", summary: "Tells how many bytes of memory a key takes, with its value and what is kept beside.",
			syntax: "key [SAMPLES=count:integer]"},
		{name: "stats", arity: 2, run: cmdMemoryStats, since: "4.0.0", complexity: "O(1)", summary: "Tells what memory is used for."},
		{name: "doctor", arity: 2, run: cmdMemoryDoctor, since: "4.0.0", complexity: "O(1)",
			summary: "Says for people what is unusual about the use of memory."},
		{name: "purge", arity: 2, flags: anywhere, run: cmdMemoryPurge, since: "4.0.0", complexity: "O(N) with N bytes of heap.",
			summary: "Gives memory that is not used back to the system."},
		{name: "malloc-stats", arity: 2, flags: anywhere, run: cmdMemoryMallocStats, since: "4.0.0", complexity: "O(1)",
			summary: "Shows the figures of Go's allocator."},
		helpRow("4.0.0", ""),
	}
	return []row{{name: "memory", arity: -2, sub: subs, group: "server", since: "4.0.0",
		complexity: "Depends on the subcommand.", summary: "Tells what memory is used for."}}
}

func cmdMemoryUsage(c *call) {
	for i := 3; i < len(c.args); i += 2 {
		if !c.is(i, "SAMPLES") || i+1 == len(c.args) {
			c.fail(errSyntax)
			return
		}
		n, ok := c.intArg(i + 1)
		if !ok {
			return
		}
		if n < 0 {
			c.fail(errSyntax)
			return
		}
	}
	value, ok := c.get(0)
	if !ok {
		c.w.Null()
		return
	}
	const fixed = len(engine.Meta{}) + record.MaxHead
	c.w.Int(int64(len(c.args[2])+len(value)+fixed) + c.srv.admin.rates.excess.Load())
}

func cmdMemoryStats(c *call) {
	m := c.srv.memory()
	w := c.w
	keys := c.srv.store.Keys()
	number := func(name string, n int64) {
		w.BulkString(name)
		w.Int(n)
	}
	ratio := func(name string, f float64) {
		w.BulkString(name)
		w.Double(f)
	}
	fields := 20
	if keys > 0 {
		fields++
	}
	w.Map(fields)
	number("peak.allocated", m.peak)
	number("total.allocated", m.used)
	number("startup.allocated", 0)
	number("replication.backlog", 0)
	number("clients.slaves", 0)
	number("clients.normal", m.clients)
	number("cluster.links", 0)
	number("aof.buffer", 0)
	number("lua.caches", 0)
	number("functions.caches", 0)
	if keys > 0 {
		w.BulkString("db.0")
		w.Map(3)
		number("overhead.hashtable.main", max(0, m.engine.UsedBytes-m.engine.LiveBytes))
		number("overhead.hashtable.expires", 0)
		number("overhead.hashtable.slot-to-keys", 0)
	}
	number("overhead.total", m.used-m.dataset)
	number("keys.count", keys)
	number("keys.bytes-per-key", m.engine.UsedBytes/max(keys, 1))
	number("dataset.bytes", m.dataset)
	ratio("dataset.percentage", 100*float64(m.dataset)/float64(max(m.used, 1)))
	ratio("peak.percentage", 100*float64(m.used)/float64(max(m.peak, 1)))
	number("allocator.allocated", m.heapLive)
	number("allocator.active", m.heapUsed)
	number("allocator.resident", m.mapped)
	ratio("fragmentation", float64(m.rss)/float64(max(m.used, 1)))
}

func cmdMemoryDoctor(c *call) {
	m, limit := c.srv.memory(), c.srv.Settings().MaxMemory
	var text string
	if limit > 0 && m.used > limit/10*9 {
		text += fmt.Sprintf("* %s of maxmemory's %s are used: writes are refused at the limit.\n", humanBytes(m.used), humanBytes(limit))
	}
	if m.clients > m.used/2 && m.clients > 64<<20 {
		text += fmt.Sprintf("* Clients' buffers take %s, more than the data: CLIENT LIST shows whose (qbuf, omem).\n", humanBytes(m.clients))
	}
	if free := m.engine.UsedBytes - m.engine.LiveBytes; free > m.engine.LiveBytes && free > 64<<20 {
		text += fmt.Sprintf("* The engine holds %s beyond the %s of its entries: many were deleted, or became smaller.\n",
			humanBytes(free), humanBytes(m.engine.LiveBytes))
	}
	if m.system > 0 && m.rss > m.system/10*9 {
		text += fmt.Sprintf("* The process takes %s of the machine's %s: it may be killed.\n", humanBytes(m.rss), humanBytes(m.system))
	}
	if text == "" {
		text = "Nothing is unusual about the use of memory.\n"
	}
	c.w.Verbatim("txt", text)
}

// cmdMemoryPurge collects garbage first, which takes time: it is done aside,
// once at a time.
func cmdMemoryPurge(c *call) {
	if busy := &c.srv.admin.purging; !busy.Swap(true) {
		go func() {
			defer busy.Store(false)
			debug.FreeOSMemory()
		}()
	}
	c.w.OK()
}

func cmdMemoryMallocStats(c *call) {
	var text string
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindUint64 || len(d.Name) < 8 || d.Name[:8] != "/memory/" && d.Name[:4] != "/gc/" {
			continue
		}
		figure := []metrics.Sample{{Name: d.Name}}
		metrics.Read(figure)
		text += fmt.Sprintf("%s %d\n", d.Name, figure[0].Value.Uint64())
	}
	c.w.Verbatim("txt", text)
}
