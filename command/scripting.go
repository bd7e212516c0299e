package command

// There is no Lua here. Locks and counters of well-known clients are small
// scripts, always the same ones: these are recognised by what they say and run
// natively, in the turn of their keys (see scripting_forms.go). Others are
// refused.
func scriptingRows() []row {
	const run = noscript | stale | noMandatoryKeys | movable
	eval := func(name string, flags flag, access string, f handler, since, source string) row {
		return row{name: name, arity: -3, flags: run | flags, keys: numKeysAt(2), access: access, run: f,
			group: "scripting", since: since, complexity: "O(1)",
			summary: "Runs one of the scripts that rldb knows, which are those of locks and counters.",
			syntax:  source + " numkeys:integer [key...] [arg...]"}
	}
	const rw, ro = "RW access update", "RO access"
	fcall := func(name string, flags flag, access string) row {
		return row{name: name, arity: -3, flags: run | flags, keys: numKeysAt(2), access: access, run: cmdFcall,
			group: "scripting", since: "7.0.0", complexity: "O(1)", summary: "Is refused: there are no functions.",
			syntax: "function numkeys:integer [key...] [arg...]"}
	}
	return []row{
		eval("eval", mayReplicate, rw, cmdEval, "2.6.0", "script"),
		eval("eval_ro", readonly, ro, cmdEval, "7.0.0", "script"),
		eval("evalsha", mayReplicate, rw, cmdEvalSHA, "2.6.0", "sha1"),
		eval("evalsha_ro", readonly, ro, cmdEvalSHA, "7.0.0", "sha1"),
		fcall("fcall", mayReplicate, rw), fcall("fcall_ro", readonly, ro),
		{name: "script", arity: -2, sub: scriptRows(), group: "scripting", since: "2.6.0",
			complexity: "Depends on the subcommand.", summary: "Keeps the scripts that EVALSHA can run."},
		{name: "function", arity: -2, sub: functionRows(), group: "scripting", since: "7.0.0",
			complexity: "Depends on the subcommand.", summary: "Answers questions about functions: there are none."},
	}
}

func scriptRows() []row {
	return []row{
		{name: "load", arity: 3, flags: noscript | stale | anywhere, run: cmdScriptLoad, since: "2.6.0",
			complexity: "O(N) with N bytes of the script.", summary: "Keeps a script that rldb knows, for EVALSHA.", syntax: "script"},
		{name: "exists", arity: -3, flags: noscript | anywhere, run: cmdScriptExists, since: "2.6.0",
			complexity: "O(N) with N scripts.", summary: "Says which scripts EVALSHA would find.", syntax: "sha1..."},
		{name: "flush", arity: -2, flags: noscript | anywhere, run: cmdScriptFlush, since: "2.6.0",
			complexity: "O(N) with N scripts.", summary: "Forgets the scripts.", syntax: "[async(ASYNC|SYNC)]"},
		{name: "kill", arity: 2, flags: noscript | allowBusy | anywhere, run: cmdNotBusy, since: "2.6.0", complexity: "O(1)",
			summary: "Answers that no script is running: none runs long."},
		{name: "debug", arity: 3, flags: noscript | anywhere, run: cmdScriptDebug, since: "3.2.0", complexity: "O(1)",
			summary: "Takes NO for an answer: scripts cannot be debugged.", syntax: "mode(YES|SYNC|NO)"},
		helpRow("5.0.0", ""),
	}
}

func functionRows() []row {
	refused := func(name string, arity int, flags flag, syntax string) row {
		return row{name: name, arity: arity, flags: flags | noscript | anywhere, run: cmdNoFunctions, since: "7.0.0",
			complexity: "O(1)", summary: "Is refused: there are no functions.", syntax: syntax}
	}
	return []row{
		{name: "flush", arity: -2, flags: write | noscript | anywhere, run: cmdFunctionFlush, since: "7.0.0", complexity: "O(1)",
			summary: "Answers OK: there are no functions to remove.", syntax: "[async(ASYNC|SYNC)]"},
		{name: "list", arity: -2, flags: noscript | anywhere, run: cmdFunctionList, since: "7.0.0", complexity: "O(1)",
			summary: "Lists the libraries of functions: none.", syntax: "[LIBRARYNAME=library-name-pattern] [WITHCODE]"},
		{name: "stats", arity: 2, flags: noscript | allowBusy | anywhere, run: cmdFunctionStats, since: "7.0.0", complexity: "O(1)",
			summary: "Tells that no function runs, and that there are none."},
		{name: "kill", arity: 2, flags: noscript | allowBusy | anywhere, run: cmdNotBusy, since: "7.0.0", complexity: "O(1)",
			summary: "Answers that no function is running."},
		{name: "delete", arity: 3, flags: write | noscript | anywhere, since: "7.0.0", complexity: "O(1)",
			run:     func(c *call) { c.fail("ERR Library not found") },
			summary: "Finds no library to delete.", syntax: "library-name"},
		refused("dump", 2, 0, ""),
		refused("load", -3, write|denyoom, "[REPLACE] function-code"),
		refused("restore", -3, write|denyoom, "serialized-value [policy(FLUSH|APPEND|REPLACE)]"),
		helpRow("7.0.0", ""),
	}
}

