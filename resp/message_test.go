package resp

import (
	"net"
	"testing"
)

// tell sends every client of a server a message.
func tell(srv *Server, text string) {
	srv.Each(func(s *Session) bool {
		s.Push([]byte("+"+text+"\r\n"), nil)
		return true
	})
}

// In RESP2 a message stands behind the replies that were promised before it:
// nothing but its place tells it from them.
func TestMessagesStandBehindPromises(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "later\r\nlater\r\npub\r\nself\r\n")
		until(t, "both are promised", func() bool { return len(h.promised()) == 2 })
		tell(srv, "m1")
		h.promised()[1].Done()
		tell(srv, "m2")
		h.promised()[0].Done()
		expect(t, nc, "$8\r\npromised\r\n$8\r\npromised\r\n+OK\r\n+self\r\n+OK\r\n+m1\r\n+m2\r\n")
	})
}

// In RESP3 it passes a promised reply, but not what stands behind one.
func TestMessagesPassPromises(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "resp3\r\nhold\r\necho x\r\n")
		expect(t, nc, "+OK\r\n")
		until(t, "it is promised", func() bool { return len(h.promised()) == 1 })
		tell(srv, "m1")
		expect(t, nc, "+m1\r\n")
		h.promised()[0].Done()
		expect(t, nc, "$8\r\npromised\r\n$1\r\nx\r\n")

		send(t, nc, "later\r\npub\r\n")
		until(t, "it is promised", func() bool { return len(h.promised()) == 2 })
		tell(srv, "m2")
		h.promised()[1].Done()
		expect(t, nc, "$8\r\npromised\r\n+OK\r\n+m2\r\n")
	})
}

// Replies can be turned off and on in the middle of a command; messages come
// whatever the mode is.
func TestReplyModesWithinACommand(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		for _, x := range []struct{ commands, want string }{
			{"part off\r\necho x\r\npart on\r\necho y\r\n", "+before\r\n+after\r\n$1\r\ny\r\n"},
			{"part skip\r\necho x\r\necho y\r\n", "+before\r\n+after\r\n$1\r\ny\r\n"},
			{"skip\r\npart off\r\necho x\r\non\r\n", "+OK\r\n"},
			{"skip\r\npart on\r\necho y\r\n", "+after\r\n$1\r\ny\r\n"},
			{"off\r\npart skip\r\npart off\r\nreset\r\n", "+OK\r\n"},
			{"skip\r\nreset\r\necho y\r\n", "$1\r\ny\r\n"},
			{"off\r\nself\r\nself\r\non\r\n", "+self\r\n+self\r\n+OK\r\n"},
			{"skip\r\nself\r\nself\r\n", "+self\r\n+self\r\n+OK\r\n"},
		} {
			nc := dial()
			send(t, nc, x.commands+"echo end\r\n")
			expect(t, nc, x.want+"$3\r\nend\r\n")
			nc.Close()
		}
	})
}

// Messages that were pushed before TakeMessages stand before what follows it.
func TestTakeMessages(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "stall\r\necho x\r\ntake\r\n")
		until(t, "the client stalls", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.stalled) == 1
		})
		h.free.Store(true)
		tell(srv, "m")
		expect(t, nc, "+m\r\n")
		h.stalled[0].Resume()
		expect(t, nc, "+went on\r\n$1\r\nx\r\n+OK\r\n")
	})
}

// What is kept for clients counts against the cap on their memory; the largest
// pays, unless it is exempt.
func TestHeldMemory(t *testing.T) {
	lim := DefaultLimits()
	lim.ClientMemory = 10 << 20
	_, srv := newToy(t, lim)
	dial := dialer(t, srv, "tcp")
	large, exempt, small := dial(), dial(), dial()
	for nc, command := range map[net.Conn]string{large: "hoard 5000000\r\n", exempt: "stay\r\nhoard 5100000\r\n"} {
		send(t, nc, command)
		expect(t, nc, "+OK\r\n")
	}
	expect(t, exempt, "+OK\r\n")
	send(t, small, "hoard 1000000\r\n")
	expect(t, small, "+OK\r\n")
	expectEnd(t, large)
	until(t, "its memory is given back", func() bool { return srv.ClientMemory() < 8<<20 })
	send(t, small, "hoard 0\r\n")
	expect(t, small, "+OK\r\n")
}
