package resp

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// waitAt says how many sessions wait at a gate.
func waitAt(g *Gate) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

func TestRepliesWaitAtTheirGate(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		a, b := dial(), dial()
		first, second := new(Gate), new(Gate)
		h.gate.Store(first)
		send(t, a, "echo 1\r\n")
		send(t, b, "echo 2\r\n"+strings.Repeat("big 10000\r\n", 50)+"quit\r\n")
		until(t, "both wait", func() bool { return waitAt(first) == 2 })
		if n := srv.netOut.Load(); n != 0 {
			t.Fatalf("%d bytes were sent before their gate was opened", n)
		}
		h.gate.Store(second)
		send(t, a, "echo 3\r\n")
		until(t, "one waits at the second", func() bool { return waitAt(second) == 1 })
		first.Open()
		until(t, "the rest of the pipeline waits", func() bool { return waitAt(second) == 2 })
		second.Open()
		if !first.Settled() || !second.Settled() {
			t.Error("an open gate is not settled")
		}
		expect(t, a, "$1\r\n1\r\n$1\r\n3\r\n")
		expect(t, b, "$1\r\n2\r\n"+strings.Repeat("$10000\r\n"+strings.Repeat("x", 10000)+"\r\n", 50)+"+OK\r\n")
		expectEnd(t, b)
	})
}

// A gate that fails: no reply that waits at it is sent, nor one that was
// promised, and the session is closed; but for those whose worker lets them go.
func TestGateFails(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		a, b, c := dial(), dial(), dial()
		send(t, a, "echo before\r\n")
		expect(t, a, "$6\r\nbefore\r\n")
		send(t, c, "pub\r\n")
		expect(t, c, "+OK\r\n")
		g := new(Gate)
		h.gate.Store(g)
		send(t, a, "echo 1\r\nlater\r\necho 2\r\nhold\r\necho 3\r\n")
		send(t, b, "echo 4\r\n")
		send(t, c, "echo 5\r\n")
		until(t, "all wait", func() bool { return waitAt(g) == 3 && len(h.promised()) == 2 })
		h.promised()[0].Done()
		g.Fail(errors.New("no room"))
		expect(t, a, "-MISCONF no room\r\n")
		expectEnd(t, a)
		expect(t, b, "-MISCONF no room\r\n")
		expectEnd(t, b)
		expect(t, c, "$1\r\n5\r\n")
		h.promised()[1].Done() // comes too late, and does no harm
		h.gate.Store(nil)
		send(t, c, "echo 6\r\n")
		expect(t, c, "$1\r\n6\r\n")
	})
}

// A gate that was settled before its session came to it.
func TestGateSettledBefore(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		g := new(Gate)
		g.Open()
		h.gate.Store(g)
		nc := dial()
		send(t, nc, "echo 1\r\n")
		expect(t, nc, "$1\r\n1\r\n")
		g = new(Gate)
		g.Fail(errors.New("broken"))
		h.gate.Store(g)
		send(t, nc, "echo 1\r\n")
		expect(t, nc, "-MISCONF broken\r\n")
		expectEnd(t, nc)
	})
}
