package integration

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A protocolCase is bytes that a server answers in a certain way and then
// closes the connection, or goes on.
type protocolCase struct {
	name   string
	send   string
	closes bool // otherwise PING behind it is answered
}

// protocolCases are the protocol errors of COMPAT 4.9 and what looks like them.
// What closes ends where the error is seen, so that it can also be sent in
// pieces.
func protocolCases() []protocolCase {
	ok := "*1\r\n$4\r\nPING\r\n"
	return []protocolCase{
		{"multibulk length: text", "*abc\r\n", true},
		{"multibulk length: empty", "*\r\n", true},
		{"multibulk length: space", "* 1\r\n", true},
		{"multibulk length: plus", "*+1\r\n", true},
		{"multibulk length: leading zero", "*01\r\n", true},
		{"multibulk length: float", "*1.5\r\n", true},
		{"multibulk length: int32 overflow", "*2147483648\r\n", true},
		{"multibulk length: int64 max", "*9223372036854775807\r\n", true},
		{"multibulk length: uint64 overflow", "*18446744073709551620\r\n", true},
		{"multibulk length: 30 digits", "*" + strings.Repeat("9", 30) + "\r\n", true},
		{"multibulk length: zero", "*0\r\n", false},
		{"multibulk length: minus one", "*-1\r\n", false},
		{"multibulk length: int64 min", "*-9223372036854775808\r\n", false},
		{"multibulk length: 1M and one", "*1048577\r\n+\r\n", true},
		{"multibulk length: after a good command", ok + "*x\r\n", true},
		{"bulk length: text", "*1\r\n$abc\r\n", true},
		{"bulk length: negative", "*1\r\n$-1\r\n", true},
		{"bulk length: empty", "*1\r\n$\r\n", true},
		{"bulk length: plus", "*1\r\n$+4\r\n", true},
		{"bulk length: leading zero", "*1\r\n$04\r\n", true},
		{"bulk length: over 512 MB", "*1\r\n$536870913\r\n", true},
		{"bulk length: int64 max", "*1\r\n$9223372036854775807\r\n", true},
		{"bulk length: uint64 overflow", "*1\r\n$18446744073709551620\r\n", true},
		{"bulk length: second argument", "*2\r\n$3\r\nGET\r\n$x\r\n", true},
		{"no dollar", "*1\r\nPING\r\n", true},
		{"no dollar: colon", "*1\r\n:1\r\n", true},
		{"no dollar: star", "*1\r\n*1\r\n", true},
		{"no dollar: empty line", "*1\r\n\r\n", true},
		{"no dollar: control character", "*1\r\n\x01\r\n", true},
		{"no dollar: high byte", "*1\r\n\xff\r\n", true},
		{"no dollar: after a good argument", "*2\r\n$4\r\nECHO\r\n+x\r\n", true},
		{"inline: unbalanced double quote", "SET k \"v\r\n", true},
		{"inline: unbalanced single quote", "SET k 'v\r\n", true},
		{"inline: text behind a closing quote", "SET k \"v\"x\r\n", true},
		{"inline: text behind a closing single quote", "SET k 'v'x\r\n", true},
		{"inline: quote after a good command", ok + "GET \"\r\n", true},
		{"inline: too big", strings.Repeat("x", 66_000), true},
		{"inline: empty lines", "\r\n\r\n\n", false},
		{"inline: only spaces", "   \r\n\t\r\n", false},
		// Not NUL: redis-server then never sees the end of the line.
		{"inline: binary", "\x01\x02\xff\r\n", false},
		{"inline: 60 KB", "ECHO " + strings.Repeat("x", 60_000) + "\r\n", false},
		{"multibulk count string too big", "*" + strings.Repeat("1", 66_000), true},
		{"bulk count string too big", "*1\r\n$" + strings.Repeat("1", 66_000), true},
		{"empty command name", "*1\r\n$0\r\n\r\n", false},
		{"POST", "POST / HTTP/1.1\r\n", true},
		{"post in RESP", "*2\r\n$4\r\npost\r\n$1\r\n/\r\n", true},
		{"Host:", "Host: example.com\r\n", true},
		{"host: in RESP", "*1\r\n$5\r\nhost:\r\n", true},
		{"GET over HTTP", "GET / HTTP/1.1\r\n", false},
		{"wrong end of a bulk", "*1\r\n$4\r\nPINGxx", false},
		{"bulk end is any two bytes", "*2\r\n$4\r\nECHOxy$1\r\nazz", false},
		{"count ends in CR and any byte", "*1\rx$4\rxPING\r\n", false},
	}
}

