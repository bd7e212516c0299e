package integration

import "strings"

func commandChoices() []choice {
	return []choice{
		{1, func(*gen) unit { return one("COMMAND", "COUNT") }},
		{1, func(*gen) unit { return one("COMMAND") }},
		{2, func(g *gen) unit { return one(append([]string{"COMMAND", "INFO"}, g.commandNames()...)...) }},
		{2, func(g *gen) unit { return one(append([]string{"COMMAND", "DOCS"}, g.commandNames()...)...) }},
		{10, func(g *gen) unit {
			return one(append([]string{"COMMAND", pick(g, "GETKEYS", "GETKEYS", "GETKEYSANDFLAGS")}, g.commandLine()...)...)
		}},
		{1, func(g *gen) unit { return one("COMMAND", pick(g, "FOO", "", "HELP", "GETKEYS", "INFO", "DOCS")) }},
		{2, func(g *gen) unit {
			return one(append([]string{"COMMAND", "LIST"}, pick(g, nil, []string{"FILTERBY", "PATTERN", "nosuch*"}, []string{"FILTERBY"},
				[]string{"FILTERBY", "FOO", "x"}, []string{"FILTERBY", "ACLCAT", "nosuch"}, []string{"FILTERBY", "MODULE", "nosuch"},
				[]string{"FILTERBY", "PATTERN", "get*"}, []string{"FOO", "PATTERN", "x"})...)...)
		}},
	}
}

func (g *gen) commandNames() []string {
	return pick(g, []string{"get"}, []string{"GET", "SET"}, []string{"nosuch"}, []string{"get", "nosuch", "config|get"}, []string{"client"},
		[]string{"client|list", "bitop"}, []string{"config|nosuch"})
}

// commandLine is a command for GETKEYS, mostly a good one.
func (g *gen) commandLine() []string {
	lines := strings.Split(`GET k|SET k v|SET k v EX 10 GET|MSET a 1 b 2|MSETNX a 1|MGET a b c|DEL a b|UNLINK a|EXISTS a a|BITOP AND d a b
BITOP NOT d a|BITFIELD k GET u8 0|BITFIELD_RO k|GETEX k PERSIST|COPY a b REPLACE|RENAME a b|LCS a b LEN|OBJECT ENCODING k|OBJECT HELP
MEMORY USAGE k|PING|ECHO x|CONFIG GET x|WATCH a b|TOUCH a b c|SETRANGE k 1 v|APPEND k v|INCRBY k 1|GETRANGE k 0 1|EXPIRE k 1 NX|DUMP k
RESTORE k 0 p REPLACE|TYPE k|SCAN 0|KEYS x|RANDOMKEY|PUBLISH c m|SUBSCRIBE c|MULTI|WAIT 0 0|DBSIZE|GET|GET a b|NOSUCH|NOSUCH k|SET k
MSET a 1 b|SUBSTR k 0 1|SETEX k 1 v|GETSET k v|GETDEL k|STRLEN k|PERSIST k|TTL k|EXPIRETIME k|PEXPIREAT k 1|BITCOUNT k 0 1 BIT|BITPOS k 1
CONFIG NOSUCH|CLIENT SETNAME x|COMMAND GETKEYS GET k|HELLO 3|object freq k|get K`, "|")
	line := strings.Split(pick(g, lines...), "\n")
	return strings.Fields(line[g.IntN(len(line))])
}
