package resp

import (
	"net"
	"testing"
)

// What Then was given runs in the session's turn, and may ask for more time.
func TestThen(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "then 3\r\necho behind\r\n")
		until(t, "the reply is promised", func() bool { return len(h.promised()) == 1 })
		for range 3 {
			h.promised()[0].Done()
		}
		expect(t, nc, "$4\r\ndone\r\n$6\r\nbehind\r\n")
	})
}

// A panic in it ends the session, not the node.
func TestThenPanics(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "then 0\r\necho behind\r\n")
		until(t, "the reply is promised", func() bool { return len(h.promised()) == 1 })
		h.promised()[0].Done()
		expect(t, nc, "-ERR internal error; see the server's log\r\n")
		expectEnd(t, nc)
		nc = dial()
		send(t, nc, "echo on\r\n")
		expect(t, nc, "$2\r\non\r\n")
	})
}

// Replies that are known and wait for an earlier one are bounded: input waits.
func TestPromisedRepliesAreBounded(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		const size, n = "4000000", 40
		send(t, nc, "later\r\n")
		for range n {
			send(t, nc, "big "+size+"\r\n")
		}
		until(t, "the first is promised", func() bool { return len(h.promised()) == 1 })
		until(t, "it is as much as may wait", func() bool { return outputOf(srv) >= pauseAt })
		if got := outputOf(srv); got > 2*pauseAt+8_000_000 {
			t.Errorf("%d bytes wait", got)
		}
		h.promised()[0].Done()
		expect(t, nc, "$8\r\npromised\r\n")
	})
}

func outputOf(srv *Server) (out int64) {
	srv.Each(func(s *Session) bool {
		_, out = s.Buffers()
		return true
	})
	return out
}
