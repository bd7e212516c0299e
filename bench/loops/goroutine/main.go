// Command goroutine serves every connection from a goroutine of its own, with a
// parser that copies nothing, in front of a sharded map: one of the connection
// loops that bench compares. With BENCH_STORE=none it keeps nothing and answers
// every GET with 64 bytes: what remains is the loop.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/rldb/rldb/bench/loops/shards"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: goroutine ADDRESS")
		os.Exit(2)
	}
	var s server
	if os.Getenv("BENCH_STORE") != "none" {
		s.store = shards.New()
	}
	l, err := net.Listen("tcp", os.Args[1])
	for err == nil {
		var conn net.Conn
		if conn, err = l.Accept(); err == nil {
			go s.serve(conn)
		}
	}
	fmt.Fprintln(os.Stderr, "goroutine:", err)
	os.Exit(1)
}

type server struct{ store *shards.Map } // nil: keep nothing

// serve reads as much as there is, answers every whole command of it, and
// writes the answers at once.
func (s server) serve(conn net.Conn) {
	defer conn.Close()
	in, out := make([]byte, 0, 16<<10), make([]byte, 0, 16<<10)
	var args [][]byte
	for {
		if len(in) == cap(in) {
			in = append(in, 0)[:len(in)]
		}
		n, err := conn.Read(in[len(in):cap(in)])
		if err != nil {
			return
		}
		in = in[:len(in)+n]
		rest, out := in, out[:0]
		for {
			var size int
			if args, size, err = parse(rest, args[:0]); err != nil {
				return
			}
			if size == 0 {
				break
			}
			out = s.answer(out, args)
			rest = rest[size:]
		}
		in = in[:copy(in, rest)]
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (s server) answer(out []byte, args [][]byte) []byte {
	switch {
	case is(args[0], "set") && len(args) == 3:
		if s.store != nil {
			s.store.Set(args[1], args[2])
		}
		return append(out, "+OK\r\n"...)
	case is(args[0], "get") && len(args) == 2:
		if s.store == nil {
			return append(out, "$64\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n"...)
		}
		v, ok := s.store.Get(args[1])
		if !ok {
			return append(out, "$-1\r\n"...)
		}
		out = strconv.AppendInt(append(out, '$'), int64(len(v)), 10)
		return append(append(append(out, "\r\n"...), v...), "\r\n"...)
	case is(args[0], "dbsize") && s.store != nil:
		return append(strconv.AppendInt(append(out, ':'), int64(s.store.Len()), 10), "\r\n"...)
	case is(args[0], "ping"):
		return append(out, "+PONG\r\n"...)
	}
	return append(out, "-ERR this server knows SET, GET, DBSIZE and PING\r\n"...)
}

func is(arg []byte, name string) bool { return bytes.EqualFold(arg, []byte(name)) }

var errSyntax = errors.New("not RESP")

// parse finds the first command of p and its size, which is 0 while it is
// incomplete. The arguments lie in p.
func parse(p []byte, args [][]byte) ([][]byte, int, error) {
	count, at, err := length(p, 0, '*')
	if err != nil || at == 0 {
		return args, 0, err
	}
	for range count {
		n, start, err := length(p, at, '$')
		if err != nil || start == 0 || start+n+2 > len(p) {
			return args, 0, err
		}
		args, at = append(args, p[start:start+n]), start+n+2
	}
	return args, at, nil
}

// length reads a line like *3 at p[at:], and gives the number and where the next
// line begins, 0 if there is no whole line yet.
func length(p []byte, at int, kind byte) (n, next int, err error) {
	if at >= len(p) {
		return 0, 0, nil
	}
	end := bytes.IndexByte(p[at:], '\n')
	switch {
	case p[at] != kind:
		return 0, 0, errSyntax
	case end < 0:
		return 0, 0, nil
	case end < 2:
		return 0, 0, errSyntax
	}
	for _, d := range p[at+1 : at+end-1] {
		if d < '0' || d > '9' || n > 1<<20 {
			return 0, 0, errSyntax
		}
		n = n*10 + int(d-'0')
	}
	if n == 0 {
		return 0, 0, errSyntax
	}
	return n, at + end + 1, nil
}
