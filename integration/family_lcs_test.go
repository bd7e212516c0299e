package integration

import "strconv"

func lcsChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.letters()) }},
		{10, func(g *gen) unit { return one(append([]string{"LCS", g.key(), g.key()}, g.lcsOptions()...)...) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(*gen) unit {
			return unit{cmd("MSET", "key1", "ohmytext", "key2", "mynewtext"), cmd("LCS", "key1", "key2"),
				cmd("LCS", "key1", "key2", "IDX"), cmd("LCS", "key1", "key2", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN")}
		}},
	}
}

// letters have much in common.
func (g *gen) letters() string {
	b := make([]byte, g.IntN(80))
	for i := range b {
		b[i] = "abcd"[g.IntN(4)]
	}
	return string(b)
}

func (g *gen) lcsOptions() []string {
	var out []string
	for range pick(g, 0, 1, 1, 2, 2, 3) {
		out = append(out, pick(g, []string{"LEN"}, []string{"IDX"}, []string{"IDX"}, []string{"IDX"}, []string{"WITHMATCHLEN"},
			[]string{"MINMATCHLEN", strconv.Itoa(g.IntN(6))}, []string{"MINMATCHLEN", strconv.Itoa(g.IntN(6))},
			[]string{"minmatchlen", g.number()}, []string{"MINMATCHLEN"}, []string{"FOO"}, []string{"idx"})...)
	}
	return out
}
