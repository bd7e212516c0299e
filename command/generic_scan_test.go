package command

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
	"pgregory.net/rapid"
)

func TestScanTables(t *testing.T) {
	const nothing = `["0" []]`
	playTable(t, []genericStep{
		{"SCAN 0", nothing},
		{"KEYS *", "[]"},
		{"RANDOMKEY", "nil"},
		{"SET key v", "+OK"},
		{"RANDOMKEY", `"key"`},
		{"KEYS *", `["key"]`},
		{"KEYS k?y", `["key"]`},
		{"KEYS K*", "[]"},
		{`KEYS ""`, "[]"},
		{"SCAN 0", `["0" ["key"]]`},
		{`SCAN ""`, `["0" ["key"]]`},
		{`SCAN "0\x00x" MATCH [k]* COUNT 9223372036854775807 TYPE String`, `["0" ["key"]]`},
		{"SCAN 0 match k* MATCH x*", nothing}, // the last one counts
		{"SCAN 0 TYPE hash", nothing},
		{`SCAN 0 TYPE ""`, nothing},
		{"SCAN 0 TYPE hash TYPE string", `["0" ["key"]]`},
		{"SCAN x FOO", "-ERR invalid cursor"},
		{`SCAN " 0"`, "-ERR invalid cursor"},
		{"SCAN 18446744073709551616", "-ERR invalid cursor"},
		{"SCAN 0 COUNT 0", "-ERR syntax error"},
		{"SCAN 0 COUNT x FOO", "-ERR value is not an integer or out of range"},
		{"SCAN 0 COUNT 9223372036854775808", "-ERR value is not an integer or out of range"},
		{"SCAN 0 COUNT", "-ERR syntax error"},
		{"SCAN 0 FOO bar", "-ERR syntax error"},
		{"SCAN 0 MATCH * TYPE", "-ERR syntax error"},
		{"SCAN", "-ERR wrong number of arguments for 'scan' command"},
		{"KEYS", "-ERR wrong number of arguments for 'keys' command"},
		{"RANDOMKEY x", "-ERR wrong number of arguments for 'randomkey' command"},
		{"DEL key", ":1"},
		// A single star matches an empty name, and so does an empty pattern.
		{`SET "" v`, "+OK"},
		{"KEYS *", `[""]`},
		{"KEYS **", "[]"},
		{`KEYS ""`, `[""]`},
		{`SCAN 0 MATCH ""`, `["0" [""]]`},
		{"SCAN 0 MATCH *", `["0" [""]]`},
		{"SCAN 0 MATCH **", nothing},
		{"FLUSHALL x", "-ERR syntax error"},
		{"FLUSHDB ASYNC SYNC", "-ERR syntax error"},
		{"DBSIZE", ":1"},
		{"FLUSHDB async", "+OK"},
		{"DBSIZE", ":0"},
		{"FLUSHALL SYNC", "+OK"},
	})
}

// The cursors that redis-server 7.0.15 takes, and those that it does not.
func TestParseCursor(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "": 0, "\x00": 0, "0\x00x": 0, "+0": 0, "-0": 0, "00": 0, "+7": 7, "007": 7,
		"18446744073709551615": 1<<64 - 1, "-18446744073709551615": 1, "-1": 1<<64 - 1,
	} {
		if got, ok := parseCursor([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{" 0", "\t0", "\v0", "0 ", "+", "-", "+ 0", "- 1", "--1", "0x10", "1.5", "1e3", "1_0", "abc", "٣",
		"18446744073709551616", "-18446744073709551616", "99999999999999999999999"} {
		if got, ok := parseCursor([]byte(text)); ok {
			t.Errorf("%q: got %d, want none", text, got)
		}
	}
}

// elements are the strings in an array as genericConn.read shows it.
func elements(t testing.TB, array string) []string {
	t.Helper()
	var out []string
	rest := strings.TrimPrefix(array, "[")
	for rest != "]" {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			t.Fatalf("%q is no array of strings: %v", array, err)
		}
		word, _ := strconv.Unquote(quoted)
		out = append(out, word)
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
	}
	return out
}

// scanOnce is one SCAN: the next cursor, and keys.
func scanOnce(t testing.TB, c *genericConn, words ...string) (next string, keys []string) {
	t.Helper()
	reply := c.do(words...)
	quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(reply, "["))
	if err != nil {
		t.Fatalf("%v is answered with %.200s", words, reply)
	}
	next, _ = strconv.Unquote(quoted)
	if n, err := strconv.ParseUint(next, 10, 64); err != nil || n >= uint64(replica.EndCursor) || replica.EndCursor > 1<<53 {
		t.Fatalf("cursor %s: %v", next, err)
	}
	return next, elements(t, strings.TrimSuffix(reply[len(quoted)+2:], "]"))
}

