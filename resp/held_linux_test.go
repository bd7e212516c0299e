package resp

import "testing"

// A unix socket that its client has closed is always ready: without an end to
// the session, its loop would not rest until the reply is known.
func TestClosedWhileHeld(t *testing.T) {
	h, srv := newToy(t, DefaultLimits())
	nc := dialer(t, srv, "unix")()
	send(t, nc, "hold\r\n")
	until(t, "the reply is promised", func() bool { return len(h.promised()) == 1 })
	nc.Close()
	until(t, "the session is gone", func() bool { return h.open.Load() == 0 })
}
