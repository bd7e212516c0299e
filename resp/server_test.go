package resp

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// toy is a Handler whose few commands exercise sessions:
//
//	echo x · big n: n bytes · later: promised, released by the test · hold: the
//	same, and stops the input · retain x: that, and keeps its input · then n: holds, known when Done was called n times · brief: that, until the client closes · stall: offered again after release · quit ·
//	hangup · boom: panics · off, on, skip: reply modes · pub: becomes a subscriber
type toy struct {
	mu       sync.Mutex
	laters   []*Later
	stalled  []*Session
	free     atomic.Bool // stall no longer stalls
	open     atomic.Int64
	gate     atomic.Pointer[Gate] // what Flush returns
	kept     [][]byte             // arguments of "keep", against the rules
	retained []*Kept
}

func (h *toy) NewWorker() Worker          { return h }
func (h *toy) Ahead(*Session, [][][]byte) {}
func (h *toy) Open(s *Session)            { h.open.Add(1); s.SetTrusted(true) }
func (h *toy) Close(s *Session)           { h.open.Add(-1) }
func (h *toy) Flush(*Session) *Gate       { return h.gate.Load() }
func (h *toy) Refused(s *Session, err error) string {
	if s.pubsub.Load() {
		return "" // stands for a session that only reads
	}
	return "MISCONF " + err.Error()
}
func (h *toy) Do(s *Session, args [][]byte) Verdict {
	w := s.Writer()
	switch string(args[0]) {
	case "echo":
		w.Bulk(args[1])
	case "count":
		w.Int(int64(len(args)))
	case "big":
		n, _ := strconv.Atoi(string(args[1]))
		w.Bulk(bytes.Repeat([]byte("x"), n))
	case "retain":
		s.Later(true)
		h.mu.Lock()
		h.retained = append(h.retained, s.Keep())
		h.mu.Unlock()
	case "later", "hold", "brief":
		l := s.Later(string(args[0]) != "later")
		if string(args[0]) == "brief" {
			l.UntilClosed()
		}
		l.Writer().BulkString("promised")
		h.mu.Lock()
		h.laters = append(h.laters, l)
		h.mu.Unlock()
	case "then":
		n, _ := strconv.Atoi(string(args[1]))
		l := s.Later(true)
		l.Then(func() bool {
			if n--; n == 0 {
				l.Writer().BulkString("done")
			} else if n < 0 {
				panic("boom")
			}
			return n == 0
		})
		h.mu.Lock()
		h.laters = append(h.laters, l)
		h.mu.Unlock()
	case "stall":
		if !h.free.Load() {
			h.mu.Lock()
			h.stalled = append(h.stalled, s)
			h.mu.Unlock()
			return Stall
		}
		w.Status("went on")
	case "quit":
		w.OK()
		s.CloseSoon()
	case "hangup":
		s.Hangup()
	case "boom":
		panic("boom")
	case "off":
		s.ReplyOff()
	case "on":
		s.ReplyOn()
		w.OK()
	case "skip":
		s.ReplySkip()
	case "pub":
		s.SetPubSub(true)
		w.OK()
	case "distrust":
		s.SetTrusted(false)
		w.OK()
	case "resp3":
		s.SetProto(3)
		w.OK()
	case "self": // is sent a message, and replies
		s.Push([]byte("+self\r\n"), s)
		w.OK()
	case "take": // comes behind the messages that wait
		s.TakeMessages()
		w.OK()
	case "hoard": // has the server keep bytes for it
		n, _ := strconv.Atoi(string(args[1]))
		s.Hold(int64(n))
		w.OK()
	case "stay":
		s.SetNoEvict(true)
		w.OK()
	case "reset":
		s.ReplyReset()
		w.OK()
	case "part": // writes, changes the reply mode, writes again
		w.Status("before")
		map[string]func(){"off": s.ReplyOff, "on": s.ReplyOn, "skip": s.ReplySkip}[string(args[1])]()
		w.Status("after")
	case "keep":
		h.kept = append(h.kept, args[1])
		w.OK()
	case "kept":
		w.Bulk(h.kept[0])
	default:
		w.Error("ERR unknown")
	}
	return Done
}

func (h *toy) promised() []*Later {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*Later(nil), h.laters...)
}

// carriers runs a test over every way to carry a session.
func carriers(t *testing.T, test func(t *testing.T, h *toy, srv *Server, dial func() net.Conn)) {
	for _, name := range []string{"tcp", "unix", "tls"} {
		t.Run(name, func(t *testing.T) {
			lim := DefaultLimits()
			h, srv := newToy(t, lim)
			test(t, h, srv, dialer(t, srv, name))
		})
	}
}

func newToy(t *testing.T, lim Limits) (*toy, *Server) {
	t.Helper()
	return newToyWith(t, Options{Loops: 2, Limits: lim})
}

