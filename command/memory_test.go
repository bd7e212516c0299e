package command

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"memory", arityReply("memory"), ""},
		{"memory foo", "-ERR unknown subcommand 'foo'. Try MEMORY HELP.\r\n", ""},
		{"memory usage", arityReply("memory|usage"), ""},
		{"memory usage nosuch", "$-1\r\n", "_\r\n"},
		{"memory usage nosuch samples 0", "$-1\r\n", "_\r\n"},
		{"memory usage nosuch samples -1", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch samples abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"memory usage nosuch samples", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch foo 1", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch samples 1 SAMPLES 2", "$-1\r\n", "_\r\n"},
		{"memory purge", "+OK\r\n", ""},
		{"memory purge", "+OK\r\n", ""},
		{"memory doctor", "$44\r\nNothing is unusual about the use of memory.\n\r\n", "=48\r\ntxt:Nothing is unusual about the use of memory.\n\r\n"},
	})
}

// TestMemoryUsage: what a key takes grows with its bytes, and beside them it is
// what the engine really takes on average.
func TestMemoryUsage(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	usage := func(key string) int {
		v, err := strconv.Atoi(strings.Trim(c.do("memory", "usage", key), ":\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c.do("set", "a", "")
	c.do("set", "abc", strings.Repeat("v", 1000))
	if small, large := usage("a"), usage("abc"); large-small != 1002 || small < 20 || small > 150 {
		t.Errorf("a key of 1 byte takes %d, one of 3 with 1000 more takes %d", small, large)
	}
	for i := range 3000 {
		c.send("set", fmt.Sprintf("key:%08d", i), "0123456789abcdef")
	}
	for range 3000 {
		if _, err := c.read(); err != nil {
			t.Fatal(err)
		}
	}
	n.srv.admin.observe(n.srv, time.Now().Add(time.Hour))
	if got, real := usage("key:00000000"), int(n.store.UsedBytes()/3002); got < real-40 || got > real+40 {
		t.Errorf("MEMORY USAGE says %d bytes, a key takes %d on average", got, real)
	}
}

func TestMemoryStats(t *testing.T) {
	n := startAdminNode(t)
	for _, proto := range []int{2, 3} {
		c := n.dial(proto)
		announced := map[int][2]string{2: {"*40\r\n", "*42\r\n"}, 3: {"%20\r\n", "%21\r\n"}}[proto]
		c.do("eval", luaPlainRelease, "1", "k", "v")
		if got := c.do("memory", "stats"); !strings.HasPrefix(got, announced[0]+"$14\r\npeak.allocated\r\n:") {
			t.Errorf("RESP%d MEMORY STATS: %q", proto, got)
		}
		c.do("set", "k", "v")
		got := c.do("memory", "stats")
		if !strings.HasPrefix(got, announced[1]) || !strings.Contains(got, "\r\nkeys.count\r\n:1\r\n") || !strings.Contains(got, "\r\ndb.0\r\n") {
			t.Errorf("RESP%d MEMORY STATS of a key: %q", proto, got)
		}
	}
	c := n.dial(2)
	if got := c.text("memory", "malloc-stats"); !strings.Contains(got, "/memory/classes/total:bytes ") {
		t.Errorf("MEMORY MALLOC-STATS: %q", got)
	}
}

func TestMemoryDoctor(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	c.do("set", "k", strings.Repeat("v", 1<<16))
	set := *n.srv.Settings()
	set.MaxMemory = 1 << 10
	n.srv.SetSettings(set)
	if got := c.text("memory", "doctor"); !strings.Contains(got, "of maxmemory's 1.00K are used") {
		t.Errorf("MEMORY DOCTOR above maxmemory: %q", got)
	}
}
