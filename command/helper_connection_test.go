package command

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rldb/rldb/resp"
)

// node is a whole server on loopback: two loops, the memory engine.
type node struct {
	t     testing.TB
	srv   *Server
	front *resp.Server
	addr  string
	unix  string
	tls   string // "": not asked for yet
	stop  func() // closes the front end
}

func startNode(t testing.TB, change ...func(*Settings, *resp.Limits)) *node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	set := Settings{MaxBulk: 512 << 20, MaxQuery: 1 << 30, SlowlogThan: -1, RedisVersion: "7.2.4"}
	limits := resp.DefaultLimits()
	for _, f := range change {
		f(&set, &limits)
	}
	store := openTestStore(testEngine())
	options, end := coordinate(Options{Store: store, Log: log, Settings: set})
	n := &node{t: t, srv: New(options), unix: filepath.Join(t.TempDir(), "sock")}
	front, err := resp.New(n.srv, resp.Options{Loops: 2, Limits: limits, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	n.front = front
	n.srv.Attach(front)
	t.Cleanup(func() {
		front.Close()
		n.srv.Wait()
		end()
		store.Close()
	})
	addr, err := front.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = addr.String()
	if _, err := front.Listen("unix", n.unix, nil); err != nil {
		t.Fatal(err)
	}
	return n
}

// set changes the settings of a running node.
func (n *node) set(change func(*Settings)) {
	v := *n.srv.Settings()
	change(&v)
	n.srv.SetSettings(v)
}

// peer is a client. Its methods end the test where the network does not do what
// the test expects.
type peer struct {
	net.Conn
	t  testing.TB
	r  *bufio.Reader
	id string
}

// dial connects a client that speaks RESP2.
func (n *node) dial() *peer {
	n.t.Helper()
	return n.dialTo("tcp", n.addr)
}

// dial3 connects one that speaks RESP3.
func (n *node) dial3() *peer {
	n.t.Helper()
	p := n.dial()
	p.do("HELLO 3")
	return p
}

func (n *node) dialTo(network, addr string) *peer {
	n.t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		n.t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(5 * time.Minute))
	n.t.Cleanup(func() { nc.Close() })
	p := &peer{Conn: nc, t: n.t, r: bufio.NewReader(nc)}
	return p
}

// dialTLS connects a client that is served by goroutines of its own, whatever
// the system.
func (n *node) dialTLS() *peer {
	n.t.Helper()
	if n.tls == "" {
		addr, err := n.front.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(n.t)}})
		if err != nil {
			n.t.Fatal(err)
		}
		n.tls = addr.String()
	}
	p := n.dialTo("tcp", n.tls)
	p.Conn = tls.Client(p.Conn, &tls.Config{InsecureSkipVerify: true})
	p.r = bufio.NewReader(p.Conn)
	return p
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &cert, &cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// number is the client's id.
func (p *peer) number() string {
	if p.id == "" {
		p.id = strings.Trim(p.do("CLIENT ID"), ":\r\n")
	}
	return p.id
}

// send sends commands that are written as in redis-cli: words without spaces,
// or Go strings in quotes.
func (p *peer) send(commands ...string) {
	p.t.Helper()
	var b []byte
	for _, c := range commands {
		words := peerWords(p.t, c)
		b = fmt.Appendf(b, "*%d\r\n", len(words))
		for _, w := range words {
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func peerWords(t testing.TB, s string) (words []string) {
	t.Helper()
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var word string
		if s[0] == '"' {
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			word, _ = strconv.Unquote(quoted)
			s = s[len(quoted):]
		} else {
			word, s, _ = strings.Cut(s, " ")
		}
		words = append(words, word)
	}
	return words
}

// do sends a command and returns its reply.
func (p *peer) do(command string) string {
	p.t.Helper()
	p.send(command)
	return p.read()
}

// read returns the next reply or message, as it was sent.
func (p *peer) read() string {
	p.t.Helper()
	f, err := readFrame(p.r)
	if err != nil {
		p.t.Fatalf("no reply: %v", err)
	}
	return f
}

// want reads whole replies and messages, and compares.
func (p *peer) want(frames ...string) {
	p.t.Helper()
	for i, f := range frames {
		if got := p.read(); got != f {
			p.t.Fatalf("reply %d is %q, want %q", i, got, f)
		}
	}
}

// rest reads to the end of the connection.
func (p *peer) rest() string {
	p.t.Helper()
	b, err := io.ReadAll(p.r)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		p.t.Fatalf("the connection is still open after %q", b)
	}
	return string(b)
}

// quiet checks that nothing waits for the client: the next thing that it reads
// answers the next thing that it sends.
func (p *peer) quiet() {
	p.t.Helper()
	if got := p.do("ECHO quiet?"); got != "$6\r\nquiet?\r\n" {
		p.t.Fatalf("unexpected %q", got)
	}
}

// readFrame reads one RESP value with all that is in it.
func readFrame(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return line, err
	}
	n, _ := strconv.Atoi(strings.TrimRight(line[1:], "\r\n"))
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return line, nil
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(r, b)
		return line + string(b), err
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return line, nil
	}
	for range n {
		f, err := readFrame(r)
		if line += f; err != nil {
			return line, err
		}
	}
	return line, nil
}

// frames builds what a client reads: words of a bulk array, or of a push.
func bulks(kind byte, words ...any) string {
	b := fmt.Appendf(nil, "%c%d\r\n", kind, len(words))
	for _, w := range words {
		switch w := w.(type) {
		case int:
			b = fmt.Appendf(b, ":%d\r\n", w)
		case nil:
			b = append(b, map[byte]string{'*': "$-1\r\n", '>': "_\r\n"}[kind]...)
		case string:
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	return string(b)
}

// exchange is what a client sends and reads.
type exchange struct{ send, want string }

// play plays exchanges on one connection.
func (p *peer) play(exchanges []exchange) {
	p.t.Helper()
	for _, x := range exchanges {
		if got := p.do(x.send); got != x.want {
			p.t.Errorf("%s\n got  %q\n want %q", x.send, got, x.want)
		}
	}
}
