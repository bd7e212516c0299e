package command

import (
	"testing"
	"time"

	"github.com/rldb/rldb/resp"
)

func TestWait(t *testing.T) {
	notByCoordinator(t, "WAIT does not wait for what cannot come")
	playTable(t, []genericStep{
		{"WAIT 0 0", ":0"},
		{"WAIT -1 0", ":0"},
		{"WAIT 0 1000000", ":0"},
		{"WAIT 1 1", ":0"},
		{"WAIT 9223372036854775807 1", ":0"},
		{"WAIT x y", "-ERR value is not an integer or out of range"},
		{"WAIT 0 y", "-ERR timeout is not an integer or out of range"},
		{"WAIT 0 -1", "-ERR timeout is negative"},
		{"WAIT 0 1.5", "-ERR timeout is not an integer or out of range"},
		{"WAIT 1", "-ERR wrong number of arguments for 'wait' command"},
		{"MULTI", "+OK"},
		{"WAIT 1 0", "+QUEUED"}, // in a transaction it waits for nobody
		{"EXEC", "[:0]"},
	})
}

func TestWaitHoldsItsClient(t *testing.T) {
	notByCoordinator(t, "WAIT does not wait for what cannot come")
	n := newGenericNode(t, 2)
	c, other := dialGeneric(t, n.addr), dialGeneric(t, n.addr)
	begun := time.Now()
	c.send("WAIT", "1", "50")
	c.send("SET", "k", "v")
	eventually(t, "the client waits", func() bool { return n.srv.waits.count() == 1 })
	if got := other.do("GET", "k"); got != "nil" && time.Since(begun) < 50*time.Millisecond {
		t.Errorf("the command behind WAIT was executed before its end: %s", got)
	}
	if got := c.read() + c.read(); got != ":0+OK" {
		t.Errorf("got %s", got)
	}
	if took := time.Since(begun); took < 50*time.Millisecond {
		t.Errorf("WAIT ended after %v", took)
	}
	if n.srv.waits.count() != 0 {
		t.Error("the client still counts as waiting")
	}
}

func TestWaitForEver(t *testing.T) {
	notByCoordinator(t, "WAIT does not wait for what cannot come")
	n := newGenericNode(t, 2)
	c := dialGeneric(t, n.addr)
	for timeout, failed := range map[string]bool{"0": false, "9223372036854775807": true} {
		c.send("WAIT", "1", timeout)
		eventually(t, "the client waits", func() bool { return n.srv.waits.count() == 1 })
		var id int64
		n.front.Each(func(s *resp.Session) bool { id = s.ID(); return true })
		if n.srv.waits.unblock(id+1, failed) || !n.srv.waits.unblock(id, failed) {
			t.Error("unblock does not know who waits")
		}
		want := ":0"
		if failed {
			want = "-UNBLOCKED client unblocked via CLIENT UNBLOCK"
		}
		if got := c.read(); got != want {
			t.Errorf("WAIT 1 %s: got %s, want %s", timeout, got, want)
		}
		if n.srv.waits.unblock(id, failed) {
			t.Error("a client that waits no more was let go")
		}
	}

	// A client that goes away is not waited for.
	c.send("WAIT", "1", "0")
	eventually(t, "the client waits", func() bool { return n.srv.waits.count() == 1 })
	c.Close()
	eventually(t, "the client is gone", func() bool { return n.front.Connected() == 0 && n.srv.waits.count() == 0 })
}
