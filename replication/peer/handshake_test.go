package peer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// greet runs both sides of a handshake and returns what each found.
func greet(caller, server Identity, expects ID, admit func(ID) error) (who ID, callErr, answerErr error) {
	a, b := net.Pipe()
	deadline := time.Now().Add(patience)
	a.SetDeadline(deadline)
	b.SetDeadline(deadline)
	done := make(chan error, 1)
	go func() {
		err := call(a, caller, expects)
		a.Close()
		done <- err
	}()
	who, answerErr = answer(b, server, admit)
	b.Close()
	return who, <-done, answerErr
}

func TestHandshake(t *testing.T) {
	admitAll := func(ID) error { return nil }
	left := errors.New("has left")
	for name, c := range map[string]struct {
		change    func(caller, server *Identity)
		expects   string
		admit     func(ID) error
		call, ans error // nil: fine
	}{
		"fine":              {},
		"no secret":         {change: func(c, s *Identity) { c.Secret, s.Secret = "", "" }},
		"other cluster":     {change: func(c, _ *Identity) { c.Cluster = testID("else") }, call: ErrCluster, ans: ErrCluster},
		"other name":        {change: func(c, _ *Identity) { c.Name = "else" }, call: ErrName, ans: ErrName},
		"other secret":      {change: func(c, _ *Identity) { c.Secret = "else" }, call: ErrSecret, ans: io.EOF},
		"no secret here":    {change: func(c, _ *Identity) { c.Secret = "" }, call: ErrSecret, ans: io.EOF},
		"no secret there":   {change: func(_, s *Identity) { s.Secret = "" }, call: ErrSecret, ans: io.EOF},
		"another node":      {expects: "third", call: ErrIdentity, ans: ErrIdentity},
		"not a member":      {admit: func(ID) error { return left }, call: ErrRefused, ans: left},
		"a name of 255":     {change: func(c, s *Identity) { c.Name = string(bytes.Repeat([]byte("n"), 255)); s.Name = c.Name }},
		"a name of nothing": {change: func(c, s *Identity) { c.Name, s.Name = "", "" }},
	} {
		t.Run(name, func(t *testing.T) {
			caller, server := identity("caller"), identity("server")
			if c.change != nil {
				c.change(&caller, &server)
			}
			if c.expects == "" {
				c.expects = "server"
			}
			if c.admit == nil {
				c.admit = admitAll
			}
			who, callErr, ansErr := greet(caller, server, testID(c.expects), c.admit)
			if !errors.Is(callErr, c.call) || !errors.Is(ansErr, c.ans) {
				t.Errorf("caller: %v, want %v; server: %v, want %v", callErr, c.call, ansErr, c.ans)
			}
			if c.ans == nil && who != caller.Node {
				t.Errorf("the server took the caller for %v", who)
			}
		})
	}
}

// recorder keeps what passes a connection.
type recorder struct {
	io.ReadWriter
	read, written bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.ReadWriter.Read(p)
	r.read.Write(p[:n])
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) {
	r.written.Write(p)
	return r.ReadWriter.Write(p)
}

type oneWay struct {
	io.Reader
	io.Writer
}

// What a caller once sent, sent again by somebody else, is refused: the nonces are
// new.
func TestReplayedHandshakeIsRefused(t *testing.T) {
	a, b := net.Pipe()
	tape := &recorder{ReadWriter: a}
	done := make(chan error, 1)
	go func() { done <- call(tape, identity("caller"), testID("server")) }()
	if _, err := answer(b, identity("server"), func(ID) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	_, err := answer(oneWay{&tape.written, io.Discard}, identity("server"), func(ID) error { return nil })
	if err != ErrSecret {
		t.Errorf("the replay: %v", err)
	}
	err = call(oneWay{&tape.read, io.Discard}, identity("caller"), testID("server"))
	if err != ErrSecret {
		t.Errorf("the replayed server: %v", err)
	}
}

func TestStrangersAreRefusedAtTheirFirstBytes(t *testing.T) {
	for _, first := range []string{"GET / HTTP/1.1\r\n", "*1\r\n$4\r\nPING\r\n", "rldbPEER\x02 and more", "rldbPEEK\x01 and more"} {
		var out bytes.Buffer
		_, err := answer(oneWay{bytes.NewBufferString(first), &out}, identity("server"), nil)
		if err != ErrVersion || out.String() != "\x01" {
			t.Errorf("%q: %v, was told %q", first, err, out.String())
		}
	}
}

func FuzzHandshake(f *testing.F) {
	_, good := newHello(identity("caller"), testID("server"))
	f.Add(append(good, make([]byte, proofSize)...))
	f.Add([]byte("*1\r\n$4\r\nPING\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if _, err := answer(oneWay{bytes.NewReader(sent), io.Discard}, identity("server"), func(ID) error { return nil }); err == nil {
			t.Fatal("a stranger was let in")
		}
		if err := call(oneWay{bytes.NewReader(sent), io.Discard}, identity("caller"), testID("server")); err == nil {
			t.Fatal("a stranger was taken for the server")
		}
		if h, raw, err := readHello(bytes.NewReader(sent)); err == nil && !bytes.Equal(appendHello(nil, h), raw) {
			t.Fatal("a hello is written in another way than it was read")
		}
	})
}
