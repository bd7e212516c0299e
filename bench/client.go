package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is a small pipelining RESP2 client. Commands are appended to a buffer
// by the caller, replies are read in order.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

// reply is a RESP2 reply that is not an array. text is valid until the next one
// is read.
type reply struct {
	kind byte // + - : $
	text []byte
	null bool
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return newClient(conn, 32<<10), nil
}

func newClient(conn net.Conn, buffer int) *client {
	return &client{conn: conn, r: bufio.NewReaderSize(conn, buffer)}
}

func (c *client) close() { _ = c.conn.Close() }

// do sends one command and reads its reply; an error reply is an error.
func (c *client) do(args ...string) (reply, error) {
	command := appendCommand(nil, args...)
	if _, err := c.conn.Write(command); err != nil {
		return reply{}, err
	}
	return c.read()
}

// appendCommand appends a command in RESP.
func appendCommand[T string | []byte](dst []byte, args ...T) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, arg := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(arg)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, arg...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

var errLongReply = errors.New("a reply is longer than the client's buffer")

// read reads one reply; an error reply is an error.
func (c *client) read() (reply, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return reply{}, fmt.Errorf("%q is no reply", line)
	}
	out := reply{kind: line[0], text: line[1 : len(line)-2]}
	switch out.kind {
	case '+', ':':
		return out, nil
	case '-':
		return out, fmt.Errorf("the server answered: %s", out.text)
	case '$':
		return c.bulk(out)
	}
	return out, fmt.Errorf("%q is no reply that is expected here", line)
}

// bulk reads what follows a bulk's length.
func (c *client) bulk(out reply) (reply, error) {
	n, err := strconv.Atoi(string(out.text))
	if err != nil {
		return out, fmt.Errorf("a bulk of length %q", out.text)
	}
	if n < 0 {
		out.text, out.null = nil, true
		return out, nil
	}
	body, err := c.r.Peek(n + 2)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return out, errLongReply
	case err != nil:
		return out, io.ErrUnexpectedEOF
	}
	out.text = body[:n]
	_, err = c.r.Discard(n + 2)
	return out, err
}

// number sends a command whose reply is an integer.
func (c *client) number(args ...string) (int, error) {
	r, err := c.do(args...)
	if err != nil {
		return 0, err
	}
	if r.kind != ':' {
		return 0, fmt.Errorf("%s gave %q", args[0], r.text)
	}
	return strconv.Atoi(string(r.text))
}
