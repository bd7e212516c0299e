package integration

import "fmt"

func clientChoices() []choice {
	return []choice{
		{3, func(g *gen) unit {
			return one("CLIENT", "SETNAME", pick(g, "me", "you", "", "a b", "a\nb", "é", "!~", g.text(30), "a\x00"))
		}},
		{4, func(*gen) unit { return one("CLIENT", "GETNAME") }},
		{1, func(*gen) unit { return one("CLIENT", "ID") }},
		{1, func(g *gen) unit { return one("CLIENT", pick(g, "INFO", "LIST", "info", "HELP")) }},
		{2, func(g *gen) unit { return one("CLIENT", "NO-EVICT", pick(g, "ON", "OFF", "on", "maybe", "")) }},
		{3, func(g *gen) unit { return one(append([]string{"CLIENT", "KILL"}, g.killOptions()...)...) }},
		{1, func(g *gen) unit { return one(append([]string{"CLIENT", "LIST"}, g.listOptions()...)...) }},
		{1, func(g *gen) unit {
			return one(append([]string{"CLIENT", "UNBLOCK"}, pick(g, []string{"999999"}, []string{"x"}, []string{"999999", "ERROR"},
				[]string{"999999", "TIMEOUT"}, []string{"999999", "FOO"}, []string{"-1"})...)...)
		}},
		{1, func(g *gen) unit {
			return unit{cmd("CLIENT", "PAUSE", pick(g, "0", "1", "-1", "x", "1.5", "9223372036854775808"), pick(g, "WRITE", "ALL", "FOO")),
				cmd("CLIENT", "UNPAUSE")}
		}},
		{1, func(*gen) unit { return one("CLIENT", "UNPAUSE") }},
		{1, func(*gen) unit { return one("CLIENT", "GETREDIR") }},
		{1, func(*gen) unit { return one("CLIENT", "TRACKINGINFO") }},
		{1, func(g *gen) unit { return one("CLIENT", "REPLY", pick(g, "ON", "on", "FOO", "")) }},
		{2, clientReply},
		{1, func(g *gen) unit { return one("CLIENT", pick(g, "FOO", "", "SETNAMES", "FOO\r\nBAR"), "x") }},
		{1, func(*gen) unit { return one("CLIENT") }},
		{1, func(g *gen) unit { return unit{{args: []string{"CLIENT", "KILL", "ID"}, check: checkKill(g.proto)}} }},
	}
}

func (g *gen) killOptions() []string {
	return pick(g, []string{"127.0.0.1:1"}, []string{"nonsense"}, []string{"ID", "999999"}, []string{"ID", "x"}, []string{"ID", "0"},
		[]string{"ADDR", "127.0.0.1:1"}, []string{"LADDR", "127.0.0.1:1"}, []string{"TYPE", "pubsub"}, []string{"TYPE", "foo"},
		[]string{"TYPE", "master"}, []string{"USER", "nobody"}, []string{"SKIPME", "yes", "ID", "999999"}, []string{"SKIPME", "maybe"},
		[]string{"FOO", "x"}, []string{"ID"}, []string{"ADDR", "127.0.0.1:1", "SKIPME", "no"}, []string{"ID", "999999", "FOO"})
}

func (g *gen) listOptions() []string {
	return pick(g, []string{"TYPE", "normal"}, []string{"TYPE", "pubsub"}, []string{"TYPE", "foo"}, []string{"ID", "999999"},
		[]string{"ID", "x"}, []string{"ID"}, []string{"FOO"}, []string{"TYPE"}, []string{"ID", "1", "x"})
}

// clientReply turns replies off and on again.
func clientReply(g *gen) unit {
	set := []string{"SET", g.key(), g.value()}
	on, off := []string{"CLIENT", "REPLY", "ON"}, []string{"CLIENT", "REPLY", "OFF"}
	skip, get := []string{"CLIENT", "REPLY", "SKIP"}, []string{"GET", set[1]}
	bad := []string{"NOSUCH"}
	return unit{pick(g,
		burst(0, "CLIENT REPLY OFF", off, set, get, bad, on, get),
		burst(0, "CLIENT REPLY SKIP", skip, set, get),
		burst(0, "CLIENT REPLY SKIP", skip, skip, set, get, set),
		burst(0, "CLIENT REPLY OFF", off, skip, set, on),
		burst(0, "CLIENT REPLY SKIP", skip, bad, get),
		burst(0, "CLIENT REPLY OFF", off, []string{"MULTI"}, set, []string{"EXEC"}, on, get),
		burst(0, "CLIENT REPLY OFF", off, off, on, on),
		burst(0, "CLIENT REPLY SKIP", []string{"MULTI"}, skip, get, []string{"EXEC"}, get),
	)}
}

// checkKill kills a third connection by its id: it is closed, and counted.
func checkKill(proto int) check {
	return func(ref, sub client) string {
		for _, cl := range []client{ref, sub} {
			if err := killOther(cl[0], proto); err != nil {
				return fmt.Sprintf("%v: %v", cl[0].RemoteAddr(), err)
			}
		}
		return ""
	}
}

func killOther(c *conn, proto int) error {
	other, err := dial(c.RemoteAddr().String())
	if err != nil {
		return err
	}
	defer other.Close()
	id, err := other.do("CLIENT", "ID")
	if err != nil {
		return err
	}
	f, err := c.do("CLIENT", "KILL", "ID", id.str())
	if err != nil {
		return err
	}
	if string(f.raw) != ":1\r\n" {
		return fmt.Errorf("CLIENT KILL ID is answered with %q", f.raw)
	}
	if text, closed := other.readAll(burstLimit); !closed || len(text) != 0 {
		return fmt.Errorf("the killed connection reads %q, closed: %v", text, closed)
	}
	return nil
}
