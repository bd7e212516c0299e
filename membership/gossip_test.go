package membership

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// endless is a connection that sends for ever.
type endless struct{ net.Conn }

func (endless) Read(b []byte) (int, error) { return len(b), nil }
func (endless) Close() error               { return nil }

// TestStreamBudget: what one stream, and all together, may send is bounded, and a
// closed one makes room.
func TestStreamBudget(t *testing.T) {
	tr := &transport{}
	drink := func(s *stream) int64 {
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, bytes.Repeat([]byte{0}, 1<<20))
		if !errors.Is(err, errTooMuch) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		return n
	}
	var open []*stream
	for total := int64(0); total < maxStreamsBytes; {
		s := &stream{Conn: endless{}, t: tr}
		open = append(open, s)
		n := drink(s)
		if n > maxStreamBytes {
			t.Fatalf("one stream sent %d bytes", n)
		}
		if total += n; len(open) > 1+maxStreamsBytes/maxStreamBytes {
			break
		}
	}
	if n := drink(&stream{Conn: endless{}, t: tr}); n > 0 {
		t.Errorf("another one sent %d bytes", n)
	}
	for _, s := range open {
		s.Close()
		s.Close()
	}
	s := &stream{Conn: endless{}, t: tr}
	if n, err := s.Read(make([]byte, 100)); n != 100 || err != nil {
		t.Errorf("with room again: %d, %v", n, err)
	}
}

// TestReaddressed: a name that leads to several addresses, in any order, leads to the
// present one for as long as that is among them.
func TestReaddressed(t *testing.T) {
	a, b, c := net.IPv4(10, 0, 0, 1), net.IPv4(10, 0, 0, 2), net.ParseIP("fd00::1")
	for _, test := range []struct {
		before net.IP
		ips    []net.IP
		port   int
		want   net.IP
	}{
		{a, []net.IP{a, b}, 7, a},
		{a, []net.IP{b, a}, 7, a},
		{a, []net.IP{c, b}, 7, b},
		{c, []net.IP{a, c}, 7, c},
		{b, []net.IP{a, b}, 8, a},
	} {
		got := readdressed(net.TCPAddr{IP: test.before, Port: 7}, test.ips, test.port)
		if !got.IP.Equal(test.want) || got.Port != test.port {
			t.Errorf("%v becomes %v where the name leads to %v, port %d", test.before, got, test.ips, test.port)
		}
	}
}

// TestBindable: gossip listens at every address that the machine has; one that stands
// for all may not be there twice.
func TestBindable(t *testing.T) {
	first := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	ips := bindable(first, []string{"127.0.0.2", "127.0.0.1", "192.0.2.1", "nosuch.invalid"})
	if len(ips) != 2 || !ips[0].Equal(first.IP) || !ips[1].Equal(net.IPv4(127, 0, 0, 2)) {
		t.Errorf("it listens at %v", ips)
	}
}
