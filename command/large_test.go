package command

import (
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// gateEngine is the memory engine, of which started transactions wait at a gate.
type gateEngine struct {
	engine.Engine
	gate    chan struct{} // closed: open
	came    chan struct{} // told of each that is started
	running sync.WaitGroup
}

func (e *gateEngine) Start(t *engine.Txn) {
	e.running.Go(func() {
		e.came <- struct{}{}
		<-e.gate
		e.Engine.Start(t)
	})
}

func (e *gateEngine) Close() error {
	e.running.Wait()
	return e.Engine.Close()
}

// startGateNode is a node with one connection loop over such an engine.
func startGateNode(t *testing.T, change ...func(*Settings)) (addr string, e *gateEngine) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	e = &gateEngine{Engine: memory.New(), gate: make(chan struct{}), came: make(chan struct{}, 1000)}
	store := replica.Open(replica.Options{Engine: e, Actor: 1, Log: log,
		Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() })})
	set := Settings{MaxBulk: 512 << 20, MaxQuery: 1 << 30, SlowlogThan: -1, RedisVersion: "7.2.4"}
	for _, f := range change {
		f(&set)
	}
	srv := New(Options{Store: store, Log: log, Settings: set})
	front, err := resp.New(srv, resp.Options{Loops: 1, Limits: resp.DefaultLimits(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	srv.Attach(front)
	t.Cleanup(func() {
		front.Close()
		srv.Wait()
		store.Close()
	})
	at, err := front.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	return at.String(), e
}

// TestLoopServesOthersMeanwhile: while a large value is stored, the loop serves
// other clients, and other keys.
func TestLoopServesOthersMeanwhile(t *testing.T) {
	addr, e := startGateNode(t)
	open := sync.OnceFunc(func() { close(e.gate) })
	defer open()
	c, other := dialGeneric(t, addr), dialGeneric(t, addr)
	value := strings.Repeat("0123456789abcdef", engine.Large/16)
	c.send("SET", "large", value)
	c.send("SET", "large", "small")
	c.send("GET", "large")
	<-e.came
	for i := range 10 {
		key := "key" + strconv.Itoa(i)
		if got := other.do("PING") + other.do("SET", key, "v") + other.do("GET", key); got != `+PONG+OK"v"` {
			t.Fatal(got)
		}
	}
	open()
	if got := c.read() + c.read() + c.read(); got != `+OK+OK"small"` {
		t.Errorf("the client that waited gets %.100q", got)
	}
}

// TestLargeClientGone: a client that leaves while its value is stored leaves
// nothing behind.
func TestLargeClientGone(t *testing.T) {
	addr, e := startGateNode(t)
	c, other := dialGeneric(t, addr), dialGeneric(t, addr)
	c.send("SET", "large", strings.Repeat("x", engine.Large))
	<-e.came
	if got := other.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); got != ":1" {
		t.Fatal(got)
	}
	close(e.gate)
	for want := ":" + strconv.Itoa(engine.Large); ; {
		if other.do("STRLEN", "large") == want {
			return
		}
	}
}

// TestLargeCommands: what is started because of its size does what it always does.
func TestLargeCommands(t *testing.T) {
	n := startNode(t)
	c := dialGeneric(t, n.addr)
	v := strings.Repeat("0123456789abcdef", engine.Large/16+1)
	q, size := strconv.Quote, strconv.Itoa(len(v))
	for i, s := range []struct {
		words []string
		want  string
	}{
		{[]string{"SET", "{t}a", v}, "+OK"},
		{[]string{"GET", "{t}a"}, q(v)},
		{[]string{"STRLEN", "{t}a"}, ":" + size},
		{[]string{"SET", "{t}a", v, "NX"}, "nil"},
		{[]string{"SET", "{t}a", v + "x", "GET"}, q(v)},
		{[]string{"GETRANGE", "{t}a", "-2", "-1"}, q("fx")},
		{[]string{"APPEND", "{t}a", v}, fmt.Sprint(":", 2*len(v)+1)},
		{[]string{"GET", "{t}a"}, q(v + "x" + v)},
		{[]string{"SETRANGE", "{t}a", "1", "--"}, fmt.Sprint(":", 2*len(v)+1)},
		{[]string{"GETRANGE", "{t}a", "0", "4"}, q("0--34")},
		{[]string{"SETRANGE", "{t}far", "9000000", "end"}, ":9000003"},
		{[]string{"GETRANGE", "{t}far", "8999999", "-1"}, q("\x00end")},
		{[]string{"SETBIT", "{t}bit", "80000000", "1"}, ":0"},
		{[]string{"BITCOUNT", "{t}bit"}, ":1"},
		{[]string{"BITFIELD", "{t}field", "SET", "u8", "#8000000", "7"}, "[:0]"},
		{[]string{"STRLEN", "{t}field"}, ":8000001"},
		{[]string{"MSET", "{t}m1", v, "{t}m2", "small"}, "+OK"},
		{[]string{"MGET", "{t}m1", "{t}none", "{t}m2"}, "[" + q(v) + " nil " + q("small") + "]"},
		{[]string{"RENAME", "{t}m1", "{t}m3"}, "+OK"},
		{[]string{"COPY", "{t}m3", "{t}m4"}, ":1"},
		{[]string{"EXPIRE", "{t}m4", "100"}, ":1"},
		{[]string{"GETDEL", "{t}m4"}, q(v)},
		{[]string{"EXISTS", "{t}m1", "{t}m3", "{t}m4"}, ":1"},
		{[]string{"MULTI"}, "+OK"},
		{[]string{"SET", "{t}t", v}, "+QUEUED"},
		{[]string{"PING"}, "+QUEUED"},
		{[]string{"STRLEN", "{t}t"}, "+QUEUED"},
		{[]string{"EXEC"}, "[+OK +PONG :" + size + "]"},
		{[]string{"SET", "{t}a", "small again"}, "+OK"},
		{[]string{"GET", "{t}a"}, q("small again")},
		{[]string{"DEL", "{t}t", "{t}m3", "{t}far", "{t}bit", "{t}field", "{t}m2", "{t}a"}, ":7"},
		{[]string{"DBSIZE"}, ":0"},
	} {
		if got := c.do(s.words...); got != s.want {
			t.Fatalf("%d: %.60q: %.100q, want %.100q", i, s.words, got, s.want)
		}
	}
}

// TestLargePipeline: a large command stands among others of one write, whose
// order is kept, as DUMP and RESTORE keep the value.
func TestLargePipeline(t *testing.T) {
	n := startNode(t)
	for _, c := range []*peer{n.dial(), n.dialTLS()} {
		v := strings.Repeat("v", engine.Large)
		c.send("SET k before", "GET k", "SET k "+v, "APPEND k !", "GETRANGE k -2 -1", "DUMP k", "SET k after", "GET k")
		want := []string{"+OK\r\n", "$6\r\nbefore\r\n", "+OK\r\n", fmt.Sprintf(":%d\r\n", len(v)+1), "$2\r\nv!\r\n"}
		for _, w := range want {
			if got := c.read(); got != w {
				t.Fatalf("%.100q, want %.100q", got, w)
			}
		}
		dump := c.read()
		if got := c.read() + c.read(); got != "+OK\r\n$5\r\nafter\r\n" {
			t.Fatalf("%.100q", got)
		}
		_, body, _ := strings.Cut(dump, "\r\n")
		c.send("RESTORE k 0 " + strconv.Quote(strings.TrimSuffix(body, "\r\n")) + " REPLACE")
		if got := c.read() + c.do("GET k"); got != fmt.Sprintf("+OK\r\n$%d\r\n%s!\r\n", len(v)+1, v) {
			t.Fatalf("what was restored is not what was dumped: %.100q", got)
		}
	}
}

// TestMaxmemoryAway: commands that make large values are asked again for memory once
// their turn comes, since many may have found that there is some before the first
// takes it. What is exceeded is so by those at work together.
func TestMaxmemoryAway(t *testing.T) {
	const limit, size, clients, together = 20 << 20, 8 << 20, 16, 4
	for _, multi := range []bool{false, true} {
		addr, e := startGateNode(t, func(s *Settings) { s.MaxMemory = limit })
		open := sync.OnceFunc(func() { close(e.gate) })
		defer open()
		all := make([]*genericConn, clients)
		for i := range all {
			all[i] = dialGeneric(t, addr)
			if multi {
				all[i].do("MULTI")
				all[i].do("SETRANGE", fmt.Sprint("k", i), strconv.Itoa(size-1), "x")
				all[i].send("EXEC")
			} else {
				all[i].send("SETRANGE", fmt.Sprint("k", i), strconv.Itoa(size-1), "x")
			}
			<-e.came
		}
		open()
		stored := 0
		for _, c := range all {
			switch got := strings.Trim(c.read(), "[]"); got {
			case fmt.Sprint(":", size):
				stored++
			case "-" + errOOM:
			default:
				t.Errorf("a reply is %.100q", got)
			}
		}
		if stored < limit/size || stored > limit/size+1+together {
			t.Errorf("MULTI %v: %d values of %d bytes were stored with a limit of %d", multi, stored, size, limit)
		}
		if got, want := all[0].do("DBSIZE"), fmt.Sprint(":", stored); got != want {
			t.Errorf("MULTI %v: DBSIZE is %s, want %s", multi, got, want)
		}
	}
}

// TestMaxmemoryInExec: what a transaction's commands have made so far counts for
// those behind them.
func TestMaxmemoryInExec(t *testing.T) {
	notByCoordinator(t, "a transaction must fit into a frame between nodes, and its keys into a slot")
	const limit, size, all = 20 << 20, 8 << 20, 8
	n := startNode(t, func(s *Settings, _ *resp.Limits) { s.MaxMemory = limit })
	c := dialGeneric(t, n.addr)
	c.do("MULTI")
	for i := range all {
		c.do("SETRANGE", fmt.Sprint("k", i), strconv.Itoa(size-1), "x")
	}
	c.do("GET", "none")
	stored := fmt.Sprint(":", size, " ")
	if got, want := c.do("EXEC"), "["+strings.Repeat(stored, 3)+strings.Repeat("-"+errOOM+" ", all-3)+"nil]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := c.do("DBSIZE"); got != ":3" {
		t.Errorf("DBSIZE is %s", got)
	}
}

// TestStartedKeepsNoValues: what is kept of started commands for the next ones does
// not keep the values that they have made.
func TestStartedKeepsNoValues(t *testing.T) {
	addr, e := startGateNode(t)
	const clients, size = 12, 8 << 20
	before := heap()
	all := make([]*genericConn, clients)
	for i := range all { // together, so that as many are kept
		all[i] = dialGeneric(t, addr)
		all[i].send("SETRANGE", fmt.Sprint("k", i), strconv.Itoa(size-1), "x")
		<-e.came
	}
	close(e.gate)
	for _, c := range all {
		if got := c.read(); got != fmt.Sprint(":", size) {
			t.Fatal(got)
		}
	}
	if got := all[0].do("FLUSHALL"); got != "+OK" { // with the race detector, data is in the heap
		t.Fatal(got)
	}
	eventually(t, "the values' memory is free", func() bool { return heap() < before+clients*size/2 })
}

// heap is how many bytes are in use once all garbage is collected.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
