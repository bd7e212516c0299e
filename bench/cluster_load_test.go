package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNode answers commands as handle does, and notes them.
type fakeNode struct {
	addr   string
	handle func(args []string) string

	mu   sync.Mutex // guards seen
	seen [][]string
}

func newFakeNode(t *testing.T, handle func(args []string) string) *fakeNode {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	n := &fakeNode{addr: l.Addr().String(), handle: handle}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go n.serve(conn)
		}
	}()
	return n
}

func (n *fakeNode) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	number := func() int {
		line, err := r.ReadString('\n')
		if err != nil {
			return -1
		}
		v, err := strconv.Atoi(strings.TrimSpace(line[1:]))
		if err != nil {
			return -1
		}
		return v
	}
	for {
		var args []string
		for range number() {
			word := make([]byte, max(0, number())+2)
			for at := range word {
				word[at], _ = r.ReadByte()
			}
			args = append(args, string(word[:len(word)-2]))
		}
		if args == nil {
			return
		}
		n.mu.Lock()
		n.seen = append(n.seen, args)
		n.mu.Unlock()
		if _, err := conn.Write([]byte(n.handle(args))); err != nil {
			return
		}
	}
}

// commands counts what the node was asked, by the first word.
func (n *fakeNode) commands() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := map[string]int{}
	for _, args := range n.seen {
		count[args[0]]++
	}
	return count
}

// slotsReply is CLUSTER SLOTS of two nodes: the first serves the slots below split.
func slotsReply(split int, addrs ...string) string {
	port := func(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }
	if split > 16383 {
		return fmt.Sprintf("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%s\r\n", port(addrs[0]))
	}
	return fmt.Sprintf("*2\r\n*3\r\n:0\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%s\r\n*3\r\n:%d\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%s\r\n",
		split-1, port(addrs[0]), split, port(addrs[1]))
}

// fakeCluster is two nodes with half the slots each, that answer what they are
// asked.
func fakeCluster(t *testing.T, answer map[string]string) []*fakeNode {
	var nodes []*fakeNode
	ready := make(chan struct{})
	for range 2 {
		nodes = append(nodes, newFakeNode(t, func(args []string) string {
			<-ready
			if args[0] == "CLUSTER" {
				return slotsReply(8192, nodes[0].addr, nodes[1].addr)
			}
			return answer[args[0]]
		}))
	}
	close(ready)
	return nodes
}

func testLoad(what string, wait waiting, depth int) *clusterLoad {
	return &clusterLoad{
		speaks: redisDialect, what: what, wait: wait, depth: depth, connections: 4,
		keys: newClusterKeys(keyspace{n: 1000, size: 3}),
	}
}

func runLoad(l *clusterLoad, nodes []*fakeNode) (float64, tally, error) {
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.addr)
	}
	return l.run(context.Background(), addrs, 5*time.Millisecond, 20*time.Millisecond)
}

func TestClusterLoad(t *testing.T) {
	fine := map[string]string{"SET": "+OK\r\n", "GET": "$3\r\nabc\r\n", "WAIT": ":1\r\n"}
	for name, c := range map[string]struct {
		what  string
		wait  waiting
		ratio map[string]int // commands of a pipeline of 4
	}{
		"SET":             {loadSet, noWait, map[string]int{"SET": 4}},
		"GET":             {loadGet, noWait, map[string]int{"GET": 4}},
		"both":            {loadBoth, noWait, map[string]int{"SET": 2, "GET": 2}},
		"WAIT each":       {loadSet, waitEach, map[string]int{"SET": 4, "WAIT": 4}},
		"WAIT last":       {loadSet, waitAtTheEnd, map[string]int{"SET": 4, "WAIT": 1}},
		"both, WAIT each": {loadBoth, waitEach, map[string]int{"SET": 2, "GET": 2, "WAIT": 2}},
		"GET has no WAIT": {loadGet, waitAtTheEnd, map[string]int{"GET": 4}},
	} {
		nodes := fakeCluster(t, fine)
		rate, all, err := runLoad(testLoad(c.what, c.wait, 4), nodes)
		if err != nil || rate <= 0 || all.refused+all.missing+all.alone+all.unseen > 0 {
			t.Errorf("%s: %g, %+v, %v", name, rate, all, err)
			continue
		}
		var done int
		for _, n := range nodes {
			got := n.commands()
			delete(got, "CLUSTER")
			pipelines := max(got["SET"]/max(1, c.ratio["SET"]), got["GET"]/max(1, c.ratio["GET"]))
			if pipelines == 0 || len(got) != len(c.ratio) {
				t.Errorf("%s: a node was asked %v", name, got)
			}
			for command, times := range c.ratio {
				if got[command] != times*pipelines {
					t.Errorf("%s: a node was asked %v, want %v for each pipeline", name, got, c.ratio)
				}
			}
			done += got["SET"] + got["GET"]
		}
		if int64(done) != all.done {
			t.Errorf("%s: %d were asked, %d counted", name, done, all.done)
		}
	}
}

