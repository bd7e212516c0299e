package command

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestExpireTables(t *testing.T) {
	playTable(t, []genericStep{
		{"EXPIRE missing 10", ":0"},
		{"TTL missing", ":-2"},
		{"PTTL missing", ":-2"},
		{"EXPIRETIME missing", ":-2"},
		{"PEXPIRETIME missing", ":-2"},
		{"PERSIST missing", ":0"},
		{"SET k v", "+OK"},
		{"TTL k", ":-1"},
		{"PTTL k", ":-1"},
		{"EXPIRETIME k", ":-1"},
		{"PEXPIRETIME k", ":-1"},
		{"PERSIST k", ":0"},
		{"EXPIREAT k 4102444800", ":1"},
		{"PEXPIRETIME k", ":4102444800000"},
		{"PEXPIREAT k 4102444800499", ":1"},
		{"EXPIRETIME k", ":4102444800"},
		{"PEXPIREAT k 4102444800500", ":1"},
		{"EXPIRETIME k", ":4102444801"},
		{"GET k", `"v"`},
		{"PERSIST k", ":1"},
		{"GET k", `"v"`},
		{"TTL k", ":-1"},
		{"EXPIRE k 1000", ":1"},
		{"TTL k", ":1000"},
		{"PEXPIRE k 1000000", ":1"},
		{"TTL k", ":1000"},

		// The greatest times, and the least.
		{"PEXPIREAT k 9223372036854775807", ":1"},
		{"PEXPIRETIME k", ":9223372036854775807"},
		{"EXPIRETIME k", ":9223372036854776"},
		{"EXPIREAT k 9223372036854775", ":1"},
		{"PEXPIRETIME k", ":9223372036854775000"},
		{"EXPIREAT k 9223372036854776", "-ERR invalid expire time in 'expireat' command"},
		{"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
		{"EXPIRE k 9223372036854775", "-ERR invalid expire time in 'expire' command"},
		{"EXPIRE k -9223372036854776", "-ERR invalid expire time in 'expire' command"},
		{"EXPIRE missing 9223372036854775", "-ERR invalid expire time in 'expire' command"},
		{"EXPIRE missing x", "-ERR value is not an integer or out of range"},
		{"EXPIRE k 1.5", "-ERR value is not an integer or out of range"},
		{"EXPIRE k", "-ERR wrong number of arguments for 'expire' command"},
		{"PEXPIREAT k", "-ERR wrong number of arguments for 'pexpireat' command"},
		{"TTL k k", "-ERR wrong number of arguments for 'ttl' command"},
		{"PERSIST", "-ERR wrong number of arguments for 'persist' command"},

		// What is past is gone.
		{"EXPIREAT k 0", ":1"},
		{"EXISTS k", ":0"},
		{"SET k v", "+OK"},
		{"EXPIRE k 0", ":1"},
		{"EXISTS k", ":0"},
		{"SET k v", "+OK"},
		{"PEXPIREAT k -9223372036854775808", ":1"},
		{"EXISTS k", ":0"},
		{"SET k v", "+OK"},
		{"PEXPIRE k -1 XX", ":0"},
		{"PEXPIRE k -1 NX", ":1"},
		{"EXISTS k", ":0"},
	})
}

func TestExpireConditions(t *testing.T) {
	const both = "-ERR NX and XX, GT or LT options at the same time are not compatible"
	playTable(t, []genericStep{
		{"SET k v", "+OK"},
		{"EXPIREAT k 4102444800 XX", ":0"},
		{"EXPIREAT k 4102444800 GT", ":0"}, // never is later than any time
		{"EXPIREAT k 4102444800 xx lt", ":0"},
		{"EXPIREAT k 4102444800 LT", ":1"},
		{"EXPIREAT k 4102444800 NX", ":0"},
		{"EXPIREAT k 4102444800 GT", ":0"},
		{"EXPIREAT k 4102444800 LT", ":0"},
		{"EXPIREAT k 4102444801 LT", ":0"},
		{"EXPIREAT k 4102444801 XX GT", ":1"},
		{"EXPIREAT k 4102444800 LT lt LT", ":1"},
		{"EXPIREAT k 4102444805 XX", ":1"},
		{"EXPIRETIME k", ":4102444805"},
		{"EXPIREAT missing 4102444805 NX", ":0"},
		{"EXPIREAT k 4102444805 NX XX", both},
		{"EXPIREAT k x NX GT", both},
		{"EXPIREAT k 4102444805 LT NX GT", both},
		{"EXPIREAT k x GT XX LT", "-ERR GT and LT options at the same time are not compatible"},
		{"EXPIREAT missing x NX XX FOO", "-ERR Unsupported option FOO"},
		{`EXPIREAT k 1 "F\r\nO\x00O"`, "-ERR Unsupported option F  O"},
		{`EXPIREAT k 1 "\xff"`, "-ERR Unsupported option \xff"},
		{`EXPIREAT k 1 ""`, "-ERR Unsupported option "},
		{"EXPIRETIME k", ":4102444805"},
	})
}

// TestExpireConditionsAgainstTwin tries every condition on every pair of times.
func TestExpireConditionsAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.Int64Range(0, 4).Draw(t, "from"), rapid.Int64Range(-1, 4).Draw(t, "to")
		e := expireCondition{nx: rapid.Bool().Draw(t, "nx"), xx: rapid.Bool().Draw(t, "xx"),
			gt: rapid.Bool().Draw(t, "gt"), lt: rapid.Bool().Draw(t, "lt")}
		rank := func(at int64) int64 { // never is the latest time
			if at == 0 {
				return 100
			}
			return at
		}
		want := (!e.nx || from == 0) && (!e.xx || from != 0) &&
			(!e.gt || to > rank(from)) && (!e.lt || to < rank(from))
		if got := e.allows(from, to); got != want {
			t.Fatalf("%+v from %d to %d: %v", e, from, to, got)
		}
	})
}