func newToyWith(t *testing.T, o Options) (*toy, *Server) {
	t.Helper()
	h := &toy{}
	o.Backlog, o.Log = 64, slog.New(slog.NewTextHandler(io.Discard, nil))
	srv, err := New(h, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		srv.Close()
		if n := h.open.Load(); n != 0 {
			t.Errorf("%d sessions are still open after Close", n)
		}
	})
	return h, srv
}

func dialer(t *testing.T, srv *Server, kind string) func() net.Conn {
	t.Helper()
	network, address := "tcp", "127.0.0.1:0"
	var sc, cc *tls.Config
	switch kind {
	case "unix":
		network, address = "unix", t.TempDir()+"/s"
	case "tls":
		sc, cc = testTLS(t)
	}
	addr, err := srv.Listen(network, address, sc)
	if err != nil {
		t.Fatal(err)
	}
	return func() net.Conn {
		t.Helper()
		nc, err := net.Dial(network, addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if cc != nil {
			nc = tls.Client(nc, cc)
		}
		nc.SetDeadline(time.Now().Add(5 * time.Minute))
		t.Cleanup(func() { nc.Close() })
		return nc
	}
}

func send(t *testing.T, nc net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, nc net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(nc, got)
	if string(got[:n]) != want {
		t.Fatalf("got %q (%v), want %q", got[:n], err, want)
	}
}

// exchange is send and expect for goroutines of a test.
func exchange(nc net.Conn, text, want string) error {
	if _, err := io.WriteString(nc, text); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(nc, got); string(got[:n]) != want {
		return fmt.Errorf("sent %q, got %q (%v), want %q", text, got[:n], err, want)
	}
	return nil
}

func expectEnd(t *testing.T, nc net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(nc); len(b) > 0 {
		t.Fatalf("got %q (%v), want the end", b, err)
	}
}

// until polls with a deadline.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for tick := time.NewTicker(time.Millisecond); !ok(); {
		select {
		case <-deadline:
			t.Fatal("waited in vain until ", what)
		case <-tick.C:
		}
	}
}

func TestPipeline(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "*0\r\n\r\n*-1\r\necho a\r\n*2\r\n$4\r\necho\r\n$0\r\n\r\necho \"b c\"\r\n")
		expect(t, nc, "$1\r\na\r\n$0\r\n\r\n$3\r\nb c\r\n")
		var in, want strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&in, "*2\r\n$4\r\necho\r\n$4\r\n%04d\r\n", i)
			fmt.Fprintf(&want, "$4\r\n%04d\r\n", i)
		}
		go io.WriteString(nc, in.String())
		expect(t, nc, want.String())
	})
}

func TestOneByteAtATime(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		for _, c := range []byte("*2\r\n$4\r\necho\r\n$3\r\nabc\r\necho x\r\n") {
			send(t, nc, string(c))
		}
		expect(t, nc, "$3\r\nabc\r\n$1\r\nx\r\n")
	})
}

func TestLargeValueBothWays(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		v := strings.Repeat("v", 5<<20)
		go fmt.Fprintf(nc, "*2\r\n$4\r\necho\r\n$%d\r\n%s\r\necho after\r\n", len(v), v)
		expect(t, nc, fmt.Sprintf("$%d\r\n%s\r\n$5\r\nafter\r\n", len(v), v))
		until(t, "the buffers are given back", func() bool { return srv.ClientMemory() < keepBuffer })
	})
}

func TestLaterRepliesKeepTheirPlace(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "echo 1\r\nlater\r\necho 2\r\nlater\r\necho 3\r\n")
		until(t, "two replies are promised", func() bool { return len(h.promised()) == 2 })
		expect(t, nc, "$1\r\n1\r\n")
		h.promised()[1].Done() // the second one first
		send(t, nc, "echo 4\r\n")
		h.promised()[0].Done()
		expect(t, nc, "$8\r\npromised\r\n$1\r\n2\r\n$8\r\npromised\r\n$1\r\n3\r\n$1\r\n4\r\n")
	})
}

func TestHoldStopsTheInput(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "hold\r\nhold\r\necho 1\r\n")
		until(t, "one reply is promised", func() bool { return len(h.promised()) == 1 })
		h.promised()[0].Done()
		until(t, "the next command is executed", func() bool { return len(h.promised()) == 2 })
		h.promised()[1].Done()
		expect(t, nc, "$8\r\npromised\r\n$8\r\npromised\r\n$1\r\n1\r\n")
	})
}

func TestManyLaters(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		const n = 3 * maxLaters
		go io.WriteString(nc, strings.Repeat("later\r\n", n))
		done := 0
		for done < n {
			until(t, "more replies are promised", func() bool { return len(h.promised()) > done })
			all := h.promised()
			if len(all)-done > maxLaters {
				t.Fatalf("%d replies are outstanding", len(all)-done)
			}
			for _, l := range all[done:] {
				l.Done()
			}
			done = len(all)
		}
		expect(t, nc, strings.Repeat("$8\r\npromised\r\n", n))
	})
}