// isStricter checks a case in which rldb is stricter than redis-server.
func (p *pair) isStricter(t *testing.T, c protocolCase, way string, cut func([]byte) [][]byte) {
	t.Helper()
	c.closes = true
	got, err := converse(p.sub, c, cut, p.patience())
	if err != nil || !bytes.Contains(got, []byte("-ERR Protocol error: ")) {
		t.Errorf("%s, %s: %.100q is not refused with a protocol error: %.300q %v", c.name, way, c.send, got, err)
	}
}

// protocolLimit is the time for one case.
const protocolLimit = 10 * time.Second

// patience is the time for one case at the subject: less once one has failed, so
// that a server that is wrong in many cases does not hold up the others.
func (p *pair) patience() time.Duration {
	if p.disappointed {
		return time.Second
	}
	return protocolLimit
}

// testProtocol sends each case on connections of its own: whole, byte by byte,
// and cut in two.
func (p *pair) testProtocol(t *testing.T) {
	stricter := stricterProtocol()
	for _, c := range protocolCases() {
		ways := map[string]func([]byte) [][]byte{"whole": whole, "halves": halves}
		if len(c.send) < 200 {
			ways["bytes"] = singles
		}
		for way, cut := range ways {
			if stricter[c.name] != "" && !subjectIsRedis() {
				p.isStricter(t, c, way, cut)
				continue
			}
			p.protocolCase(t, c, way, cut)
		}
	}
}

func whole(b []byte) [][]byte  { return [][]byte{b} }
func halves(b []byte) [][]byte { return [][]byte{b[:len(b)/2], b[len(b)/2:]} }
func singles(b []byte) [][]byte {
	var out [][]byte
	for i := range b {
		out = append(out, b[i:i+1])
	}
	return out
}

func (p *pair) protocolCase(t *testing.T, c protocolCase, way string, cut func([]byte) [][]byte) {
	t.Helper()
	want, err := converse(p.ref, c, cut, protocolLimit)
	if err != nil {
		t.Errorf("%s, %s: redis-server: %v", c.name, way, err)
		return
	}
	got, err := converse(p.sub, c, cut, p.patience())
	if err != nil {
		p.disappointed = true
		t.Errorf("%s, %s: %v (redis-server answers %q, closes: %v)", c.name, way, err, want, c.closes)
		return
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s, %s: %.100q is answered with\n redis %.500q\n rldb  %.500q", c.name, way, c.send, want, got)
	}
}

// converse sends the case's bytes in pieces and returns all that is answered.
func converse(addr string, c protocolCase, cut func([]byte) [][]byte, limit time.Duration) ([]byte, error) {
	conn, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	text := []byte(c.send)
	const ping = "the word that ends the case"
	if !c.closes {
		text = appendCommand(text, "PING", ping)
	}
	for _, piece := range cut(text) {
		if err := conn.send(piece); err != nil {
			break // closed already: what was answered is read below
		}
	}
	if c.closes {
		answer, closed := conn.readAll(limit)
		if !closed {
			return answer, fmt.Errorf("the connection stays open after %q", answer)
		}
		return answer, nil
	}
	return conn.readTo(ping+"\r\n", limit)
}

// readTo reads bytes up to a word.
func (c *conn) readTo(word string, limit time.Duration) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(limit))
	var text []byte
	for !bytes.HasSuffix(text, []byte(word)) {
		b, err := c.r.ReadByte()
		if err != nil {
			return text, fmt.Errorf("after %.200q: %w", text, err)
		}
		text = append(text, b)
	}
	return text, nil
}
