package integration

import (
	"fmt"
	"slices"
)

func keyChoices() []choice {
	return []choice{
		{6, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value(), "EXAT", "4102444800") }},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{3, func(g *gen) unit {
			return one(append([]string{pick(g, "DEL", "UNLINK", "EXISTS", "TOUCH")}, g.keysN(1+g.IntN(4))...)...)
		}},
		{1, func(g *gen) unit { return one("TYPE", g.key()) }},
		{3, func(g *gen) unit { return one(pick(g, "RENAME", "RENAMENX"), g.key(), g.key()) }},
		{4, func(g *gen) unit { return one(append([]string{"COPY", g.key(), g.key()}, g.copyOptions()...)...) }},
		{1, func(g *gen) unit { return one("PEXPIRETIME", g.key()) }},
		{2, func(g *gen) unit { return one("KEYS", g.pattern()) }},
		{2, func(*gen) unit { return unit{cmd("KEYS", "*"), cmd("DBSIZE")} }},
		{1, func(*gen) unit { return unit{{args: []string{"RANDOMKEY"}, check: checkRandomKey}} }},
		{1, flush},
		{1, func(g *gen) unit {
			return one("MOVE", g.key(), pick(g, "0", "1", "a", "-1", ""))
		}},
		{1, func(g *gen) unit {
			return one("SWAPDB", pick(g, "0", "1", "a", "-1", ""), pick(g, "0", "1", "a", "-1"))
		}},
		{1, func(g *gen) unit {
			return one("SELECT", pick(g, "0", "1", "-1", "a", "", "99999999999999999999", "2147483648"))
		}},
	}
}

func flush(g *gen) unit {
	if g.in(2) {
		return one(pick(g, "FLUSHALL", "FLUSHDB"), pick(g, "FOO", "", "now"))
	}
	name := pick(g, "FLUSHALL", "FLUSHDB")
	return pick(g, one(name), one(name, pick(g, "ASYNC", "SYNC", "async", "sync")), one(name, "ASYNC", "SYNC"))
}

func (g *gen) copyOptions() []string {
	return pick(g, nil, nil, []string{"REPLACE"}, []string{"replace"}, []string{"DB", "0"}, []string{"DB", "0", "REPLACE"},
		[]string{"REPLACE", "DB", "0"}, []string{"DB", "1"}, []string{"DB", "x"}, []string{"DB", "-1"}, []string{"DB"},
		[]string{"REPLACE", "REPLACE"}, []string{"FOO"}, []string{"DB", "99999999999999999999"})
}

func (g *gen) pattern() string {
	return pick(g, "*", "k*", "k?", "k[0-3]", "k[^0-3]", "[kK]*", "*ssin*", "missing", "k\\0", "\\*", "[", "k[", "k[0",
		"k[3-0]", "", "?", "**", "*\xff*", "{tag}*", "*a", "k[0-", "k[\\0]", "\\", "K[1-2]*", "k[]", "long*g", "*\r\n*", "[!k]*")
}

// checkRandomKey: no key when there is none, otherwise one that exists.
func checkRandomKey(ref, sub client) string {
	want, err := ref[0].do("RANDOMKEY")
	if err != nil {
		return "redis-server: " + err.Error()
	}
	got, err := sub[0].do("RANDOMKEY")
	if err != nil {
		return err.Error()
	}
	if why := sameKind(want, got); why != "" || got.null {
		return why
	}
	keys, err := sub[0].do("KEYS", "*")
	if err != nil {
		return err.Error()
	}
	if !slices.ContainsFunc(keys.elems, func(f frame) bool { return f.str() == got.str() }) {
		return fmt.Sprintf("RANDOMKEY gives %q, which KEYS * does not list", got.str())
	}
	return ""
}
