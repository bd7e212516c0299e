package resp

import (
	"net"
	"testing"
)

func TestUntilClosed(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "brief\r\necho behind\r\n")
		until(t, "the reply is promised", func() bool { return len(h.promised()) == 1 })
		if n := h.open.Load(); n != 1 {
			t.Fatalf("%d sessions are open", n)
		}
		nc.Close()
		until(t, "the session is gone", func() bool { return h.open.Load() == 0 })
		h.promised()[0].Done() // comes too late, and does no harm
	})
}

func TestUntilClosedGetsItsReply(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "brief\r\necho a\r\n")
		until(t, "the reply is promised", func() bool { return len(h.promised()) == 1 })
		send(t, nc, "echo b\r\n")
		h.promised()[0].Done()
		expect(t, nc, "$8\r\npromised\r\n$1\r\na\r\n$1\r\nb\r\n")
	})
}

func TestHoist(t *testing.T) {
	w := NewWriter(2, nil)
	w.OK()
	mark := w.Len()
	w.BulkString("a")
	w.BulkString("b")
	body := w.Len()
	w.Array(2)
	w.Hoist(mark, body)
	if got, want := string(w.Bytes()), "+OK\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	w.Hoist(mark, w.Len()) // nothing to move
	w.Hoist(0, mark)       // two replies change places
	if got, want := string(w.Bytes()), "*2\r\n$1\r\na\r\n$1\r\nb\r\n+OK\r\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}
