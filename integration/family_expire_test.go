package integration

// expireChoices use distances in time: answers about them are compared with
// tolerance.
func expireChoices() []choice {
	return []choice{
		{6, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{5, func(g *gen) unit { return one(append([]string{"EXPIRE", g.key(), g.seconds()}, g.expireFlags()...)...) }},
		{5, func(g *gen) unit { return one(append([]string{"PEXPIRE", g.key(), g.millis()}, g.expireFlags()...)...) }},
		{1, func(g *gen) unit {
			return one(append([]string{"EXPIRE", g.key(), g.oddSeconds()}, g.expireFlags()...)...)
		}},
		{1, func(g *gen) unit {
			return one(append([]string{"PEXPIRE", g.key(), g.oddSeconds()}, g.expireFlags()...)...)
		}},
		{3, func(g *gen) unit { return one("TTL", g.key()) }},
		{3, func(g *gen) unit { return one("PTTL", g.key()) }},
		{2, func(g *gen) unit { return one("EXPIRETIME", g.key()) }},
		{2, func(g *gen) unit { return one("PEXPIRETIME", g.key()) }},
		{2, func(g *gen) unit { return one("PERSIST", g.key()) }},
		{1, func(g *gen) unit { return one("SETEX", g.key(), g.seconds(), g.value()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value(), "PX", g.millis()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value(), "KEEPTTL") }},
		{1, func(g *gen) unit { return one("GETEX", g.key(), "EX", g.seconds()) }},
		{1, func(g *gen) unit { return one(pick(g, "RENAME", "RENAMENX"), g.key(), g.key()) }},
		{1, func(g *gen) unit { return one("COPY", g.key(), g.key(), "REPLACE") }},
		{1, func(g *gen) unit { return one("APPEND", g.key(), g.value()) }},
		{1, func(g *gen) unit { return one("GETSET", g.key(), g.value()) }},
		{1, func(g *gen) unit { return one("INCR", g.key()) }},
		{1, func(g *gen) unit { return one("GET", g.key()) }},
	}
}

// expireFlags are mostly none or one, sometimes two at odds.
func (g *gen) expireFlags() []string {
	flag := func() string { return pick(g, "NX", "XX", "GT", "LT", "nx", "gT") }
	switch g.IntN(10) {
	case 0, 1, 2:
		return nil
	case 3:
		return []string{flag(), flag()}
	case 4:
		return pick(g, []string{"FOO"}, []string{""}, []string{flag(), "FOO"}, []string{"XX", "GT", "LT"}, []string{"FOO", flag()})
	default:
		return []string{flag()}
	}
}

// expireAtChoices use points in time, so that EXPIRETIME is exact.
func expireAtChoices() []choice {
	return []choice{
		{6, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{6, func(g *gen) unit {
			return one(append([]string{"EXPIREAT", g.key(), g.unixSeconds()}, g.expireFlags()...)...)
		}},
		{6, func(g *gen) unit {
			return one(append([]string{"PEXPIREAT", g.key(), g.unixMillis()}, g.expireFlags()...)...)
		}},
		{1, func(g *gen) unit {
			return one(append([]string{pick(g, "EXPIREAT", "PEXPIREAT"), g.key(), g.oddUnix()}, g.expireFlags()...)...)
		}},
		{3, func(g *gen) unit { return one("EXPIRETIME", g.key()) }},
		{3, func(g *gen) unit { return one("PEXPIRETIME", g.key()) }},
		{2, func(g *gen) unit { return one("TTL", g.key()) }},
		{1, func(g *gen) unit { return one("PTTL", g.key()) }},
		{2, func(g *gen) unit { return one("PERSIST", g.key()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value(), "PXAT", g.futureMillis()) }},
		{1, func(g *gen) unit { return one("GETEX", g.key(), "EXAT", g.unixSeconds()) }},
		{1, func(g *gen) unit { return one(pick(g, "RENAME", "RENAMENX"), g.key(), g.key()) }},
		{1, func(g *gen) unit { return one("COPY", g.key(), g.key()) }},
		{1, func(g *gen) unit { return one("SETRANGE", g.key(), "1", "x") }},
		{1, func(g *gen) unit { return one("EXISTS", g.key(), g.key()) }},
		{1, func(*gen) unit { return unit{cmd("KEYS", "*"), cmd("DBSIZE")} }},
	}
}
