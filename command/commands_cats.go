package command

import "strings"

// categoryNames are Redis's ACL categories, in the order in which it lists them.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
	"stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// groupCategory is the category that a command has by its group.
var groupCategory = map[string]string{
	"generic": "keyspace", "string": "string", "bitmap": "bitmap", "connection": "connection",
	"transactions": "transaction", "scripting": "scripting",
}

// categories are the command's ACL categories: those that follow from its
// flags, those in row.cats, and its group's. A row that names another group's
// category itself is not in its own group's (WAIT is generic, but about
// connections), and neither is a command that only has subcommands.
func (r *row) categories() []string {
	in := map[string]bool{}
	ofGroup := groupCategory[r.group]
	if r.run == nil {
		ofGroup = ""
	}
	for cat := range strings.FieldsSeq(r.cats) {
		cat = strings.TrimPrefix(cat, "@")
		in[cat] = true
		for _, g := range groupCategory {
			if cat == g {
				ofGroup = ""
			}
		}
	}
	if ofGroup != "" {
		in[ofGroup] = true
	}
	imply := func(f flag, cats ...string) {
		if r.has(f) {
			for _, cat := range cats {
				in[cat] = true
			}
		}
	}
	imply(write, "write")
	if !in["scripting"] {
		imply(readonly, "read")
	}
	imply(admin, "admin", "dangerous")
	imply(pubsub, "pubsub")
	imply(blocking, "blocking")
	imply(fast, "fast")
	if !in["fast"] {
		in["slow"] = true
	}
	var cats []string
	for _, cat := range categoryNames {
		if in[cat] {
			cats = append(cats, cat)
		}
	}
	return cats
}

// inCategory says whether the command is in a category, named in any case.
func (r *row) inCategory(name []byte) bool {
	for _, cat := range r.categories() {
		if strings.EqualFold(cat, string(name)) {
			return true
		}
	}
	return false
}

// routingTips are Redis's command tips: what a client that routes commands to
// several nodes by itself may like to know. They are of use beyond one node
// only, and few commands have any: so they stand here and not in the rows.
func routingTips(full string) []string {
	const (
		shards  = "request_policy:all_shards"
		nodes   = "request_policy:all_nodes"
		multi   = "request_policy:multi_shard"
		ok      = "response_policy:all_succeeded"
		one     = "response_policy:one_succeeded"
		sum     = "response_policy:agg_sum"
		least   = "response_policy:agg_min"
		special = "response_policy:special"
		varies  = "nondeterministic_output"
		order   = "nondeterministic_output_order"
	)
	switch full {
	case "msetnx", "wait":
		if full == "wait" {
			return []string{shards, least}
		}
		return []string{multi, least}
	case "mset", "msetex":
		return []string{multi, ok}
	case "mget":
		return []string{multi}
	case "del", "unlink", "exists", "touch":
		return []string{multi, sum}
	case "flushdb", "flushall", "ping", "memory|purge", "function|restore", "function|delete", "function|flush", "function|load":
		return []string{shards, ok}
	case "info", "memory|malloc-stats", "memory|stats", "memory|doctor", "function|stats":
		return []string{varies, shards, special}
	case "latency|histogram", "latency|graph", "latency|doctor", "latency|latest", "latency|history":
		return []string{varies, nodes, special}
	case "latency|reset", "slowlog|reset", "script|flush", "script|load", "config|set":
		return []string{nodes, ok}
	case "dbsize":
		return []string{shards, sum}
	case "keys":
		return []string{shards, order}
	case "randomkey":
		return []string{shards, varies}
	case "scan":
		return []string{varies, "request_policy:special"}
	case "script|exists":
		return []string{shards, "response_policy:agg_logical_and"}
	case "script|kill", "function|kill":
		return []string{shards, one}
	case "slowlog|len":
		return []string{nodes, sum, varies}
	case "slowlog|get":
		return []string{nodes, varies}
	case "module|list", "command", "command|docs", "command|list", "command|info", "function|list":
		return []string{order}
	case "object|idletime", "object|encoding", "object|freq", "object|refcount", "lastsave", "ttl", "pttl", "time", "dump",
		"client|list", "client|info", "cluster|shards", "cluster|nodes", "cluster|count-failure-reports", "cluster|replicas",
		"cluster|links", "cluster|slaves", "cluster|getkeysinslot", "cluster|slots", "cluster|bumpepoch", "cluster|info":
		return []string{varies}
	}
	return nil
}
