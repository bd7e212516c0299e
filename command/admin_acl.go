package command

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// There is one user, "default", who may do everything; requirepass is its
// password. ACL says so, and refuses to make it otherwise.
func aclRows() []row {
	const (
		ask   = noscript | loading | stale | anywhere
		asAdm = ask | admin
	)
	refused := func(name string, arity int, since, syntax string) row {
		return row{name: name, arity: arity, flags: asAdm, run: cmdACLRefused, since: since, complexity: "O(1)",
			summary: "Is refused: there is only the default user.", syntax: syntax}
	}
	subs := []row{
		{name: "whoami", arity: 2, flags: ask, run: func(c *call) { c.w.BulkString("default") }, since: "6.0.0",
			complexity: "O(1)", summary: "Names the user of this connection."},
		{name: "cat", arity: -2, flags: ask, run: cmdACLCat, since: "6.0.0", complexity: "O(N) with N commands.",
			summary: "Lists the categories of commands, or the commands of one.", syntax: "[category]"},
		{name: "list", arity: 2, flags: asAdm, run: cmdACLList, since: "6.0.0", complexity: "O(1)",
			summary: "Lists the users with their rules."},
		{name: "users", arity: 2, flags: asAdm, run: cmdACLUsers, since: "6.0.0", complexity: "O(1)", summary: "Lists the users' names."},
		{name: "getuser", arity: 3, flags: asAdm, run: cmdACLGetUser, since: "6.0.0", complexity: "O(1)",
			summary: "Describes a user.", syntax: "username"},
		{name: "dryrun", arity: -4, flags: asAdm, run: cmdACLDryRun, since: "7.0.0", complexity: "O(1)",
			summary: "Says whether a user may execute a command, without executing it.", syntax: "username command [arg...]"},
		{name: "genpass", arity: -2, flags: ask, run: cmdACLGenPass, since: "6.0.0", complexity: "O(1)",
			summary: "Makes a random password of hexadecimal digits.", syntax: "[bits:integer]"},
		{name: "log", arity: -2, flags: asAdm, run: cmdACLLog, since: "6.0.0", complexity: "O(1)",
			summary: "Lists what was denied: nothing is.", syntax: "[operation(count:integer|RESET)]"},
		refused("setuser", -3, "6.0.0", "username [rule...]"),
		refused("deluser", -3, "6.0.0", "username..."),
		refused("load", 2, "6.0.0", ""),
		refused("save", 2, "6.0.0", ""),
		helpRow("6.0.0", ""),
	}
	return []row{{name: "acl", arity: -2, sub: subs, group: "server", since: "6.0.0",
		complexity: "Depends on the subcommand.", summary: "Answers questions about users: there is one."}}
}

func cmdACLRefused(c *call) {
	c.fail("ERR rldb has one user, 'default', whose password is requirepass: users cannot be changed")
}

func cmdACLCat(c *call) {
	switch len(c.args) {
	case 2:
		c.w.Array(len(categoryNames))
		for _, name := range categoryNames {
			c.w.BulkString(name)
		}
	case 3:
		c.commandsOfCategory(c.args[2])
	default:
		c.subcommandError()
	}
}

func (c *call) commandsOfCategory(category []byte) {
	known := false
	for _, name := range categoryNames {
		known = known || equalFold(category, upper(name))
	}
	if !known {
		c.fail("ERR Unknown category '" + excerpt(category, 128) + "'")
		return
	}
	var names []string
	c.srv.table.eachRow(func(r *row) {
		if r.inCategory(category) {
			names = append(names, r.full)
		}
	})
	c.w.Array(len(names))
	for _, name := range names {
		c.w.BulkString(name)
	}
}

// passwordHash is the password as Redis shows it, or "".
func (c *call) passwordHash() string {
	pass := c.srv.Settings().RequirePass
	if pass == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(pass))
	return hex.EncodeToString(sum[:])
}

func cmdACLList(c *call) {
	how := "nopass"
	if hash := c.passwordHash(); hash != "" {
		how = "#" + hash
	}
	c.w.Array(1)
	c.w.BulkString("user default on " + how + " ~* &* +@all")
}

func cmdACLUsers(c *call) {
	c.w.Array(1)
	c.w.BulkString("default")
}

func cmdACLGetUser(c *call) {
	if string(c.args[2]) != "default" {
		c.w.Null()
		return
	}
	w, hash := c.w, c.passwordHash()
	w.Map(6)
	w.BulkString("flags")
	flags, passwords := []string{"on", "nopass"}, []string{}
	if hash != "" {
		flags, passwords = flags[:1], append(passwords, hash)
	}
	w.Set(len(flags))
	for _, f := range flags {
		w.BulkString(f)
	}
	w.BulkString("passwords")
	w.Array(len(passwords))
	for _, p := range passwords {
		w.BulkString(p)
	}
	for _, pair := range [][2]string{{"commands", "+@all"}, {"keys", "~*"}, {"channels", "&*"}} {
		w.BulkString(pair[0])
		w.BulkString(pair[1])
	}
	w.BulkString("selectors")
	w.Array(0)
}

func cmdACLDryRun(c *call) {
	if string(c.args[2]) != "default" {
		c.fail("ERR User '" + excerpt(c.args[2], 128) + "' not found")
		return
	}
	words := c.args[3:]
	r, known := c.srv.table.lookup(words)
	switch {
	case r == nil || !known:
		c.fail("ERR Command '" + excerpt(words[0], 128) + "' not found")
	case !r.arityOK(len(words)):
		c.fail("ERR wrong number of arguments for '" + r.full + "' command")
	default:
		c.w.OK()
	}
}

func cmdACLGenPass(c *call) {
	bits := int64(256)
	if len(c.args) > 3 {
		c.subcommandError()
		return
	}
	if len(c.args) == 3 {
		var ok bool
		if bits, ok = c.intArg(2); !ok {
			return
		}
		if bits <= 0 || bits > 4096 {
			c.fail("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096")
			return
		}
	}
	digits := (bits + 3) / 4
	random := make([]byte, (digits+1)/2)
	rand.Read(random)
	c.w.BulkString(fmt.Sprintf("%x", random)[:digits])
}

func cmdACLLog(c *call) {
	switch {
	case len(c.args) > 3:
		c.subcommandError()
	case len(c.args) == 3 && c.is(2, "RESET"):
		c.w.OK()
	default:
		if len(c.args) == 3 {
			if _, ok := c.intArg(2); !ok {
				return
			}
		}
		c.w.Array(0)
	}
}
