package integration

import (
	"fmt"
	"strings"
)

func inlineChoices() []choice {
	return []choice{
		{8, func(g *gen) unit { return unit{g.inline("SET", g.key(), g.value())} }},
		{5, func(g *gen) unit { return unit{g.inline("GET", g.key())} }},
		{3, func(g *gen) unit { return unit{g.inline("ECHO", g.value())} }},
		{2, func(g *gen) unit { return unit{g.inline("APPEND", g.key(), g.value())} }},
		{2, func(g *gen) unit { return unit{g.inline("MGET", g.key(), g.key(), g.key())} }},
		{2, func(g *gen) unit { return unit{g.inline("PING")} }},
		{1, func(g *gen) unit { return unit{g.inline("NOSUCH", g.value(), g.key())} }},
		{1, func(g *gen) unit { return unit{g.inline("INCRBY", g.key(), g.number())} }},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit {
			line := pick(g, "\r\n\r\nPING\r\n", "\nPING\n", "   PING   \r\n", "\t PING\t\n", "ping hello\r\n", `ECHO "a\x41\n\t\\\"\q"`+"\n",
				`ECHO 'it\'s \n'`+"\r\n", `ECHO ""`+"\r\n", `"PING"`+"\r\n", `'P'"NG"`[:3]+" x\r\n", "*0\r\nPING\r\n", "*-1\r\nPING\r\n",
				"*0\r\n*0\r\n\r\nPING\r\n", `ECHO a"b`+"\"\r\n", `ECHO "\xZZ"`+"\r\n", `ECHO "\x4"`+"\r\n", "PING\r\r\n")
			return unit{{args: []string{"PING"}, raw: []byte(line)}}
		}},
	}
}

// inline writes a command as a line, each argument quoted in one of the ways
// that keep it.
func (g *gen) inline(args ...string) step {
	var b strings.Builder
	b.WriteString(pick(g, "", "", " ", "\r\n", "\n"))
	for i, a := range args {
		if i > 0 {
			b.WriteString(pick(g, " ", " ", "  ", "\t"))
		}
		b.WriteString(g.quote(a))
	}
	b.WriteString(pick(g, "\r\n", "\n", " \r\n"))
	return step{args: args, raw: []byte(b.String())}
}

func (g *gen) quote(a string) string {
	plain := a != ""
	for i := range len(a) {
		if c := a[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '*' {
			plain = false
		}
	}
	switch {
	case plain && !g.in(3):
		return a
	case !strings.ContainsAny(a, "\n\x00\\") && g.in(2):
		return "'" + strings.ReplaceAll(a, "'", `\'`) + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(a) {
		switch c := a[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f && g.in(2):
			fmt.Fprintf(&b, pick(g, `\x%02x`, `\x%02X`), c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
