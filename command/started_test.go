package command

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// startSlowNode is a node over an engine that does nothing at once.
func startSlowNode(t testing.TB, prepare ...func(*Server)) (*node, *slowEngine) {
	return startNodeOver(t, newSlowEngine(), prepare...)
}

// startOrderedNode is one whose engine keeps writes in order, too.
func startOrderedNode(t testing.TB) (*node, *slowEngine) {
	e := newSlowEngine()
	e.ordered = true
	return startNodeOver(t, e)
}

func startNodeOver(t testing.TB, e *slowEngine, prepare ...func(*Server)) (*node, *slowEngine) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store := replica.Open(replica.Options{Engine: e, Actor: 1, Log: log,
		Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() })})
	n := &node{t: t, srv: New(Options{Store: store, Log: log,
		Settings: Settings{MaxBulk: 512 << 20, MaxQuery: 1 << 30, SlowlogThan: -1, RedisVersion: "7.2.4"}})}
	for _, f := range prepare {
		f(n.srv)
	}
	front, err := resp.New(n.srv, resp.Options{Loops: 2, Limits: resp.DefaultLimits(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	n.front, n.stop = front, sync.OnceFunc(front.Close)
	n.srv.Attach(front)
	t.Cleanup(func() {
		n.stop()
		n.srv.Wait()
		store.Close()
	})
	addr, err := front.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = addr.String()
	return n, e
}

// valve holds transactions on chosen keys back until they are let go.
type valve struct {
	mu   sync.Mutex // guards what follows
	of   map[string]chan struct{}
	seen []string // the first keys of the transactions that came, in order
}

func (v *valve) hold(t *engine.Txn) {
	key := string(t.Keys[0].Name)
	v.mu.Lock()
	v.seen = append(v.seen, key)
	c := v.of[key]
	v.mu.Unlock()
	if c != nil {
		<-c
	}
}

func (v *valve) came(key string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, k := range v.seen {
		if k == key {
			return true
		}
	}
	return false
}

// letGo opens the valve of a key; later transactions on it pass.
func (v *valve) letGo(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.of[key]; c != nil {
		close(c)
		delete(v.of, key)
	}
}

func newValve(t testing.TB, e *slowEngine, keys ...string) *valve {
	v := &valve{of: map[string]chan struct{}{}}
	for _, k := range keys {
		v.of[k] = make(chan struct{})
	}
	e.set(func() { e.hold = v.hold })
	t.Cleanup(func() { // lest a test that failed waits for ever
		for _, k := range keys {
			v.letGo(k)
		}
	})
	return v
}

// Reads of one client are under way together; their replies come in order.
func TestReadsOfAPipelineOverlap(t *testing.T) {
	n, e := startSlowNode(t)
	for proto, p := range map[int]*peer{2: n.dial(), 3: n.dial3()} {
		p.do("MSET a 1 b 2 c 3")
		v := newValve(t, e, "a")
		p.send("GET a", "GET b", "MGET c d", "STRLEN nosuch")
		eventually(t, "the reads behind it were carried out", func() bool { return v.came("b") && v.came("nosuch") })
		v.letGo("a")
		null := map[int]string{2: "$-1\r\n", 3: "_\r\n"}[proto]
		p.want("$1\r\n1\r\n", "$1\r\n2\r\n", "*2\r\n$1\r\n3\r\n"+null, ":0\r\n")
	}
}

// What is no read waits for the reads before it, and what is behind a write
// waits for the write.
func TestWritesKeepTheirPlace(t *testing.T) {
	n, e := startSlowNode(t)
	p := n.dial()
	p.do("MSET a 1 b 2")
	v := newValve(t, e, "a", "b")
	p.send("GET a", "SET b x", "GET b", "PING", "GET a")
	eventually(t, "the read is under way", func() bool { return v.came("a") })
	n.dial().do("PING") // others are served
	if v.came("b") {
		t.Error("a write overtook a read")
	}
	v.letGo("a")
	eventually(t, "the write is under way", func() bool { return v.came("b") })
	v.letGo("b")
	p.want("$1\r\n1\r\n", "+OK\r\n", "$1\r\nx\r\n", "+PONG\r\n", "$1\r\n1\r\n")
}

// Over an engine that keeps writes in order they are under way together, those of
// one key too; what is no write waits for them, and they for what is none.
func TestWritesOfAPipelineOverlap(t *testing.T) {
	n, e := startOrderedNode(t)
	p, before := n.dial(), e.started()
	v := newValve(t, e, "a", "r")
	p.send("SET a 1", "INCR a", "MSET b 1 c 2", "APPEND a x", "GET a", "SET d 1")
	eventually(t, "the writes are under way", func() bool { return e.started()-before == 4 })
	n.dial().do("PING")
	if got := e.started() - before; got != 4 {
		t.Errorf("%d are under way: a read has overtaken writes", got)
	}
	v.letGo("a")
	p.want("+OK\r\n", ":2\r\n", "+OK\r\n", ":2\r\n", "$2\r\n2x\r\n", "+OK\r\n")

	before = e.started()
	p.send("GET r", "SET s 1", "PING")
	eventually(t, "the read is under way", func() bool { return v.came("r") })
	n.dial().do("PING")
	if v.came("s") {
		t.Error("a write overtook a read")
	}
	v.letGo("r")
	p.want("$-1\r\n", "+OK\r\n", "+PONG\r\n")
}

// A write that fails in a pipeline is one reply among others.
func TestOverlappingWriteFails(t *testing.T) {
	n, _ := startOrderedNode(t)
	p := n.dial()
	p.send("SET a x", "INCR a", "SET b 1", "MULTI", "INCR b", "EXEC", "SET a 1", "GET a")
	p.want("+OK\r\n", "-ERR value is not an integer or out of range\r\n", "+OK\r\n", "+OK\r\n", "+QUEUED\r\n",
		"*1\r\n:2\r\n", "+OK\r\n", "$1\r\n1\r\n")
}

// What makes large values is not under way together, whatever its words are.
func TestLargeWritesDoNotOverlap(t *testing.T) {
	n, e := startOrderedNode(t)
	p, before := n.dial(), e.started()
	v := newValve(t, e, "a")
	p.send("SET s 1", "SETRANGE a 8000000 x", "SETRANGE b 8000000 x", "SET c 1")
	eventually(t, "the first is under way", func() bool { return v.came("a") })
	n.dial().do("PING")
	if got := e.started() - before; got != 2 {
		t.Errorf("%d are under way", got)
	}
	v.letGo("a")
	p.want("+OK\r\n", ":8000001\r\n", ":8000001\r\n", "+OK\r\n")
}

// Two reads of one key are not under way together: the second would be allowed
// to see less than the first.
func TestReadsOfAKeyKeepTheirOrder(t *testing.T) {
	n, e := startSlowNode(t)
	p := n.dial()
	p.do("SET a 1")
	before := e.started()
	v := newValve(t, e, "a")
	p.send("GET a", "GET a")
	eventually(t, "the first is under way", func() bool { return v.came("a") })
	n.dial().do("PING")
	if got := e.started() - before; got != 1 {
		t.Errorf("%d reads of a key are under way", got)
	}
	v.letGo("a")
	p.want("$1\r\n1\r\n", "$1\r\n1\r\n")
}

// What one client has under way is bounded.
func TestFlightsAreBounded(t *testing.T) {
	n, e := startSlowNode(t)
	p := n.dial()
	p.do("GET warm")
	p.do("GET warm") // its replies are known to be small by now
	for range 30 {
		p.do("GET warm")
	}
	gate := make(chan struct{})
	before := e.started()
	e.set(func() { e.hold = func(*engine.Txn) { <-gate } })
	const all = 3 * maxFlights
	for i := range all {
		p.send(fmt.Sprint("GET k", i))
	}
	eventually(t, "as many as may be are under way", func() bool { return e.started()-before >= maxFlights })
	n.front.Each(func(*resp.Session) bool { return true })
	if got := e.started() - before; got > maxFlights+1 {
		t.Errorf("%d are under way", got)
	}
	close(gate)
	for range all {
		p.want("$-1\r\n")
	}
}

// A client that is closed or killed while its command is under way.
func TestClientGoneWhileStarted(t *testing.T) {
	n, e := startSlowNode(t)
	other := n.dial()
	for i, end := range []func(p *peer){
		func(p *peer) { p.Close() },
		func(p *peer) { other.do("CLIENT KILL ID " + p.number()) },
	} {
		for _, command := range []string{"SET k v", "GET k", "WATCH k"} {
			p := n.dial()
			p.number()
			v := newValve(t, e, "k")
			p.send(command)
			eventually(t, "it is under way", func() bool { return v.came("k") })
			end(p)
			if i == 1 {
				eventually(t, "the client is gone", func() bool { return n.front.Connected() == 1 })
			}
			v.letGo("k")
			eventually(t, "the client is gone", func() bool { return n.front.Connected() == 1 })
		}
	}
	other.play([]exchange{{"GET k", "$1\r\nv\r\n"}})
}

// The node stops while commands are under way: they end first.
func TestStopWhileStarted(t *testing.T) {
	n, e := startSlowNode(t)
	p := n.dial()
	v := newValve(t, e, "k", "m")
	p.send("SET k v")
	p.send("PING")
	q := n.dial()
	q.do("MULTI")
	q.do("SET m v")
	q.send("EXEC")
	eventually(t, "both are under way", func() bool { return v.came("k") && v.came("m") })
	n.stop()
	waited := make(chan struct{})
	go func() {
		n.srv.Wait()
		close(waited)
	}()
	v.letGo("k")
	select {
	case <-waited:
		t.Error("Wait did not wait")
	default:
	}
	v.letGo("m")
	<-waited
}

// EXEC that has to wait: its replies, what it watched, and what belongs to its
// client.
func TestExecThatWaits(t *testing.T) {
	n, e := startSlowNode(t)
	for _, proto := range []int{2, 3} {
		p, other := n.dial(), n.dial()
		if proto == 3 {
			p.do("HELLO 3")
		}
		p.do("FLUSHALL")
		v := newValve(t, e, "a")
		p.send("MULTI", "SET a 1", "PING", "INCR a", "CLIENT SETNAME me", "DBSIZE", "KEYS *", "GET a", "EXEC", "CLIENT GETNAME")
		p.want("+OK\r\n")
		for range 7 {
			p.want("+QUEUED\r\n")
		}
		eventually(t, "it is under way", func() bool { return v.came("a") })
		other.do("PING")
		v.letGo("a")
		p.want("*7\r\n+OK\r\n+PONG\r\n:2\r\n+OK\r\n:1\r\n*1\r\n$1\r\na\r\n$1\r\n2\r\n", "$2\r\nme\r\n")

		// A watched key changes while EXEC is on its way.
		aborted := "*-1\r\n"
		if proto == 3 {
			aborted = "_\r\n"
		}
		p.do("WATCH a")
		p.do("MULTI")
		p.do("SET b 1")
		other.do("SET a 5")
		if got := p.do("EXEC"); got != aborted {
			t.Errorf("EXEC: %q", got)
		}
		p.play([]exchange{{"EXISTS b", ":0\r\n"}})
	}
}

// WATCH under way: a change that comes after its turn is noticed.
func TestWatchThatWaits(t *testing.T) {
	n, e := startSlowNode(t)
	p, other := n.dial(), n.dial()
	v := newValve(t, e, "k")
	p.send("WATCH k", "MULTI", "GET k", "EXEC")
	eventually(t, "it is under way", func() bool { return v.came("k") })
	v.letGo("k")
	p.want("+OK\r\n", "+OK\r\n", "+QUEUED\r\n", "*1\r\n$-1\r\n")
	p.do("WATCH k")
	other.do("SET k 1")
	p.send("MULTI", "GET k", "EXEC")
	p.want("+OK\r\n", "+QUEUED\r\n", "*-1\r\n")
}

// A handler that panics on the pool ends its command; nothing is changed.
func TestPanicOnThePool(t *testing.T) {
	n, _ := startSlowNode(t, func(s *Server) {
		s.table.find([]byte("append")).run = func(c *call) {
			c.set(0, []byte("half"), 0)
			panic("boom")
		}
	})
	p := n.dial()
	p.play([]exchange{
		{"SET k v", "+OK\r\n"}, {"APPEND k w", "-ERR internal error; see the server's log\r\n"}, {"GET k", "$1\r\nv\r\n"},
		{"MULTI", "+OK\r\n"}, {"APPEND k w", "+QUEUED\r\n"}, {"SET other x", "+QUEUED\r\n"},
	})
	if got := p.do("EXEC"); !strings.Contains(got, "-ERR internal error") {
		t.Errorf("EXEC: %q", got)
	}
	p.play([]exchange{{"GET k", "$1\r\nv\r\n"}})
}

// Replies wait until the engine has made good what they tell of, all those of a
// round for one answer of it, and those to clients that told nothing do not.
func TestRepliesWaitForTheEngine(t *testing.T) {
	n, e := startSlowNode(t)
	p, idle := n.dial(), n.dial()
	idle.do("PING")
	e.set(func() { e.holds = true })
	p.send("SET k v", "PING")
	eventually(t, "the engine is asked", func() bool { return e.held() > 0 })
	idle.play([]exchange{{"PING", "+PONG\r\n"}})
	if n := p.r.Buffered(); n > 0 {
		t.Errorf("%d bytes came too soon", n)
	}
	e.settle(nil)
	p.want("+OK\r\n", "+PONG\r\n")
}

// When the engine cannot make good what was written, nobody is told that it
// was; who only read is told what they read.
func TestRepliesThatMustNotBeSent(t *testing.T) {
	for _, cause := range []error{engine.ErrDiskFull, engine.ErrBroken} {
		n, e := startSlowNode(t)
		writer, reader := n.dial(), n.dial()
		reader.do("PING")
		writer.do("SET k old")
		e.set(func() { e.holds = true })
		writer.send("SET k v", "GET k", "INCR n")
		eventually(t, "the engine is asked", func() bool { return e.held() > 0 })
		reader.send("GET k")
		eventually(t, "it is asked for the reader, too", func() bool { return e.held() > 1 })
		e.settle(fmt.Errorf("%w: no luck", cause))
		got := writer.rest()
		if !strings.HasPrefix(got, "-MISCONF Errors writing to the data directory: "+cause.Error()+": no luck. Writes are refused until ") ||
			strings.Contains(got, "OK") || strings.Count(got, "\r\n") != 1 {
			t.Errorf("the writer is told %q", got)
		}
		if got := reader.read(); got != "$1\r\nv\r\n" && got != "$3\r\nold\r\n" {
			t.Errorf("the reader is told %q", got)
		}
		// Now each write is refused, and reads go on.
		e.set(func() { e.refuse = cause })
		next := n.dial()
		if got := next.do("SET k w"); !strings.HasPrefix(got, "-MISCONF Errors writing to the data directory: ") {
			t.Errorf("SET: %q", got)
		}
		next.send("MULTI", "GET k", "SET k w", "EXEC")
		next.want("+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n")
		if got := next.read(); !strings.HasPrefix(got, "-MISCONF") {
			t.Errorf("EXEC: %q", got)
		}
		if got := next.do("FLUSHALL"); !strings.HasPrefix(got, "-MISCONF") {
			t.Errorf("FLUSHALL: %q", got)
		}
		if got := next.do("GET k"); got != "$1\r\nv\r\n" {
			t.Errorf("GET: %q", got)
		}
		e.set(func() { e.refuse, e.lost = nil, nil })
		next.play([]exchange{{"SET k w", "+OK\r\n"}, {"GET k", "$1\r\nw\r\n"}})
	}
}

func TestStoreErrors(t *testing.T) {
	for err, want := range map[error]string{
		engine.ErrBroken:     "MISCONF Errors writing to the data directory: engine: broken, writes are refused. Writes are refused until the node is started again; reads go on.",
		engine.ErrCorrupt:    "ERR the value of a key is damaged on disk: engine: corrupt",
		errors.New("my day"): "ERR my day",
	} {
		if got := storeError(fmt.Errorf("%w", err)); got != want {
			t.Errorf("%v: %q", err, got)
		}
	}
}
