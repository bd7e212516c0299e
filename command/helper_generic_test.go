package command

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// genericNode is a node on a port of its own, served by two loops.
type genericNode struct {
	srv   *Server
	front *resp.Server
	store *replica.Store
	addr  string
}

// genericFront has clients speak one protocol without HELLO.
type genericFront struct {
	*Server
	proto int
}

type genericWorker struct {
	*worker
	proto int
}

func (f genericFront) NewWorker() resp.Worker { return genericWorker{newWorker(f.Server), f.proto} }

func (w genericWorker) Open(s *resp.Session) {
	w.worker.Open(s)
	s.SetProto(w.proto)
}

func newGenericNode(t testing.TB, proto int) *genericNode {
	t.Helper()
	return newGenericNodeOn(t, testEngine(), proto)
}

func newGenericNodeOn(t testing.TB, eng engine.Engine, proto int) *genericNode {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &genericNode{store: openTestStore(eng)}
	options, end := coordinate(Options{Store: n.store, Settings: Settings{MaxBulk: 512 << 20}, Log: log})
	n.srv = New(options)
	front, err := resp.New(genericFront{n.srv, proto}, resp.Options{Loops: 2, Limits: resp.DefaultLimits(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	n.front = front
	n.srv.Attach(front)
	t.Cleanup(func() {
		front.Close()
		n.srv.Wait()
		end()
		n.store.Close()
	})
	addr, err := front.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = addr.String()
	return n
}

// genericConn is a client.
type genericConn struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dialGeneric(t testing.TB, addr string) *genericConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(5 * time.Minute))
	t.Cleanup(func() { nc.Close() })
	return &genericConn{nc, t, bufio.NewReader(nc)}
}

// send sends a command.
func (c *genericConn) send(words ...string) {
	c.t.Helper()
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// do sends a command and returns the reply, as read shows it.
func (c *genericConn) do(words ...string) string {
	c.t.Helper()
	c.send(words...)
	return c.read()
}

// read reads a reply and shows it: simple replies as they are sent, strings
// quoted, arrays in brackets, what is absent as nil.
func (c *genericConn) read() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal("no reply: ", err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch {
	case line == "$-1" || line == "_":
		return "nil"
	case line[0] == '$':
		return strconv.Quote(c.bulk(line[1:]))
	case line[0] == '*' && line != "*-1":
		elems := make([]string, c.number(line[1:]))
		for i := range elems {
			elems[i] = c.read()
		}
		return "[" + strings.Join(elems, " ") + "]"
	}
	return line
}

func (c *genericConn) number(s string) int {
	c.t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *genericConn) bulk(size string) string {
	c.t.Helper()
	b := make([]byte, c.number(size)+2)
	if _, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatal(err)
	}
	return string(b[:len(b)-2])
}

// genericStep is a command, as its words with spaces between or in quotes as Go
// writes them, and the reply to it as genericConn.read shows it.
type genericStep struct{ cmd, want string }

func (x genericStep) words(t testing.TB) []string {
	t.Helper()
	var words []string
	for rest := x.cmd; rest != ""; rest = strings.TrimPrefix(rest, " ") {
		var word string
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			rest = rest[len(quoted):]
			if word, err = strconv.Unquote(quoted); err != nil {
				t.Fatal(err)
			}
		} else {
			word, _, _ = strings.Cut(rest, " ")
			rest = rest[len(word):]
		}
		words = append(words, word)
	}
	return words
}

// playTable plays a table to an empty node, in RESP2 and RESP3. Where the
// environment names a redis-server's address in RLDB_ORACLE, the table is held
// against that one instead: it is emptied.
func playTable(t *testing.T, table []genericStep) {
	t.Helper()
	for proto := 2; proto <= 3; proto++ {
		t.Run(fmt.Sprintf("RESP%d", proto), func(t *testing.T) {
			addr := os.Getenv("RLDB_ORACLE")
			if addr == "" {
				addr = newGenericNode(t, proto).addr
			}
			c := dialGeneric(t, addr)
			if os.Getenv("RLDB_ORACLE") != "" {
				c.hello(proto)
				c.do("FLUSHALL")
			}
			tag := keyTagger(table)
			for _, x := range table {
				if got := c.do(tag(x.words(t))...); got != x.want {
					t.Errorf("%s\n got %s\nwant %s", x.cmd, got, x.want)
				}
			}
		})
	}
}

// hello has redis-server speak a protocol.
func (c *genericConn) hello(proto int) {
	c.t.Helper()
	c.send("HELLO", strconv.Itoa(proto))
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	words := c.number(strings.TrimSpace(line[1:]))
	if line[0] == '%' {
		words *= 2
	}
	for range words {
		c.read()
	}
}

// eventually polls with a deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("waited in vain until ", what)
		case <-tick.C:
		}
	}
}
