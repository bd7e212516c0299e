package resp

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// Loops go from runner to runner while their clients talk, and while promised
// replies and messages arrive from other goroutines.
func TestLoopsChangeRunners(t *testing.T) {
	h, srv := newToyWith(t, Options{Limits: DefaultLimits(), Loops: 4})
	dial := dialer(t, srv, "tcp")
	var clients sync.WaitGroup
	for range 12 {
		nc := dial()
		clients.Go(func() {
			for j := range 300 {
				text, want := fmt.Sprintf("echo %d\r\necho x\r\n", j+100), fmt.Sprintf("$3\r\n%d\r\n$1\r\nx\r\n", j+100)
				if err := exchange(nc, text, want); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	promises := dial()
	clients.Go(func() {
		for i := range 100 {
			go func() {
				until(t, "the promise", func() bool { return len(h.promised()) > i })
				h.promised()[i].Done()
			}()
			if err := exchange(promises, "later\r\necho 1\r\n", "$8\r\npromised\r\n$1\r\n1\r\n"); err != nil {
				t.Error(err)
				return
			}
		}
	})
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	for n := 1; ; n = n%4 + 1 {
		srv.crew.assign(n)
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// A server that follows the load answers, and ends, whatever the load is.
func TestAdapt(t *testing.T) {
	_, srv := newToyWith(t, Options{Limits: DefaultLimits(), Loops: 3, Adapt: true})
	dial := dialer(t, srv, "tcp")
	for range 6 {
		nc := dial()
		for range 20 {
			send(t, nc, "echo 1\r\n")
			expect(t, nc, "$1\r\n1\r\n")
		}
	}
	if n := srv.crew.active.Load(); n < 1 || n > 3 {
		t.Fatalf("%d runners serve", n)
	}
}

// A runner that has ended takes no loops: the others keep theirs, each of them.
func TestRunnerThatHasEnded(t *testing.T) {
	_, srv := newToyWith(t, Options{Limits: DefaultLimits(), Loops: 4, Adapt: true})
	dial := dialer(t, srv, "tcp") // Adapt: the first runner has all loops
	last := srv.crew.runners[3]
	last.halt()
	until(t, "it has ended", func() bool {
		last.mu.Lock()
		defer last.mu.Unlock()
		return last.ended
	})
	var clients []net.Conn
	for range 8 {
		clients = append(clients, dial())
	}
	for n := range 20 {
		srv.crew.assign(1 + n%4)
		for _, nc := range clients {
			if err := exchange(nc, "echo 1\r\n", "$1\r\n1\r\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	srv.crew.assign(1)
	clients[0].Close()
	// The server is closed when loops are about to be handed on. That every
	// session is closed then is seen to by newToyWith.
	srv.crew.assign(4)
}
