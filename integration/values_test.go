package integration

import (
	"strconv"
	"strings"
)

// key is one of a few keys, so that commands meet each other's work.
func (g *gen) key() string {
	switch n := g.IntN(40); {
	case n < 32:
		return "k" + strconv.Itoa(n%8)
	case n == 32:
		return ""
	case n == 33:
		return "\x00\xff \r\n\"'key"
	case n == 34:
		return strings.Repeat("long", 100)
	case n == 35:
		return "{tag}a"
	case n == 36:
		return "missing"
	default:
		return "K" + strconv.Itoa(n%3)
	}
}

// keysN are n keys, perhaps with repetitions.
func (g *gen) keysN(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = g.key()
	}
	return out
}

// value is of every sort that commands treat differently.
func (g *gen) value() string {
	switch g.IntN(14) {
	case 0:
		return ""
	case 1, 2, 3:
		return strconv.Itoa(g.IntN(20001) - 10000)
	case 4:
		return strconv.FormatInt(int64(g.Uint64()), 10)
	case 5:
		return g.number()
	case 6:
		return g.binary(1 + g.IntN(60))
	case 7:
		return strings.Repeat("e", 43+g.IntN(4)) // around the limit of embstr
	case 8:
		return g.text(100 + g.IntN(900))
	case 9:
		return strconv.FormatFloat(g.NormFloat64()*100, 'f', g.IntN(6), 64)
	default:
		return g.text(1 + g.IntN(30))
	}
}

// text is letters.
func (g *gen) text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghij "[g.IntN(11)]
	}
	return string(b)
}

// binary is any bytes.
func (g *gen) binary(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return string(b)
}

// number is a number at an edge, or something that only looks like one.
func (g *gen) number() string {
	return pick(g, "0", "1", "-1", "2", "10", "007", "-007", "+1", " 1", "1 ", "1.5", "-0", "0x10", "1e3",
		"nan", "inf", "-inf", "abc", "", "-", "+", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999", "1e400", "1e-400",
		"4294967295", "4294967296", "-2147483649", "\x00", "1\x00", "0.0", ".5", "5.", "1_000", "０")
}

// integer is mostly a good one.
func (g *gen) integer() string {
	if g.in(5) {
		return g.number()
	}
	return strconv.Itoa(g.IntN(2001) - 1000)
}

// small is an index, mostly within short values.
func (g *gen) small() string {
	if g.in(12) {
		return g.number()
	}
	return strconv.Itoa(g.IntN(81) - 40)
}

// seconds is a distance in time that this sequence has not used yet, between
// 1,000 and about 6 million, so that GT and LT never depend on milliseconds.
func (g *gen) seconds() string {
	g.serial++
	return strconv.Itoa(1000 + 60*(g.serial*7919%100_003))
}

// millis is seconds in milliseconds.
func (g *gen) millis() string { return g.seconds() + "000" }

// oddSeconds is a distance that is no number, too large, zero or negative: never
// one that would end while the test runs.
func (g *gen) oddSeconds() string {
	return pick(g, "0", "-1", "-100", "abc", "", "1.5", "+1", " 1", "0x10", "1e3", "007",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808",
		"9223372036854775", "9223372036854776", "9223370000000000", "-9223372036854775", "-9223372036854776")
}

// unixSeconds is an absolute time in the far future; or, rarely, the past.
func (g *gen) unixSeconds() string {
	if g.in(15) {
		return pick(g, "1", "1000000000", "1600000000")
	}
	return strconv.Itoa(4_102_444_800 + g.IntN(50))
}

// unixMillis is unixSeconds in milliseconds.
func (g *gen) unixMillis() string {
	if g.in(15) {
		return pick(g, "1", "1000", "1600000000123")
	}
	return strconv.Itoa(4_102_444_800_000 + g.IntN(5000))
}

// futureMillis is a time in milliseconds that has not come. SET with one that has
// passed stores nothing in rldb; Redis keeps such a key, and counts it in DBSIZE,
// until its sweep comes by.
func (g *gen) futureMillis() string { return strconv.Itoa(4_102_444_800_000 + g.IntN(5000)) }

// oddUnix is a time that is no number or at an edge.
func (g *gen) oddUnix() string {
	return pick(g, "0", "-1", "abc", "", "1.5", "+1", " 1", "1e3", "9223372036854775807",
		"-9223372036854775808", "9223372036854775808", "9223372036854775", "9223372036854776")
}
