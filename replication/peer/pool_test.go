package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCalls(t *testing.T) {
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: handlerFunc(func(from ID, req []byte) ([]byte, error) {
		if from != testID("a") {
			return nil, fmt.Errorf("called by %v", from)
		}
		if string(req) == "fail" {
			return nil, errors.New("it cannot be")
		}
		return append([]byte("re:"), req...), nil
	})})
	p, w := pool(t, identity("a"), "b", addr, nil)
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			text := fmt.Sprint(i, strings.Repeat("x", i*300))
			if got, err := p.Call(ctx(t), testID("b"), []byte(text)); err != nil || string(got) != "re:"+text {
				t.Errorf("call %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	all.Wait()
	_, err := p.Call(ctx(t), testID("b"), []byte("fail"))
	if err != RemoteError("it cannot be") {
		t.Errorf("a failing handler: %v", err)
	}
	if _, err := p.Call(ctx(t), testID("nobody"), nil); err != ErrUnknown {
		t.Errorf("a call to nobody: %v", err)
	}
	if _, err := p.Call(ctx(t), testID("b"), make([]byte, defaultMaxFrame+1)); err != ErrTooLarge {
		t.Errorf("a call too large: %v", err)
	}
	settled(t, "nothing is queued", func() bool { return p.Links()[0].Queued == 0 })
	l := p.Links()[0]
	if !l.Up || l.RTT <= 0 || l.Sent < 501 || l.Received < 501 || l.Calls != 0 || l.Queued != 0 {
		t.Errorf("the link: %+v", l)
	}
}

// A caller with wrong papers is told what is wrong with them.
func TestDownSaysWhy(t *testing.T) {
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Admit: func(id ID) error {
		if id == testID("left") {
			return errors.New("has left")
		}
		return nil
	}})
	other := func(change func(*Identity)) Identity {
		i := identity("a")
		change(&i)
		return i
	}
	for name, c := range map[string]struct {
		self Identity
		node string
		want error
	}{
		"cluster": {other(func(i *Identity) { i.Cluster = testID("else") }), "b", ErrCluster},
		"name":    {other(func(i *Identity) { i.Name = "else" }), "b", ErrName},
		"secret":  {other(func(i *Identity) { i.Secret = "else" }), "b", ErrSecret},
		"node":    {identity("a"), "c", ErrIdentity},
		"left":    {identity("left"), "b", ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			p, w := pool(t, c.self, c.node, addr, nil)
			if e := w.next(t); !errors.Is(e.err, c.want) {
				t.Errorf("verdict %v, want %v", e.err, c.want)
			}
			if _, err := p.Call(ctx(t), testID(c.node), nil); !errors.Is(err, c.want) {
				t.Errorf("a call: %v, want %v", err, c.want)
			}
		})
	}
}

func TestKilledPeerIsDownAtOnceAndUpWhenBack(t *testing.T) {
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b"))})
	p, w := pool(t, identity("a"), "b", addr, nil)
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	began := time.Now()
	s.Close()
	e := w.next(t)
	t.Logf("noticed after %v: %v", time.Since(began), e.err)
	if e.err == nil || errors.Is(e.err, ErrTimeout) {
		t.Errorf("verdict %v", e.err)
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); err == nil {
		t.Error("a call to a dead peer was answered")
	}
	serveAt(t, addr, ServerOptions{Self: always(identity("b"))})
	p.Check(testID("b"))
	if e := w.next(t); e.err != nil {
		t.Errorf("it is back: %v", e.err)
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); err != nil {
		t.Error(err)
	}
}

// hung is a listener's address at which nobody speaks.
func hung(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

func TestSilenceIsDown(t *testing.T) {
	p, w := pool(t, identity("a"), "b", hung(t), func(o *PoolOptions) { o.Timeout = 100 * time.Millisecond })
	if e := w.next(t); !errors.Is(e.err, ErrTimeout) {
		t.Errorf("verdict %v", e.err)
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); !errors.Is(err, ErrTimeout) {
		t.Errorf("a call: %v", err)
	}
}

// valve is a connection that can be stopped: what is written is lost in silence.
type valve struct {
	net.Conn
	shut *atomic.Bool
}

func (v valve) Write(b []byte) (int, error) {
	if v.shut.Load() {
		return len(b), nil
	}
	return v.Conn.Write(b)
}

func TestCutIsDownAndHeals(t *testing.T) {
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b"))})
	var shut atomic.Bool
	p, w := pool(t, identity("a"), "b", addr, func(o *PoolOptions) {
		o.Timeout = time.Second
		o.Dial = func(c context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(c, network, addr)
			return valve{conn, &shut}, err
		}
	})
	for w.next(t).err != nil { // a busy machine may need more than one attempt
	}
	shut.Store(true)
	began := time.Now()
	if _, err := p.Call(ctx(t), testID("b"), []byte("x")); !errors.Is(err, ErrTimeout) {
		t.Errorf("a call into the cut: %v", err)
	}
	if e := w.next(t); !errors.Is(e.err, ErrTimeout) {
		t.Errorf("verdict %v", e.err)
	}
	t.Logf("noticed after %v", time.Since(began))
	shut.Store(false)
	for w.next(t).err != nil {
	}
}

func TestFullQueueFailsAtOnce(t *testing.T) {
	release := make(chan struct{})
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: handlerFunc(func(ID, []byte) ([]byte, error) {
		<-release
		return nil, nil
	})})
	p, w := pool(t, identity("a"), "b", addr, func(o *PoolOptions) { o.MaxQueue = 10 })
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	got := make(chan error, 30)
	for range 30 {
		p.Start(testID("b"), nil, func(_ []byte, err error) { got <- err })
	}
	full := 0
	for range 20 { // 10 are held by the handler
		if err := <-got; err == ErrFull {
			full++
		}
	}
	close(release)
	for range 10 {
		if err := <-got; err != nil {
			t.Errorf("a call that was under way: %v", err)
		}
	}
	if full != 20 {
		t.Errorf("%d calls found the queue full, want 20", full)
	}
}

