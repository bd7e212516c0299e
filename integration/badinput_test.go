package integration

import (
	"crypto/tls"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// quietBound is what bad input that carries no large values may cost.
const quietBound = 64 << 20

// TestBadInput does to one node what strangers and broken clients do. While each
// goes on the node answers others and its memory stays within the stated bound.
func TestBadInput(t *testing.T) {
	p := startSubject(t, options{plain: true, maxclients: 5000})
	for _, c := range []struct {
		name  string
		bound int64
		do    func(t *testing.T, p *process)
	}{
		{"half commands", quietBound, halfCommands},
		{"giant counts", quietBound, giantCounts},
		{"announced but never sent", quietBound, announced},
		{"one byte at a time", quietBound, trickle},
		{"garbage", quietBound, garbage},
		{"mutated commands", quietBound, mutated},
		{"TLS to the plain port", quietBound, speakTLS},
		{"HTTP to the port", quietBound, speakHTTP},
		{"abrupt ends", quietBound, abruptEnds},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watch(t, p)
			c.do(t, p)
			w.done(t, c.bound)
		})
	}
}

// halfCommands leaves 1,000 connections in the middle of a command.
func halfCommands(t *testing.T, p *process) {
	whole := string(appendCommand(nil, "SET", "half key", strings.Repeat("v", 100)))
	conns := make([]*conn, 1000)
	for i := range conns {
		conns[i] = mustDial(t, p.addr)
		must(t, conns[i].send([]byte(whole[:1+i%(len(whole)-1)])))
	}
	settle(t, p)
	// Each can go on where it stopped.
	for i, c := range conns {
		must(t, c.send([]byte(whole[1+i%(len(whole)-1):])))
		if f, err := c.read(); err != nil || f.str() != "OK" {
			t.Fatalf("a command that was cut after %d bytes is answered with %q, %v", 1+i%(len(whole)-1), f.raw, err)
		}
		c.Close()
	}
}

// settle waits until the server has answered a few rounds of PING: it has then
// read what was sent to it before.
func settle(t *testing.T, p *process) {
	t.Helper()
	c := mustDial(t, p.addr)
	for range 20 {
		c.mustDo(t, "PING")
	}
	c.Close()
}

// giantCounts announces more arguments and bytes than there can be. Some are
// refused, which closes the connection; none may cost memory or time.
func giantCounts(t *testing.T, p *process) {
	for _, text := range []string{
		"*1000000000\r\n", "*2147483647\r\n", "*9223372036854775807\r\n", "*18446744073709551620\r\n", "*" + strings.Repeat("9", 1000) + "\r\n",
		"*1\r\n$9223372036854775807\r\nx\r\n", "*1\r\n$18446744073709551620\r\nPING\r\n", "*1\r\n$-9223372036854775808\r\nx\r\n",
		"*1000000000\r\n$3\r\nGET\r\n", "*1048577\r\n", "*-2147483649\r\n", "*4294967297\r\n$4\r\nPING\r\n", "*1\r\n$4294967300\r\nPING\r\n",
	} {
		for range 20 {
			c := mustDial(t, p.addr)
			must(t, c.send([]byte(text)))
			defer c.Close()
		}
	}
	settle(t, p)
}

// announced opens 500 connections that announce 512 MB each and send 1 KB: memory
// is taken as bytes arrive.
func announced(t *testing.T, p *process) {
	for i := range 500 {
		c := mustDial(t, p.addr)
		text := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n"
		if i%2 == 0 {
			text = "*1000000\r\n$4\r\nMSET\r\n"
		}
		must(t, c.send([]byte(text+strings.Repeat("x", 1024*(i%2)))))
		defer c.Close()
	}
	settle(t, p)
}

