package integration

// configDefaults set back what the family changes.
func configDefaults() []unit {
	return []unit{
		one("CONFIG", "SET", "maxmemory", "0"), one("CONFIG", "SET", "timeout", "0"),
		one("CONFIG", "SET", "tcp-keepalive", "300"), one("CONFIG", "SET", "slowlog-log-slower-than", "10000"),
		one("CONFIG", "SET", "slowlog-max-len", "128"), one("CONFIG", "SET", "proto-max-bulk-len", "536870912"),
		one("CONFIG", "SET", "latency-monitor-threshold", "0"),
	}
}

func configChoices() []choice {
	return []choice{
		{6, func(g *gen) unit { return one("CONFIG", "GET", g.configName()) }},
		{2, func(g *gen) unit { return one("CONFIG", "GET", g.configName(), g.configName(), g.configName()) }},
		{8, func(g *gen) unit { return g.configSet() }},
		{1, func(g *gen) unit {
			return unit{cmd("CONFIG", "SET", "timeout", "77", "slowlog-max-len", pick(g, "x", "5")), cmd("CONFIG", "GET", "timeout")}
		}},
		{1, func(*gen) unit { return one("CONFIG", "SET", "timeout", "1", "timeout", "2") }},
		{1, func(*gen) unit { return one("CONFIG", "SET", "timeout", "1", "nosuch", "2") }},
		{1, func(g *gen) unit { return one("CONFIG", "SET", pick(g, "nosuch", "", "time*", "nosuch\x00"), "1") }},
		{1, func(g *gen) unit { return one("CONFIG", "SET", "timeout", "5", pick(g, "timeout", "nosuch")) }},
		{1, func(g *gen) unit {
			return one("CONFIG", "SET", pick(g, "databases", "cluster-enabled", "unixsocket"), "yes")
		}},
		{1, func(*gen) unit { return one("CONFIG", "RESETSTAT") }},
		{1, func(*gen) unit { return one("CONFIG", "REWRITE") }},
		{1, func(g *gen) unit { return one("CONFIG", pick(g, "HELP", "FOO", "GET", "SET", "")) }},
	}
}

func (g *gen) configName() string {
	return pick(g, "save", "appendonly", "databases", "maxmemory", "maxmemory-policy", "timeout", "tcp-keepalive",
		"proto-max-bulk-len", "slowlog-log-slower-than", "slowlog-max-len", "cluster-enabled", "notify-keyspace-events",
		"requirepass", "TIMEOUT", "Slowlog-Max-Len", "slowlog-*", "SLOWLOG-*", "tcp-keepaliv?", "proto-max-bulk-le[n]",
		"nosuch", "", "nosuch*", "latency-monitor-threshold", "time[o]ut", "database?")
}

func (g *gen) configSet() unit {
	name := pick(g, "maxmemory", "timeout", "tcp-keepalive", "slowlog-log-slower-than", "slowlog-max-len", "proto-max-bulk-len",
		"latency-monitor-threshold", "Timeout")
	value := pick(g, "0", "1", "100", "1000000", "-1", "-2", "abc", "", "1.5", "1mb", "100mb", "1k", "1kb", "2g", "1gb", "3B", "4x",
		"2147483647", "2147483648", "4294967296", "+1", " 1", "1 mb", "-1mb", "1048576")
	if value == "" && (name == "maxmemory" || name == "proto-max-bulk-len") {
		value = "zz" // an empty size is 0 in Redis, and refused by rldb, as in its file and flags
	}
	return unit{cmd("CONFIG", "SET", name, value), cmd("CONFIG", "GET", name)}
}