// TestTTLIsRounded: to the nearest second, as Redis rounds.
func TestTTLIsRounded(t *testing.T) {
	c := dialGeneric(t, newGenericNode(t, 2).addr)
	c.do("SET", "k", "v")
	for _, ms := range []int64{100_499, 100_500, 100_999, 101_000} {
		c.do("PEXPIRE", "k", strconv.FormatInt(ms, 10))
		left := replyInt(t, c.do("PTTL", "k"))
		ttl := replyInt(t, c.do("TTL", "k"))
		after := replyInt(t, c.do("PTTL", "k"))
		if left > ms || ttl > (left+500)/1000 || ttl < (after+500)/1000 {
			t.Errorf("TTL is %d where PTTL is %d before and %d after it", ttl, left, after)
		}
	}
}

func replyInt(t *testing.T, reply string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimPrefix(reply, ":"), 10, 64)
	if err != nil {
		t.Fatalf("%q is no integer", reply)
	}
	return n
}

// TestExpiredIsGone: for every command that looks at a key, also for those that
// are blind, and though nobody has removed it yet.
func TestExpiredIsGone(t *testing.T) {
	n := newGenericNode(t, 2)
	n.store.SetActiveExpire(false)
	c := dialGeneric(t, n.addr)
	for _, x := range []struct{ cmd, want string }{
		{"EXISTS k", ":0"}, {"TTL k", ":-2"}, {"TYPE k", "+none"}, {"DEL k", ":0"}, {"PERSIST k", ":0"}, {"GETBIT k 1", ":0"},
		{"RENAME k {k}x", "-ERR no such key"}, {"COPY k {k}x", ":0"}, {"DUMP k", "nil"}, {"OBJECT REFCOUNT k", "nil"}, {"EXPIRE k 5", ":0"},
		{"KEYS *", "[]"}, {"SCAN 0", `["0" []]`}, {"RANDOMKEY", "nil"},
	} {
		c.do("SET", "k", "v")
		c.do("PEXPIRE", "k", "5")
		at := time.Now().Add(6 * time.Millisecond)
		eventually(t, "the key has expired", func() bool { return time.Now().After(at) })
		if got := c.do(strings.Fields(x.cmd)...); got != x.want {
			t.Errorf("%s: got %s, want %s", x.cmd, got, x.want)
		}
	}
}
