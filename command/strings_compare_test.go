package command

import "testing"

// From Redis 8.4's documentation and tests. The digest of "hello" is
// 9555e8555c62dcfd.
func TestSetConditions(t *testing.T) {
	const (
		digest = "-ERR must be exactly 16 hexadecimal characters"
		syntax = "-ERR syntax error"
	)
	playStrings(t, []stringsStep{
		{"SET k v IFEQ hello", "$-1"},
		{"SET k v IFDEQ 9555e8555c62dcfd", "$-1"},
		{"SET k v IFEQ hello GET", "$-1"},
		{"GET k", "$-1"},
		{"SET k hello IFNE x", "+OK"},
		{"SET k v IFEQ other", "$-1"},
		{"SET k v IFNE hello", "$-1"},
		{"SET k v IFDNE 9555e8555c62dcfd", "$-1"},
		{"SET k v IFDEQ 0000000000000000", "$-1"},
		{"SET k v IFNE hello GET", "$5 hello"},
		{"SET k v ifeq hello", "+OK"},
		{"SET k hello IFNE hello GET", "$1 v"},
		{"SET k v IFDEQ 9555E8555C62DCFD EX 10", "+OK"},
		{"SET k hello GET IFDNE 9555e8555c62dcfd", "$1 v"},
		{"SET k v IFEQ other IFEQ hello", "+OK"},
		{"SET k '' IFEQ v", "+OK"},
		{"SET k v IFEQ ''", "+OK"},
		{"SET n v IFDNE short", "+OK"}, // no value: the digest is not looked at

		{"SET k v IFDEQ short", digest},
		{"SET k v IFDNE 0123456789abcdefg GET", digest},
		{"SET k v IFDNE 0123456789abcdeg", digest},
		{"SET k v IFDNE ''", digest},
		{"SET k v IFEQ", syntax},
		{"SET k v IFEQ v NX", syntax},
		{"SET k v XX IFEQ v", syntax},
		{"SET k v IFEQ v IFNE v", syntax},
		{"SET k v IFEQ v FOO", syntax},
		{"SET k v IFEQ v EX 0", "-ERR invalid expire time in 'set' command"},
		{"GET k", "$1 v"},
	})
}

func TestDigest(t *testing.T) {
	const leadingZeros = "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd"
	playStrings(t, []stringsStep{
		{"DIGEST k", "$-1"},
		{"SET k hello", "+OK"},
		{"DIGEST k", "$16 9555e8555c62dcfd"},
		{"SET k test", "+OK"},
		{"DIGEST k", "$16 9ec9f7918d7dfc40"},
		{"SET k " + leadingZeros, "+OK"},
		{"DIGEST k", "$16 00006c38adf31777"},
		{"SET k ''", "+OK"},
		{"DIGEST k", "$16 2d06800538d394c2"},
		{"DIGEST", "-ERR wrong number of arguments for 'digest' command"},
		{"DIGEST k k", "-ERR wrong number of arguments for 'digest' command"},
	})
	n := newStringsNode(t)
	n.do("SET", "k", "Hello world")
	if got := n.do("DIGEST", "k"); got != stringsBulk("b6acb9d84a38ff74") {
		t.Errorf("got %q", got)
	}
}

func TestDelEX(t *testing.T) {
	const digest = "-ERR must be exactly 16 hexadecimal characters"
	playStrings(t, []stringsStep{
		{"DELEX k", ":0"},
		{"DELEX k IFEQ x", ":0"},
		{"DELEX k IFNE x", ":0"},
		{"DELEX k IFDNE 12", ":0"},
		{"DELEX k FOO x", ":0"}, // nothing to compare
		{"SET k hello", "+OK"},
		{"DELEX k IFEQ x", ":0"},
		{"DELEX k IFNE hello", ":0"},
		{"DELEX k IFDEQ 0000000000000000", ":0"},
		{"DELEX k IFDNE 9555E8555C62DCFD", ":0"},
		{"DELEX k IFDEQ 12", digest},
		{"DELEX k IFDNE ''", digest},
		{"DELEX k FOO hello", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"},
		{"DELEX k IFEQ", "-ERR wrong number of arguments for 'delex' command"},
		{"DELEX k IFEQ hello x", "-ERR wrong number of arguments for 'delex' command"},
		{"GET k", "$5 hello"},
		{"DELEX k ifeq hello", ":1"},
		{"GET k", "$-1"},
		{"SET k hello", "+OK"},
		{"DELEX k IFNE x", ":1"},
		{"SET k hello", "+OK"},
		{"DELEX k IFDEQ 9555e8555c62dcfd", ":1"},
		{"SET k hello", "+OK"},
		{"DELEX k IFDNE 0000000000000000", ":1"},
		{"SET k hello", "+OK"},
		{"DELEX k", ":1"},
		{"GET k", "$-1"},
	})
}
