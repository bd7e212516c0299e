package integration

import (
	"fmt"
	"strings"
)

func connectionChoices() []choice {
	return []choice{
		{2, func(*gen) unit { return one("PING") }},
		{2, func(g *gen) unit { return one("PING", g.value()) }},
		{1, func(g *gen) unit { return one("PING", "a", "b") }},
		{3, func(g *gen) unit { return one("ECHO", g.value()) }},
		{2, func(g *gen) unit {
			return one("SELECT", pick(g, "0", "1", "15", "-1", "a", "", "0x0", "00", " 0", "4294967296"))
		}},
		{1, func(g *gen) unit { return one("AUTH", g.value()) }},
		{1, func(g *gen) unit { return one("AUTH", pick(g, "default", "nobody", ""), g.value()) }},
		{1, func(g *gen) unit { return one("AUTH", "a", "b", "c") }},
		{5, func(g *gen) unit { return one(append([]string{"HELLO"}, g.helloOptions()...)...) }},
		{2, func(*gen) unit { return one("CLIENT", "GETNAME") }},
		{1, func(*gen) unit { return one("RESET") }},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{1, func(*gen) unit { return one("CONFIG", "GET", "databases") }},
		{1, func(g *gen) unit { return unit{{args: []string{"QUIT"}, check: checkQuit(g.proto)}} }},
		{1, func(*gen) unit { return unit{cmd("MULTI"), cmd("PING"), cmd("RESET"), cmd("EXEC")} }},
		{1, func(g *gen) unit { return one(pick(g, "NOSUCH", "G ET", "", "GET\r\nX", "\x00"), g.value(), g.value()) }},
	}
}

func (g *gen) helloOptions() []string {
	return pick(g, nil, []string{"2"}, []string{"3"}, []string{"3"}, []string{"1"}, []string{"4"}, []string{"x"}, []string{""},
		[]string{"3", "SETNAME", "me"}, []string{"2", "setname", "you"}, []string{"3", "SETNAME", "a b"}, []string{"3", "SETNAME"},
		[]string{"3", "SETNAME", ""}, []string{"3", "FOO"}, []string{"3", "AUTH", "default", "x"}, []string{"2", "AUTH", "nobody", "x"},
		[]string{"3", "AUTH", "default"}, []string{"3", "AUTH", "default", "x", "SETNAME", "both"}, []string{"99999999999999999999"},
		[]string{"3", "AUTH", "nobody", "x", "SETNAME", "both"}, []string{"4", "SETNAME", "late"}, []string{"03"}, []string{"SETNAME", "x"})
}

// checkQuit: +OK, then the end, whatever stands behind QUIT.
func checkQuit(proto int) check {
	return func(ref, sub client) string {
		want, err := lastWords(ref[0], proto, "QUIT")
		if err != nil {
			return "redis-server: " + err.Error()
		}
		got, err := lastWords(sub[0], proto, "QUIT")
		if err != nil {
			return err.Error()
		}
		if want != got {
			return fmt.Sprintf("%.300q and %.300q", want, got)
		}
		return ""
	}
}

// lastWords opens another connection to the same server, sends commands and
// behind them PING, and reads until the server closes.
func lastWords(c *conn, proto int, commands ...string) (string, error) {
	other, err := dial(c.RemoteAddr().String())
	if err != nil {
		return "", err
	}
	defer other.Close()
	if proto == 3 {
		if _, err := other.do("HELLO", "3"); err != nil {
			return "", err
		}
	}
	var request []byte
	for _, command := range commands {
		request = appendCommand(request, strings.Fields(command)...)
	}
	if err := other.send(appendCommand(request, "PING", "too late")); err != nil {
		return "", err
	}
	text, closed := other.readAll(burstLimit)
	if !closed {
		return "", fmt.Errorf("the connection stays open after %q", text)
	}
	return string(text), nil
}
