package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestClientSelf(t *testing.T) {
	n := startNode(t)
	const (
		badName  = "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
		caching  = "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n"
		tracking = "-ERR CLIENT TRACKING is not supported: rldb does not tell clients which keys have changed\r\n"
		syntax   = "-ERR syntax error\r\n"
	)
	for proto, p := range map[int]*peer{2: n.dial(), 3: n.dial3()} {
		null, info := "$-1\r\n", "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n"
		if proto == 3 {
			null, info = "_\r\n", "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n"
		}
		p.play([]exchange{
			{"CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"},
			{"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"},
			{`CLIENT "F\x00O" x y`, "-ERR unknown subcommand 'F'. Try CLIENT HELP.\r\n"},
			{"CLIENT MAINT_NOTIFICATIONS ON", "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n"},
			{"CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command\r\n"},
			{"CLIENT GETNAME", null},
			{"CLIENT SETNAME me", "+OK\r\n"},
			{"client getname", "$2\r\nme\r\n"},
			{`CLIENT SETNAME "a b"`, badName},
			{`CLIENT SETNAME "a\nb"`, badName},
			{`CLIENT SETNAME "a\x00"`, badName},
			{`CLIENT SETNAME "\x7f"`, badName},
			{"CLIENT SETNAME é", badName},
			{"CLIENT GETNAME", "$2\r\nme\r\n"},
			{`CLIENT SETNAME ""`, "+OK\r\n"},
			{"CLIENT GETNAME", null},
			{"CLIENT SETINFO LIB-NAME go-redis(,go1.26)", "+OK\r\n"},
			{"CLIENT SETINFO lib-ver 9.22.0", "+OK\r\n"},
			{"CLIENT SETINFO lib-Ver a\\ b", "-ERR wrong number of arguments for 'client|setinfo' command\r\n"},
			{`CLIENT SETINFO lib-Ver "a b"`, "-ERR lib-Ver cannot contain spaces, newlines or special characters.\r\n"},
			{"CLIENT SETINFO LIB x", "-ERR Unrecognized option 'LIB'\r\n"},
			{`CLIENT SETINFO LIB-VER ""`, "+OK\r\n"},
			{"CLIENT GETREDIR", ":-1\r\n"},
			{"CLIENT TRACKINGINFO", info},
			{"CLIENT TRACKING ON OPTIN", tracking},
			{"CLIENT TRACKING off", "+OK\r\n"},
			{"CLIENT TRACKING OFF FOO", syntax},
			{"CLIENT TRACKING maybe", syntax},
			{"CLIENT CACHING YES", caching},
			{"CLIENT CACHING", "-ERR wrong number of arguments for 'client|caching' command\r\n"},
			{"CLIENT NO-EVICT on", "+OK\r\n"},
			{"CLIENT NO-EVICT off", "+OK\r\n"},
			{"CLIENT NO-EVICT maybe", syntax},
			{"CLIENT NO-TOUCH ON", "+OK\r\n"},
			{"CLIENT NO-TOUCH OFF", "+OK\r\n"},
			{`CLIENT NO-TOUCH ""`, syntax},
			{"CLIENT UNBLOCK 999", ":0\r\n"},
			{"CLIENT UNBLOCK -1 timeout", ":0\r\n"},
			{"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range\r\n"},
			{"CLIENT UNBLOCK x FOO", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"},
			{"CLIENT UNBLOCK 1 ERROR x", "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n"},
			{"CLIENT REPLY FOO", syntax},
			{"CLIENT REPLY ON", "+OK\r\n"},
		})
		help := p.do("CLIENT HELP")
		if !strings.Contains(help, "+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n") ||
			!strings.HasSuffix(help, "+HELP\r\n+    Prints this list.\r\n") {
			t.Errorf("CLIENT HELP: %q", help)
		}
	}
}

// clientLine has the fields that clients and tools know, in their order.
var clientLine = regexp.MustCompile(`^id=\d+ addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=-?\d+ name=\S* age=\d+ idle=\d+ flags=\w+ db=0 ` +
	`sub=\d+ psub=\d+ ssub=\d+ multi=-?\d+ watch=\d+ qbuf=\d+ qbuf-free=\d+ argv-mem=\d+ multi-mem=\d+ rbs=\d+ rbp=\d+ obl=\d+ oll=\d+ ` +
	`omem=\d+ tot-mem=\d+ events=r?w? cmd=\S+ user=default redir=-1 resp=[23] lib-name=\S* lib-ver=\S*$`)

// clientLines are the lines of a CLIENT LIST, checked.
func clientLines(t *testing.T, reply string) []string {
	t.Helper()
	_, text, _ := strings.Cut(reply, "\r\n")
	text = strings.TrimPrefix(strings.TrimSuffix(text, "\r\n"), "txt:")
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("the last line has no end: %q", text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines {
		if !clientLine.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
	return lines
}

func TestClientList(t *testing.T) {
	n := startNode(t)
	a, b, m := n.dial(), n.dial3(), n.dial()
	b.play([]exchange{
		{"CLIENT SETNAME me", "+OK\r\n"}, {"CLIENT SETINFO LIB-NAME lib", "+OK\r\n"}, {"CLIENT SETINFO LIB-VER 1.2", "+OK\r\n"},
		{"CLIENT NO-EVICT ON", "+OK\r\n"}, {"CLIENT NO-TOUCH ON", "+OK\r\n"}, {"WATCH a {a}b a", "+OK\r\n"},
		{"SUBSCRIBE a", bulks('>', "subscribe", "a", 1)}, {"PSUBSCRIBE b", bulks('>', "psubscribe", "b", 2)},
		{"SSUBSCRIBE c", bulks('>', "ssubscribe", "c", 1)}, {"MULTI", "+OK\r\n"}, {"SET a 1", "+QUEUED\r\n"}, {"GET a", "+QUEUED\r\n"},
	})
	ids := []string{a.number(), b.id, m.number()}
	m.do("MONITOR")
	lines := clientLines(t, a.do("CLIENT LIST"))
	if len(lines) != 3 {
		t.Fatalf("CLIENT LIST has %d lines: %q", len(lines), lines)
	}
	for i, want := range []string{
		" name= .* flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 .* multi-mem=0 .* cmd=client\\|list .* resp=2 lib-name= lib-ver=$",
		" name=me .* flags=PxeT db=0 sub=1 psub=1 ssub=1 multi=2 watch=2 .* multi-mem=\\d\\d\\d .* cmd=get .* resp=3 lib-name=lib lib-ver=1.2$",
		" flags=O .* cmd=monitor ",
	} {
		if !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d: %q does not match %s", i, lines[i], want)
		}
		if ids[i] != "" && !strings.HasPrefix(lines[i], "id="+ids[i]+" ") {
			t.Errorf("line %d: %q is not of %s", i, lines[i], ids[i])
		}
	}
	count := func(command string, want int) {
		t.Helper()
		if got := clientLines(t, a.do(command)); len(got) != want {
			t.Errorf("%s: %d lines, want %d: %q", command, len(got), want, got)
		}
	}
	count("CLIENT LIST TYPE normal", 2)
	count("CLIENT LIST type PUBSUB", 1)
	count("CLIENT LIST TYPE replica", 0)
	count("CLIENT LIST TYPE slave", 0)
	count("CLIENT LIST TYPE master", 0)
	count("CLIENT LIST ID "+ids[0], 1)
	count("CLIENT LIST ID "+ids[2]+" 99999 0 -1 "+ids[0]+" "+ids[2], 3)
	count("CLIENT INFO", 1)
	a.play([]exchange{
		{"CLIENT LIST TYPE", "-ERR syntax error\r\n"},
		{"CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
		{`CLIENT LIST TYPE "f\x00o"`, "-ERR Unknown client type 'f'\r\n"},
		{"CLIENT LIST TYPE normal x", "-ERR syntax error\r\n"},
		{"CLIENT LIST ID", "-ERR syntax error\r\n"},
		{"CLIENT LIST ID 1 x", "-ERR Invalid client ID\r\n"},
		{"CLIENT LIST ID 01", "-ERR Invalid client ID\r\n"},
		{"CLIENT LIST FOO", "-ERR syntax error\r\n"},
		{"CLIENT LIST ID 99999", "$0\r\n\r\n"},
		{"HELLO 3", helloReply(3, a.id)},
		{"CLIENT LIST ID 99999", "=4\r\ntxt:\r\n"},
	})
	b.do("EXEC")
	b.do("NOSUCH")
	if got := a.do("CLIENT LIST ID " + lineID(lines[1])); !strings.Contains(got, " multi=-1 watch=0 ") || !strings.Contains(got, " cmd=NULL ") {
		t.Errorf("after EXEC and an unknown command: %q", got)
	}
}

func lineID(line string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
	return id
}

// What is kept for a client counts as its memory, and against
// maxmemory-clients.
func TestClientMemory(t *testing.T) {
	n := startNode(t)
	a, b := n.dial(), n.dial()
	memory := func() (total int) {
		line := a.do("CLIENT LIST ID " + b.number())
		fmt.Sscanf(line[strings.Index(line, " tot-mem="):], " tot-mem=%d", &total)
		return total
	}
	big := strings.Repeat("x", 100_000)
	b.number()
	before := memory()
	b.do("MULTI")
	b.do("SET k " + big)
	if got := memory(); got < before+100_000 {
		t.Errorf("with a queue: %d, before: %d", got, before)
	}
	b.do("DISCARD")
	b.do("WATCH " + big)
	if got := memory(); got < before+100_000 {
		t.Errorf("with a watched key: %d, before: %d", got, before)
	}
	b.do("UNWATCH")
	b.do("SUBSCRIBE " + big)
	if got := memory(); got < before+100_000 {
		t.Errorf("with a channel: %d, before: %d", got, before)
	}
	b.do("RESET")
	b.quiet()
	if got := memory(); got > before+64<<10 {
		t.Errorf("after RESET: %d, before: %d", got, before)
	}
}

// CLIENT UNBLOCK ends WAIT, which is the one command that blocks its client.
func TestClientUnblock(t *testing.T) {
	notByCoordinator(t, "WAIT does not wait for what cannot come")
	n := startNode(t)
	for _, p := range []*peer{n.dial(), n.dial3()} {
		a, id := n.dial(), p.number()
		for how, want := range map[string]string{"": ":0\r\n", " TIMEOUT": ":0\r\n", " error": "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"} {
			p.send("WAIT 1 0", "ECHO after")
			a.waitFor("CLIENT LIST ID "+id, " flags=b ")
			a.play([]exchange{{"CLIENT UNBLOCK " + id + how, ":1\r\n"}, {"CLIENT UNBLOCK " + id, ":0\r\n"}})
			p.want(want, "$5\r\nafter\r\n")
		}
		p.send("WAIT 1 0")
		a.waitFor("CLIENT LIST ID "+id, " flags=b ")
		a.play([]exchange{{"CLIENT KILL ID " + id, ":1\r\n"}})
		p.ends()
	}
}

func TestClientReply(t *testing.T) {
	n := startNode(t)
	for _, x := range []struct{ commands, want string }{
		{"CLIENT REPLY OFF|PING|NOSUCH|CLIENT REPLY FOO|CLIENT REPLY ON|ECHO a", "+OK\r\n$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|PING|ECHO a", "$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|CLIENT REPLY SKIP|PING|ECHO a", "$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|NOSUCH|ECHO a", "$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|CLIENT REPLY ON|ECHO a", "+OK\r\n$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|CLIENT REPLY OFF|PING|CLIENT REPLY ON|ECHO a", "+OK\r\n$1\r\na\r\n"},
		{"CLIENT REPLY OFF|CLIENT REPLY SKIP|PING|CLIENT REPLY ON|ECHO a", "+OK\r\n$1\r\na\r\n"},
		{"CLIENT REPLY OFF|CLIENT REPLY OFF|CLIENT REPLY ON|CLIENT REPLY ON", "+OK\r\n+OK\r\n"},
		{"CLIENT REPLY OFF|RESET|ECHO a", "+RESET\r\n$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|RESET|ECHO a", "$1\r\na\r\n"},
		{"CLIENT REPLY OFF|MULTI|PING|EXEC|CLIENT REPLY ON|ECHO a", "+OK\r\n$1\r\na\r\n"},
		{"CLIENT REPLY SKIP|MULTI|PING|EXEC", "+QUEUED\r\n*1\r\n+PONG\r\n"},
		// In the middle of EXEC's replies, as Redis does it.
		{"MULTI|CLIENT REPLY OFF|PING|CLIENT REPLY ON|ECHO a|EXEC|ECHO b",
			"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"MULTI|CLIENT REPLY SKIP|ECHO a|EXEC|PING|ECHO b", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"CLIENT REPLY OFF|MULTI|PING|CLIENT REPLY ON|ECHO a|EXEC|ECHO b", "+OK\r\n$1\r\na\r\n$1\r\nb\r\n"},
		// What a client listens to comes all the same.
		{"CLIENT REPLY OFF|SUBSCRIBE a|PING|UNSUBSCRIBE a|PING|CLIENT REPLY ON",
			bulks('*', "subscribe", "a", 1) + bulks('*', "unsubscribe", "a", 0) + "+OK\r\n"},
		{"CLIENT REPLY SKIP|SUBSCRIBE a|UNSUBSCRIBE|ECHO a",
			bulks('*', "subscribe", "a", 1) + bulks('*', "unsubscribe", "a", 0) + "$1\r\na\r\n"},
		{"HELLO 3|CLIENT REPLY OFF|SUBSCRIBE a|PUBLISH a x|CLIENT REPLY ON|PUBLISH a y",
			bulks('>', "subscribe", "a", 1) + bulks('>', "message", "a", "x") + "+OK\r\n" + bulks('>', "message", "a", "y") + ":1\r\n"},
	} {
		p := n.dial()
		p.send(append(strings.Split(x.commands, "|"), "QUIT")...)
		got := strings.TrimSuffix(p.rest(), "+OK\r\n")
		if i := strings.Index(got, "modules\r\n*0\r\n"); i >= 0 {
			got = got[i+len("modules\r\n*0\r\n"):]
		}
		if got != x.want {
			t.Errorf("%s\n got  %q\n want %q", x.commands, got, x.want)
		}
	}
}
