package command

import (
	"strings"
	"testing"
)

func TestSetAndGet(t *testing.T) {
	playStrings(t, []stringsStep{
		{"GET k", "$-1"},
		{"SET k v", "+OK"},
		{"GET k", "$1 v"},
		{"SET k ''", "+OK"},
		{"GET k", "$0 "},
		{"SET '' empty", "+OK"},
		{"GET ''", "$5 empty"},
		{"GET", "-ERR wrong number of arguments for 'get' command"},
		{"GET a b", "-ERR wrong number of arguments for 'get' command"},
		{"SET k", "-ERR wrong number of arguments for 'set' command"},

		{"SET k 1 NX", "$-1"},
		{"SET k 1 XX", "+OK"},
		{"SET n 1 XX", "$-1"},
		{"SET n 1 nx", "+OK"},
		{"SET n 2 XX XX", "+OK"},
		{"SET n 3 GET", "$1 2"},
		{"SET n 4 GET GET", "$1 3"},
		{"SET n 5 NX GET", "$1 4"},
		{"GET n", "$1 4"},
		{"SET m 1 NX GET", "$-1"},
		{"GET m", "$1 1"},
		{"SET o 1 XX GET", "$-1"},
		{"GET o", "$-1"},
		{"SET k v EXAT 1", "+OK"},
		{"GET k", "$-1"},
		{"SET n 5 GET PXAT 1", "$1 4"},
		{"GET n", "$-1"},
	})
}

