package integration

import "strconv"

func bitfieldChoices() []choice {
	return []choice{
		{10, func(g *gen) unit { return one(append([]string{"BITFIELD", g.key()}, g.bitfieldOps(false)...)...) }},
		{4, func(g *gen) unit { return one(append([]string{"BITFIELD_RO", g.key()}, g.bitfieldOps(true)...)...) }},
		{3, func(g *gen) unit { return one("SET", g.key(), g.bitmap()) }},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(g *gen) unit { return one("STRLEN", g.key()) }},
		{1, func(g *gen) unit { return one(pick(g, "BITFIELD", "BITFIELD_RO"), g.key()) }},
	}
}

func (g *gen) bitfieldOps(readOnly bool) []string {
	var out []string
	for range g.IntN(5) {
		word := pick(g, "GET", "SET", "INCRBY", "INCRBY", "OVERFLOW", "get")
		if readOnly && !g.in(6) {
			word = "GET"
		}
		switch word {
		case "GET", "get":
			out = append(out, word, g.bitType(), g.bitfieldOffset())
		case "SET", "INCRBY":
			out = append(out, word, g.bitType(), g.bitfieldOffset(), g.bitfieldValue())
		default:
			out = append(out, word, pick(g, "WRAP", "SAT", "FAIL", "wrap", "sat", "fail", "FOO", ""))
		}
	}
	if g.in(15) {
		out = append(out, pick(g, "GET", "SET", "INCRBY", "OVERFLOW", "FOO"))
	}
	return out
}

func (g *gen) bitType() string {
	if g.in(12) {
		return pick(g, "u64", "i65", "u0", "i0", "x8", "u", "", "8", "u-1", "i08", "u 8", "U8", "I8", "u8x", "u4294967297")
	}
	if g.in(2) {
		return pick(g, "u8", "i8", "u1", "i1", "u63", "i64", "u16", "i32", "i63", "u2")
	}
	return pick(g, "u"+strconv.Itoa(1+g.IntN(63)), "i"+strconv.Itoa(1+g.IntN(64)))
}

func (g *gen) bitfieldOffset() string {
	if g.in(12) {
		return pick(g, "-1", "x", "", "#", "#-1", "#x", "4294967296", "#4294967296", "9223372036854775807",
			"#9223372036854775807", "1.5", "+1", " 1", "#01")
	}
	n := strconv.Itoa(g.IntN(150))
	return pick(g, n, n, "#"+strconv.Itoa(g.IntN(20)))
}

func (g *gen) bitfieldValue() string {
	switch g.IntN(4) {
	case 0:
		return pick(g, "9223372036854775807", "-9223372036854775808", "9223372036854775808", "x", "", "1.5", "-1", "0")
	case 1:
		return strconv.FormatInt(int64(g.Uint64()), 10)
	default:
		return strconv.Itoa(g.IntN(601) - 300)
	}
}
