package resp

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestMaxClients(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxClients = 2
	_, srv := newToy(t, lim)
	dial := dialer(t, srv, "tcp")
	a, b := dial(), dial()
	for _, nc := range []net.Conn{a, b} {
		send(t, nc, "echo 1\r\n")
		expect(t, nc, "$1\r\n1\r\n")
	}
	c := dial()
	expect(t, c, errMaxClients)
	expectEnd(t, c)
	a.Close()
	until(t, "there is room again", func() bool { return srv.Connected() == 1 })
	d := dial()
	send(t, d, "echo 1\r\n")
	expect(t, d, "$1\r\n1\r\n")
	if got := srv.Counters(); got.Rejected != 1 || got.Accepted != 4 {
		t.Errorf("%+v", got)
	}
}

func TestProtectedMode(t *testing.T) {
	for addr, local := range map[string]bool{
		"127.0.0.1": true, "127.8.0.1": true, "::1": true, "::ffff:127.0.0.1": true,
		"10.0.0.1": false, "fe80::1": false, "0.0.0.0": false,
	} {
		if got := isLocal(&net.TCPAddr{IP: net.ParseIP(addr)}); got != local {
			t.Errorf("isLocal(%s) = %v", addr, got)
		}
	}
	if !isLocal(&net.UnixAddr{}) {
		t.Error("a unix socket is not local")
	}
}

func TestIdleClientsAreClosed(t *testing.T) {
	lim := DefaultLimits()
	lim.IdleTimeout = time.Second
	_, srv := newToy(t, lim)
	for _, kind := range []string{"tcp", "tls"} {
		dial := dialer(t, srv, kind)
		idle, sub := dial(), dial()
		send(t, sub, "pub\r\n")
		expect(t, sub, "+OK\r\n")
		send(t, idle, "echo 1\r\n")
		expect(t, idle, "$1\r\n1\r\n")
		expectEnd(t, idle)
		send(t, sub, "echo 1\r\n")
		expect(t, sub, "$1\r\n1\r\n")
		sub.Close()
	}
}

// TestSlowReader: a client that asks for much and reads nothing is not served
// further than its buffers, stops nobody, and gets everything once it reads.
func TestSlowReader(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		slow, other := dial(), dial()
		const n = 4000
		go io.WriteString(slow, strings.Repeat("big 100000\r\n", n))
		until(t, "commands have arrived", func() bool { return srv.Counters().In > 0 })
		for range 100 {
			send(t, other, "echo 1\r\n")
			expect(t, other, "$1\r\n1\r\n")
			if m := srv.ClientMemory(); m > pauseAt+8<<20 {
				t.Fatalf("a slow reader takes %d bytes", m)
			}
		}
		one := "$100000\r\n" + strings.Repeat("x", 100000) + "\r\n"
		for range n {
			expect(t, slow, one)
		}
	})
}

// TestWriteEverythingThenRead: a client may write a whole pipeline of large
// commands with large replies before it reads the first of them.
func TestWriteEverythingThenRead(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		value := strings.Repeat("v", 3<<20)
		one := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
		for range 10 {
			send(t, nc, "*2\r\n$4\r\necho\r\n"+one)
		}
		send(t, nc, "quit\r\n")
		for range 10 {
			expect(t, nc, one)
		}
		expect(t, nc, "+OK\r\n")
		expectEnd(t, nc)
	})
}

// TestPauseUnderPressure: when all clients together take much, output waits in
// small amounts.
func TestPauseUnderPressure(t *testing.T) {
	lim := DefaultLimits()
	lim.ClientMemory = 64 << 20
	_, srv := newToy(t, lim)
	if got := srv.outputPause(); got != pauseAt {
		t.Errorf("without clients the pause is at %d", got)
	}
	srv.mem.Add(33 << 20)
	if got := srv.outputPause(); got != flushAt {
		t.Errorf("under pressure the pause is at %d", got)
	}
	srv.mem.Add(-33 << 20)
}

func TestReplyAboveTheHardLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.Normal.Hard = 1 << 20
	_, srv := newToy(t, lim)
	nc := dialer(t, srv, "tcp")()
	send(t, nc, "big 2000000\r\n")
	expectEnd(t, nc)
}

func TestMessagesAboveTheHardLimit(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		lim := DefaultLimits()
		lim.PubSub.Hard = 1 << 20
		_, srv := newToy(t, lim)
		nc := dialer(t, srv, kind)()
		send(t, nc, "pub\r\n")
		expect(t, nc, "+OK\r\n")
		frame := []byte("$1000\r\n" + strings.Repeat("m", 1000) + "\r\n")
		until(t, "the client is closed", func() bool {
			srv.Each(func(s *Session) bool {
				for range 1000 {
					s.Push(frame, nil)
				}
				return true
			})
			return srv.Connected() == 0
		})
	}
}

func TestSoftLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.Normal = OutputLimit{Soft: 1 << 20, SoftTime: time.Second}
	_, srv := newToy(t, lim)
	nc := dialer(t, srv, "tcp")()
	send(t, nc, "big 20000000\r\n")
	until(t, "the client is closed", func() bool { return srv.Counters().Accepted == 1 && srv.Connected() == 0 })
}

// TestClientMemory: many half-sent large commands together stay under the cap,
// and the largest client pays for it.
func TestClientMemory(t *testing.T) {
	lim := DefaultLimits()
	lim.ClientMemory = 8 << 20
	_, srv := newToy(t, lim)
	dial := dialer(t, srv, "tcp")
	ok := dial()
	for i := range 20 {
		nc := dial()
		go fmt.Fprintf(nc, "*2\r\n$4\r\necho\r\n$500000000\r\n%s", strings.Repeat("v", (i+1)<<20))
	}
	until(t, "some are closed", func() bool { return srv.Counters().Accepted == 21 && srv.Connected() < 15 })
	if m := srv.ClientMemory(); m > 2*lim.ClientMemory {
		t.Errorf("clients take %d bytes", m)
	}
	send(t, ok, "echo 1\r\n")
	expect(t, ok, "$1\r\n1\r\n")
}

// TestPromisedLengthTakesNoMemory: a length is no reason to allocate.
func TestPromisedLengthTakesNoMemory(t *testing.T) {
	_, srv := newToy(t, DefaultLimits())
	dial := dialer(t, srv, "tcp")
	for range 200 {
		send(t, dial(), "*1000000\r\n$536870912\r\nabc")
	}
	until(t, "all are read", func() bool { return srv.Counters().In >= 200*25 })
	if m := srv.ClientMemory(); m > 200*2*bufferSize {
		t.Errorf("200 half-open commands take %d bytes", m)
	}
}

func TestQueryLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxQuery = 1 << 20
	_, srv := newToy(t, lim)
	nc := dialer(t, srv, "tcp")()
	go func() {
		io.WriteString(nc, "*4\r\n$4\r\necho\r\n")
		for range 2 {
			fmt.Fprintf(nc, "$800000\r\n%s\r\n", strings.Repeat("v", 800000))
		}
	}()
	io.Copy(io.Discard, nc)
	until(t, "the client is closed", func() bool { return srv.Connected() == 0 })
}

// TestStrangersAreRefused: in protected mode a connection from another machine
// is told why, and closed; without it, it is served.
func TestStrangersAreRefused(t *testing.T) {
	lim := DefaultLimits()
	lim.Protected = true
	_, srv := newToy(t, lim)
	for _, protected := range []bool{true, false} {
		lim.Protected = protected
		srv.SetLimits(lim)
		ours, theirs := net.Pipe()
		theirs.SetDeadline(time.Now().Add(time.Minute))
		go srv.admit(stranger{ours}, nil)
		if !protected {
			send(t, theirs, "echo 1\r\n")
			expect(t, theirs, "$1\r\n1\r\n")
			theirs.Close()
			continue
		}
		expect(t, theirs, errProtected)
		expectEnd(t, theirs)
	}
}

// stranger is a connection that says it comes from another machine.
type stranger struct{ net.Conn }

func (stranger) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5} }
func (stranger) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 6379} }
