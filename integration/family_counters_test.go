package integration

import "strconv"

func counterChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("INCR", g.key()) }},
		{3, func(g *gen) unit { return one("DECR", g.key()) }},
		{4, func(g *gen) unit { return one("INCRBY", g.key(), g.integer()) }},
		{4, func(g *gen) unit { return one("DECRBY", g.key(), g.integer()) }},
		{5, func(g *gen) unit { return one("INCRBYFLOAT", g.key(), g.float()) }},
		{4, func(g *gen) unit { return one("SET", g.key(), g.number()) }},
		{2, func(g *gen) unit { return one("SET", g.key(), strconv.Itoa(g.IntN(1000))) }},
		{2, func(g *gen) unit { return one("SET", g.key(), g.float()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{1, func(g *gen) unit {
			return one("SET", g.key(), pick(g, "9223372036854775800", "-9223372036854775800", "9223372036854775807"))
		}},
		{4, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
		{1, func(g *gen) unit { return one("EXPIREAT", g.key(), "4102444800") }},
		{1, func(g *gen) unit { return one("EXPIRETIME", g.key()) }},
		{1, func(g *gen) unit { return one("APPEND", g.key(), strconv.Itoa(g.IntN(100))) }},
		{2, floatChain},
	}
}

// float is a decimal in one of the forms that C reads.
func (g *gen) float() string {
	switch g.IntN(8) {
	case 0:
		return g.number()
	case 1:
		return strconv.Itoa(g.IntN(2001) - 1000)
	case 2:
		return pick(g, "3.0e3", "5.0e3", "1e-5", "1E5", "-2.5e+3", "1e17", "1e18", "1e19", "123456789012345678",
			"0.1", "0.2", "-0.3", "1e-17", "1e-18", "10.50", "0.10000000000000001", "1e300", "-1e300",
			"17179869184.00000001", "1e4000", "1e5000", "infinity", "INF", "NaN", "0x1p4", "1e", "e5", "1.2.3",
			"1.7976931348623157e308", "99999999999999999999.5", "--1", "1,5")
	default:
		return strconv.FormatFloat(g.NormFloat64()*1000, 'f', g.IntN(9), 64)
	}
}

// floatChain adds up floats from a known start, so that rounding shows.
func floatChain(g *gen) unit {
	u := unit{cmd("SET", "f", strconv.FormatFloat(g.Float64()*1e6, 'f', g.IntN(12), 64))}
	for range 4 {
		u = append(u, cmd("INCRBYFLOAT", "f", strconv.FormatFloat(g.NormFloat64(), pick[byte](g, 'f', 'e'), g.IntN(15), 64)))
	}
	return append(u, cmd("GET", "f"), cmd("STRLEN", "f"))
}