func TestClusterLoadKeys(t *testing.T) {
	nodes := fakeCluster(t, map[string]string{"SET": "+OK\r\n"})
	if _, _, err := runLoad(testLoad(loadSet, noWait, 4), nodes); err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		for _, args := range n.seen {
			if args[0] == "SET" && (len(args) != 3 || slotOf([]byte(args[1]))/8192 != i || len(args[2]) != 3) {
				t.Fatalf("node %d was asked %q", i, args)
			}
		}
	}
}

func TestClusterLoadFails(t *testing.T) {
	for name, c := range map[string]struct {
		what  string
		wait  waiting
		set   string
		get   string
		wait1 string
		want  string
	}{
		"SET is odd":            {what: loadSet, set: ":1\r\n", want: "answered"},
		"no reply":              {what: loadSet, set: "x\r\n", want: "no reply"},
		"GET is odd":            {what: loadGet, get: "$1\r\na\r\n", want: "answered"},
		"WAIT is odd":           {what: loadSet, wait: waitEach, set: "+OK\r\n", wait1: "+OK\r\n", want: "answered"},
		"all refused":           {what: loadSet, set: "-OOM no\r\n", want: "nothing was done"},
		"WAIT never saw a copy": {what: loadSet, wait: waitEach, set: "+OK\r\n", wait1: ":0\r\n", want: "nothing was done"},
	} {
		nodes := fakeCluster(t, map[string]string{"SET": c.set, "GET": c.get, "WAIT": c.wait1})
		_, _, err := runLoad(testLoad(c.what, c.wait, 2), nodes)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestClusterLoadEndsWithItsContext(t *testing.T) {
	nodes := fakeCluster(t, nil) // never answers
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, _, err := testLoad(loadSet, noWait, 1).run(ctx, []string{nodes[0].addr, nodes[1].addr}, time.Hour, time.Hour)
	if err == nil {
		t.Error("it ended well")
	}
}

// TestClusterLoadFollows: a slot that went to another node is asked there.
func TestClusterLoadFollows(t *testing.T) {
	var nodes []*fakeNode
	var mu sync.Mutex // guards split
	split := 8192
	ready := make(chan struct{})
	for i := range 2 {
		nodes = append(nodes, newFakeNode(t, func(args []string) string {
			<-ready
			mu.Lock()
			defer mu.Unlock()
			switch {
			case args[0] == "CLUSTER":
				return slotsReply(split, nodes[0].addr, nodes[1].addr)
			case (slotOf([]byte(args[1])) >= split) != (i == 1):
				return "-MOVED 1 elsewhere\r\n"
			}
			return "+OK\r\n"
		}))
	}
	close(ready)
	load := testLoad(loadSet, noWait, 1)
	all, err := load.open([]string{nodes[0].addr, nodes[1].addr}, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLoaders(all)
	mu.Lock()
	split = 4096
	mu.Unlock()
	w := all[0] // of the first node, which has lost half its slots
	for range 1000 {
		if err := w.round(); err != nil {
			t.Fatal(err)
		}
	}
	if w.tally.refused != 1 || w.tally.done != 999 {
		t.Errorf("of 1000 SETs %d were done and %d refused, want 1", w.tally.done, w.tally.refused)
	}
	mu.Lock()
	split = 0
	mu.Unlock()
	if err := w.look(); err == nil {
		t.Error("a node that serves nothing is asked on")
	}
}

func TestClusterKeys(t *testing.T) {
	nodes := fakeCluster(t, map[string]string{"SET": "+OK\r\n"})
	addrs := []string{nodes[0].addr, nodes[1].addr}
	keys := newClusterKeys(keyspace{n: 1000, size: 3})
	m, err := redisDialect.mapFrom(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	both := slices.Concat(keys.of(addrs[0], m), keys.of(addrs[1], m))
	slices.Sort(both)
	if len(both) != 1000 || len(slices.Compact(both)) != 1000 || len(keys.of("elsewhere", m)) != 0 {
		t.Errorf("the nodes serve %d keys of 1000", len(both))
	}
	for name, d := range map[string]dialect{"mapped": redisDialect, "any node": {set: []string{"SET"}}} {
		for _, n := range nodes {
			n.mu.Lock()
			n.seen = nil
			n.mu.Unlock()
		}
		if err := keys.load(context.Background(), d, addrs); err != nil {
			t.Fatal(err)
		}
		set := map[string]bool{}
		for i, n := range nodes {
			for _, args := range n.seen {
				if args[0] != "SET" {
					continue
				}
				if set[args[1]] = true; d.mapped && slotOf([]byte(args[1]))/8192 != i {
					t.Errorf("%s was set at node %d", args[1], i)
				}
			}
		}
		if len(set) != 1000 {
			t.Errorf("%s: %d keys were set of 1000", name, len(set))
		}
	}
	refusing := fakeCluster(t, map[string]string{"SET": "-OOM no\r\n"})
	if err := keys.load(context.Background(), redisDialect, []string{refusing[0].addr, refusing[1].addr}); err == nil {
		t.Error("keys that were refused count as loaded")
	}
}