// TestScanGuarantee: every key that is there from an iteration's beginning to
// its end is listed, once, whatever comes and goes meanwhile; nothing is listed
// that never was there.
func TestScanGuarantee(t *testing.T) {
	n := newGenericNode(t, 2)
	c := dialGeneric(t, n.addr)
	rapid.Check(t, func(t *rapid.T) {
		c.do("FLUSHALL")
		key := rapid.Custom(func(t *rapid.T) string {
			format := rapid.SampledFrom([]string{"%d", "{one slot}%d", "{another}%d"}).Draw(t, "format")
			return fmt.Sprintf(format, rapid.IntRange(0, 400).Draw(t, "n"))
		})
		present := map[string]bool{}
		for _, k := range rapid.SliceOfN(key, 0, 200).Draw(t, "keys") {
			c.do("SET", k, "v")
			present[k] = true
		}
		throughout, ever := maps.Clone(present), maps.Clone(present)
		listed := map[string]int{}
		for cursor := ""; cursor != "0"; {
			count := strconv.Itoa(rapid.SampledFrom([]int{1, 2, 10, 1000}).Draw(t, "count"))
			var keys []string
			cursor, keys = scanOnce(c.t, c, "SCAN", cursor, "COUNT", count)
			for _, k := range keys {
				listed[k]++
			}
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				k := key.Draw(t, "changed")
				if present[k] {
					c.do("DEL", k)
					delete(present, k)
					delete(throughout, k)
				} else {
					c.do("SET", k, "v")
					present[k], ever[k] = true, true
				}
			}
		}
		for k := range throughout {
			if listed[k] != 1 {
				t.Fatalf("%q was there throughout and is listed %d times", k, listed[k])
			}
		}
		for k := range listed {
			if !ever[k] {
				t.Fatalf("%q is listed and never was there", k)
			}
		}
	})
}

// TestManyKeys: from manyKeys on, the work leaves the connection loop. Commands
// behind it still see what it did.
func TestManyKeys(t *testing.T) {
	n := newGenericNode(t, 2)
	c := dialGeneric(t, n.addr)
	const total = manyKeys + 500
	want := make([]string, total)
	for i := range want {
		want[i] = fmt.Sprintf("key %d", i)
		c.send("SET", want[i], "v")
	}
	for range want {
		c.read()
	}
	slices.Sort(want)
	sorted := func(keys []string) []string { slices.Sort(keys); return keys }

	c.send("KEYS", "*")
	c.send("KEYS", "key 77?")
	c.send("SCAN", "0", "COUNT", "1000000", "MATCH", "key*")
	c.send("GET", "key 1")
	if got := sorted(elements(t, c.read())); !slices.Equal(got, want) {
		t.Errorf("KEYS lists %d keys of %d", len(got), total)
	}
	if got := elements(t, c.read()); len(got) != 10 {
		t.Errorf("KEYS with a pattern lists %q", got)
	}
	reply := c.read()
	if got := sorted(elements(t, strings.TrimSuffix(strings.TrimPrefix(reply, `["0" `), "]"))); !slices.Equal(got, want) {
		t.Errorf("SCAN lists %d keys of %d", len(got), total)
	}
	if got := c.read(); got != `"v"` {
		t.Errorf("GET behind it: %s", got)
	}

	c.send("MULTI")
	c.send("SET", "one more", "v")
	c.send("KEYS", "one*")
	c.send("FLUSHALL")
	c.send("DBSIZE")
	c.send("SET", "key 2", "w")
	c.send("EXEC")
	for range 6 {
		c.read()
	}
	if got, want := c.read(), `[+OK ["one more"] +OK :0 +OK]`; got != want {
		t.Errorf("EXEC: got %s, want %s", got, want)
	}

	for i := range total {
		c.send("SET", fmt.Sprintf("key %d", i), "v")
	}
	c.send("FLUSHALL", "ASYNC")
	c.send("DBSIZE")
	for range total {
		c.read()
	}
	if got := c.read() + c.read(); got != "+OK:0" {
		t.Errorf("FLUSHALL and DBSIZE: %s", got)
	}
}

// TestKeysBeyondTheOutputLimit: the client is closed, and nothing else happens.
func TestKeysBeyondTheOutputLimit(t *testing.T) {
	n := newGenericNode(t, 2)
	c, other := dialGeneric(t, n.addr), dialGeneric(t, n.addr)
	for i := range 1000 {
		c.do("SET", fmt.Sprintf("key %d", i), "v")
	}
	lim := resp.DefaultLimits()
	lim.Normal.Hard = 5000
	n.front.SetLimits(lim)
	c.send("KEYS", "*")
	if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %q, %v", b, err)
	}
	if got := other.do("GET", "key 7"); got != `"v"` {
		t.Errorf("another client: %s", got)
	}
}

// brokenEngine cannot scan. It claims to have as many keys as one likes.
type brokenEngine struct {
	engine.Engine
	keys atomic.Int64
}

func (e *brokenEngine) TryScan(s *engine.Scan) bool {
	s.Err = engine.ErrFull
	return true
}
func (e *brokenEngine) Len(uint16) int64    { return 1 }
func (e *brokenEngine) Stats() engine.Stats { return engine.Stats{Keys: e.keys.Load()} }

func TestScansThatFail(t *testing.T) {
	e := &brokenEngine{Engine: memory.New()}
	c := dialGeneric(t, newGenericNodeOn(t, e, 2).addr)
	for _, keys := range []int64{1, manyKeys + 1} { // at once, and in the background
		e.keys.Store(keys)
		for _, cmd := range []string{"KEYS *", "SCAN 0 COUNT 1000000", "RANDOMKEY", "FLUSHALL"} {
			if got, want := c.do(strings.Fields(cmd)...), "-ERR engine: no room left"; got != want {
				t.Errorf("%s: got %s, want %s", cmd, got, want)
			}
		}
	}
}
