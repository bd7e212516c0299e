package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func slowAll(s *Settings) { s.SlowlogThan = 0 }

func TestSlowlogReplies(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"slowlog", arityReply("slowlog"), ""},
		{"slowlog foo", "-ERR unknown subcommand 'foo'. Try SLOWLOG HELP.\r\n", ""},
		{"slowlog get", "*0\r\n", ""},
		{"slowlog get -1", "*0\r\n", ""},
		{"slowlog get -2", "-ERR count should be greater than or equal to -1\r\n", ""},
		{"slowlog get abc", "-ERR count should be greater than or equal to -1\r\n", ""},
		{"slowlog get a b", "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.\r\n", ""},
		{"slowlog len", ":0\r\n", ""},
		{"slowlog len x", arityReply("slowlog|len"), ""},
		{"slowlog reset", "+OK\r\n", ""},
	})
}

// TestSlowlogEntry: an entry has the shape that tools parse.
func TestSlowlogEntry(t *testing.T) {
	n := startAdminNode(t, slowAll)
	c := n.dial(2)
	c.do("get", "k")
	c.do("NAME", "me")
	c.do("SET", "k", "a\r\nb")
	want := `^\*2\r\n` +
		`\*6\r\n:1\r\n:\d{10}\r\n:\d+\r\n\*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$4\r\na\r\nb\r\n\$\d+\r\n127\.0\.0\.1:\d+\r\n\$2\r\nme\r\n` +
		`\*6\r\n:0\r\n:\d{10}\r\n:\d+\r\n\*2\r\n\$3\r\nget\r\n\$1\r\nk\r\n\$\d+\r\n127\.0\.0\.1:\d+\r\n\$0\r\n\r\n$`
	if got := c.do("slowlog", "get"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("SLOWLOG GET: %q", got)
	}
	if got := c.do("slowlog", "len"); got != ":3\r\n" { // the SLOWLOG GET, too
		t.Errorf("SLOWLOG LEN: %q", got)
	}
	c.do("slowlog", "reset")
	if got := c.do("slowlog", "get", "10"); !strings.HasPrefix(got, "*1\r\n*6\r\n:4\r\n") {
		t.Errorf("after RESET, which is slow itself, the numbers go on: %q", got)
	}
}

// TestSlowlogBounds: no entry and no log grows with what clients send.
func TestSlowlogBounds(t *testing.T) {
	n := startAdminNode(t, slowAll, func(s *Settings) { s.SlowlogMax = 3 })
	c := n.dial(2)
	words := []string{"watch", strings.Repeat("x", 200)}
	for i := range 40 {
		words = append(words, fmt.Sprint("k", i))
	}
	c.do(words...)
	e := n.srv.slowlog.latest(1)[0]
	if len(e.args) != 32 || e.args[1] != strings.Repeat("x", 128)+"... (72 more bytes)" || e.args[30] != "k28" ||
		e.args[31] != "... (11 more arguments)" {
		t.Errorf("%d words: %q", len(e.args), e.args)
	}
	c.do(append(words[:30:30], "a", "b")...)
	if e := n.srv.slowlog.latest(1)[0]; len(e.args) != 32 || e.args[31] != "b" {
		t.Errorf("of 32 words: %q", e.args)
	}
	for range 10 {
		c.do("ping")
	}
	if got := c.do("slowlog", "len"); got != ":3\r\n" {
		t.Errorf("SLOWLOG LEN with slowlog-max-len 3: %q", got)
	}
	if got := c.do("slowlog", "get", "-1"); !strings.HasPrefix(got, "*3\r\n") {
		t.Errorf("SLOWLOG GET -1: %q", got)
	}
}

// TestSlowlogKeepsNoPasswords, whatever the command.
func TestSlowlogKeepsNoPasswords(t *testing.T) {
	for _, tc := range []struct{ row, words, want string }{
		{"auth", "AUTH secret", "AUTH (redacted)"},
		{"auth", "auth user secret", "auth (redacted) (redacted)"},
		{"hello", "HELLO 3 AUTH user secret SETNAME me", "HELLO 3 AUTH (redacted) (redacted) SETNAME me"},
		{"config|set", "CONFIG SET timeout 5 requirepass secret", "CONFIG SET timeout 5 requirepass (redacted)"},
		{"acl|setuser", "acl setuser me >secret", "acl setuser me (redacted)"},
		{"set", "SET auth secret", "SET auth secret"},
	} {
		var words []string
		c := call{row: &row{full: tc.row}}
		for _, w := range strings.Fields(tc.words) {
			c.args = append(c.args, []byte(w))
		}
		for _, a := range c.withoutSecrets() {
			words = append(words, string(a))
		}
		if got := strings.Join(words, " "); got != tc.want {
			t.Errorf("%s is kept as %s", tc.words, got)
		}
	}
}