// Syntax errors come before those of values, and these before the condition.
func TestSetErrors(t *testing.T) {
	const (
		syntax = "-ERR syntax error"
		notInt = "-ERR value is not an integer or out of range"
		expire = "-ERR invalid expire time in 'set' command"
	)
	playStrings(t, []stringsStep{
		{"SET k v ''", syntax},
		{"SET k v FOO", syntax},
		{"SET k v NX XX", syntax},
		{"SET k v XX NX", syntax},
		{"SET k v EX", syntax},
		{"SET k v EX abc PX", syntax},
		{"SET k v EX abc FOO", syntax},
		{"SET k v EX 5 PX 6", syntax},
		{"SET k v EX 5 KEEPTTL", syntax},
		{"SET k v KEEPTTL PXAT 5", syntax},
		{"SET k v PERSIST", syntax},
		{"SET k v EX abc", notInt},
		{"SET k v EX +5", notInt},
		{"SET k v EX 05", notInt},
		{"SET k v EX 5.0", notInt},
		{"SET k v EX ''", notInt},
		{"SET k v EX 0", expire},
		{"SET k v EX -1", expire},
		{"SET k v PX 0", expire},
		{"SET k v EX 9223372036854775", expire},
		{"SET k v EX 9223372036854775807", expire},
		{"SET k v PX 9223372036854775807", expire},
		{"SET k v EXAT 9223372036854776", expire},
		{"SET k v PXAT -1", expire},
		{"SET k v NX EX abc", notInt},
		{"SET k v XX EX 0", expire},
		{"GET k", "$-1"},
		{"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
		{"SETEX k abc v", notInt},
		{"PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"},
		{"PSETEX k 1", "-ERR wrong number of arguments for 'psetex' command"},
	})
}

func TestExpiryOfSet(t *testing.T) {
	const now = stringsNow
	for _, tc := range []struct {
		cmd  string
		want int64
	}{
		{"SET k v", 0},
		{"SET k v EX 10", now + 10_000},
		{"SET k v EX 5 EX 6", now + 6_000},
		{"SET k v PX 10", now + 10},
		{"SET k v EXAT 2000000000", 2_000_000_000_000},
		{"SET k v PXAT 2000000000001", 2_000_000_000_001},
		{"SET k v PXAT 9223372036854775807", 1<<63 - 1},
		{"SET k v EXAT 9223372036854775", 9_223_372_036_854_775_000},
		{"SET k v EXAT 1", -1},
		{"SET k v KEEPTTL", now + 500_000},
		{"SET k v GET KEEPTTL KEEPTTL", now + 500_000},
		{"SET k v NX EX 10", now + 500_000},
		{"SETEX k 7 v", now + 7_000},
		{"PSETEX k 7 v", now + 7},
		{"GETSET k v", 0},
		{"SETNX k v", now + 500_000},
		{"MSET k v", 0},
		{"APPEND k v", now + 500_000},
		{"SETRANGE k 1 v", now + 500_000},
		{"INCR k", now + 500_000},
		{"INCRBYFLOAT k 1.5", now + 500_000},
		{"GETEX k", now + 500_000},
		{"GETEX k PERSIST", 0},
		{"GETEX k PERSIST PERSIST", 0},
		{"GETEX k EX 100", now + 100_000},
		{"GETEX k PXAT 1", -1},
		{"GETDEL k", -1},
		{"MSETEX 1 k v", 0},
		{"MSETEX 1 k v EX 3", now + 3_000},
		{"MSETEX 1 k v KEEPTTL", now + 500_000},
		{"INCREX k", now + 500_000},
		{"INCREX k EX 5", now + 5_000},
		{"INCREX k EX 5 ENX", now + 500_000},
		{"INCREX k PERSIST", 0},
		{"INCREX k EXAT 1", -1},
		{"INCREX k EXAT 1 ENX", now + 500_000},
		{"INCREX k UBOUND 1 EX 5", now + 500_000},
		{"INCREX k UBOUND 1 SATURATE PX 5", now + 5},
	} {
		n := newStringsNode(t)
		n.do("SET", "k", "10", "EX", "500")
		if reply := n.do(strings.Split(tc.cmd, " ")...); reply[0] == '-' {
			t.Errorf("%s: %q", tc.cmd, reply)
		}
		if got := n.expiry("k"); got != tc.want {
			t.Errorf("%s: expires at %d, want %d", tc.cmd, got, tc.want)
		}
	}
}

func TestOldWaysToSet(t *testing.T) {
	playStrings(t, []stringsStep{
		{"SETNX k v", ":1"},
		{"SETNX k w", ":0"},
		{"GETSET k w", "$1 v"},
		{"GETSET n w", "$-1"},
		{"GET n", "$1 w"},
		{"GETDEL n", "$1 w"},
		{"GETDEL n", "$-1"},
		{"SETEX k 100 x", "+OK"},
		{"PSETEX k 100000 y", "+OK"},
		{"GET k", "$1 y"},
	})
}

func TestGetEX(t *testing.T) {
	const syntax = "-ERR syntax error"
	playStrings(t, []stringsStep{
		{"GETEX k", "$-1"},
		{"GETEX k EX abc", "$-1"}, // the time is not looked at
		{"GETEX k EX 0", "$-1"},
		{"GETEX k EX 5 EX 6", "$-1"},
		{"GETEX k FOO", syntax},
		{"GETEX k KEEPTTL", syntax},
		{"GETEX k GET", syntax},
		{"GETEX k EX", syntax},
		{"GETEX k EX 5 PX 5", syntax},
		{"GETEX k PERSIST EX 5", syntax},
		{"GETEX k EX 5 PERSIST", syntax},
		{"SET k v", "+OK"},
		{"GETEX k EX abc", "-ERR value is not an integer or out of range"},
		{"GETEX k EX 0", "-ERR invalid expire time in 'getex' command"},
		{"GETEX k EX 5", "$1 v"},
		{"GETEX k persist", "$1 v"},
		{"GETEX k", "$1 v"},
		{"GETEX k PXAT 1", "$1 v"},
		{"GETEX k", "$-1"},
	})
}

// SET does without the old value unless an option asks for it.
func TestSetIsBlind(t *testing.T) {
	n := newStringsNode(t)
	for cmd, want := range map[string]bool{
		"SET k v": true, "SET k v NX": true, "SET k v EX 5 XX": true, "SET k v KEEPTTL": true,
		"SET get ifeq": true, "SET k v GET": false, "SET k v EX 5 get": false, "SET k v IFEQ x": false,
		"SET k v ifdne 0": false, "DELEX k": true, "DELEX k IFEQ v": false, "GETSET k v": false,
		"MSET k v": true, "MSETEX 1 k v KEEPTTL": true, "SETNX k v": true, "APPEND k v": false,
	} {
		var args [][]byte
		for _, w := range strings.Split(cmd, " ") {
			args = append(args, []byte(w))
		}
		if got := n.srv.table.find(args[0]).blindTo(args); got != want {
			t.Errorf("%s: blind %v, want %v", cmd, got, want)
		}
	}
}

func TestGetAndSetDoNotAllocate(t *testing.T) {
	n := newStringsNode(t)
	set := [][]byte{[]byte("SET"), []byte("key:000000000001"), []byte(strings.Repeat("v", 64))}
	get := [][]byte{[]byte("GET"), set[1]}
	incr := [][]byte{[]byte("INCR"), []byte("counter")}
	for range 3 { // the engine's buffers grow at first
		n.run(set)
		n.run(get)
		n.run(incr)
	}
	for _, args := range [][][]byte{set, get, incr} {
		if got := testing.AllocsPerRun(100, func() { n.run(args) }); got != 0 {
			t.Errorf("%s allocates %v times", args[0], got)
		}
	}
}
