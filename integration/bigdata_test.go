package integration

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"
)

// reset closes a connection with RST instead of FIN.
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// TestSlowReader asks for gigabytes and reads nothing: the node must stop
// reading from such a client, or close it. It may keep 256 MB for it.
func TestSlowReader(t *testing.T) {
	const bound = 256 << 20
	requests := 4096 // of 1 MB each
	if subjectIsRedis() {
		requests = 100 // it has no bound
	}
	p := startSubject(t, options{plain: true})
	mustDial(t, p.addr).mustDo(t, "SET", "big", string(bytes.Repeat([]byte("x"), 1<<20)))
	w := watch(t, p)
	var text []byte
	for range requests {
		text = appendCommand(text, "GET", "big")
	}
	for range 2 {
		c := mustDial(t, p.addr)
		c.limit = 3 * time.Second
		c.send(text) // an error means that the node no longer reads, or has closed
	}
	settle(t, p)
	eventually(t, replyLimit, "a good while", oneSecond())
	w.done(t, bound)
}

// oneSecond is a condition that holds after a second.
func oneSecond() func() error {
	end := time.Now().Add(time.Second)
	return func() error {
		if time.Now().Before(end) {
			return fmt.Errorf("not over")
		}
		return nil
	}
}

// TestSlowReaderReadsAll: a client that reads late still gets every reply.
func TestSlowReaderReadsAll(t *testing.T) {
	const n = 60
	p := startSubject(t, options{})
	c := mustDial(t, p.addr)
	value := string(bytes.Repeat([]byte("y"), 1<<20))
	c.mustDo(t, "SET", "big", value)
	sent := make(chan error, 1)
	go func() {
		var text []byte
		for i := range n {
			text = appendCommand(text, "GET", "big")
			text = appendCommand(text, "ECHO", strconv.Itoa(i))
		}
		sent <- c.send(text)
	}()
	eventually(t, replyLimit, "a good while", oneSecond())
	for i := range n {
		if f, err := c.read(); err != nil || f.str() != value {
			t.Fatalf("value %d: %d bytes, %v", i, len(f.text), err)
		}
		if f, err := c.read(); err != nil || f.str() != strconv.Itoa(i) {
			t.Fatalf("ECHO %d: %q, %v", i, f.raw, err)
		}
	}
	must(t, <-sent)
}

// TestLargeValue stores a value of 32 MB, 512 MB in the long form. The node may
// take four times that much.
func TestLargeValue(t *testing.T) {
	size := 32 << 20
	if soak() {
		size = 512 << 20
	}
	p := startSubject(t, options{plain: true})
	w := watch(t, p)
	c := mustDial(t, p.addr)
	c.limit = toolLimit
	value := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	request := fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n", size)
	must(t, c.send(request))
	must(t, c.send(value))
	must(t, c.send([]byte("\r\n")))
	if f, err := c.read(); err != nil || f.str() != "OK" {
		t.Fatalf("SET: %q, %v", f.raw, err)
	}
	if f := c.mustDo(t, "STRLEN", "large"); f.str() != strconv.Itoa(size) {
		t.Errorf("STRLEN: %q", f.raw)
	}
	if f := c.mustDo(t, "GET", "large"); !bytes.Equal(f.text, value) {
		t.Errorf("GET gives another value, of %d bytes", len(f.text))
	}
	if f := c.mustDo(t, "GETRANGE", "large", strconv.Itoa(size-4), "-1"); f.str() != "cdef" {
		t.Errorf("GETRANGE: %q", f.raw)
	}
	if f, err := c.do("APPEND", "large", "x"); soak() && (err != nil || f.str() != "ERR string exceeds maximum allowed size (proto-max-bulk-len)") {
		t.Errorf("APPEND beyond proto-max-bulk-len: %q, %v", f.raw, err)
	}
	c.mustDo(t, "DEL", "large")
	w.done(t, 4*int64(size)+quietBound)
}

// TestManyArguments sends commands of 200,000 arguments, 1,048,575 in the long
// form. What they store takes memory; the bound is 1 KB an argument.
func TestManyArguments(t *testing.T) {
	n := 100_000
	if soak() {
		n = 1<<19 - 1
	}
	p := startSubject(t, options{plain: true})
	w := watch(t, p)
	c := mustDial(t, p.addr)
	c.limit = toolLimit
	mset, mget, del := []string{"MSET"}, []string{"MGET"}, []string{"DEL"}
	for i := range n {
		key := "key:" + strconv.Itoa(i)
		mset = append(mset, key, strconv.Itoa(i))
		mget, del = append(mget, key), append(del, key)
	}
	c.mustDo(t, mset...)
	if f := c.mustDo(t, "DBSIZE"); f.str() != strconv.Itoa(n) {
		t.Errorf("DBSIZE: %q", f.raw)
	}
	f := c.mustDo(t, mget...)
	for i, e := range f.elems {
		if e.str() != strconv.Itoa(i) {
			t.Fatalf("value %d is %q", i, e.raw)
		}
	}
	if f := c.mustDo(t, del...); f.str() != strconv.Itoa(n) {
		t.Errorf("DEL: %q", f.raw)
	}
	w.done(t, int64(2*n)<<10+quietBound)
}
