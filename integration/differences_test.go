package integration

import "strings"

// A difference is a reply that is not compared byte for byte. This file is the
// only list of them; keep it short. An error reply is compared byte for byte in
// spite of an entry, except where the entry says otherwise with evenErrors.
type difference struct {
	what       string // the command, or the command and its subcommand, upper case
	why        string
	how        compare
	evenErrors bool // errors may differ too
}

// cannotBeEqual are replies that two servers, even two of redis-server, give
// differently.
func cannotBeEqual() []difference {
	return []difference{
		{what: "TTL", why: "time passes between the two servers", how: within(5)},
		{what: "PTTL", why: "time passes between the two servers", how: within(5000)},
		{what: "EXPIRETIME", why: "of a relative expiry, time passes between the two; families without one compare exactly", how: within(5)},
		{what: "PEXPIRETIME", why: "of a relative expiry, time passes between the two; families without one compare exactly", how: within(5000)},
		{what: "TIME", why: "time passes between the two servers", how: sameKind},
		{what: "KEYS", why: "the order is free", how: sameSet},
		{what: "PUBSUB CHANNELS", why: "the order is free", how: sameSet},
		{what: "PUBSUB SHARDCHANNELS", why: "the order is free", how: sameSet},
		{what: "FUNCTION STATS", why: "Redis names its engines, LUA with no libraries; rldb has none", how: sameKind},
		{what: "SCAN", why: "order and cursors are free; full iterations are compared by effect", how: sameKind},
		{what: "RANDOMKEY", why: "random; a key that exists, checked by effect", how: sameKind},
		{what: "DUMP", why: "the payload's format is each server's own; checked by effect with RESTORE", how: sameKind},
		{what: "HELLO", why: "id, version and modules are the server's own", how: sameFields("server", "proto", "mode", "role")},
		{what: "CLIENT ID", why: "connection ids are the server's own", how: sameKind},
		{what: "CLIENT INFO", why: "ids, ports and buffers are the server's own", how: sameKind},
		{what: "CLIENT LIST", why: "ids, ports and buffers are the server's own", how: sameKind},
		{what: "CONFIG GET", why: "the order is free", how: samePairs},
		{what: "INFO", why: "facts about the process; sections are checked on their own", how: sameKind},
		{what: "ROLE", why: "the replication offset is the server's own", how: sameKind},
		{what: "LASTSAVE", why: "a time", how: sameKind},
		{what: "LOLWUT", why: "a picture with the version", how: sameKind},
		{what: "OBJECT IDLETIME", why: "time passes between the two servers", how: sameKind},
		{what: "MEMORY USAGE", why: "what a key takes is the engine's own", how: sameKind},
		{what: "MEMORY STATS", why: "facts about the process", how: sameKind},
		{what: "MEMORY DOCTOR", why: "advice about the process", how: sameKind},
		{what: "MEMORY MALLOC-STATS", why: "another allocator", how: sameKind},
		{what: "SLOWLOG GET", why: "durations", how: sameKind},
		{what: "SLOWLOG LEN", why: "durations", how: sameKind},
		{what: "LATENCY LATEST", why: "durations", how: sameKind},
		{what: "LATENCY HISTORY", why: "durations", how: sameKind},
		{what: "LATENCY HISTOGRAM", why: "durations", how: sameKind},
		{what: "LATENCY RESET", why: "counts events that depend on durations", how: sameKind},
		{what: "LATENCY DOCTOR", why: "advice about the process", how: sameKind},
		{what: "COMMAND", why: "rldb has fewer commands; each row is compared by commandtable", how: sameKind},
		{what: "COMMAND COUNT", why: "rldb has fewer commands", how: sameKind},
		{what: "COMMAND LIST", why: "rldb has fewer commands", how: sameKind},
		{what: "COMMAND INFO", why: "each row is compared by commandtable", how: sameKind},
		{what: "COMMAND DOCS", why: "the words are our own", how: sameKind},
	}
}

