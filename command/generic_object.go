package command

// objectRow is OBJECT, which tells how a value is kept. It answers as if that
// were as in Redis, by the value's bytes alone. What Redis remembers beside
// them is not kept here: that a value was changed in place (it stays "raw"
// there, however short), when it was last used, and who shares it.
func objectRow() row {
	sub := func(name, since, summary string, run handler, f flag) row {
		return row{name: name, arity: 3, flags: readonly | f, first: 2, last: 2, step: 1, access: "RO", run: run,
			since: since, complexity: "O(1)", syntax: "key", cats: "keyspace", summary: summary}
	}
	return row{name: "object", arity: -2, group: "generic", since: "2.2.3",
		complexity: "Depends on the subcommand.", summary: "Tells how the value of a key is kept.",
		sub: []row{
			sub("encoding", "2.2.3", "Names the encoding that Redis would give such a value: int, embstr or raw.", cmdObjectEncoding, 0),
			sub("freq", "4.0.0", "Always fails: how often keys are used is not counted.", cmdObjectFreq, blind),
			sub("idletime", "2.2.3", "Gives 0 for every key: times of access are not kept.", cmdObjectIdleTime, blind),
			sub("refcount", "2.2.3", "Gives 1 for every key: values are not shared.", cmdObjectRefCount, blind),
			{name: "help", arity: 2, flags: loading | stale | anywhere, run: cmdObjectHelp,
				since: "6.2.0", complexity: "O(1)", cats: "keyspace", summary: "Lists the subcommands."},
		}}
}

const errNoLFU = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
	"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

func cmdObjectEncoding(c *call) {
	if v, ok := c.get(0); ok {
		c.w.BulkString(encodingOf(v))
		return
	}
	c.w.Null()
}

// maxEmbedded is the longest value that Redis keeps in its object's own memory.
const maxEmbedded = 44

// encodingOf is how Redis keeps a value that it was given whole.
func encodingOf(v []byte) string {
	if _, ok := parseInt(v); ok {
		return "int"
	}
	if len(v) <= maxEmbedded {
		return "embstr"
	}
	return "raw"
}

func cmdObjectFreq(c *call) {
	if c.exists(0) {
		c.fail(errNoLFU)
		return
	}
	c.w.Null()
}

func cmdObjectIdleTime(c *call) { c.intIfExists(0) }
func cmdObjectRefCount(c *call) { c.intIfExists(1) }

// intIfExists replies n, or where there is no key, nothing.
func (c *call) intIfExists(n int64) {
	if c.exists(0) {
		c.w.Int(n)
		return
	}
	c.w.Null()
}

func cmdObjectHelp(c *call) {
	lines := []string{"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for _, r := range c.row.parent.table.rows {
		word := upper(r.name)
		if r.keyed() {
			word += " <key>"
		}
		lines = append(lines, word, "    "+r.summary)
	}
	c.w.Array(len(lines))
	for _, line := range lines {
		c.w.Status(line)
	}
}
