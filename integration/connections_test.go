package integration

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// TestIdleConnections: 10,000 idle connections cost less than 150 MB, and each
// of them still works.
func TestIdleConnections(t *testing.T) {
	const n, bound = 10_000, 150 << 20
	p := startSubject(t, options{plain: true, maxclients: n + 100})
	w := watch(t, p)
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	b := make([]byte, 7)
	ping := func(c net.Conn) error {
		c.SetDeadline(time.Now().Add(replyLimit))
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return err
		}
		k, err := c.Read(b)
		if err == nil && string(b[:k]) != "+PONG\r\n" {
			err = fmt.Errorf("PING is answered with %q", b[:k])
		}
		return err
	}
	for i := range n {
		c, err := net.DialTimeout("tcp", p.addr, connectLimit)
		if err != nil {
			t.Fatalf("connection %d: %v (needs 'ulimit -n' of at least %d)", i, err, n+200)
		}
		conns = append(conns, c)
		if err := ping(c); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	for i := range conns {
		if i%100 == 0 {
			if err := ping(conns[i]); err != nil {
				t.Fatalf("connection %d, later: %v", i, err)
			}
		}
	}
	w.done(t, bound)
}

// TestMaxClients: one too many is told so and closed; when one leaves there is
// room again.
func TestMaxClients(t *testing.T) {
	const n = 20
	p := startSubject(t, options{maxclients: n})
	var conns []*conn
	fill := func() {
		for len(conns) < n {
			c := mustDial(t, p.addr)
			if f, err := c.do("PING"); err != nil || f.isError() {
				return
			}
			conns = append(conns, c)
		}
	}
	eventually(t, replyLimit, "room for all", func() error { // the harness's own connection may not be gone yet
		if fill(); len(conns) < n {
			return fmt.Errorf("%d connections of %d", len(conns), n)
		}
		return nil
	})
	extra := mustDial(t, p.addr)
	text, closed := extra.readAll(replyLimit)
	if string(text) != "-ERR max number of clients reached\r\n" || !closed {
		t.Errorf("one too many reads %q, closed: %v", text, closed)
	}
	conns[0].Close()
	eventually(t, replyLimit, "room after one has left", func() error {
		c := mustDial(t, p.addr)
		f, err := c.do("PING")
		if err == nil && f.isError() {
			err = fmt.Errorf("%q", f.raw)
		}
		return err
	})
}
