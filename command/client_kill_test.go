package command

import "testing"

// ends checks that a client was closed without another word.
func (p *peer) ends() {
	p.t.Helper()
	if got := p.rest(); got != "" {
		p.t.Errorf("before its end the client reads %q", got)
	}
}

func TestClientKillErrors(t *testing.T) {
	const (
		syntax = "-ERR syntax error\r\n"
		id     = "-ERR client-id should be greater than 0\r\n"
	)
	startNode(t).dial().play([]exchange{
		{"CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
		{"CLIENT KILL 127.0.0.1:1", "-ERR No such client\r\n"},
		{`CLIENT KILL ""`, "-ERR No such client\r\n"},
		{"CLIENT KILL ID", "-ERR No such client\r\n"},
		{"CLIENT KILL ID x", id},
		{"CLIENT KILL ID 0", id},
		{"CLIENT KILL ID -1", id},
		{"CLIENT KILL ID 01", id},
		{"CLIENT KILL ID 9223372036854775808", id},
		{"CLIENT KILL ID x FOO", id},
		{"CLIENT KILL ID 999999 FOO", syntax},
		{"CLIENT KILL ID 999999", ":0\r\n"},
		{"CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
		{`CLIENT KILL TYPE ""`, "-ERR Unknown client type ''\r\n"},
		{"CLIENT KILL TYPE master", ":0\r\n"},
		{"CLIENT KILL TYPE replica", ":0\r\n"},
		{"CLIENT KILL TYPE pubsub", ":0\r\n"},
		{"CLIENT KILL USER nobody", "-ERR No such user 'nobody'\r\n"},
		{"CLIENT KILL SKIPME maybe", syntax},
		{"CLIENT KILL SKIPME yes", ":0\r\n"},
		{"CLIENT KILL FOO x", syntax},
		{"CLIENT KILL ADDR 127.0.0.1:1 SKIPME no", ":0\r\n"},
		{`CLIENT KILL ADDR ""`, ":0\r\n"},
		{"CLIENT KILL LADDR 127.0.0.1:1", ":0\r\n"},
		{"CLIENT KILL MAXAGE x", "-ERR maxage is not an integer or out of range\r\n"},
		{"CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0\r\n"},
		{"CLIENT KILL MAXAGE 9223372036854775807", ":0\r\n"},
		{"CLIENT KILL MAXAGE 1000", ":0\r\n"},
	})
}

func TestClientKill(t *testing.T) {
	n := startNode(t)
	a := n.dial()
	a.number()

	b := n.dial()
	b.quiet()
	a.play([]exchange{{"CLIENT KILL " + b.LocalAddr().String(), "+OK\r\n"}})
	b.ends()

	b = n.dial()
	b.number()
	a.play([]exchange{{"CLIENT KILL ID " + b.id, ":1\r\n"}, {"CLIENT KILL ID " + b.id, ":0\r\n"}, {"CLIENT LIST ID " + b.id, "$0\r\n\r\n"}})
	b.ends()

	b, c := n.dial(), n.dial()
	b.do("SUBSCRIBE x")
	c.quiet()
	a.play([]exchange{
		{"CLIENT KILL TYPE pubsub ADDR " + c.LocalAddr().String(), ":0\r\n"},
		{"CLIENT KILL TYPE pubsub LADDR " + n.addr + " USER default SKIPME no", ":1\r\n"},
	})
	b.ends()
	c.quiet()
	a.play([]exchange{{"CLIENT KILL TYPE normal", ":1\r\n"}})
	c.ends()

	b = n.dialTo("unix", n.unix)
	b.quiet()
	a.play([]exchange{{"CLIENT KILL ADDR " + n.unix + ":0", ":1\r\n"}})
	b.ends()
	a.quiet()

	// The one that asks has its reply first, and executes nothing after it.
	a.send("CLIENT KILL ID "+a.id, "CLIENT KILL ID "+a.id+" SKIPME no", "PING")
	a.want(":0\r\n", ":1\r\n")
	a.ends()

	a = n.dial()
	a.send("MULTI", "CLIENT KILL "+a.LocalAddr().String(), "ECHO x", "EXEC", "PING")
	a.want("+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "*2\r\n+OK\r\n$1\r\nx\r\n")
	a.ends()
}

// A killed client leaves nothing behind: no subscription, no monitor, no pause.
func TestClientKillLeavesNothing(t *testing.T) {
	n := startNode(t)
	a, b, m, w := n.dial(), n.dial(), n.dial(), n.dial()
	b.do("SUBSCRIBE x")
	m.do("MONITOR")
	a.do("CLIENT PAUSE 100000 WRITE")
	w.send("SET k v")
	a.waitFor("CLIENT LIST ID "+w.numberFrom(a), " flags=b ")
	a.do("CLIENT KILL TYPE pubsub")
	a.do("CLIENT KILL TYPE normal")
	b.ends()
	w.ends()
	for len(n.srv.clients.list()) != 1 || n.front.Connected() != 1 { // until all are torn down
		a.quiet()
	}
	n.srv.hub.mu.Lock()
	defer n.srv.hub.mu.Unlock()
	n.srv.pause.mu.Lock()
	defer n.srv.pause.mu.Unlock()
	if n.srv.hub.total != 0 || n.srv.monitors.any() || len(n.srv.pause.held) != 0 {
		t.Errorf("left behind: %d subscriptions, monitors: %v, %d that wait", n.srv.hub.total, n.srv.monitors.any(), len(n.srv.pause.held))
	}
}
