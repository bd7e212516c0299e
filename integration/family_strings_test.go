package integration

import "strconv"

func stringChoices() []choice {
	return []choice{
		{8, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{6, func(g *gen) unit { return one("GET", g.key()) }},
		{2, func(g *gen) unit { return one("SETNX", g.key(), g.value()) }},
		{2, func(g *gen) unit {
			return one("SETEX", g.key(), pick(g, g.seconds(), g.seconds(), g.oddSeconds()), g.value())
		}},
		{2, func(g *gen) unit {
			return one("PSETEX", g.key(), pick(g, g.millis(), g.millis(), g.oddSeconds()), g.value())
		}},
		{2, func(g *gen) unit { return one("GETSET", g.key(), g.value()) }},
		{2, func(g *gen) unit { return one("GETDEL", g.key()) }},
		{3, func(g *gen) unit { return one(append([]string{"MGET"}, g.keysN(1+g.IntN(6))...)...) }},
		{3, func(g *gen) unit { return one(append([]string{"MSET"}, g.assignments()...)...) }},
		{3, func(g *gen) unit { return one(append([]string{"MSETNX"}, g.assignments()...)...) }},
		{3, func(g *gen) unit { return one("APPEND", g.key(), g.value()) }},
		{2, func(g *gen) unit { return one("STRLEN", g.key()) }},
		{1, func(g *gen) unit { return one("TYPE", g.key()) }},
		{1, func(g *gen) unit { return one("TTL", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, msetnxFresh},
	}
}

// assignments are 1 to 4 keys with values; the same key may come twice.
func (g *gen) assignments() []string {
	var out []string
	for range 1 + g.IntN(4) {
		out = append(out, g.key(), g.value())
	}
	return out
}

// msetnxFresh is an MSETNX that has a chance to succeed.
func msetnxFresh(g *gen) unit {
	g.serial++
	n := strconv.Itoa(g.serial)
	return unit{
		cmd("MSETNX", "fresh"+n, g.value(), "fresher"+n, g.value(), "fresh"+n, g.value()),
		cmd("MSETNX", "other"+n, "1", "fresh"+n, "2"),
		cmd("MGET", "fresh"+n, "fresher"+n, "other"+n),
	}
}

// largeChoices are values of up to 100 KB.
func largeChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.binary(g.IntN(100_000))) }},
		{1, func(g *gen) unit { return one("APPEND", g.key(), g.binary(g.IntN(20_000))) }},
		{1, func(g *gen) unit {
			return one("SETRANGE", g.key(), strconv.Itoa(g.IntN(100_000)), g.text(1+g.IntN(5000)))
		}},
		{4, func(g *gen) unit { return one("GET", g.key()) }},
		{2, func(g *gen) unit { return one("MGET", g.key(), g.key(), g.key()) }},
		{2, func(g *gen) unit {
			return one("GETRANGE", g.key(), strconv.Itoa(g.IntN(120_000)-60_000), strconv.Itoa(g.IntN(120_000)-60_000))
		}},
		{1, func(g *gen) unit { return one("STRLEN", g.key()) }},
		{1, func(g *gen) unit { return one("ECHO", g.binary(g.IntN(70_000))) }},
		{1, func(g *gen) unit { return one("BITCOUNT", g.key()) }},
		{1, func(g *gen) unit { return one("BITOP", pick(g, "AND", "OR", "XOR"), g.key(), g.key(), g.key()) }},
		{1, func(g *gen) unit { return one("GETDEL", g.key()) }},
		{1, func(g *gen) unit { return one("SET", g.text(1+g.IntN(20_000)), g.text(10)) }},
		{1, func(g *gen) unit { return one("COPY", g.key(), g.key(), "REPLACE") }},
	}
}