func TestStall(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "echo 1\r\nstall\r\necho 2\r\n")
		expect(t, nc, "$1\r\n1\r\n")
		until(t, "the session stalls", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.stalled) == 1 })
		send(t, nc, "echo 3\r\n")
		h.free.Store(true)
		h.stalled[0].Resume()
		expect(t, nc, "+went on\r\n$1\r\n2\r\n$1\r\n3\r\n")
	})
}

func TestReplyModes(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "off\r\necho 1\r\nskip\r\necho 2\r\non\r\nskip\r\necho 3\r\necho 4\r\n")
		expect(t, nc, "+OK\r\n$1\r\n4\r\n")
	})
}

func TestWaysToClose(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		for in, want := range map[string]string{
			"quit\r\necho 1\r\n":          "+OK\r\n",
			"echo 1\r\nhangup\r\n":        "$1\r\n1\r\n",
			"echo 1\r\n*x\r\necho 2\r\n":  "$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n",
			"echo \"1\r\necho 2\r\n":      "-ERR Protocol error: unbalanced quotes in request\r\n",
			"*1\r\n$4\r\nquitxx":          "-ERR Protocol error: invalid bulk length\r\n",
			"boom\r\necho 1\r\n":          "-ERR internal error; see the server's log\r\n",
			"*1\r\n:1\r\n":                "-ERR Protocol error: expected '$', got ':'\r\n",
			"distrust\r\n*11\r\n":         "+OK\r\n-ERR Protocol error: unauthenticated multibulk length\r\n",
			strings.Repeat("a", 65<<10+1): "-ERR Protocol error: too big inline request\r\n",
		} {
			nc := dial()
			send(t, nc, in)
			if in == "echo 1\r\nhangup\r\n" {
				io.Copy(io.Discard, nc) // what came before may or may not arrive
				continue
			}
			expect(t, nc, want)
			expectEnd(t, nc)
		}
		until(t, "all sessions are closed", func() bool { return srv.Connected() == 0 })
	})
}

func TestHalfClosedClientGetsItsReplies(t *testing.T) {
	_, srv := newToy(t, DefaultLimits())
	nc := dialer(t, srv, "tcp")()
	send(t, nc, "echo 1\r\nbig 3000000\r\necho 2\r\n")
	nc.(*net.TCPConn).CloseWrite()
	expect(t, nc, "$1\r\n1\r\n$3000000\r\n"+strings.Repeat("x", 3000000)+"\r\n$1\r\n2\r\n")
	expectEnd(t, nc)
}

func TestPushBetweenReplies(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		nc := dial()
		send(t, nc, "pub\r\n")
		expect(t, nc, "+OK\r\n")
		srv.Each(func(s *Session) bool {
			for range 100 {
				s.Push([]byte("+news\r\n"), nil)
			}
			return true
		})
		expect(t, nc, strings.Repeat("+news\r\n", 100))
		send(t, nc, "echo 1\r\n")
		expect(t, nc, "$1\r\n1\r\n")
	})
}

func TestScribbledArguments(t *testing.T) {
	if !scribble {
		return // only race builds overwrite arguments
	}
	_, srv := newToy(t, DefaultLimits())
	nc := dialer(t, srv, "tcp")()
	send(t, nc, "keep secret\r\nkept\r\n")
	expect(t, nc, "+OK\r\n$6\r\n!!!!!!\r\n")
}

// A server that is closed first sends the replies to what it has executed.
func TestCloseAnswersWhatIsRunning(t *testing.T) {
	carriers(t, func(t *testing.T, h *toy, srv *Server, dial func() net.Conn) {
		idle, waiting, gated := dial(), dial(), dial()
		send(t, idle, "echo 1\r\n")
		expect(t, idle, "$1\r\n1\r\n")
		send(t, waiting, "later\r\necho 2\r\n")
		until(t, "a reply is promised", func() bool { return len(h.promised()) == 1 })
		gate := new(Gate)
		h.gate.Store(gate)
		send(t, gated, "echo 3\r\n")
		until(t, "its input was read", func() bool { return srv.Counters().In >= int64(len("echo 1\r\nlater\r\necho 2\r\necho 3\r\n")) })
		closed := make(chan struct{})
		go func() { srv.Close(); close(closed) }()
		expectEnd(t, idle)
		h.promised()[0].Done()
		gate.Open()
		expect(t, waiting, "$8\r\npromised\r\n$1\r\n2\r\n")
		expect(t, gated, "$1\r\n3\r\n")
		expectEnd(t, waiting)
		expectEnd(t, gated)
		<-closed
	})
}
