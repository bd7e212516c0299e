package integration

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parse reads one frame from text.
func parse(t *testing.T, text string) frame {
	t.Helper()
	f, err := readFrame(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if string(f.raw) != text {
		t.Fatalf("%q is read as %q", text, f.raw)
	}
	return f
}

func TestReadFrame(t *testing.T) {
	for _, text := range []string{"+OK\r\n", "-ERR x\r\n", ":-5\r\n", "$0\r\n\r\n", "$-1\r\n", "$4\r\n\r\n\x00x\r\n", "*-1\r\n", "*0\r\n", "_\r\n",
		"%1\r\n+a\r\n*2\r\n:1\r\n$1\r\nb\r\n", "~2\r\n:1\r\n#t\r\n", ">3\r\n+a\r\n+b\r\n,1.5\r\n", "=5\r\ntxt:x\r\n", "(12345\r\n"} {
		parse(t, text)
	}
	for _, text := range []string{"", "+OK\n", "?x\r\n", "$x\r\n", "$3\r\nabcd\r\n", "$3\r\nab", "*2\r\n:1\r\n", "*1\r\nx\r\n", "\r\n"} {
		if f, err := readFrame(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q is taken for %+v", text, f)
		}
	}
}

func TestCompare(t *testing.T) {
	how := newComparisons()
	for _, c := range []struct {
		command   string
		want, got string
		same      bool
	}{
		{"GET k", "$1\r\na\r\n", "$1\r\na\r\n", true},
		{"GET k", "$1\r\na\r\n", "$1\r\nb\r\n", false},
		{"GET k", "$-1\r\n", "_\r\n", false},
		{"GET k", "-ERR a\r\n", "-ERR b\r\n", false},
		{"ttl k", ":100\r\n", ":99\r\n", true},
		{"TTL k", ":100\r\n", ":90\r\n", false},
		{"TTL k", ":-1\r\n", ":-2\r\n", false},
		{"TTL k", ":100\r\n", "$3\r\n100\r\n", false},
		{"TTL", "-ERR a\r\n", "-ERR b\r\n", false},
		{"KEYS *", "*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+a\r\n", true},
		{"KEYS *", "*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+b\r\n", false},
		{"KEYS *", "*1\r\n+a\r\n", "*2\r\n+a\r\n+a\r\n", false},
		{"KEYS *", "*0\r\n", "~0\r\n", false},
		{"CONFIG GET x", "*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", "*4\r\n+b\r\n+2\r\n+a\r\n+1\r\n", true},
		{"config get x", "*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", "*4\r\n+a\r\n+2\r\n+b\r\n+1\r\n", false},
		{"RANDOMKEY", "$1\r\na\r\n", "$1\r\nb\r\n", true},
		{"RANDOMKEY", "$-1\r\n", "$1\r\nb\r\n", false},
		{"HELLO", "%2\r\n+server\r\n+redis\r\n+id\r\n:1\r\n", "%2\r\n+server\r\n+redis\r\n+id\r\n:2\r\n", true},
		{"HELLO", "%1\r\n+server\r\n+redis\r\n", "%1\r\n+server\r\n+rldb\r\n", false},
		{"OBJECT HELP", "*3\r\n+OBJECT x\r\n+a\r\n+HELP\r\n", "*3\r\n+OBJECT x\r\n+b\r\n+HELP\r\n", true},
		{"OBJECT HELP", "*3\r\n+OBJECT x\r\n+a\r\n+HELP\r\n", "*3\r\n+OBJECT y\r\n+b\r\n+HELP\r\n", false},
		{"CLIENT ID", "-ERR a\r\n", ":1\r\n", false},
	} {
		why := how.of(strings.Fields(c.command))(parse(t, c.want), parse(t, c.got))
		if (why == "") != c.same {
			t.Errorf("%s: %q and %q: %q", c.command, c.want, c.got, why)
		}
	}
}

func TestDifferencesAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range append(cannotBeEqual(), intended()...) {
		if d.what != strings.ToUpper(d.what) || d.why == "" || d.how == nil || seen[d.what] {
			t.Errorf("%+v: an entry needs an upper case name of its own, a reason and a comparison", d)
		}
		seen[d.what] = true
	}
}

// liar passes bytes on to a server and changes one reply to another.
func liar(t *testing.T, addr, from, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				return
			}
			go relay(out, in, "", "")
			go relay(in, out, from, to)
		}
	}()
	return l.Addr().String()
}

func relay(to, from net.Conn, old, replacement string) {
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		out := b[:n]
		if old != "" {
			out = bytes.ReplaceAll(out, []byte(old), []byte(replacement))
		}
		if _, err := to.Write(out); err != nil {
			return
		}
	}
}

// TestDifferentialSees proves that the runner finds a wrong reply, a missing one
// and wrong data, and that the shrinker leaves only what is needed.
func TestDifferentialSees(t *testing.T) {
	ref := startReference(t, options{}).addr
	var units []unit
	for i := range 200 {
		units = append(units, one("SET", "key"+strconv.Itoa(i%50), strconv.Itoa(i)), one("GET", "key"+strconv.Itoa(i%50)))
		if i == 120 {
			units = append(units, one("SET", "x", "odd"))
		}
	}
	units = append(units, one("GET", "x"), one("DEL", "x"))
	for _, c := range []struct{ name, from, to, last string }{
		{"wrong reply", "$3\r\nodd\r\n", "$3\r\neven\r\n"[:9], `conn 0: ["GET" "x"]`},
		{"missing", "$3\r\nodd\r\n", "", `conn 0: ["GET" "x"]`},
		{"state", "$4\r\nkey7\r\n", "$4\r\nkey8\r\n", "conn 0: []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			second := startReference(t, options{}).addr
			p := &pair{ref: ref, sub: liar(t, second, c.from, c.to), how: newComparisons(), limit: time.Second}
			m, err := p.run(family{}, flatten(units), 2, 1)
			if err != nil || m == nil {
				t.Fatalf("no mismatch found: %v", err)
			}
			if m.step.String() != c.last {
				t.Fatalf("the mismatch is seen at %v instead of %s: %s", m.step, c.last, m.why)
			}
			if c.name == "missing" {
				return // each try costs a time limit
			}
			short, again := p.shrink(family{}, units, m, 2, 1)
			if again.why == "" || len(short) > 2 {
				t.Errorf("shrunk to %d units: %v", len(short), short)
			}
		})
	}
}