const errScripting = "ERR scripting is not supported, but for the scripts by which clients delete a key or set its " +
	"expiry if it holds a given value (locks), and add to a key that exists (counters)"

// keyCount checks the word that says how many keys follow.
func (c *call) keyCount() (n int, ok bool) {
	count, ok := c.intArg(2)
	switch {
	case !ok:
		return 0, false
	case count > int64(len(c.args)-3):
		c.fail("ERR Number of keys can't be greater than number of args")
		return 0, false
	case count < 0:
		c.fail("ERR Number of keys can't be negative")
		return 0, false
	}
	return int(count), true
}

func cmdEval(c *call) {
	n, ok := c.keyCount()
	if !ok {
		return
	}
	s := c.srv.admin.scripts.learn(c.args[1])
	if s == nil {
		c.fail(errScripting)
		return
	}
	s.run(c, n)
}

func cmdEvalSHA(c *call) {
	const noScript = "NOSCRIPT No matching script. Please use EVAL."
	if len(c.args[1]) != shaLen {
		c.fail(noScript)
		return
	}
	n, ok := c.keyCount()
	if !ok {
		return
	}
	s := c.srv.admin.scripts.find(c.args[1])
	if s == nil {
		c.fail(noScript)
		return
	}
	s.run(c, n)
}

func cmdScriptLoad(c *call) {
	s := c.srv.admin.scripts.learn(c.args[2])
	if s == nil {
		c.fail(errScripting)
		return
	}
	c.w.BulkString(s.sha)
}

func cmdScriptExists(c *call) {
	c.w.Array(len(c.args) - 2)
	for _, sha := range c.args[2:] {
		if c.srv.admin.scripts.find(sha) != nil {
			c.w.Int(1)
		} else {
			c.w.Int(0)
		}
	}
}

func cmdScriptFlush(c *call) {
	if len(c.args) > 3 || len(c.args) == 3 && !c.is(2, "SYNC") && !c.is(2, "ASYNC") {
		c.fail("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	c.srv.admin.scripts.flush()
	c.w.OK()
}

func cmdNotBusy(c *call) { c.fail("NOTBUSY No scripts in execution right now.") }

func cmdScriptDebug(c *call) {
	switch {
	case c.is(2, "NO"):
		c.w.OK()
	case c.is(2, "YES"), c.is(2, "SYNC"):
		c.fail("ERR scripts cannot be debugged")
	default:
		c.fail("ERR Use SCRIPT DEBUG YES/SYNC/NO")
	}
}

func cmdFcall(c *call) {
	c.fail("ERR Function not found")
}

func cmdNoFunctions(c *call) {
	c.fail("ERR functions are not supported: rldb has no scripting language")
}

func cmdFunctionFlush(c *call) {
	switch {
	case len(c.args) > 3:
		c.subcommandError()
	case len(c.args) == 3 && !c.is(2, "SYNC") && !c.is(2, "ASYNC"):
		c.fail("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	default:
		c.w.OK()
	}
}

func cmdFunctionList(c *call) {
	named, withCode := false, false
	for i := 2; i < len(c.args); i++ {
		switch {
		case !withCode && c.is(i, "WITHCODE"):
			withCode = true
		case !named && c.is(i, "LIBRARYNAME"):
			if i+1 == len(c.args) {
				c.fail("ERR library name argument was not given")
				return
			}
			named = true
			i++
		default:
			c.fail("ERR Unknown argument " + excerpt(c.args[i], 128))
			return
		}
	}
	c.w.Array(0)
}

func cmdFunctionStats(c *call) {
	w := c.w
	w.Map(2)
	w.BulkString("running_script")
	w.Null()
	w.BulkString("engines")
	w.Map(1)
	w.BulkString("LUA")
	w.Map(2)
	w.BulkString("libraries_count")
	w.Int(0)
	w.BulkString("functions_count")
	w.Int(0)
}
