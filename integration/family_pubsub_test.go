package integration

// pubsubChoices: the first connection subscribes, the second publishes and asks.
func pubsubChoices() []choice {
	names := func(g *gen, of ...string) []string {
		out := make([]string, 1+g.IntN(3))
		for i := range out {
			out[i] = pick(g, of...)
		}
		return out
	}
	channels := func(g *gen) []string { return names(g, "a", "b", "p.1", "", "\x00\xff", "hello") }
	// At most one pattern matches a channel: the order between patterns is free.
	patterns := func(g *gen) []string { return names(g, "p.*", "h?llo", "[xyz]", "nosuch*") }
	subscriber := func(words string, make func(*gen) []string) func(*gen) unit {
		return func(g *gen) unit {
			var args []string
			if make != nil {
				args = make(g)
			}
			return unit{burst(0, words, append([]string{words}, args...))}
		}
	}
	asking := func(on int, args ...string) unit { return unit{step{on: on, args: args}} }
	return []choice{
		{3, subscriber("SUBSCRIBE", channels)},
		{2, subscriber("PSUBSCRIBE", patterns)},
		{2, subscriber("UNSUBSCRIBE", channels)},
		{1, subscriber("PUNSUBSCRIBE", patterns)},
		{1, subscriber("UNSUBSCRIBE", nil)},
		{1, subscriber("PUNSUBSCRIBE", nil)},
		{2, subscriber("SSUBSCRIBE", channels)},
		{2, subscriber("SUNSUBSCRIBE", channels)},
		{1, subscriber("SUNSUBSCRIBE", nil)},
		{3, func(g *gen) unit {
			return unit{
				step{on: 1, args: []string{"SPUBLISH", pick(g, "a", "b", "p.1", "nobody"), g.value()}},
				burst(0, "PING"),
			}
		}},
		{1, func(g *gen) unit { return asking(1, "PUBSUB", "SHARDCHANNELS", pick(g, "*", "p*", "nosuch")) }},
		{1, func(g *gen) unit { return asking(1, append([]string{"PUBSUB", "SHARDNUMSUB"}, channels(g)...)...) }},
		{8, publish},
		{1, func(g *gen) unit {
			return unit{burst(0, "GET", []string{"GET", "k"}, []string{"PING"}, []string{"SET", "k", "v"})}
		}},
		{1, func(g *gen) unit {
			return unit{burst(0, "SUBSCRIBE", []string{"SUBSCRIBE"}, []string{"PING", "a", "b"}, []string{"NOSUCH"}, []string{"MULTI", "x"})}
		}},
		{2, func(g *gen) unit {
			return asking(1, "PUBSUB", "CHANNELS", pick(g, "*", "p*", "nosuch", "h?llo"))
		}},
		{2, func(g *gen) unit { return asking(1, append([]string{"PUBSUB", "NUMSUB"}, channels(g)...)...) }},
		{1, func(*gen) unit { return asking(1, "PUBSUB", "NUMSUB") }},
		{2, func(*gen) unit { return asking(1, "PUBSUB", "NUMPAT") }},
		{1, func(g *gen) unit { return asking(1, "PUBSUB", pick(g, "FOO", "", "HELP", "NUMPAT"), pick(g, "x", "y")) }},
		{1, func(*gen) unit { return unit{burst(0, "RESET", []string{"RESET"}, []string{"PING"})} }},
	}
}

// publish sends a message and waits for it at the subscriber.
func publish(g *gen) unit {
	channel := pick(g, "a", "b", "p.1", "p.2", "", "\x00\xff", "hello", "hallo", "x", "nobody")
	return unit{
		step{on: 1, args: []string{"PUBLISH", channel, g.value()}},
		burst(0, "PING"),
	}
}
