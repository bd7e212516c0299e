package integration

import "strconv"

func objectChoices() []choice {
	return []choice{
		{6, encodingAfterSet},
		{3, func(g *gen) unit { return one("SET", g.key(), g.value(), "EX", g.seconds()) }},
		{1, func(g *gen) unit { return one("APPEND", g.key(), g.value()) }},
		// The encoding of a value that was changed in place tells its history,
		// which rldb does not keep: only the type of the answer is compared.
		{2, func(g *gen) unit {
			return unit{{args: []string{"OBJECT", "ENCODING", g.key()}, how: errorsExact(sameKind)}}
		}},
		{2, func(g *gen) unit { return one("OBJECT", "REFCOUNT", g.key()) }},
		{2, func(g *gen) unit { return one("OBJECT", "IDLETIME", g.key()) }},
		{2, func(g *gen) unit { return one("OBJECT", "FREQ", g.key()) }},
		{1, func(g *gen) unit { return one("OBJECT", pick(g, "HELP", "help")) }},
		{2, func(g *gen) unit {
			return one(append([]string{"OBJECT", pick(g, "FOO", "", "ENCODING", "encoding", "HELP", "FREQ")}, g.keysN(g.IntN(3))...)...)
		}},
		{3, func(g *gen) unit { return one("MEMORY", "USAGE", g.key()) }},
		{2, func(g *gen) unit {
			return one("MEMORY", "USAGE", g.key(), pick(g, "SAMPLES", "samples", "FOO"), pick(g, "0", "5", "-1", "x", strconv.Itoa(g.IntN(10))))
		}},
		{1, func(g *gen) unit { return one("MEMORY", pick(g, "DOCTOR", "STATS", "HELP", "FOO", "PURGE")) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
	}
}

// encodingAfterSet asks for the encoding of a value that was stored whole.
func encodingAfterSet(g *gen) unit {
	key := g.key()
	set := pick(g,
		cmd("SET", key, g.value()),
		cmd("SET", key, g.value(), "EX", g.seconds()),
		cmd("MSET", key, g.value()),
		cmd("SETEX", key, g.seconds(), g.value()),
		cmd("GETSET", key, g.value()),
		cmd("SET", key, g.integer()),
	)
	return unit{set, cmd("OBJECT", "ENCODING", key), cmd("OBJECT", pick(g, "encoding", "Encoding"), key), cmd("STRLEN", key)}
}