func TestLatencyReplies(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"latency", arityReply("latency"), ""},
		{"latency foo", "-ERR unknown subcommand 'foo'. Try LATENCY HELP.\r\n", ""},
		{"latency latest", "*0\r\n", ""},
		{"latency history", arityReply("latency|history"), ""},
		{"latency history command", "*0\r\n", ""},
		{"latency reset", ":0\r\n", ""},
		{"latency reset command foo", ":0\r\n", ""},
		{"latency graph nosuch", "-ERR No samples available for event 'nosuch'\r\n", ""},
		{"latency histogram nosuch", "*0\r\n", "%0\r\n"},
		{"latency histogram get config|get", "*0\r\n", "%0\r\n"},
	})
}

// TestLatencyHistory: of each second the worst, of each event the latest.
func TestLatencyHistory(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	if got := c.text("latency", "doctor"); !strings.HasPrefix(got, "Nothing is being watched") {
		t.Errorf("LATENCY DOCTOR without a threshold: %q", got)
	}
	set := *n.srv.Settings()
	set.LatencyThreshold = 5 * time.Hour
	n.srv.SetSettings(set)
	if got := c.text("latency", "doctor"); got != "No command has taken 5h0m0s or longer.\n" {
		t.Errorf("LATENCY DOCTOR before anything: %q", got)
	}
	l := &n.srv.latency
	l.note(eventCommand, 1000, 20*time.Millisecond)
	l.note(eventCommand, 1000, 10*time.Millisecond)
	l.note(eventCommand, 1002, 15*time.Millisecond)
	l.note(eventFast, 1001, 1500*time.Microsecond)
	for words, want := range map[string]string{
		"latency latest":               "*2\r\n*4\r\n$7\r\ncommand\r\n:1002\r\n:15\r\n:20\r\n*4\r\n$12\r\nfast-command\r\n:1001\r\n:1\r\n:1\r\n",
		"latency history command":      "*2\r\n*2\r\n:1000\r\n:20\r\n*2\r\n:1002\r\n:15\r\n",
		"latency history fast-command": "*1\r\n*2\r\n:1001\r\n:1\r\n",
	} {
		if got := c.do(strings.Fields(words)...); got != want {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
	graph := strings.Split(c.text("latency", "graph", "command"), "\n")
	if graph[0] != "command - high 20 ms, low 15 ms (all time high 20 ms)" || len(graph) != 4 ||
		strings.Count(graph[1], "#") != 50 || strings.Count(graph[2], "#") != 37 {
		t.Errorf("LATENCY GRAPH: %q", graph)
	}
	if got := c.text("latency", "doctor"); !strings.Contains(got, "command: slow in 2 of the seconds that are remembered, 17 ms on average, 20 ms at worst.\n") ||
		!strings.Contains(got, "slowlog-log-slower-than 18000000000") {
		t.Errorf("LATENCY DOCTOR: %q", got)
	}
	for i := range 500 {
		l.note(eventCommand, int64(2000+i), time.Second)
	}
	if got := len(l.of([]byte("command")).list); got != latencyKept {
		t.Errorf("%d seconds are kept", got)
	}
	if got := c.do("latency", "reset", "fast-command", "nosuch"); got != ":1\r\n" {
		t.Errorf("LATENCY RESET fast-command: %q", got)
	}
	if got := c.do("latency", "reset"); got != ":1\r\n" {
		t.Errorf("LATENCY RESET: %q", got)
	}
}

// TestLatencyOfCommands: commands above the threshold are noted by their kind.
func TestLatencyOfCommands(t *testing.T) {
	n := startAdminNode(t, func(s *Settings) { s.LatencyThreshold = 1 })
	c := n.dial(2)
	c.do("get", "k")
	c.do("role")
	c.do("save")
	c.do("ping")
	if got := flatReply(c.do("latency", "latest")); len(got) != 8 || got[0] != "command" || got[4] != "fast-command" {
		t.Errorf("LATENCY LATEST: %q", got)
	}
}

func TestLatencyHistogram(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	row := n.srv.table.byName["get"]
	for _, d := range []time.Duration{500, 1023, 1024, 3 * time.Microsecond, time.Millisecond, time.Hour} {
		n.srv.stats.add([]sample{{row: row, took: d}})
	}
	n.srv.stats.add([]sample{{row: n.srv.table.byFullName([]byte("config|get")), took: 1}})
	const get2 = "$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:6\r\n$14\r\nhistogram_usec\r\n*10\r\n:1\r\n:2\r\n:2\r\n:3\r\n:4\r\n:4\r\n:1048\r\n:5\r\n:137438953\r\n:6\r\n"
	const config2 = "$10\r\nconfig|get\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:1\r\n:1\r\n"
	for words, want := range map[string]string{
		"latency histogram get nosuch":        "*2\r\n" + get2,
		"latency histogram GET config":        "*4\r\n" + get2 + config2,
		"latency histogram config|get config": "*4\r\n" + config2 + config2,
	} {
		if got := c.do(strings.Fields(words)...); got != want {
			t.Errorf("%s\n got %q\nwant %q", words, got, want)
		}
	}
	if got := c.do("latency", "histogram"); !strings.Contains(got, get2) || !strings.Contains(got, config2) ||
		!strings.Contains(got, "$17\r\nlatency|histogram\r\n") {
		t.Errorf("LATENCY HISTOGRAM: %q", got)
	}
}

func TestDebug(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"debug", arityReply("debug"), ""},
		{"debug foo", "-ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP.\r\n", ""},
		{"debug SLEEP", "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.\r\n", ""},
		{"debug sleep 0 1", "-ERR unknown subcommand or wrong number of arguments for 'sleep'. Try DEBUG HELP.\r\n", ""},
		{"debug sleep abc", "+OK\r\n", ""},
		{"debug sleep 0", "+OK\r\n", ""},
		{"debug sleep 0x0", "+OK\r\n", ""},
		{"debug sleep -1", "+OK\r\n", ""},
		{"debug sleep 0.001", "+OK\r\n", ""},
		{"debug set-active-expire 0", "+OK\r\n", ""},
		{"debug set-active-expire 1", "+OK\r\n", ""},
		{"debug set-active-expire abc", "+OK\r\n", ""},
		{"debug set-active-expire", "-ERR unknown subcommand or wrong number of arguments for 'set-active-expire'. Try DEBUG HELP.\r\n", ""},
		{"multi", "+OK\r\n", ""},
		{"debug sleep 1", "+QUEUED\r\n", ""},
		{"debug sleep 0", "+QUEUED\r\n", ""},
		{"exec", "*2\r\n-ERR DEBUG SLEEP cannot wait inside a transaction\r\n+OK\r\n", ""},
	})
	for text, want := range map[string]time.Duration{"0.25": 250 * time.Millisecond, "1e9": maxSleep, "inf": maxSleep, "nan": 0, "": 0, "-5": 0} {
		if got := sleepTime(text); got != want {
			t.Errorf("DEBUG SLEEP %s waits %s", text, got)
		}
	}
}

