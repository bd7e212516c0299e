package command

import "github.com/rldb/rldb/glob"

// COMMAND and its subcommands tell what is in the table: nothing here is known
// besides the rows.
func commandRows() []row {
	const always = loading | stale | anywhere
	subs := []row{
		{name: "count", arity: 2, flags: always, run: cmdCommandCount, since: "2.8.13", complexity: "O(1)",
			summary: "Counts the commands.", cats: "connection"},
		{name: "docs", arity: -2, flags: always, run: cmdCommandDocs, since: "7.0.0", complexity: "O(N) with N commands.",
			summary: "Explains commands, all if none is named.", syntax: "[command-name...]", cats: "connection"},
		{name: "getkeys", arity: -4, flags: always, run: cmdCommandGetKeys, since: "2.8.13",
			complexity: "O(N) with N words.", summary: "Tells which words of a command are keys.",
			syntax: "command [arg...]", cats: "connection"},
		{name: "getkeysandflags", arity: -4, flags: always, run: cmdCommandGetKeysAndFlags, since: "7.0.0",
			complexity: "O(N) with N words.", summary: "Tells which words of a command are keys, and what becomes of each.",
			syntax: "command [arg...]", cats: "connection"},
		{name: "info", arity: -2, flags: always, run: cmdCommandInfo, since: "2.8.13", complexity: "O(N) with N commands.",
			summary: "Describes commands for programs, all if none is named.", syntax: "[command-name...]", cats: "connection"},
		{name: "list", arity: -2, flags: always, run: cmdCommandList, since: "7.0.0", complexity: "O(N) with N commands.",
			summary: "Lists the names of all commands, or of some.",
			syntax:  "[FILTERBY=filterby(MODULE=module-name|ACLCAT=category|PATTERN=pattern:pattern)]", cats: "connection"},
		helpRow("5.0.0", "connection"),
	}
	return []row{{name: "command", arity: -1, flags: always, run: cmdCommand, sub: subs,
		group: "server", since: "2.8.13", complexity: "O(N) with N commands.",
		summary: "Describes all commands for programs.", cats: "connection"}}
}

func cmdCommand(c *call) {
	rows := c.srv.table.rows
	c.w.Array(len(rows))
	for _, r := range rows {
		c.writeRow(r)
	}
}

func cmdCommandCount(c *call) { c.w.Int(int64(len(c.srv.table.rows))) }

func cmdCommandInfo(c *call) {
	if len(c.args) == 2 {
		cmdCommand(c)
		return
	}
	c.w.Array(len(c.args) - 2)
	for _, name := range c.args[2:] {
		if r := c.srv.table.byFullName(name); r != nil {
			c.writeRow(r)
		} else {
			c.w.Null()
		}
	}
}

func cmdCommandDocs(c *call) {
	rows := c.srv.table.rows
	if len(c.args) > 2 {
		rows = rows[:0:0]
		for _, name := range c.args[2:] {
			if r := c.srv.table.byFullName(name); r != nil {
				rows = append(rows, r)
			}
		}
	}
	c.w.Map(len(rows))
	for _, r := range rows {
		c.writeDocs(r)
	}
}

func cmdCommandList(c *call) {
	keep := func(*row) bool { return true }
	switch n := len(c.args); {
	case n == 2:
	case n == 5 && c.is(2, "FILTERBY") && c.is(3, "MODULE"):
		keep = func(*row) bool { return false } // there are no modules
	case n == 5 && c.is(2, "FILTERBY") && c.is(3, "ACLCAT"):
		category := c.args[4]
		keep = func(r *row) bool { return r.inCategory(category) }
	case n == 5 && c.is(2, "FILTERBY") && c.is(3, "PATTERN"):
		pattern := c.args[4]
		keep = func(r *row) bool { return glob.MatchFold(pattern, []byte(r.full)) }
	default:
		c.fail(errSyntax)
		return
	}
	var names []string
	c.srv.table.eachRow(func(r *row) {
		if keep(r) {
			names = append(names, r.full)
		}
	})
	c.w.Array(len(names))
	for _, name := range names {
		c.w.BulkString(name)
	}
}

// writeRow replies the ten facts of a command that programs ask for.
func (c *call) writeRow(r *row) {
	w := c.w
	w.Array(10)
	w.BulkString(r.full)
	w.Int(int64(r.arity))
	c.writeWords(r.flagWords())
	w.Int(int64(r.first))
	w.Int(int64(r.last))
	w.Int(int64(r.step))
	cats := r.categories()
	w.Set(len(cats))
	for _, cat := range cats {
		w.Status("@" + cat)
	}
	tips := routingTips(r.full)
	w.Set(len(tips))
	for _, tip := range tips {
		w.BulkString(tip)
	}
	specs := r.keySpecs()
	w.Set(len(specs))
	for i := range specs {
		c.writeKeySpec(&specs[i])
	}
	if r.table == nil {
		w.Set(0)
		return
	}
	w.Array(len(r.table.rows))
	for _, sub := range r.table.rows {
		c.writeRow(sub)
	}
}

func (c *call) writeWords(words []string) {
	c.w.Set(len(words))
	for _, word := range words {
		c.w.Status(word)
	}
}

// flagWords are the flags that COMMAND shows.
func (r *row) flagWords() []string {
	var words []string
	for _, f := range flagNames {
		if r.has(f.bit) {
			words = append(words, f.name)
		}
	}
	return words
}

// byFullName finds "get", and "config|get", in any case.
func (t *table) byFullName(name []byte) *row {
	for i, b := range name {
		if b != '|' {
			continue
		}
		r := t.find(name[:i])
		if r == nil || r.table == nil {
			return nil
		}
		return r.table.find(name[i+1:])
	}
	return t.find(name)
}

// eachRow calls f for every row, subcommands behind their parent.
func (t *table) eachRow(f func(*row)) {
	for _, r := range t.rows {
		f(r)
		if r.table != nil {
			r.table.eachRow(f)
		}
	}
}
