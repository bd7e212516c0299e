package integration

// functionChoices: neither server has functions here, so all of these say so.
func functionChoices() []choice {
	return []choice{
		{2, func(g *gen) unit { return one("FUNCTION", pick(g, "LIST", "KILL", "HELP", "FLUSH", "list")) }},
		{1, func(g *gen) unit { return one("FUNCTION", "FLUSH", pick(g, "SYNC", "ASYNC", "sync", "FOO", "")) }},
		{1, func(g *gen) unit { return one("FUNCTION", "LIST", pick(g, "WITHCODE", "LIBRARYNAME", "FOO")) }},
		{1, func(g *gen) unit { return one("FUNCTION", "LIST", "LIBRARYNAME", pick(g, "lib", "*", "")) }},
		{1, func(g *gen) unit { return one("FUNCTION", "DELETE", pick(g, "lib", "")) }},
		{1, func(g *gen) unit { return one("FUNCTION", pick(g, "STATS", "FOO", "DELETE")) }},
		{2, func(g *gen) unit {
			return one(pick(g, "FCALL", "FCALL_RO"), "f", pick(g, "0", "1", "-1", "x", "2"), g.key())
		}},
	}
}