// trickle sends commands byte by byte: a parser that starts again with every
// byte, or calls itself, does not survive it.
func trickle(t *testing.T, p *process) {
	size := 20_000
	if soak() {
		size = 1_500_000
	}
	var wg sync.WaitGroup
	for i := range 4 {
		c := mustDial(t, p.addr)
		wg.Go(func() {
			defer c.Close()
			value := strings.Repeat(string(rune('a'+i)), size)
			text := appendCommand(nil, "ECHO", value)
			for j := range text {
				if err := c.send(text[j : j+1]); err != nil {
					t.Error(err)
					return
				}
			}
			if f, err := c.read(); err != nil || f.str() != value {
				t.Errorf("%d bytes one by one: %.100q, %v", size, f.raw, err)
			}
		})
	}
	wg.Wait()
}

// garbage is random bytes of any length.
func garbage(t *testing.T, p *process) {
	rng := rand.New(rand.NewPCG(4, 2))
	for range 400 {
		b := make([]byte, rng.IntN(70_000))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		b = append([]byte{"*$+\x16\x00\r\nA\xff"[rng.IntN(9)]}, b...)
		sendAndLeave(t, p, b)
	}
}

// mutated are good commands with some bytes changed, dropped or doubled. They
// name no command that stops the server or empties it.
func mutated(t *testing.T, p *process) {
	rng := rand.New(rand.NewPCG(4, 3))
	good := appendCommand(nil, "SET", "key", "value", "EX", "100")
	good = appendCommand(good, "GET", "key")
	good = appendCommand(good, "MSET", "a", "1", "b", "2")
	for range 3000 {
		b := append([]byte(nil), good...)
		for range 1 + rng.IntN(4) {
			i := rng.IntN(max(1, len(b)-1))
			switch rng.IntN(4) {
			case 0:
				b[i] = byte(rng.Uint32())
			case 1:
				b = append(b[:i], b[i+1:]...)
			case 2:
				b = append(b[:i], append([]byte("9999"), b[i:]...)...)
			case 3:
				b = b[:i+1]
			}
			if len(b) < 2 {
				break
			}
		}
		sendAndLeave(t, p, b)
	}
}

// sendAndLeave sends bytes, reads what is there at once and goes.
func sendAndLeave(t *testing.T, p *process, b []byte) {
	t.Helper()
	c, err := dial(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.limit = time.Second
	if c.send(b) == nil { // else the server has closed the connection: it may
		c.readAll(2 * time.Millisecond)
	}
}

// speakTLS: a server may close such a connection or wait for the rest of what it
// takes for a line, as redis-server does.
func speakTLS(t *testing.T, p *process) {
	var wg sync.WaitGroup
	for range 20 {
		c := mustDial(t, p.addr)
		c.SetDeadline(time.Now().Add(2 * time.Second))
		wg.Go(func() {
			defer c.Close()
			if err := tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
				t.Error("a TLS handshake succeeds on the plain port")
			}
		})
	}
	wg.Wait()
}

func speakHTTP(t *testing.T, p *process) {
	client := http.Client{Timeout: 5 * time.Second}
	for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
		req, err := http.NewRequest(method, "http://"+p.addr+"/", strings.NewReader("SET stolen 1\r\n"))
		must(t, err)
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("%s is answered with %s", method, resp.Status)
		}
	}
	if f := mustDial(t, p.addr).mustDo(t, "EXISTS", "stolen"); f.str() != "0" {
		t.Error("the body of an HTTP request was executed")
	}
}

// abruptEnds resets connections in the middle of replies.
func abruptEnds(t *testing.T, p *process) {
	mustDial(t, p.addr).mustDo(t, "SET", "big", strings.Repeat("x", 1<<20))
	for i := range 200 {
		c := mustDial(t, p.addr)
		var text []byte
		for range 5 {
			text = appendCommand(text, "GET", "big")
		}
		must(t, c.send(text))
		c.SetReadDeadline(time.Now().Add(replyLimit))
		if _, err := c.r.ReadByte(); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		c.reset()
	}
}
