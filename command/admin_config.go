package command

import (
	"errors"
	"strings"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

func configRows() []row {
	const ask = admin | noscript | loading | stale
	subs := []row{
		{name: "get", arity: -3, flags: ask, run: cmdConfigGet, since: "2.0.0", complexity: "O(N) with N settings.",
			summary: "Gives the settings whose names match a pattern.", syntax: "parameter..."},
		{name: "set", arity: -4, flags: ask, run: cmdConfigSet, since: "2.0.0", complexity: "O(N) with N settings.",
			summary: "Changes settings while the server runs, all of those named or none.", syntax: "data{parameter value}..."},
		{name: "resetstat", arity: 2, flags: ask, run: cmdConfigResetStat, since: "2.0.0", complexity: "O(N) with N commands.",
			summary: "Has the figures of INFO begin anew."},
		{name: "rewrite", arity: 2, flags: ask, run: cmdConfigRewrite, since: "2.8.0", complexity: "O(N) with N settings.",
			summary: "Writes what CONFIG SET changed into the config file."},
		helpRow("5.0.0", ""),
	}
	return []row{{name: "config", arity: -2, sub: subs, group: "server", since: "2.0.0",
		complexity: "Depends on the subcommand.", summary: "Shows and changes the configuration."}}
}

func cmdConfigGet(c *call) {
	patterns := make([]string, len(c.args)-2)
	for i, p := range c.args[2:] {
		patterns[i] = string(p)
	}
	found := c.srv.config.Get(patterns...)
	c.w.Map(len(found))
	for _, f := range found {
		c.w.BulkString(f[0])
		c.w.BulkString(f[1])
	}
}

func cmdConfigSet(c *call) {
	if len(c.args)%2 != 0 {
		c.fail(errSyntax)
		return
	}
	var pairs [][2]string
	for i := 2; i < len(c.args); i += 2 {
		pairs = append(pairs, [2]string{string(c.args[i]), string(c.args[i+1])})
	}
	config := c.srv.config
	c.away(true, func(w *resp.Writer, wait bool) error {
		done, err := true, error(nil)
		if wait {
			err = config.Set(pairs)
		} else {
			done, err = config.TrySet(pairs)
		}
		switch {
		case !done:
			return replica.ErrWait
		case err != nil:
			return errors.New(asC(err.Error()))
		}
		w.OK()
		return nil
	})
}

func cmdConfigResetStat(c *call) {
	c.srv.resetStats()
	c.w.OK()
}

// cmdConfigRewrite writes a file, for which only the client that asked waits.
func cmdConfigRewrite(c *call) {
	config := c.srv.config
	c.away(false, func(w *resp.Writer, _ bool) error {
		if err := config.Rewrite(); err != nil {
			return err
		}
		w.OK()
		return nil
	})
}

// asC is an error's text as Redis gives it: where it quotes a client's word with a
// zero byte, the word ends there.
func asC(text string) string {
	text, rest, cutOff := strings.Cut(text, "\x00")
	if cutOff {
		if quote := strings.IndexByte(rest, '\''); quote >= 0 {
			text += rest[quote:]
		}
	}
	return text
}
