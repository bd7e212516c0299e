package integration

// transactionChoices use one connection: MULTI and EXEC come at random, so that
// they are also nested, missing and closed by errors.
func transactionChoices() []choice {
	return append([]choice{
		{6, func(*gen) unit { return one("MULTI") }},
		{8, func(*gen) unit { return one("EXEC") }},
		{1, func(*gen) unit { return one("DISCARD") }},
		{1, func(g *gen) unit { return one("WATCH", g.key()) }},
		{1, func(*gen) unit { return one("UNWATCH") }},
		{1, func(g *gen) unit {
			return one(pick(g, "NOSUCH", "GET", "SET", "MULTI", "EXEC", "CLIENT"), g.key(), "x", "y", "z")
		}},
		{3, wholeTransaction},
	}, plainChoices()...)
}

// plainChoices are commands whose replies are exact and the same whenever they
// run.
func plainChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{4, func(g *gen) unit { return one("GET", g.key()) }},
		{3, func(g *gen) unit { return one("INCR", g.key()) }},
		{2, func(g *gen) unit { return one("INCRBYFLOAT", g.key(), g.float()) }},
		{2, func(g *gen) unit { return one("APPEND", g.key(), g.value()) }},
		{2, func(g *gen) unit { return one("MGET", g.key(), g.key()) }},
		{2, func(g *gen) unit { return one("MSETNX", g.key(), g.value(), g.key(), g.value()) }},
		{2, func(g *gen) unit { return one("DEL", g.key(), g.key()) }},
		{1, func(g *gen) unit { return one("SETBIT", g.key(), g.bitOffset(), "1") }},
		{1, func(g *gen) unit { return one("BITFIELD", g.key(), "INCRBY", "u8", "#1", "100", "GET", "i4", "3") }},
		{1, func(g *gen) unit { return one("GETRANGE", g.key(), g.small(), g.small()) }},
		{1, func(g *gen) unit { return one("EXPIREAT", g.key(), "4102444800", pick(g, "NX", "XX", "GT", "LT")) }},
		{1, func(g *gen) unit { return one("EXPIRETIME", g.key()) }},
		{1, func(g *gen) unit { return one("PERSIST", g.key()) }},
		{1, func(g *gen) unit { return one(pick(g, "RENAME", "RENAMENX", "COPY"), g.key(), g.key()) }},
		{1, func(g *gen) unit { return one(pick(g, "GETDEL", "STRLEN", "TYPE", "GETEX"), g.key()) }},
		{1, func(g *gen) unit { return one("SETRANGE", g.key(), g.setOffset(), g.value()) }},
		{1, func(g *gen) unit { return one("PING") }},
		{1, func(g *gen) unit { return one("ECHO", g.value()) }},
		{1, func(g *gen) unit { return one("DBSIZE") }},
		{1, func(g *gen) unit { return one(pick(g, "FLUSHALL", "FLUSHDB", "DBSIZE", "DBSIZE", "DBSIZE")) }},
		{1, func(g *gen) unit { return one("SELECT", pick(g, "0", "1")) }},
		{1, func(g *gen) unit { return one("BITOP", "XOR", g.key(), g.key(), g.key()) }},
	}
}

// wholeTransaction is one that is complete, with commands that fail when they
// are queued or when they run.
func wholeTransaction(g *gen) unit {
	u := unit{cmd("DISCARD"), cmd("MULTI")}
	for range g.IntN(8) {
		u = append(u, choose(g, plainChoices())...)
	}
	switch g.IntN(8) {
	case 0:
		u = append(u, cmd("NOSUCH"))
	case 1:
		u = append(u, cmd("GET"))
	case 2:
		u = append(u, cmd("WATCH", g.key()), cmd("MULTI"))
	case 3:
		u = append(u, cmd("RESET"))
		if g.proto == 3 {
			u = append(u, step{args: []string{"HELLO", "3"}})
		}
	}
	return append(u, cmd(pick(g, "EXEC", "EXEC", "EXEC", "DISCARD")))
}

// watchChoices interleave two connections.
func watchChoices() []choice {
	other := func(u unit, g *gen) unit {
		on := g.IntN(2)
		for i := range u {
			u[i].on = on
		}
		return u
	}
	wrap := func(c choice) choice {
		return choice{c.weight, func(g *gen) unit { return other(c.make(g), g) }}
	}
	choices := []choice{
		wrap(choice{8, func(g *gen) unit { return one(append([]string{"WATCH"}, g.keysN(1+g.IntN(3))...)...) }}),
		wrap(choice{2, func(*gen) unit { return one("UNWATCH") }}),
		wrap(choice{6, func(*gen) unit { return one("MULTI") }}),
		wrap(choice{8, func(*gen) unit { return one("EXEC") }}),
		wrap(choice{1, func(*gen) unit { return one("DISCARD") }}),
		{12, optimistic},
	}
	for _, c := range plainChoices() {
		choices = append(choices, wrap(c))
	}
	return choices
}

// optimistic is WATCH, something by the other connection, MULTI, EXEC.
func optimistic(g *gen) unit {
	key := g.key()
	between := pick(g,
		cmd("GET", key), cmd("SET", key, "x"), cmd("DEL", key), cmd("UNLINK", key), cmd("INCR", key), cmd("SETNX", key, "x"),
		cmd("APPEND", key, ""), cmd("APPEND", key, "x"), cmd("SETRANGE", key, "0", ""), cmd("SETRANGE", key, "0", "x"),
		cmd("EXPIREAT", key, "4102444800"), cmd("EXPIREAT", key, "1"), cmd("PERSIST", key), cmd("RENAME", key, g.key()),
		cmd("RENAME", g.key(), key), cmd("COPY", g.key(), key, "REPLACE"), cmd("COPY", key, g.key()), cmd("SETBIT", key, "7", "0"),
		cmd("BITFIELD", key, "GET", "u8", "0"), cmd("BITFIELD", key, "SET", "u8", "0", "1"), cmd("BITOP", "NOT", key, g.key()),
		cmd("GETDEL", key), cmd("GETEX", key), cmd("GETEX", key, "PERSIST"), cmd("GETEX", key, "EXAT", "4102444800"),
		cmd("TOUCH", key), cmd("MSETNX", key, "1", "k0", "2"), cmd("FLUSHALL"), cmd("FLUSHDB"), cmd("INCRBY", key, "0"),
		cmd("SET", key, "x", "NX"), cmd("SET", key, "x", "XX"), cmd("SET", key, "x", "GET"), cmd("GETSET", key, "x"),
		cmd("SET", key), cmd("SWAPDB", "0", "0"), cmd("MSET", key, "1"), cmd("INCRBYFLOAT", key, "0"))
	me, other := g.IntN(2), g.IntN(2)
	between.on = other
	return unit{
		step{on: me, args: []string{"DISCARD"}}, step{on: other, args: []string{"DISCARD"}},
		step{on: me, args: []string{"WATCH", key}},
		between,
		step{on: me, args: []string{"MULTI"}}, step{on: me, args: []string{"SET", key, "won"}},
		step{on: me, args: []string{"EXEC"}}, step{on: me, args: []string{"GET", key}},
	}
}
