package integration

import "fmt"

func dumpChoices() []choice {
	return []choice{
		{4, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value(), "EX", g.seconds()) }},
		{2, func(g *gen) unit { return one("DUMP", g.key()) }},
		{8, func(g *gen) unit { return dumpRestore(g.key(), g.key(), g.restoreOptions()) }},
		{2, func(g *gen) unit { return dumpRestore(g.key(), g.key(), []string{"0"}) }},
		{3, func(g *gen) unit {
			payload := pick(g, "", "x", "not a payload", g.binary(30), "\x00\x01a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00")
			return one(append([]string{"RESTORE", g.key(), pick(g, "0", g.millis(), "-1", "x"), payload}, g.restoreOptions()[1:]...)...)
		}},
		{1, func(g *gen) unit {
			return unit{{args: []string{"RESTORE", "flipped"}, check: checkFlippedBit(g.IntN(1000))}}
		}},
		{2, func(g *gen) unit { return one("GET", g.key()) }},
		{1, func(g *gen) unit { return one("PTTL", g.key()) }},
		{1, func(g *gen) unit { return one("DEL", g.key()) }},
	}
}

// restoreOptions are a TTL and options.
func (g *gen) restoreOptions() []string {
	ttl := pick(g, "0", "0", g.millis(), g.oddSeconds())
	return append([]string{ttl}, pick(g, nil, []string{"REPLACE"}, []string{"REPLACE"}, []string{"replace", "ABSTTL"},
		[]string{"IDLETIME", "5"}, []string{"REPLACE", "IDLETIME", "-1"}, []string{"FREQ", "300"}, []string{"FREQ", "5", "REPLACE"},
		[]string{"IDLETIME", "x"}, []string{"IDLETIME"}, []string{"FOO"}, []string{"REPLACE", "IDLETIME", "1", "FREQ", "1"})...)
}

// dumpRestore restores the subject's and redis-server's own payloads.
func dumpRestore(from, to string, options []string) unit {
	args := append([]string{"RESTORE", to, options[0], "<DUMP of " + from + ">"}, options[1:]...)
	return unit{{args: args, check: func(ref, sub client) string {
		want, err := restoreOwn(ref[0], from, args)
		if err != nil {
			return "redis-server: " + err.Error()
		}
		got, err := restoreOwn(sub[0], from, args)
		if err != nil {
			return err.Error()
		}
		if why := sameBytes(want, got); why != "" {
			return fmt.Sprintf("%s: %q and %q", why, want.raw, got.raw)
		}
		return ""
	}}, cmd("GET", to), cmd("TTL", to)}
}

func restoreOwn(c *conn, from string, args []string) (frame, error) {
	payload, err := c.do("DUMP", from)
	if err != nil {
		return frame{}, err
	}
	args = append([]string(nil), args...)
	args[3] = payload.str()
	return c.do(args...)
}

// checkFlippedBit restores a payload with one wrong bit: the checksum must tell.
func checkFlippedBit(at int) check {
	return func(_, sub client) string {
		if _, err := sub[0].do("SET", "flip", "some value"); err != nil {
			return err.Error()
		}
		f, err := sub[0].do("DUMP", "flip")
		if err != nil || len(f.text) == 0 {
			return fmt.Sprintf("DUMP: %q %v", f.raw, err)
		}
		payload := []byte(f.str())
		payload[at/8%len(payload)] ^= 1 << (at % 8)
		f, err = sub[0].do("RESTORE", "flipped", "0", string(payload))
		if err != nil {
			return err.Error()
		}
		if !f.isError() {
			return fmt.Sprintf("RESTORE of a payload with bit %d flipped is answered with %q", at, f.raw)
		}
		if f, err = sub[0].do("DEL", "flip"); err != nil || f.str() != "1" {
			return fmt.Sprintf("DEL flip: %q %v", f.raw, err)
		}
		return ""
	}
}
