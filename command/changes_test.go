package command

import (
	"regexp"
	"testing"
)

// TestChangesSinceSave: INFO counts the keys that were changed since everything was
// last made durable by a command.
func TestChangesSinceSave(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	want := func(changes string) {
		t.Helper()
		got := regexp.MustCompile(`rdb_changes_since_last_save:\d+`).FindString(n.dial().do("INFO persistence"))
		if got != "rdb_changes_since_last_save:"+changes {
			t.Errorf("%s, want %s", got, changes)
		}
	}
	want("0")
	p.do("MSET {t}a 1 {t}b 2 {t}c 3")
	p.do("GET {t}a")
	p.do("DEL {t}a {t}nosuch")
	p.do("INCR {t}b")
	p.do("SETRANGE {t}nosuch 0 \"\"")
	want("5")
	p.send("MULTI", "SET {t}d 1", "APPEND {t}d x", "EXEC")
	p.want("+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "*2\r\n+OK\r\n:2\r\n")
	want("6") // one key
	p.do("SAVE")
	want("0")
	p.do("SET {t}a 1")
	p.do("FLUSHALL") // a b c d
	want("5")
	p.do("BGSAVE")
	eventually(t, "the saving is over", func() bool {
		return regexp.MustCompile(`rdb_changes_since_last_save:0\r`).MatchString(p.do("INFO persistence"))
	})
}
