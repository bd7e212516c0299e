package command

import (
	"math"
	"strconv"
	"time"
)

// debugRows: of Redis's DEBUG there is what tests of clients use.
func debugRows() []row {
	return []row{{name: "debug", arity: -2, flags: admin | noscript | loading | stale, run: cmdDebug, group: "server",
		since: "1.0.0", complexity: "Depends on the subcommand.",
		summary: "Helps to test: makes this client wait, or has expired keys stay until they are asked for.",
		syntax:  "subcommand(SLEEP=seconds:double|SET-ACTIVE-EXPIRE=switch:integer|HELP)"}}
}

func cmdDebug(c *call) {
	switch n := len(c.args); {
	case n == 2 && c.is(1, "HELP"):
		writeHelp(c, "debug", []string{
			"SLEEP <seconds>", "    Answers this client so much later; others are served meanwhile.",
			"SET-ACTIVE-EXPIRE (0|1)", "    Stops or resumes the removal of expired keys that nobody asks for.",
			"HELP", "    Prints this list.",
		})
	case n == 3 && c.is(1, "SLEEP"):
		c.sleep(sleepTime(string(c.args[2])))
	case n == 3 && c.is(1, "SET-ACTIVE-EXPIRE"):
		on, _ := strconv.Atoi(string(c.args[2]))
		c.srv.store.SetActiveExpire(on != 0)
		c.w.OK()
	default:
		c.subcommandError()
	}
}

// maxSleep bounds how long a client that is gone may be remembered.
const maxSleep = time.Hour

// sleepTime reads seconds as Redis does, to which no number is 0.
func sleepTime(text string) time.Duration {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 {
		return 0
	}
	if seconds > maxSleep.Seconds() {
		return maxSleep
	}
	return time.Duration(seconds * float64(time.Second))
}

// sleep answers OK later. Only this client waits, where all of Redis would. The
// slow log and LATENCY are told how long the client waited.
func (c *call) sleep(d time.Duration) {
	if c.inExec && d > 0 {
		c.fail("ERR DEBUG SLEEP cannot wait inside a transaction")
		return
	}
	if d == 0 {
		c.w.OK()
		return
	}
	srv, row, entry, began := c.srv, c.row, slowEntryOf(c), time.Now()
	reply := c.s.Later(true)
	time.AfterFunc(d, func() {
		set, took := srv.Settings(), time.Since(began)
		if set.SlowlogThan >= 0 && took >= set.SlowlogThan {
			srv.slowlog.push(entry, took, set.SlowlogMax)
		}
		if set.LatencyThreshold > 0 && took >= set.LatencyThreshold {
			srv.latency.note(eventOf(row), entry.at, took)
		}
		reply.Writer().OK()
		reply.Done()
	})
}
