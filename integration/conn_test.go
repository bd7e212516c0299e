package integration

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// conn is a plain RESP connection that shows the bytes of each reply.
type conn struct {
	net.Conn
	r     *bufio.Reader
	limit time.Duration // the longest that a reply may take
}

func dial(addr string) (*conn, error) {
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	nc, err := net.DialTimeout(network, addr, connectLimit)
	if err != nil {
		return nil, err
	}
	return newConn(nc), nil
}

func newConn(nc net.Conn) *conn {
	return &conn{Conn: nc, r: bufio.NewReaderSize(nc, 64<<10), limit: replyLimit}
}

// mustDial connects for a test; the test's end closes the connection.
func mustDial(t testing.TB, addr string) *conn {
	t.Helper()
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// appendCommand appends a command in RESP.
func appendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, '\r', '\n')
	for _, a := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(a)), 10)
		b = append(b, '\r', '\n')
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// read reads one frame, within the limit.
func (c *conn) read() (frame, error) {
	c.SetReadDeadline(time.Now().Add(c.limit))
	return readFrame(c.r)
}

// send writes bytes, within the limit.
func (c *conn) send(b []byte) error {
	c.SetWriteDeadline(time.Now().Add(c.limit))
	_, err := c.Write(b)
	return err
}

// do sends one command and reads one frame.
func (c *conn) do(args ...string) (frame, error) {
	if err := c.send(appendCommand(nil, args...)); err != nil {
		return frame{}, err
	}
	return c.read()
}

// mustDo is do for a test in which nothing may fail.
func (c *conn) mustDo(t testing.TB, args ...string) frame {
	t.Helper()
	f, err := c.do(args...)
	if err != nil {
		t.Fatalf("%.500s: %v", fmt.Sprintf("%.200q", args), err)
	}
	if f.isError() {
		t.Fatalf("%.500s is answered with %.500q", fmt.Sprintf("%.200q", args), f.raw)
	}
	return f
}

// exchange sends bytes while it reads n frames, so that neither side waits for
// the other to read first.
func (c *conn) exchange(b []byte, n int) ([]frame, error) {
	sent := make(chan error, 1)
	if len(b) <= 16<<10 {
		sent <- c.send(b)
	} else {
		go func() { sent <- c.send(b) }()
	}
	frames := make([]frame, 0, n)
	var failed error
	for len(frames) < n && failed == nil {
		f, err := c.read()
		if err != nil {
			failed = fmt.Errorf("reply %d of %d: %w (after %.100q)", len(frames)+1, n, err, f.raw)
			break
		}
		frames = append(frames, f)
	}
	if failed != nil {
		c.Close() // ends the writer too
	}
	if err := <-sent; failed == nil && err != nil {
		failed = err
	}
	return frames, failed
}