func TestBusyServerSaysSo(t *testing.T) {
	release := make(chan struct{})
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), MaxCalls: 3, Handler: handlerFunc(func(ID, []byte) ([]byte, error) {
		<-release
		return nil, nil
	})})
	p, w := pool(t, identity("a"), "b", addr, nil)
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	got := make(chan error, 10)
	for range 10 {
		p.Start(testID("b"), nil, func(_ []byte, err error) { got <- err })
	}
	for range 7 {
		if err := <-got; err != ErrBusy {
			t.Errorf("beyond the bound: %v", err)
		}
	}
	close(release)
	for range 3 {
		if err := <-got; err != nil {
			t.Errorf("within the bound: %v", err)
		}
	}
}

func TestCloseEndsCalls(t *testing.T) {
	began := make(chan struct{}, 1)
	release := make(chan struct{})
	defer close(release)
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: handlerFunc(func(ID, []byte) ([]byte, error) {
		began <- struct{}{}
		<-release
		return nil, nil
	})})
	p, _ := pool(t, identity("a"), "b", addr, nil)
	got := make(chan error, 1)
	p.Start(testID("b"), nil, func(_ []byte, err error) { got <- err })
	<-began
	p.Close()
	if err := <-got; err != ErrClosed {
		t.Errorf("the call: %v", err)
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); err != ErrUnknown {
		t.Errorf("a call after Close: %v", err)
	}
}

// A peer that moves is found at its new address, one that is none any more is not
// called.
func TestSetPeersAndDrop(t *testing.T) {
	s, first := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: handlerFunc(func(ID, []byte) ([]byte, error) { return []byte("first"), nil })})
	_, second := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: handlerFunc(func(ID, []byte) ([]byte, error) { return []byte("second"), nil })})
	p, w := pool(t, identity("a"), "b", first, nil)
	w.next(t)
	for addr, want := range map[string]string{first: "first", second: "second"} {
		p.SetPeers(map[ID]string{testID("b"): addr})
		if got, err := p.Call(ctx(t), testID("b"), nil); err != nil || string(got) != want {
			t.Errorf("at %s: %q, %v", addr, got, err)
		}
	}
	p.SetPeers(map[ID]string{testID("b"): first})
	if _, err := p.Call(ctx(t), testID("b"), nil); err != nil {
		t.Error(err)
	}
	s.Drop(func(id ID) bool { return id == testID("a") })
	p.Reset()
	if _, err := p.Call(ctx(t), testID("b"), nil); err != nil {
		t.Errorf("after Drop and Reset: %v", err)
	}
	p.SetPeers(nil)
	if _, err := p.Call(ctx(t), testID("b"), nil); err != ErrUnknown {
		t.Errorf("a peer that is none: %v", err)
	}
}

// Strangers who connect and say nothing, or nonsense, keep no peer out.
func TestStrangersDoNotKeepPeersOut(t *testing.T) {
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), MaxGreeting: 8, Handshake: 200 * time.Millisecond})
	for i := range 50 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			fmt.Fprintf(c, "rldbPEER\x01%s", strings.Repeat("z", 1000))
		}
	}
	p, w := pool(t, identity("a"), "b", addr, nil)
	for w.next(t).err != nil {
	}
	if _, err := p.Call(ctx(t), testID("b"), []byte("x")); err != nil {
		t.Error(err)
	}
	if s.Peers() == 0 {
		t.Errorf("%d connections of peers", s.Peers())
	}
}

// After the handshake a peer that sends what is no frame loses its connection, and
// only that.
func TestGarbageAfterTheHandshake(t *testing.T) {
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b"))})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if err := call(c, identity("a"), testID("b")); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, strings.Repeat("garbage ", 100))
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
	p, _ := pool(t, identity("a"), "b", addr, nil)
	if _, err := p.Call(ctx(t), testID("b"), []byte("x")); err != nil {
		t.Error(err)
	}
}
