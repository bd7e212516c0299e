package peer

import (
	"context"
	"crypto/sha1"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. It is never what a test
// measures.
const patience = 60 * time.Second

func testID(name string) ID { return sha1.Sum([]byte(name)) }

func identity(node string) Identity {
	return Identity{Cluster: testID("cluster"), Name: "rldb", Node: testID(node), Secret: "hush"}
}

func always(i Identity) func() Identity { return func() Identity { return i } }

type handlerFunc func(from ID, request []byte) ([]byte, error)

// Handle runs f on a goroutine of its own: it may wait.
func (f handlerFunc) Handle(from ID, request []byte, answer func([]byte, error)) {
	go func() { answer(f(from, request)) }()
}

func (handlerFunc) Idle() {}

// atOnce answers on the goroutine that reads.
type atOnce func(from ID, request []byte) ([]byte, error)

func (f atOnce) Handle(from ID, request []byte, answer func([]byte, error)) {
	answer(f(from, request))
}

func (atOnce) Idle() {}

func echo(_ ID, request []byte) ([]byte, error) { return request, nil }

// serveAt starts a server at addr, which is "127.0.0.1:0" for any port, and gives
// its address.
func serveAt(t *testing.T, addr string, o ServerOptions) (*Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if o.Handler == nil {
		o.Handler = handlerFunc(echo)
	}
	s := NewServer(o)
	s.Serve(ln)
	t.Cleanup(s.Close)
	return s, ln.Addr().String()
}

// watch is a Watcher that a test can wait on.
type watch struct {
	mu     sync.Mutex
	events []event
	last   map[ID]error
	more   chan struct{}
}

type event struct {
	peer ID
	err  error // nil: up
}

func newWatch() *watch { return &watch{last: map[ID]error{}, more: make(chan struct{}, 1)} }

func (w *watch) note(e event) {
	w.mu.Lock()
	was, known := w.last[e.peer]
	if !known || (was == nil) != (e.err == nil) { // only changes are of interest
		w.events = append(w.events, e)
	}
	w.last[e.peer] = e.err
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *watch) Down(id ID, err error) { w.note(event{id, err}) }
func (w *watch) Up(id ID)              { w.note(event{id, nil}) }

// next is the next verdict.
func (w *watch) next(t *testing.T) event {
	t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		if len(w.events) > 0 {
			e := w.events[0]
			w.events = w.events[1:]
			w.mu.Unlock()
			return e
		}
		w.mu.Unlock()
		select {
		case <-w.more:
		case <-deadline:
			t.Fatal("no verdict came")
		}
	}
}

// pool makes a pool whose only peer is node at addr. Its timeout is generous: the
// machine may be busy.
func pool(t *testing.T, self Identity, node, addr string, change func(*PoolOptions)) (*Pool, *watch) {
	t.Helper()
	w := newWatch()
	o := PoolOptions{Self: always(self), Watcher: w, Timeout: 20 * time.Second, Beat: 20 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	p := NewPool(o)
	t.Cleanup(p.Close)
	p.SetPeers(map[ID]string{testID(node): addr})
	return p, w
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return c
}

// settled waits until ok says so.
func settled(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}
