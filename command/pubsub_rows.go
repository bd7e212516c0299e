package command

func pubsubRows() []row {
	const base = pubsub | noscript | loading | stale | anywhere | subscribed
	return []row{
		{name: "subscribe", arity: -2, flags: base, run: cmdSubscribe,
			group: "pubsub", since: "2.0.0", complexity: "O(N) with N channels.",
			summary: "Listens to channels.", syntax: "channel..."},
		{name: "unsubscribe", arity: -1, flags: base, run: cmdUnsubscribe,
			group: "pubsub", since: "2.0.0", complexity: "O(N) with N channels.",
			summary: "Stops listening to some channels, or to all.", syntax: "[channel...]"},
		{name: "psubscribe", arity: -2, flags: base, run: cmdPsubscribe,
			group: "pubsub", since: "2.0.0", complexity: "O(N) with N patterns.",
			summary: "Listens to all channels whose names match patterns.", syntax: "pattern:pattern..."},
		{name: "punsubscribe", arity: -1, flags: base, run: cmdPunsubscribe,
			group: "pubsub", since: "2.0.0", complexity: "O(N) with N patterns.",
			summary: "Stops listening by some patterns, or by all.", syntax: "[pattern:pattern...]"},
		{name: "publish", arity: 3, flags: pubsub | loading | stale | fast | anywhere | mayReplicate, run: cmdPublish,
			group: "pubsub", since: "2.0.0", complexity: "O(N+M) with N clients that listen and M patterns in all.",
			summary: "Sends a message to all who listen to a channel.", syntax: "channel message"},
		{name: "ssubscribe", arity: -2, flags: base, first: 1, last: -1, step: 1, access: notKey, run: cmdSsubscribe,
			group: "pubsub", since: "7.0.0", complexity: "O(N) with N shard channels.",
			summary: "Listens to shard channels.", syntax: "shardchannel..."},
		{name: "sunsubscribe", arity: -1, flags: base, first: 1, last: -1, step: 1, access: notKey, run: cmdSunsubscribe,
			group: "pubsub", since: "7.0.0", complexity: "O(N) with N shard channels.",
			summary: "Stops listening to some shard channels, or to all.", syntax: "[shardchannel...]"},
		{name: "spublish", arity: 3, flags: pubsub | loading | stale | fast | anywhere | mayReplicate, first: 1, last: 1, step: 1,
			access: notKey, run: cmdSpublish,
			group: "pubsub", since: "7.0.0", complexity: "O(N) with N clients that listen.",
			summary: "Sends a message to all who listen to a shard channel.", syntax: "shardchannel message"},
		{name: "pubsub", arity: -2, group: "pubsub", since: "2.8.0", complexity: "Depends on the subcommand.",
			summary: "Tells who listens to what.", sub: pubsubSubcommands()},
	}
}

func pubsubSubcommands() []row {
	const base = pubsub | loading | stale
	return []row{
		{name: "channels", arity: -2, flags: base, run: cmdPubsubChannels,
			since: "2.8.0", complexity: "O(N) with N channels.",
			summary: "Lists the channels that somebody listens to.", syntax: "[pattern:pattern]"},
		{name: "numsub", arity: -2, flags: base | anywhere, run: cmdPubsubNumSub,
			since: "2.8.0", complexity: "O(N) with N channels asked for.",
			summary: "Counts the clients that listen to channels, not counting patterns.", syntax: "[channel...]"},
		{name: "numpat", arity: 2, flags: base | anywhere, run: cmdPubsubNumPat,
			since: "2.8.0", complexity: "O(1)", summary: "Counts the different patterns that clients listen by."},
		{name: "shardchannels", arity: -2, flags: base, run: cmdPubsubShardChannels,
			since: "7.0.0", complexity: "O(N) with N shard channels.",
			summary: "Lists the shard channels that somebody listens to.", syntax: "[pattern:pattern]"},
		{name: "shardnumsub", arity: -2, flags: base | anywhere, run: cmdPubsubShardNumSub,
			since: "7.0.0", complexity: "O(N) with N shard channels asked for.",
			summary: "Counts the clients that listen to shard channels.", syntax: "[shardchannel...]"},
		{name: "help", arity: 2, flags: loading | stale | anywhere, run: cmdPubsubHelp,
			since: "6.2.0", complexity: "O(1)", summary: "Describes the subcommands of PUBSUB."},
	}
}

func cmdPubsubHelp(c *call) {
	c.describe(
		"CHANNELS [<pattern>]", "Lists the channels that somebody listens to, all or those that match.",
		"NUMPAT", "Counts the different patterns.",
		"NUMSUB [<channel> ...]", "Counts who listens to each channel; patterns do not count.",
		"SHARDCHANNELS [<pattern>]", "As CHANNELS, for shard channels.",
		"SHARDNUMSUB [<shardchannel> ...]", "As NUMSUB, for shard channels.")
}
