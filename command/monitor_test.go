package command

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/resp"
)

var monitorTime = regexp.MustCompile(`^\+\d{10}\.\d{6} \[0 `)

// sees reads lines of MONITOR: each is the words of a command of a client.
func (p *peer) sees(by string, lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		got := p.read()
		if !monitorTime.MatchString(got) || monitorTime.ReplaceAllString(got, "") != by+"] "+want+"\r\n" {
			p.t.Fatalf("MONITOR shows %q, want %s] %s", got, by, want)
		}
	}
}

func TestMonitor(t *testing.T) {
	n := startNode(t)
	for _, m := range []*peer{n.dial(), n.dial3()} {
		a := n.dial()
		me := a.LocalAddr().String()
		m.play([]exchange{{"MONITOR", "+OK\r\n"}, {"MONITOR x", "-ERR wrong number of arguments for 'monitor' command\r\n"}})
		a.do(`SET k "a\x00\"\\ \n\r\t\a\b\v\xff é"`)
		m.sees(me, `"SET" "k" "a\x00\"\\ \n\r\t\a\b\x0b\xff \xc3\xa9"`)
		a.do("get k")
		m.sees(me, `"get" "k"`)
		a.do("CLIENT LIST") // not shown, as all that is admin's
		a.do("NOSUCH")
		a.do("GET")
		a.do(`PING ""`)
		m.sees(me, `"PING" ""`)
		// A transaction: what is queued is shown when it is executed, before EXEC.
		a.send("WATCH k", "MULTI", "SET k v", "GET k", "CLIENT KILL 1:1", "EXEC", "MULTI", "NOSUCH", "PING", "EXEC", "MULTI", "EXEC x", "EXEC")
		m.sees(me, `"WATCH" "k"`, `"MULTI"`, `"SET" "k" "v"`, `"GET" "k"`, `"EXEC"`, `"MULTI"`, `"EXEC"`, `"MULTI"`, `"EXEC" "x"`, `"EXEC"`)
		u := n.dialTo("unix", n.unix)
		u.do("SUBSCRIBE a")
		m.sees("unix:"+n.unix, `"SUBSCRIBE" "a"`)
		u.do("QUIT")
		m.sees("unix:"+n.unix, `"QUIT"`)
		// A monitor sees itself, behind its replies, and keeps its hands off keys.
		self := m.LocalAddr().String()
		const refused = "-ERR Replica can't interact with the keyspace\r\n"
		m.play([]exchange{{"PING", "+PONG\r\n"}})
		m.sees(self, `"PING"`)
		m.play([]exchange{{"GET k", refused}, {"SET k v", refused}, {"PUBLISH a b", refused}, {"MULTI", "+OK\r\n"}})
		m.sees(self, `"MULTI"`)
		m.play([]exchange{{"PING", "+QUEUED\r\n"}, {"GET k", refused},
			{"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"}})
		m.sees(self, `"EXEC"`)
		m.play([]exchange{{"MONITOR", "+OK\r\n"}, {"RESET", "+RESET\r\n"}, {"GET k", m.afterReset("v")}})
		m.quiet()
	}
}

// afterReset is a bulk string: RESET has a client speak RESP2.
func (p *peer) afterReset(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func TestMonitorInMulti(t *testing.T) {
	p := startNode(t).dial()
	p.play([]exchange{
		{"MULTI", "+OK\r\n"}, {"MONITOR", "+QUEUED\r\n"}, {"PING", "+QUEUED\r\n"},
		{"EXEC", "*2\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n+PONG\r\n"},
	})
	p.quiet()
}

// Passwords are shown to nobody.
func TestMonitorHidesPasswords(t *testing.T) {
	n := startNode(t)
	n.set(func(s *Settings) { s.RequirePass = "secret" })
	m, a := n.dial(), n.dial()
	me := a.LocalAddr().String()
	m.play([]exchange{{"AUTH secret", "+OK\r\n"}, {"MONITOR", "+OK\r\n"}})
	for _, x := range []struct{ command, shown string }{
		{"AUTH wrong", `"AUTH" "(redacted)"`},
		{"auth default secret", `"auth" "(redacted)" "(redacted)"`},
		{"AUTH a b c", `"AUTH" "(redacted)" "(redacted)" "(redacted)"`},
		{"HELLO 3 AUTH default secret SETNAME AUTH", `"HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "AUTH"`},
		{"HELLO 2 SETNAME AUTH AUTH default x", `"HELLO" "2" "SETNAME" "AUTH" "AUTH" "(redacted)" "(redacted)"`},
		{"HELLO 3 auth x", `"HELLO" "3" "auth" "(redacted)"`},
		{"HELLO 3 FOO AUTH a b c", `"HELLO" "3" "FOO" "AUTH" "(redacted)" "(redacted)" "c"`},
		{"HELLO AUTH a b", `"HELLO" "AUTH" "a" "b"`},
	} {
		a.do(x.command)
		m.sees(me, x.shown)
	}
	a.send("MULTI", "AUTH secret", "EXEC")
	m.sees(me, `"MULTI"`, `"AUTH" "(redacted)"`, `"EXEC"`)
}

// A monitor that does not read is closed at its limit; the node goes on.
func TestSlowMonitor(t *testing.T) {
	n := startNode(t, func(_ *Settings, l *resp.Limits) { l.PubSub = resp.OutputLimit{Hard: 1 << 20} })
	m, a := n.dial(), n.dial()
	m.do("MONITOR")
	command := "ECHO " + strings.Repeat("x", 128<<10)
	for n.srv.monitors.any() {
		a.do(command)
	}
	a.quiet()
}

// A line has an end, however long the command is.
func TestMonitorLineIsBounded(t *testing.T) {
	n := startNode(t)
	a := n.dial()
	a.quiet()
	big := make([]byte, 9<<20)
	c := call{s: n.srv.clients.list()[0].s, row: n.srv.table.find([]byte("mset")), args: [][]byte{[]byte("MSET"), big, big, big, big, big}}
	line := monitorLine(&c, c.wall)
	if len(line) > maxMonitorLine+4*len(big) || !strings.HasSuffix(string(line[len(line)-8:]), " ...\r\n") {
		t.Errorf("%d bytes that end in %q", len(line), line[len(line)-8:])
	}
}

// What appendQuoted writes is one line of printable ASCII, from which the word
// can be read again.
func TestQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOf(rapid.Byte()).Draw(t, "word")
		quoted := appendQuoted([]byte("x "), word)
		for _, ch := range quoted {
			if ch < ' ' || ch > '~' {
				t.Fatalf("%q has byte %x", quoted, ch)
			}
		}
		if got, err := strconv.Unquote(string(quoted[2:])); err != nil || got != string(word) {
			t.Fatalf("%q is %q, %v", quoted, got, err)
		}
	})
}
