package integration

func setChoices() []choice {
	return []choice{
		{14, func(g *gen) unit { return one(append([]string{"SET", g.key(), g.value()}, g.setOptions()...)...) }},
		{5, func(g *gen) unit { return one(append([]string{"GETEX", g.key()}, g.getexOptions()...)...) }},
		{3, func(g *gen) unit { return one("GET", g.key()) }},
		{2, func(g *gen) unit { return one("TTL", g.key()) }},
		{1, func(g *gen) unit { return one("PERSIST", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(g *gen) unit { return one("EXPIREAT", g.key(), g.unixSeconds()) }},
		{1, func(g *gen) unit {
			return one("SET", g.key(), g.value(), pick(g, "IFXX", "FOO", "", "NXX", "EXPIRE"), "x")
		}},
		{1, setThenExpiretime},
	}
}

// setOptions are 0 to 4 options in any order, some of them at odds.
func (g *gen) setOptions() []string {
	var out []string
	for range g.IntN(5) {
		out = append(out, g.setOption()...)
	}
	return out
}

func (g *gen) setOption() []string {
	words := pick(g,
		[]string{"NX"}, []string{"XX"}, []string{"GET"}, []string{"GET"}, []string{"KEEPTTL"},
		[]string{"EX", g.seconds()}, []string{"PX", g.millis()},
		[]string{"EXAT", g.unixSeconds()}, []string{"PXAT", g.unixMillis()},
		[]string{"EX", g.oddSeconds()}, []string{"PX", g.oddSeconds()},
		[]string{"EXAT", g.oddUnix()}, []string{"PXAT", g.oddUnix()},
		[]string{pick(g, "EX", "PX", "EXAT", "PXAT")})
	if g.in(4) {
		words[0] = randomCase(g, words[0])
	}
	return words
}

// getexOptions are mostly one option.
func (g *gen) getexOptions() []string {
	var out []string
	for range pick(g, 0, 1, 1, 1, 1, 2) {
		out = append(out, pick(g,
			[]string{"PERSIST"}, []string{"PERSIST"},
			[]string{"EX", g.seconds()}, []string{"PX", g.millis()},
			[]string{"EXAT", g.unixSeconds()}, []string{"PXAT", g.unixMillis()},
			[]string{"EX", g.oddSeconds()}, []string{"PX", g.oddSeconds()},
			[]string{"EXAT", g.oddUnix()}, []string{"PXAT", g.oddUnix()},
			[]string{pick(g, "KEEPTTL", "NX", "GET", "EX", "FOO", "")})...)
	}
	return out
}

// setThenExpiretime shows the exact time that an absolute option has set.
func setThenExpiretime(g *gen) unit {
	key := g.key()
	set := pick(g,
		cmd("SET", key, g.value(), "EXAT", g.unixSeconds()),
		cmd("SET", key, g.value(), "PXAT", g.unixMillis()),
		cmd("SET", key, g.value(), "PXAT", g.unixMillis(), "GET"),
		cmd("SET", key, g.value(), "PXAT", g.unixMillis(), "NX"),
	)
	exact := step{args: []string{"PEXPIRETIME", key}, how: sameBytes}
	return unit{
		cmd("SET", key, g.value()), set, exact,
		step{args: []string{"EXPIRETIME", key}, how: sameBytes},
		cmd("GETEX", key, "EXAT", g.unixSeconds()), exact,
		cmd("SET", key, g.value(), pick(g, "KEEPTTL", "XX")), exact,
	}
}
