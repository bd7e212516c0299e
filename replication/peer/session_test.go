package peer

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// desk is a handler that keeps what it is asked.
type desk struct {
	mu    sync.Mutex
	log   []string // requests, and "" for each Idle
	open  []func([]byte, error)
	idle  func(*desk) // called by Idle with mu held; may be nil
	began chan struct{}
}

func newDesk() *desk { return &desk{began: make(chan struct{}, 1000)} }

func (d *desk) Handle(_ ID, request []byte, answer func([]byte, error)) {
	d.mu.Lock()
	d.log = append(d.log, string(request))
	d.open = append(d.open, answer)
	d.mu.Unlock()
	d.began <- struct{}{}
}

func (d *desk) Idle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, "")
	if d.idle != nil {
		d.idle(d)
	}
}

func (d *desk) answerAll(text string) {
	for _, answer := range d.open {
		answer([]byte(text), nil)
	}
	d.open = nil
}

func (d *desk) logged() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// greetedConn is a connection after its handshake, as node a's.
func greetedConn(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	if err := call(c, identity("a"), testID("b")); err != nil {
		t.Fatal(err)
	}
	return c
}

func callFrames(texts ...string) (wire []byte) {
	for i, text := range texts {
		wire = appendFrame(wire, frame{kindCall, uint64(i), []byte(text)})
	}
	return wire
}

// Idle comes once for all the calls that have arrived together, before the rest of a
// half call is waited for, and at the end.
func TestIdleOnceABatch(t *testing.T) {
	d := newDesk()
	d.idle = func(d *desk) { d.answerAll("done") }
	c, far := net.Pipe() // what is written at once is read at once
	var session sync.WaitGroup
	session.Go(newSession(NewServer(ServerOptions{Handler: d}), far, testID("a")).run)
	wire := callFrames("one", "two", "three", "four")
	half := len(wire) - 5
	c.Write(wire[:half])
	r := newFrameReader(c, 1<<10)
	for i := range 3 {
		if f, err := r.next(); err != nil || f.id != uint64(i) || string(f.payload) != "done" {
			t.Fatalf("answer %d: %+v, %v", i, f, err)
		}
	}
	if got := d.logged(); !slices.Equal(got, []string{"one", "two", "three", ""}) {
		t.Errorf("three calls and a half: %q", got)
	}
	c.Write(wire[half:])
	if f, err := r.next(); err != nil || f.id != 3 {
		t.Fatalf("the last answer: %+v, %v", f, err)
	}
	c.Close()
	session.Wait()
	if got := d.logged(); !slices.Equal(got, []string{"one", "two", "three", "", "four", "", ""}) {
		t.Errorf("at the end: %q", got)
	}
}

// Answers may come later, from anywhere and in any order, and only the first counts.
func TestAnswersLater(t *testing.T) {
	d := newDesk()
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d})
	c := greetedConn(t, addr)
	c.Write(callFrames("one", "two"))
	<-d.began
	<-d.began
	d.open[1]([]byte("second"), nil)
	d.open[1]([]byte("again"), nil)
	d.open[0](nil, errors.New("cannot"))
	d.open[0]([]byte("it can"), nil)
	r := newFrameReader(c, 1<<10)
	for _, want := range []frame{{kindAnswer, 1, []byte("second")}, {kindFailure, 0, []byte("cannot")}} {
		if f, err := r.next(); err != nil || f.kind != want.kind || f.id != want.id || string(f.payload) != string(want.payload) {
			t.Fatalf("%+v, %v; want %+v", f, err, want)
		}
	}
	c.Write(appendFrame(nil, frame{kind: kindPing, id: 7}))
	if f, err := r.next(); err != nil || f.kind != kindPong || f.id != 7 {
		t.Fatalf("after the answers: %+v, %v", f, err)
	}
}

// What an answer was made of may be used again once answer has returned.
func TestAnswersAreCopied(t *testing.T) {
	scratch := make([]byte, 8)
	count := uint64(0)
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: atOnce(func(ID, []byte) ([]byte, error) {
		count++
		binary.LittleEndian.PutUint64(scratch, count)
		return scratch, nil
	})})
	c := greetedConn(t, addr)
	texts := make([]string, 100)
	c.Write(callFrames(texts...))
	r := newFrameReader(c, 1<<10)
	for i := range texts {
		f, err := r.next()
		if err != nil || binary.LittleEndian.Uint64(f.payload) != uint64(i+1) {
			t.Fatalf("answer %d: %+v, %v", i, f, err)
		}
	}
}

func TestCloseWaitsForAnswers(t *testing.T) {
	d := newDesk()
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d})
	c := greetedConn(t, addr)
	c.Write(callFrames("one"))
	<-d.began
	closed := make(chan struct{})
	go func() {
		s.Close()
		close(closed)
	}()
	if _, err := newFrameReader(c, 1<<10).next(); err == nil {
		t.Fatal("an answer that nobody gave")
	}
	select {
	case <-closed:
		t.Fatal("closed before the call was answered")
	default:
	}
	d.open[0](nil, nil)
	<-closed
}

// Requests under way are bounded by their bytes too; one of any size has room.
func TestRequestBytesAreBounded(t *testing.T) {
	d := newDesk()
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d, MaxRequests: 100})
	c := greetedConn(t, addr)
	long := string(make([]byte, 1000))
	c.Write(callFrames(long, "x"))
	r := newFrameReader(c, 1<<10)
	if f, err := r.next(); err != nil || f.kind != kindBusy || f.id != 1 {
		t.Fatalf("a call beyond the bound: %+v, %v", f, err)
	}
	d.open[0](nil, nil)
	if f, err := r.next(); err != nil || f.kind != kindAnswer || f.id != 0 {
		t.Fatalf("the long call: %+v, %v", f, err)
	}
	c.Write(callFrames("y"))
	<-d.began
	<-d.began
	d.open[1](nil, nil)
	if f, err := r.next(); err != nil || f.kind != kindAnswer {
		t.Fatalf("a call within the bound: %+v, %v", f, err)
	}
}

func TestServerLinks(t *testing.T) {
	d := newDesk()
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d})
	if got := s.Links(); len(got) != 0 {
		t.Errorf("before anybody has come: %+v", got)
	}
	c := greetedConn(t, addr)
	c.Write(callFrames("one"))
	<-d.began
	got := s.Links()
	if len(got) != 1 || got[0].Peer != testID("a") || got[0].Address != c.LocalAddr().String() || got[0].Calls != 1 || got[0].Since.IsZero() {
		t.Errorf("with one call under way: %+v", got)
	}
	d.open[0](nil, nil)
	c.Close()
	settled(t, "the connection is listed no more", func() bool { return len(s.Links()) == 0 })
}