// TestDebugSleep: who sleeps waits, with the rest of its pipeline; others do
// not; and the slow log is told.
func TestDebugSleep(t *testing.T) {
	n := startAdminNode(t, func(s *Settings) { s.SlowlogThan, s.LatencyThreshold = 40*time.Millisecond, 40*time.Millisecond })
	sleeper, other := n.dial(2), n.dial(2)
	began := time.Now()
	sleeper.send("debug", "sleep", "0.05")
	sleeper.send("set", "k", "v")
	if got := other.do("get", "k"); got != "$-1\r\n" && time.Since(began) < 50*time.Millisecond {
		t.Errorf("the sleeper's next command was executed: %q", got)
	}
	first, _ := sleeper.read()
	took := time.Since(began)
	second, _ := sleeper.read()
	if first != "+OK\r\n" || second != "+OK\r\n" || took < 50*time.Millisecond {
		t.Errorf("%q %q after %s", first, second, took)
	}
	entries := n.srv.slowlog.latest(-1)
	if len(entries) != 1 || strings.Join(entries[0].args, " ") != "debug sleep 0.05" || entries[0].took < 50*time.Millisecond {
		t.Errorf("SLOWLOG: %+v", entries)
	}
	if got := flatReply(other.do("latency", "latest")); len(got) != 4 || got[0] != "command" {
		t.Errorf("LATENCY LATEST: %q", got)
	}
}
