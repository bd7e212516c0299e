package command

// writeDocs replies what COMMAND DOCS tells of one command, name and all.
func (c *call) writeDocs(r *row) {
	w := c.w
	w.BulkString(r.full)
	fields := 4
	if r.complexity != "" {
		fields++
	}
	if r.table != nil {
		fields++
	}
	w.Map(fields)
	pair := func(name, value string) {
		w.BulkString(name)
		w.BulkString(value)
	}
	pair("summary", r.summary)
	pair("since", r.since)
	pair("group", r.group)
	if r.complexity != "" {
		pair("complexity", r.complexity)
	}
	// A test holds that every row's syntax can be read. The arguments are sent
	// even where there are none: newer versions of redis-cli expect them.
	args, _ := parseSyntax(r.syntax)
	w.BulkString("arguments")
	keys := 0
	c.writeArguments(args, len(r.keySpecs()), &keys)
	if r.table != nil {
		w.BulkString("subcommands")
		w.Map(len(r.table.rows))
		for _, sub := range r.table.rows {
			c.writeDocs(sub)
		}
	}
}

// writeArguments replies a tree of arguments. keys counts those that are keys:
// each belongs to the key spec of its number, what is left to the last.
func (c *call) writeArguments(args []argument, specs int, keys *int) {
	c.w.Array(len(args))
	for i := range args {
		c.writeArgument(&args[i], specs, keys)
	}
}

func (c *call) writeArgument(a *argument, specs int, keys *int) {
	w := c.w
	isKey := a.kind == "key" && specs > 0
	flags := a.flagWords()
	fields := 2
	for _, more := range []bool{isKey, a.token != "", len(flags) > 0, len(a.args) > 0} {
		if more {
			fields++
		}
	}
	w.Map(fields)
	w.BulkString("name")
	w.BulkString(a.name)
	w.BulkString("type")
	w.BulkString(a.kind)
	if isKey {
		w.BulkString("key_spec_index")
		w.Int(int64(min(*keys, specs-1)))
		*keys++
	}
	if a.token != "" {
		w.BulkString("token")
		w.BulkString(a.token)
	}
	if len(flags) > 0 {
		w.BulkString("flags")
		w.Set(len(flags))
		for _, f := range flags {
			w.Status(f)
		}
	}
	if len(a.args) > 0 {
		w.BulkString("arguments")
		c.writeArguments(a.args, specs, keys)
	}
}

func (a *argument) flagWords() []string {
	var words []string
	if a.optional {
		words = append(words, "optional")
	}
	if a.multiple {
		words = append(words, "multiple")
	}
	if a.multipleToken {
		words = append(words, "multiple_token")
	}
	return words
}
