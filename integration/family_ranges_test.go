package integration

func rangeChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{6, func(g *gen) unit {
			return one(pick(g, "GETRANGE", "GETRANGE", "SUBSTR"), g.key(), g.small(), g.small())
		}},
		{5, func(g *gen) unit { return one("SETRANGE", g.key(), g.setOffset(), g.value()) }},
		{1, func(g *gen) unit { return one("SETRANGE", g.key(), g.setOffset(), "") }},
		{2, func(g *gen) unit { return one("APPEND", g.key(), g.value()) }},
		{2, func(g *gen) unit { return one("STRLEN", g.key()) }},
		{3, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(g *gen) unit { return one("SETRANGE", g.key(), g.offsetBeyond(), g.text(1+g.IntN(20))) }},
		{1, func(g *gen) unit { return one("EXPIREAT", g.key(), "4102444800") }},
		{1, func(g *gen) unit { return one("PEXPIRETIME", g.key()) }},
	}
}

// setOffset is a small offset, or no offset at all.
func (g *gen) setOffset() string {
	if g.in(8) {
		return pick(g, "-1", "-0", "+1", " 1", "abc", "", "1.5", "007", "-9223372036854775808", "9223372036854775808")
	}
	return pick(g, "0", "1", "2", "5", "7", "31", "100", "1000", "3000")
}

// offsetBeyond is an offset at which every value is longer than
// proto-max-bulk-len; none of them makes a server take memory.
func (g *gen) offsetBeyond() string {
	return pick(g, "536870912", "536870913", "1073741824", "4294967296", "9223372036854775807", "9223372036854775806")
}
