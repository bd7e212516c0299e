package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

func TestNotSent(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {ErrUnknown, true}, {ErrFull, true}, {ErrTooLarge, true}, {ErrBusy, true},
		{notSent{ErrTimeout}, true}, {fmt.Errorf("call: %w", notSent{io.EOF}), true},
		{ErrTimeout, false}, {ErrClosed, false}, {RemoteError(ErrTooLarge.Error()), false},
		{fmt.Errorf("the connection broke: %w", io.EOF), false}, {context.Canceled, false},
	} {
		if NotSent(c.err) != c.want {
			t.Errorf("NotSent(%v) is not %v", c.err, c.want)
		}
	}
	if err := error(notSent{ErrTimeout}); !errors.Is(err, ErrTimeout) || err.Error() != ErrTimeout.Error() {
		t.Errorf("the cause is not to be seen in %v", err)
	}
}

func TestNotSentOfRealCalls(t *testing.T) {
	d := newDesk()
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d})
	p, w := pool(t, identity("a"), "b", addr, nil)
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	got := make(chan error, 1)
	p.Start(testID("b"), nil, func(_ []byte, err error) { got <- err })
	<-d.began
	closed := make(chan struct{})
	go func() {
		s.Close()
		close(closed)
	}()
	if err := <-got; err == nil || NotSent(err) {
		t.Errorf("a call that had arrived when its connection broke: %v", err)
	}
	for w.next(t).err == nil {
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); !NotSent(err) {
		t.Errorf("a call to who does not answer: %v", err)
	}
	d.answerAll("")
	<-closed
}

// TestNotSentIsTrue: a call of which NotSent says so never reaches the handler, however
// connections come and go meanwhile.
func TestNotSentIsTrue(t *testing.T) {
	var mu sync.Mutex
	arrived := map[uint64]bool{}
	handler := atOnce(func(_ ID, request []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		arrived[binary.LittleEndian.Uint64(request)] = true
		return nil, nil
	})
	options := ServerOptions{Self: always(identity("b")), Handler: handler}
	s, addr := serveAt(t, "127.0.0.1:0", options)
	p, _ := pool(t, identity("a"), "b", addr, func(o *PoolOptions) { o.MaxQueue = 64 })
	certain := map[uint64]error{}
	answered := 0
	stop := make(chan struct{})
	var callers, ends sync.WaitGroup
	for caller := range uint64(3) {
		callers.Go(func() {
			for n := caller << 32; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				ends.Add(1)
				p.Start(testID("b"), binary.LittleEndian.AppendUint64(nil, n), func(_ []byte, err error) {
					defer ends.Done()
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						answered++
					} else if NotSent(err) && len(certain) < 1<<20 {
						certain[n] = err
					}
				})
				if n%8 == 0 {
					p.Up(testID("b"))
				}
			}
		})
	}
	for round := range 6 {
		settled(t, "calls are answered", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return answered > 100*(round+1)
		})
		s.Drop(func(ID) bool { return true })
		s.Close()
		settled(t, "it is seen to be down", func() bool { return !p.Up(testID("b")) })
		s, _ = serveAt(t, addr, options)
		p.Check(testID("b"))
	}
	close(stop)
	callers.Wait()
	ends.Wait()
	s.Close()
	for n, err := range certain {
		if arrived[n] {
			t.Fatalf("call %d arrived, and its caller was told %v", n, err)
		}
	}
	t.Logf("%d calls were answered, %d certainly were not sent", answered, len(certain))
}

func TestUp(t *testing.T) {
	s, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b"))})
	p, w := pool(t, identity("a"), "b", addr, nil)
	if e := w.next(t); e.err != nil {
		t.Fatal(e.err)
	}
	if !p.Up(testID("b")) || p.Up(testID("c")) {
		t.Error("one that answers is not up, or a stranger is")
	}
	s.Close()
	for w.next(t).err == nil {
	}
	if p.Up(testID("b")) {
		t.Error("one that does not answer is up")
	}
	serveAt(t, addr, ServerOptions{Self: always(identity("b"))})
	p.Check(testID("b"))
	settled(t, "it is up again", func() bool { return p.Up(testID("b")) })
	if n := testing.AllocsPerRun(100, func() { p.Up(testID("b")) }); n != 0 {
		t.Errorf("asking takes %v allocations", n)
	}
	p.SetPeers(nil)
	if p.Up(testID("b")) {
		t.Error("one that is no peer any more is up")
	}
}

// A call that gets no answer has its peer asked at once whether it is there.
func TestTimeoutChecksThePeer(t *testing.T) {
	d := newDesk()
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{Self: always(identity("b")), Handler: d})
	p, w := pool(t, identity("a"), "b", addr, func(o *PoolOptions) {
		o.Timeout, o.Beat = time.Second, time.Hour
	})
	for w.next(t).err != nil {
	}
	if _, err := p.Call(ctx(t), testID("b"), nil); err == nil || NotSent(err) {
		t.Errorf("a call that nobody answers: %v", err)
	}
	// The first ping, the call, and the check.
	settled(t, "a ping after the timeout", func() bool { return p.Links()[0].Sent >= 3 })
	d.mu.Lock()
	d.answerAll("")
	d.mu.Unlock()
}

// Frames from many goroutines arrive whole, those of each in its order, while somebody
// else holds the outbox now and then; large ones too.
func TestOutboxKeepsOrder(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	o := newOutbox(1 << 30)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	writers.Go(func() { o.write(near, stop) })
	const senders, each = 4, 300
	for i := range senders {
		writers.Go(func() {
			for n := range each {
				if i == 0 && n%3 == 0 {
					o.hold()
				}
				o.add(frame{kindCall, uint64(i)<<32 | uint64(n), make([]byte, n*n%(chunkSize+1000))})
				if i == 0 && n%3 == 2 {
					o.release(near)
				}
			}
		})
	}
	r := newFrameReader(far, 1<<20)
	var next [senders]uint64
	for range senders * each {
		f, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		if i := f.id >> 32; f.id&(1<<32-1) != next[i] {
			t.Fatalf("frame %d of sender %d, want %d", f.id&(1<<32-1), i, next[i])
		}
		next[f.id>>32]++
	}
	close(stop)
	far.Close()
	writers.Wait()
	if n := o.bytes.Load(); n != 0 || len(o.queue) != 0 {
		t.Errorf("%d bytes wait, %d chunks", n, len(o.queue))
	}
	if !o.add(frame{kindCall, 1, make([]byte, 100)}) {
		t.Error("no room in an empty outbox")
	}
}

func TestOutboxIsBounded(t *testing.T) {
	o := newOutbox(100)
	if !o.add(frame{kindCall, 1, make([]byte, 5000)}) {
		t.Fatal("one frame has no room")
	}
	if o.add(frame{kindCall, 2, nil}) {
		t.Fatal("a second one has")
	}
	o.drop()
	for n := range 5 {
		if !o.add(frame{kindCall, 3, nil}) {
			t.Fatalf("frame %d has no room", n)
		}
	}
	if o.add(frame{kindCall, 4, make([]byte, 1)}) || o.bytes.Load() != 100 {
		t.Fatalf("more than 100 bytes wait: %d", o.bytes.Load())
	}
}
