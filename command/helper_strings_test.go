package command

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// stringsMap is an engine that is just enough for the string commands. Like a
// real one, it overwrites a value without allocating.
type stringsMap struct {
	mu      sync.Mutex // guards what follows
	entries map[string]*engine.Entry
	spare   []byte
}

func (m *stringsMap) Prefetch([]engine.Key) {}

func (m *stringsMap) Try(t *engine.Txn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Prepare()
	for i := range t.Keys {
		if e := m.entries[string(t.Keys[i].Name)]; e != nil {
			t.Old[i] = *e
		}
		if t.Mode == engine.Blind {
			t.Old[i].Value = nil
		}
	}
	t.Step.Decide(t)
	for i := range t.Keys {
		m.apply(t.Keys[i].Name, &t.New[i])
	}
	return true
}

func (m *stringsMap) apply(name []byte, c *engine.Change) {
	switch c.Action {
	case engine.Put:
		e := m.entries[string(name)]
		if e == nil {
			e = &engine.Entry{Found: true}
			m.entries[string(name)] = e
		}
		// The body may be part of the old value.
		m.spare = append(append(m.spare[:0], c.Head...), c.Body...)
		e.Meta, e.Value, m.spare = c.Meta, m.spare, e.Value
	case engine.Delete:
		delete(m.entries, string(name))
	}
}

func (m *stringsMap) Start(*engine.Txn)                      { panic("Try does everything") }
func (m *stringsMap) TryScan(*engine.Scan) bool              { return true }
func (m *stringsMap) StartScan(*engine.Scan)                 { panic("TryScan does everything") }
func (m *stringsMap) Await(_ engine.Position, f func(error)) { f(nil) }
func (m *stringsMap) Flush() error                           { return nil }
func (m *stringsMap) Len(uint16) int64                       { return 0 }
func (m *stringsMap) Drop(uint16) error                      { return nil }
func (m *stringsMap) Stats() engine.Stats                    { return engine.Stats{} }
func (m *stringsMap) UsedBytes() int64                       { return 0 }
func (m *stringsMap) Sync() error                            { return nil }
func (m *stringsMap) Close() error                           { return nil }

// stringsNode runs commands without a network. Its clock stands still.
type stringsNode struct {
	srv *Server
	wk  *worker
	cl  *client
	now time.Time
	w   *resp.Writer
}

const stringsNow = 1_700_000_000_000 // Unix ms

func newStringsNode(t testing.TB) *stringsNode {
	wall := func() int64 { return stringsNow }
	store := replica.Open(replica.Options{
		Engine: &stringsMap{entries: map[string]*engine.Entry{}},
		Clock:  record.NewClock(wall), Actor: 1, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { store.Close() })
	srv := New(Options{Store: store, Settings: Settings{MaxBulk: 512 << 20}, Log: slog.New(slog.DiscardHandler)})
	return &stringsNode{srv: srv, wk: newWorker(srv), cl: &client{}, now: time.UnixMilli(stringsNow),
		w: resp.NewWriter(2, nil)}
}

// proto switches to RESP 2 or 3.
func (n *stringsNode) proto(v int) { n.w = resp.NewWriter(v, nil) }

// do runs a command and returns its reply.
func (n *stringsNode) do(words ...string) string {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	reply := string(n.run(args))
	for _, a := range args { // as the race detector's builds do
		for i := range a {
			a[i] = '!'
		}
	}
	return reply
}

// run runs a command; the reply is valid until the next one.
func (n *stringsNode) run(args [][]byte) []byte {
	n.w.Truncate(0)
	c := &n.wk.call
	*c = call{w: n.w, args: args, cl: n.cl, wk: n.wk, srv: n.srv, wall: n.now, keys: c.keys[:0], pos: c.pos[:0]}
	r, known := n.srv.table.lookup(args)
	if r == nil || !known || !r.arityOK(len(args)) {
		n.wk.malformed(c, r, known)
		return n.w.Bytes()
	}
	c.row = r
	if n.wk.claim(c); c.txn.Len() == 0 {
		r.run(c)
	} else {
		n.srv.store.Do(c.txn)
		n.wk.ended(c, 0)
	}
	return n.w.Bytes()
}

// expiry is when a key expires, Unix ms; 0: never, -1: there is no such key.
func (n *stringsNode) expiry(key string) (at int64) {
	step := stringsPeek{&at}
	var t replica.Txn
	t.Reset(n.srv.store, replica.Read, stringsNow, step)
	t.Key([]byte(key))
	n.srv.store.Do(&t)
	return at
}

type stringsPeek struct{ at *int64 }

func (p stringsPeek) Decide(t *replica.Txn) {
	*p.at = -1
	if t.Exists(0) {
		*p.at = t.ExpireAt(0)
	}
}
func (p stringsPeek) Done(*replica.Txn) {}

// stringsStep is a command, its words parted by single spaces (” is an empty one),
// and the reply to it as stringsWire reads it.
type stringsStep struct{ cmd, want string }

// playStrings runs steps in RESP2, then in RESP3 on a new node.
func playStrings(t *testing.T, steps []stringsStep) {
	t.Helper()
	for proto := 2; proto <= 3; proto++ {
		n := newStringsNode(t)
		n.proto(proto)
		n.play(t, steps)
	}
}

func (n *stringsNode) play(t *testing.T, steps []stringsStep) {
	t.Helper()
	for _, s := range steps {
		words := strings.Split(s.cmd, " ")
		for i := range words {
			if words[i] == "''" {
				words[i] = ""
			}
		}
		if got, want := n.do(words...), stringsWire(s.want, n.w.Proto()); got != want {
			t.Errorf("RESP%d: %s: got %q, want %q", n.w.Proto(), s.cmd, got, want)
		}
	}
}

// stringsWire is a reply's bytes. Its lines are parted by spaces, but for errors and
// statuses, which are one line. Where RESP3 has another reply than RESP2, it
// follows a bar; a null need not be written twice.
func stringsWire(reply string, proto int) string {
	two, three, differs := strings.Cut(reply, "|")
	reply = two
	if proto == 3 {
		reply = strings.ReplaceAll(two, "$-1", "_")
		if differs {
			reply = three
		}
	}
	if reply[0] != '-' && reply[0] != '+' {
		reply = strings.ReplaceAll(reply, " ", "\r\n")
	}
	return reply + "\r\n"
}

// stringsBulk is a string as a reply.
func stringsBulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }
