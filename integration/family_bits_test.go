package integration

import "strconv"

func bitChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.bitmap()) }},
		{5, func(g *gen) unit {
			return one("SETBIT", g.key(), g.bitOffset(), pick(g, "0", "1", "0", "1", "2", "-1", "x", ""))
		}},
		{4, func(g *gen) unit { return one("GETBIT", g.key(), g.bitOffset()) }},
		{5, func(g *gen) unit { return one(append([]string{"BITCOUNT", g.key()}, g.bitRange()...)...) }},
		{6, func(g *gen) unit { return one(append([]string{"BITPOS", g.key(), g.bit()}, g.bitRange()...)...) }},
		{5, bitop},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("STRLEN", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(g *gen) unit {
			return one("SETBIT", g.key(), pick(g, "4294967296", "9223372036854775807", "9223372036854775808", "42949672960", "-1"), "1")
		}},
		{1, func(g *gen) unit {
			return one("GETBIT", g.key(), pick(g, "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-1"))
		}},
		{1, func(g *gen) unit { return one("EXPIREAT", g.key(), "4102444800") }},
		{1, func(g *gen) unit { return one("PEXPIRETIME", g.key()) }},
	}
}

// bitmap is a value with long runs, which BITPOS treats word by word.
func (g *gen) bitmap() string {
	fill := pick(g, "\x00", "\xff", "\x00", "\xff", "\x0f")
	var b []byte
	for range g.IntN(40) {
		b = append(b, fill...)
	}
	if g.in(2) && len(b) > 0 {
		b[g.IntN(len(b))] ^= byte(1 << g.IntN(8))
	}
	if g.in(4) {
		return g.value()
	}
	return string(b)
}

func (g *gen) bit() string {
	return pick(g, "0", "1", "0", "1", "0", "1", "0", "1", "2", "-1", "x", "")
}

func (g *gen) bitOffset() string {
	if g.in(15) {
		return pick(g, "-1", "x", "", "1.5", "+1", " 1", "007", "-0", "#1")
	}
	return strconv.Itoa(g.IntN(400))
}

// bitRange are 0 to 3 arguments of BITCOUNT and BITPOS.
func (g *gen) bitRange() []string {
	at := func() string {
		if g.in(10) {
			return g.number()
		}
		return strconv.Itoa(g.IntN(300) - 150)
	}
	unit := func() string { return pick(g, "BYTE", "BIT", "BIT", "bit", "FOO", "") }
	switch g.IntN(8) {
	case 0:
		return nil
	case 1:
		return []string{at()}
	case 2, 3, 4:
		return []string{at(), at()}
	case 5, 6:
		return []string{at(), at(), unit()}
	default:
		return pick(g, []string{at(), at(), unit(), "x"}, []string{at(), unit()}, []string{unit()})
	}
}

func bitop(g *gen) unit {
	op := pick(g, "AND", "OR", "XOR", "NOT", "and", "Not", "DIFF", "FOO", "")
	keys := g.keysN(pick(g, 1, 2, 2, 3, 3, 4, 5, 6))
	return unit{cmd(append([]string{"BITOP", op}, keys...)...), cmd("GET", keys[0]), cmd("PEXPIRETIME", keys[0])}
}
