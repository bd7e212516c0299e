package integration

import (
	"fmt"
	"slices"
	"strconv"
)

func scanChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one(append([]string{"MSET"}, g.scanKeys()...)...) }},
		{1, func(g *gen) unit { return one(append([]string{"DEL"}, g.keysN(3)...)...) }},
		{4, func(g *gen) unit { return scanAll(g.scanOptions()) }},
		{2, func(g *gen) unit { return one("SCAN", g.badCursor()) }},
		{2, func(g *gen) unit {
			return one(append([]string{"SCAN", "0"}, pick(g, []string{"COUNT", "0"}, []string{"COUNT", "-1"}, []string{"COUNT", "x"},
				[]string{"COUNT"}, []string{"MATCH"}, []string{"TYPE"}, []string{"FOO", "1"}, []string{"COUNT", "1", "COUNT"},
				[]string{"MATCH", "*", "x"}, []string{"COUNT", "9223372036854775808"}, []string{"COUNT", "1.5"})...)...)
		}},
		{1, func(*gen) unit { return one("FLUSHALL") }},
		{1, func(*gen) unit { return one("DBSIZE") }},
	}
}

// scanKeys are up to 200 keys with values.
func (g *gen) scanKeys() []string {
	out := []string{g.key(), "v"}
	for range g.IntN(200) {
		out = append(out, "s"+strconv.Itoa(g.IntN(100_000)), "v")
	}
	return out
}

func (g *gen) badCursor() string {
	return pick(g, "abc", "", "1.5", " 0", "0x0", "18446744073709551616", "99999999999999999999999", "\x00", "0 ", "1e3")
}

func (g *gen) scanOptions() []string {
	var out []string
	if g.in(2) {
		out = append(out, pick(g, "MATCH", "match"), pick(g, g.pattern(), "s1*", "s*[02468]", "nothing*"))
	}
	if g.in(2) {
		out = append(out, pick(g, "COUNT", "count"), pick(g, "1", "2", "7", "10", "100", "100000", "9223372036854775807"))
	}
	if g.in(3) {
		out = append(out, pick(g, "TYPE", "type"), pick(g, "string", "STRING", "hash", "list", "foo", ""))
	}
	return out
}

// scanAll iterates at both servers and compares the sets of keys.
func scanAll(options []string) unit {
	return unit{{args: append([]string{"SCAN", "0"}, options...), check: func(ref, sub client) string {
		want, err := scan(ref[0], options)
		if err != nil {
			return "redis-server: " + err.Error()
		}
		got, err := scan(sub[0], options)
		if err != nil {
			return err.Error()
		}
		return diffSets(want, got)
	}}}
}

// scan is a full iteration; a key that is given twice counts once.
func scan(c *conn, options []string) ([]string, error) {
	var keys []string
	cursor := "0"
	for range 1_000_000 {
		f, err := c.do(append([]string{"SCAN", cursor}, options...)...)
		if err != nil {
			return nil, err
		}
		if len(f.elems) != 2 || f.elems[0].kind != '$' || f.elems[1].kind != '*' {
			return nil, fmt.Errorf("SCAN %s is answered with %.200q", cursor, f.raw)
		}
		for _, e := range f.elems[1].elems {
			keys = append(keys, e.str())
		}
		cursor = f.elems[0].str()
		if n, err := strconv.ParseUint(cursor, 10, 64); err != nil || n == 0 {
			slices.Sort(keys)
			return slices.Compact(keys), err
		}
	}
	return nil, fmt.Errorf("SCAN does not come to an end")
}
