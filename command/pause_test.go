package command

import (
	"strings"
	"testing"

	"github.com/rldb/rldb/resp"
)

// waitFor asks until the reply has a text in it.
func (p *peer) waitFor(command, text string) {
	p.t.Helper()
	for !strings.Contains(p.do(command), text) {
	}
}

// numberFrom finds the client's id without asking the client itself, which may
// have to wait.
func (p *peer) numberFrom(asking *peer) string {
	p.t.Helper()
	addr := " addr=" + p.LocalAddr().String() + " "
	for {
		for _, line := range strings.Split(asking.do("CLIENT LIST"), "\n") {
			if strings.Contains(line, addr) {
				_, id, _ := strings.Cut(line, "id=")
				id, _, _ = strings.Cut(id, " ")
				return id
			}
		}
	}
}

// stalls waits until the pause holds the client.
func (p *peer) stalls(asking *peer) {
	p.t.Helper()
	asking.waitFor("CLIENT LIST ID "+p.numberFrom(asking), "b db=0")
}

func TestClientPauseErrors(t *testing.T) {
	const timeout = "-ERR timeout is not an integer or out of range\r\n"
	startNode(t).dial().play([]exchange{
		{"CLIENT PAUSE", "-ERR wrong number of arguments for 'client|pause' command\r\n"},
		{"CLIENT PAUSE x", timeout},
		{"CLIENT PAUSE 01", timeout},
		{"CLIENT PAUSE 1.5", timeout},
		{"CLIENT PAUSE 9223372036854775808", timeout},
		{"CLIENT PAUSE -1", "-ERR timeout is negative\r\n"},
		{"CLIENT PAUSE x FOO", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"},
		{"CLIENT pause 1 ALL x", "-ERR unknown subcommand or wrong number of arguments for 'pause'. Try CLIENT HELP.\r\n"},
		{"CLIENT UNPAUSE x", "-ERR wrong number of arguments for 'client|unpause' command\r\n"},
		{"CLIENT UNPAUSE", "+OK\r\n"},
		{"CLIENT PAUSE 0", "+OK\r\n"},
		{"PING", "+PONG\r\n"},
		{"CLIENT PAUSE 1 all", "+OK\r\n"},
		{"PING", "+PONG\r\n"},
		{"CLIENT PAUSE 9223372036854775807 write", "+OK\r\n"},
		{"GET k", "$-1\r\n"},
		{"CLIENT UNPAUSE", "+OK\r\n"},
		{"SET k v", "+OK\r\n"},
	})
}

// A pause of writes holds what writes, PUBLISH, and EXEC with such in its
// queue; what is not well formed is refused at once.
func TestClientPauseWrite(t *testing.T) {
	n := startNode(t)
	a, late := n.dial(), n.dial()
	late.send("MULTI", "PING", "SET k before")
	late.want("+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n")
	a.play([]exchange{{"CLIENT PAUSE 1000000 WRITE", "+OK\r\n"}, {"CLIENT PAUSE 1 WRITE", "+OK\r\n"}, {"GET k", "$-1\r\n"},
		{"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}, {"EXEC", "*1\r\n$-1\r\n"},
		{"SET k", "-ERR wrong number of arguments for 'set' command\r\n"}})
	var held []*peer
	for _, command := range []string{"SET k v", "INCR n", "PUBLISH a b", "SPUBLISH a b"} {
		p := n.dial()
		p.send(command, "GET k", "ECHO after")
		held = append(held, p)
	}
	late.send("EXEC")
	held = append(held, late)
	for _, p := range held {
		p.stalls(a)
	}
	a.play([]exchange{{"GET k", "$-1\r\n"}, {"CLIENT UNPAUSE", "+OK\r\n"}})
	for i, p := range held[:4] {
		if got, want := p.read(), []string{"+OK\r\n", ":1\r\n", ":0\r\n", ":0\r\n"}[i]; got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
		p.read()
		p.want("$5\r\nafter\r\n")
	}
	late.want("*2\r\n+PONG\r\n+OK\r\n")
}

// A pause of everything holds all but what ends it and what a client needs to
// come to that; the pipelines behind go on in order.
func TestClientPauseAll(t *testing.T) {
	n := startNode(t, func(_ *Settings, l *resp.Limits) { l.MaxQuery = 1 << 20 })
	a, b, big := n.dial(), n.dialTLS(), n.dial()
	a.quiet()
	b.quiet()
	a.send("CLIENT PAUSE 1000000", "PING", "PING")
	a.want("+OK\r\n")
	b.send("CLIENT UNPAUSE x", "NOSUCH", "ECHO 1", "INCR n", "ECHO 2", "MULTI", "INCR n", "EXEC", "QUIT")
	b.want("-ERR wrong number of arguments for 'client|unpause' command\r\n", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n")
	var pipeline, want []string
	for range 1000 {
		pipeline, want = append(pipeline, "ECHO x"), append(want, "$1\r\nx\r\n")
	}
	big.send(pipeline...)
	admin := n.dial()
	admin.play([]exchange{{"CLIENT UNPAUSE", "+OK\r\n"}})
	a.want("+PONG\r\n", "+PONG\r\n")
	b.want("$1\r\n1\r\n", ":1\r\n", "$1\r\n2\r\n", "+OK\r\n", "+QUEUED\r\n", "*1\r\n:2\r\n", "+OK\r\n")
	b.ends()
	big.want(want...)
}

// A pause ends by itself; a longer or wider one that is in force stays.
func TestClientPauseEnds(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	p.send("CLIENT PAUSE 30 WRITE", "CLIENT PAUSE 20 WRITE", "SET k v", "CLIENT PAUSE 20 ALL", "CLIENT PAUSE 40 WRITE", "GET k", "PING")
	p.want("+OK\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n")
	p.want("+OK\r\n", "$1\r\nv\r\n", "+PONG\r\n")
	n.srv.pause.mu.Lock()
	defer n.srv.pause.mu.Unlock()
	if len(n.srv.pause.held) != 0 {
		t.Error("somebody is still held")
	}
}

// One who may have to authenticate first can end a pause of everything.
func TestClientPauseAdmin(t *testing.T) {
	n := startNode(t)
	n.set(func(s *Settings) { s.RequirePass = "x" })
	a := n.dial()
	a.play([]exchange{{"AUTH x", "+OK\r\n"}, {"CLIENT PAUSE 1000000 ALL", "+OK\r\n"}})
	b, c := n.dial(), n.dial()
	b.play([]exchange{{"PING", "-NOAUTH Authentication required.\r\n"}, {"AUTH x", "+OK\r\n"}})
	b.send("PING", "AUTH x")
	c.do("HELLO 3 AUTH default x")
	c.play([]exchange{{"CLIENT UNPAUSE", "+OK\r\n"}})
	b.want("+PONG\r\n", "+OK\r\n")
}
