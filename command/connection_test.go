package command

import (
	"strings"
	"testing"
)

// helloReply is HELLO's reply to a client.
func helloReply(proto int, id string) string {
	head, null := "*14\r\n", "*0\r\n"
	if proto == 3 {
		head = "%7\r\n"
	}
	return head + "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:" + string(rune('0'+proto)) +
		"\r\n$2\r\nid\r\n:" + id + "\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n" + null
}

func TestPingEcho(t *testing.T) {
	n := startNode(t)
	for _, p := range []*peer{n.dial(), n.dial3()} {
		p.play([]exchange{
			{"PING", "+PONG\r\n"},
			{"PING hello", "$5\r\nhello\r\n"},
			{`PING ""`, "$0\r\n\r\n"},
			{"PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
			{`ECHO "a\x00b"`, "$3\r\na\x00b\r\n"},
			{"ECHO", "-ERR wrong number of arguments for 'echo' command\r\n"},
			{"ECHO a b", "-ERR wrong number of arguments for 'echo' command\r\n"},
			{"READONLY", "+OK\r\n"},
			{"READWRITE", "+OK\r\n"},
			{"ASKING", "+OK\r\n"},
			{"READONLY x", "-ERR wrong number of arguments for 'readonly' command\r\n"},
			{`"G\xff\r\nT\x00x" "a\x00b" "c\nd"`, "-ERR unknown command 'G\xff  T', with args beginning with: 'a' 'c d' \r\n"},
		})
	}
}

func TestUnknownCommandIsCutByBytes(t *testing.T) {
	p := startNode(t).dial()
	long := strings.Repeat("é", 100) // 200 bytes
	got := p.do(`"` + long + `" "` + long + `" x`)
	want := "-ERR unknown command '" + long[:128] + "', with args beginning with: '" + long[:128] + "' \r\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHello(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	id := p.number()
	const syntax = "-ERR Syntax error in HELLO option '"
	p.play([]exchange{
		{"HELLO", helloReply(2, id)},
		{"HELLO 3", helloReply(3, id)},
		{"CLIENT GETNAME", "_\r\n"},
		{"HELLO", helloReply(3, id)},
		{"HELLO 2 SETNAME me", helloReply(2, id)},
		{"CLIENT GETNAME", "$2\r\nme\r\n"},
		{`HELLO 3 setname ""`, helloReply(3, id)},
		{"CLIENT GETNAME", "_\r\n"},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
		{`HELLO ""`, "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO 03", "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO 99999999999999999999", "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO 1", "-NOPROTO unsupported protocol version\r\n"},
		{"HELLO 4 SETNAME late FOO", "-NOPROTO unsupported protocol version\r\n"},
		{"CLIENT GETNAME", "_\r\n"},
		{"HELLO 3 SETNAME kept FOO", syntax + "FOO'\r\n"},
		{"CLIENT GETNAME", "$4\r\nkept\r\n"},
		{"HELLO 2 SETNAME", syntax + "SETNAME'\r\n"},
		{"HELLO 2 AUTH default", syntax + "AUTH'\r\n"},
		{`HELLO 2 "a\x00b"`, syntax + "a'\r\n"},
		{`HELLO 2 "a\xff\r\nb"`, syntax + "a\xff  b'\r\n"},
		{`HELLO 2 SETNAME "a b"`, "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
		{"HELLO 2 AUTH default any SETNAME AUTH", helloReply(2, id)},
		{"CLIENT GETNAME", "$4\r\nAUTH\r\n"},
		{"HELLO 3 AUTH nobody any SETNAME late", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"CLIENT GETNAME", "$4\r\nAUTH\r\n"},
		{"HELLO 3 SETNAME early AUTH nobody any", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"CLIENT GETNAME", "$5\r\nearly\r\n"},
	})
	if got := p.do(`HELLO 3 SETNAME "` + strings.Repeat("x", maxClientName+1) + `"`); got != "-"+errClientNameLong+"\r\n" {
		t.Errorf("a long name: %.100q", got)
	}
}

func TestAuth(t *testing.T) {
	const (
		noauth    = "-NOAUTH Authentication required.\r\n"
		wrongpass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		hello     = "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> " +
			"option can be used to authenticate the client and select the RESP protocol version at the same time\r\n"
	)
	password := func(s *Settings) { s.RequirePass = "pass word\x01" }
	n := startNode(t)
	n.set(password)
	n.dial().play([]exchange{
		{"PING", noauth},
		{"GET", "-ERR wrong number of arguments for 'get' command\r\n"},
		{"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
		{"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"},
		{"MULTI", noauth},
		{"EXEC", "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n"},
		{"EXEC x", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"},
		{"HELLO", hello},
		{"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
		{"HELLO 3 SETNAME x", hello},
		{"HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"},
		{"HELLO 3 AUTH default wrong", wrongpass},
		{"AUTH", "-ERR wrong number of arguments for 'auth' command\r\n"},
		{"AUTH wrong", wrongpass},
		{`AUTH ""`, wrongpass},
		{"AUTH pass", wrongpass},
		{`AUTH "PASS WORD\x01"`, wrongpass},
		{`AUTH "pass word\x01x"`, wrongpass},
		{"AUTH default wrong", wrongpass},
		{`AUTH nobody "pass word\x01"`, wrongpass},
		{`AUTH DEFAULT "pass word\x01"`, wrongpass},
		{"AUTH a b c", "-ERR syntax error\r\n"},
		{"RESET", "+RESET\r\n"},
		{"PING", noauth},
		{`AUTH "pass word\x01"`, "+OK\r\n"},
		{"PING", "+PONG\r\n"},
		{"AUTH wrong", wrongpass},
		{"PING", "+PONG\r\n"},
		{"RESET", "+RESET\r\n"},
		{"PING", noauth},
		{`AUTH default "pass word\x01"`, "+OK\r\n"},
		{"PING", "+PONG\r\n"},
	})
	p := n.dial()
	if got := p.do(`HELLO 3 AUTH default "pass word\x01" SETNAME me`); !strings.HasPrefix(got, "%7\r\n") {
		t.Errorf("HELLO with AUTH: %q", got)
	}
	if got := p.do("CLIENT GETNAME"); got != "$2\r\nme\r\n" {
		t.Errorf("CLIENT GETNAME: %q", got)
	}
	p = n.dial()
	p.play([]exchange{{`HELLO 3 AUTH default "pass word\x01" FOO`, "-ERR Syntax error in HELLO option 'FOO'\r\n"}, {"PING", "+PONG\r\n"}})
	if got := n.dial().do("QUIT"); got != "+OK\r\n" {
		t.Errorf("QUIT: %q", got)
	}
}

func TestAuthWithoutPassword(t *testing.T) {
	n := startNode(t)
	n.dial().play([]exchange{
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?\r\n"},
		{"AUTH default x", "+OK\r\n"},
		{"AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"AUTH a b c", "-ERR syntax error\r\n"},
	})
}

// A password that is set later concerns new clients; one that is taken away,
// all.
func TestPasswordChanges(t *testing.T) {
	n := startNode(t)
	early := n.dial()
	early.quiet()
	n.set(func(s *Settings) { s.RequirePass = "x" })
	early.quiet()
	late := n.dial()
	late.play([]exchange{{"PING", "-NOAUTH Authentication required.\r\n"}})
	n.set(func(s *Settings) { s.RequirePass = "" })
	late.play([]exchange{{"PING", "+PONG\r\n"}})
	late.send(`PING "` + strings.Repeat("x", untrustedSize+1) + `"`) // strangers may not send so much
	if got := late.read(); !strings.HasPrefix(got, "$16385\r\n") {
		t.Errorf("after the password was taken away: %.80q", got)
	}
	n.set(func(s *Settings) { s.RequirePass = "y" })
	early.quiet()
}

// untrustedSize is how long an argument of a client may be that is not
// authenticated.
const untrustedSize = 16 << 10

// AUTH lifts the limits for strangers; RESET puts them back.
func TestAuthTrusts(t *testing.T) {
	n := startNode(t)
	n.set(func(s *Settings) { s.RequirePass = "x" })
	long := `PING "` + strings.Repeat("x", untrustedSize+1) + `"`
	p := n.dial()
	p.do("AUTH x")
	if got := p.do(long); !strings.HasPrefix(got, "$16385\r\n") {
		t.Errorf("authenticated: %.80q", got)
	}
	p.do("RESET")
	p.send(long)
	if got := p.rest(); got != "-ERR Protocol error: unauthenticated bulk length\r\n" {
		t.Errorf("after RESET: %.80q", got)
	}
}

func TestQuit(t *testing.T) {
	n := startNode(t)
	for _, commands := range [][]string{
		{"QUIT", "PING"}, {"QUIT now please", "PING"}, {"MULTI", "PING", "QUIT", "EXEC"}, {"CLIENT REPLY OFF", "QUIT", "PING"},
		{"SUBSCRIBE a", "QUIT", "PING"},
	} {
		p := n.dial()
		p.send(commands...)
		want := map[string]string{"QUIT": "+OK\r\n", "QUIT now please": "+OK\r\n", "MULTI": "+OK\r\n+QUEUED\r\n+OK\r\n",
			"SUBSCRIBE a": bulks('*', "subscribe", "a", 1) + "+OK\r\n"}[commands[0]]
		if got := p.rest(); got != want {
			t.Errorf("%q: %q, want %q", commands, got, want)
		}
	}
}

// RESET undoes all that a connection can be.
func TestReset(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	p.do("HELLO 3 SETNAME me")
	p.do("WATCH k")
	p.do("CLIENT NO-TOUCH ON")
	p.do("CLIENT SETINFO LIB-NAME mylib")
	p.do("SUBSCRIBE a")
	p.do("PSUBSCRIBE a*")
	p.do("SSUBSCRIBE a")
	p.do("MONITOR")
	p.send("MULTI", "PING", "CLIENT REPLY OFF", "EXEC", "RESET")
	for p.read() != "+RESET\r\n" {
	}
	n.dial().play([]exchange{
		{"PUBLISH a x", ":0\r\n"}, {"SPUBLISH a x", ":0\r\n"}, {"PUBSUB NUMPAT", ":0\r\n"}, {"SET k changed", "+OK\r\n"},
	})
	p.play([]exchange{
		{"EXEC", "-ERR EXEC without MULTI\r\n"},
		{"CLIENT GETNAME", "$-1\r\n"},
		{"MULTI", "+OK\r\n"},
		{"PING", "+QUEUED\r\n"},
		{"EXEC", "*1\r\n+PONG\r\n"},
		{"GET k", "$7\r\nchanged\r\n"},
		{"RESET x", "-ERR wrong number of arguments for 'reset' command\r\n"},
	})
	line := p.do("CLIENT INFO")
	for _, field := range []string{" flags=N ", " sub=0 psub=0 ssub=0 multi=-1 watch=0 ", " resp=2 ", " lib-name=mylib "} {
		if !strings.Contains(line, field) {
			t.Errorf("CLIENT INFO lacks %q: %q", field, line)
		}
	}
}
