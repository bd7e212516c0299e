package resp

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestInputTwin: input that arrives in pieces is what a plain slice would hold,
// and its buffer is never much larger than what was received.
func TestInputTwin(t *testing.T) {
	srv := &Server{}
	rapid.Check(t, func(t *rapid.T) {
		s := &Session{srv: srv}
		s.scan.reset()
		var twin []byte
		var kept []*Kept
		var was [][]byte
		for range rapid.IntRange(1, 12).Draw(t, "pieces") {
			n := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 3<<20)).Draw(t, "bytes")
			piece := bytes.Repeat([]byte{byte(n), byte(n >> 8), 1}, n/3+1)[:n]
			s.addInput(piece)
			twin = append(twin, piece...)
			if !bytes.Equal(s.in, twin) {
				t.Fatalf("%d bytes of input are not what was received", len(twin))
			}
			if most := 2*len(twin) + 128<<10; cap(s.in) > most {
				t.Fatalf("%d bytes have a buffer of %d", len(twin), cap(s.in))
			}
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0:
				was = append(was, s.in)
				kept = append(kept, s.Keep())
				twin = nil
			case 1:
				s.dropInput()
				twin = nil
			}
		}
		total := 0
		for i, k := range kept {
			if !bytes.Equal(k.b, was[i]) {
				t.Fatal("kept input has changed")
			}
			total += cap(k.b)
		}
		if s.keptBytes() != total {
			t.Fatalf("%d bytes are said to be kept, not %d", s.keptBytes(), total)
		}
		for i, k := range kept { // in either order
			if i%2 == 0 {
				k.Release()
				s.Forget(k)
			} else {
				s.Forget(k)
				k.Release()
			}
		}
		if len(s.kept) != 0 {
			t.Fatal("something is kept for ever")
		}
		s.dropInput()
	})
	srv.wg.Wait()
}

// TestKeepNothing: short input is its carrier's, and cannot be kept.
func TestKeepNothing(t *testing.T) {
	s := &Session{srv: &Server{}}
	if s.Keep() != nil || s.Input() != 0 {
		t.Error("input was kept that is not the session's")
	}
}

// TestKeptOutlivesItsSession: what a command keeps is counted among the clients'
// memory until it is released, also when the client has gone.
func TestKeptOutlivesItsSession(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		const clients, size = 3, 2 << 20
		for range clients {
			send(t, dial(), fmt.Sprintf("*2\r\n$6\r\nretain\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size)))
		}
		retained := func() []*Kept {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.retained
		}
		until(t, "all have arrived", func() bool { return len(retained()) == clients })
		srv.Each(func(s *Session) bool {
			s.Kill()
			return true
		})
		until(t, "the clients are gone", func() bool { return srv.Connected() == 0 })
		for i, k := range retained() {
			if got, least := srv.ClientMemory(), int64(clients-i)*size; got < least || got > 2*least+1<<20 {
				t.Errorf("%d bytes are counted while commands keep %d", got, least)
			}
			k.Release()
		}
		until(t, "nothing is counted", func() bool { return srv.ClientMemory() == 0 })
	})
}