// intended are replies that rldb could give as Redis does and gives otherwise on
// purpose. Not sent at all are: SET with options of Redis 8 (IFEQ, …), which 7.0
// does not know; SET with an expiry in the past where keys are counted
// (futureMillis); CONFIG SET of numbers around 2^63, whose bounds differ.
func intended() []difference {
	return []difference{
		{what: "OBJECT REFCOUNT", why: "objects are not shared in rldb; Redis answers 2147483647 for small integers, depending on the key's history", how: sameKind},
		{what: "OBJECT HELP", why: "the sentences are our own", how: sameHelp},
		{what: "CLIENT HELP", why: "the sentences are our own", how: sameHelp},
		{what: "COMMAND HELP", why: "the sentences are our own", how: sameHelp},
		{what: "CONFIG HELP", why: "the sentences are our own", how: sameHelp},
		{what: "MEMORY HELP", why: "the sentences are our own", how: sameHelp},
		{what: "SLOWLOG HELP", why: "the sentences are our own", how: sameHelp},
		{what: "LATENCY HELP", why: "the sentences are our own", how: sameHelp},
		{what: "PUBSUB HELP", why: "the sentences are our own", how: sameHelp},
		{what: "FUNCTION HELP", why: "the sentences are our own", how: sameHelp},
		{what: "DEBUG HELP", why: "the sentences are our own", how: sameHelp},
	}
}

// stricterProtocol are cases of protocol_diff_test.go that redis-server takes and
// rldb answers with a protocol error, and why.
func stricterProtocol() map[string]string {
	const ends = "rldb looks at both bytes that end a line or a bulk: what does not end in CR LF is out of step"
	return map[string]string{
		"multibulk length: int64 min":   "a count has at most 18 digits",
		"multibulk length: 1M and one":  "a command has at most 1,048,576 arguments, as before Redis 7.0",
		"wrong end of a bulk":           ends,
		"bulk end is any two bytes":     ends,
		"count ends in CR and any byte": ends,
	}
}

// notSent are commands that the differential test leaves out although both
// servers may have them, and where they are tested instead.
func notSent() map[string]string {
	const (
		ends    = "ends the server; TestShutdown of package main's tests"
		cluster = "redis-server without cluster mode refuses it; rldb answers as one node that owns all slots"
		sync    = "Redis replication, refused"
	)
	return map[string]string{
		"shutdown": ends, "sync": sync, "psync": sync, "replconf": sync, "failover": sync,
		"replicaof": sync, "slaveof": sync, "restore-asking": cluster,
		"cluster": cluster, "readonly": cluster, "readwrite": cluster, "asking": cluster,
		"monitor":       "an endless reply; TestMonitor",
		"eval":          "rldb knows a few scripts by their text only; TestLock",
		"evalsha":       "rldb knows a few scripts by their text only; TestLock",
		"eval_ro":       "rldb knows a few scripts by their text only; TestLock",
		"script":        "rldb knows a few scripts by their text only; TestLock",
		"acl":           "rldb has one user",
		"module":        "rldb has no modules",
		"pfdebug":       "internal",
		"bgrewriteaof":  "nothing to rewrite in the memory engine",
		"evalsha_ro":    "rldb knows a few scripts by their text only; TestLock",
		"function|load": "refused: rldb has no functions", "function|dump": "refused: rldb has no functions",
		"function|restore": "refused: rldb has no functions",
		"client|tracking":  "refused: rldb does not tell clients what to invalidate",
		"client|caching":   "refused: rldb does not tell clients what to invalidate",
		"save":             "nothing to save in the memory engine",
		"bgsave":           "nothing to save in the memory engine",
		"lastsave":         "nothing to save in the memory engine",
	}
}

// comparisons finds the comparison of a command's replies.
type comparisons map[string]compare

func newComparisons() comparisons {
	c := comparisons{}
	for _, d := range append(cannotBeEqual(), intended()...) {
		if d.evenErrors {
			c[d.what] = d.how
		} else {
			c[d.what] = errorsExact(d.how)
		}
	}
	return c
}

func (c comparisons) of(args []string) compare {
	if len(args) > 1 {
		if how := c[strings.ToUpper(args[0]+" "+args[1])]; how != nil {
			return how
		}
	}
	if len(args) > 0 {
		if how := c[strings.ToUpper(args[0])]; how != nil {
			return how
		}
	}
	return sameBytes
}
