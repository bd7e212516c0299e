package membership

import (
	"errors"
	"fmt"
	"log"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// Bounds of what comes in at the gossip port before memberlist looks at it.
const (
	maxPackets = 1024 // UDP packets that wait; those beyond are dropped
	maxStreams = 32   // TCP connections that are open; those beyond are closed

	// Bytes that one connection, and all that are open together, may have sent; those
	// beyond are closed. A map and memberlist's own list fit into the first.
	maxStreamBytes  = 2 * maxMessage
	maxStreamsBytes = 64 << 20
)

// transport is the gossip port. It outlives memberlist, which is begun anew when
// the node comes into another cluster. Its one goroutine, pump, takes what comes
// in, whether or not a memberlist is there for it.
type transport struct {
	*memberlist.NetTransport
	packets chan *memberlist.Packet
	streams chan net.Conn
	open    atomic.Int32 // streams
	held    atomic.Int64 // bytes that open streams have sent
	address atomic.Pointer[net.TCPAddr]
	stop    chan struct{}
	pumping sync.WaitGroup

	// cut, where it is set, says which addresses cannot be reached, nor reach this
	// one: tests break links with it. It is not changed while there is traffic.
	cut func(addr string) bool
}

var errCut = errors.New("this link is cut")

func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	if t.cut != nil && t.cut(a.Addr) {
		return time.Now(), nil // as a packet that is lost
	}
	return t.NetTransport.WriteToAddress(b, a)
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if t.cut != nil && t.cut(a.Addr) {
		return nil, errCut
	}
	return t.NetTransport.DialAddressTimeout(a, timeout)
}

func newTransport(bind string, more []string, logger *log.Logger) (*transport, error) {
	addr, err := net.ResolveTCPAddr("tcp", bind)
	if err != nil {
		return nil, fmt.Errorf("the gossip address %q: %w", bind, err)
	}
	ips := bindable(addr, more)
	ip := ips[0]
	var hosts []string
	for _, ip := range ips {
		hosts = append(hosts, ip.String())
	}
	const tries = 10 // a free port of TCP may be taken in UDP
	var inner *memberlist.NetTransport
	for range tries {
		inner, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: hosts, BindPort: addr.Port, Logger: logger,
		})
		if err == nil || addr.Port != 0 {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the gossip port %s: %w", bind, err)
	}
	t := &transport{
		NetTransport: inner,
		packets:      make(chan *memberlist.Packet, maxPackets),
		streams:      make(chan net.Conn, maxStreams),
		stop:         make(chan struct{}),
	}
	t.address.Store(&net.TCPAddr{IP: ip, Port: inner.GetAutoBindPort()})
	t.pumping.Go(t.pump)
	return t, nil
}

// bindable are the addresses to listen at: the first, and those of the others that this
// machine has. Packets are sent from the first one given, so loopback comes last.
func bindable(first *net.TCPAddr, more []string) []net.IP {
	ip := first.IP
	if ip == nil {
		ip = net.IPv4zero
	}
	ips := []net.IP{ip}
	for _, host := range more {
		a, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, strconv.Itoa(first.Port)))
		if err != nil || slices.ContainsFunc(ips, a.IP.Equal) {
			continue
		}
		ln, err := net.ListenTCP("tcp", a)
		if err != nil {
			continue
		}
		ln.Close()
		ips = append(ips, a.IP)
	}
	slices.SortStableFunc(ips, func(a, b net.IP) int {
		switch {
		case a.IsLoopback() == b.IsLoopback():
			return 0
		case a.IsLoopback():
			return 1
		}
		return -1
	})
	return ips
}

func (t *transport) pump() {
	for {
		select {
		case <-t.stop:
			return
		case p := <-t.NetTransport.PacketCh():
			select {
			case t.packets <- p:
			default:
			}
		case conn := <-t.NetTransport.StreamCh():
			if t.open.Add(1) > maxStreams {
				t.open.Add(-1)
				conn.Close()
				continue
			}
			select {
			case t.streams <- &stream{Conn: conn, t: t}:
			default:
				t.open.Add(-1)
				conn.Close()
			}
		}
	}
}

// stream is a connection that is counted while it is open, with what it has sent:
// memberlist keeps all of that until it has the whole.
type stream struct {
	net.Conn
	t *transport

	mu     sync.Mutex // guards what follows
	read   int64
	closed bool
}

var errTooMuch = errors.New("too much has come in at the gossip port")

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return n, err
	}
	s.read += int64(n)
	if s.t.held.Add(int64(n)) > maxStreamsBytes || s.read > maxStreamBytes {
		return 0, errTooMuch
	}
	return n, err
}

func (s *stream) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.t.open.Add(-1)
		s.t.held.Add(-s.read)
	}
	s.mu.Unlock()
	return s.Conn.Close()
}

func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }
func (t *transport) StreamCh() <-chan net.Conn           { return t.streams }

// FinalAdvertiseAddr is where other members find the port: main decides that, not
// memberlist.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	a := t.address.Load()
	ip := a.IP
	if ip4 := ip.To4(); ip4 != nil {
		ip = ip4
	}
	return ip, a.Port, nil
}

// Shutdown is what memberlist calls at its end, which is not the port's.
func (t *transport) Shutdown() error { return nil }

// close gives the port up. No memberlist may use it any more.
func (t *transport) close() {
	// Its listeners end only if somebody takes what they hold: so the pump is last.
	t.NetTransport.Shutdown()
	close(t.stop)
	t.pumping.Wait()
	for {
		select {
		case conn := <-t.streams:
			conn.Close()
			continue
		default:
		}
		return
	}
}

// logWriter passes memberlist's log on: troubles as warnings, at most one in ten
// seconds (strangers cause them, too), the rest for debugging.
type logWriter struct {
	warn, debug func(text string, attrs ...any)
	now         func() time.Time

	mu   sync.Mutex // guards what follows
	last time.Time
	more int // troubles since the last warning
}

const warnEvery = 10 * time.Second

func (w *logWriter) Write(b []byte) (int, error) {
	text, trouble := cutLevel(string(b))
	if !trouble {
		w.debug("gossip", "text", text)
		return len(b), nil
	}
	w.mu.Lock()
	now := w.now()
	due := w.last.IsZero() || now.Sub(w.last) >= warnEvery
	more := w.more
	if due {
		w.last, w.more = now, 0
	} else {
		w.more++
	}
	w.mu.Unlock()
	if due {
		w.warn("gossip has trouble", "text", text, "others-since-the-last", more)
	}
	return len(b), nil
}
