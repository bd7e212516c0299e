package command

import (
	"errors"
	"testing"
)

func TestClusterChanges(t *testing.T) {
	n, f := startMember(t)
	const ok = "+OK\r\n"
	bad := func(what string) string { return "-ERR Invalid node address specified: " + what + "\r\n" }
	for _, tc := range []struct{ cmd, want, asked string }{
		{"cluster join 127.0.0.1:4001", ok, "join 127.0.0.1:4001 false"},
		{"cluster join node-1.example:4001 FORCE", ok, "join node-1.example:4001 true"},
		{"cluster join ::1:4001 force", ok, "join [::1]:4001 true"},
		{"cluster join [fe80::1%eth0]:4001", ok, "join [fe80::1%eth0]:4001 false"},
		{"cluster join 127.0.0.1:4001 maybe", "-ERR syntax error\r\n", ""},
		{"cluster join 127.0.0.1:4001 force x", "-ERR syntax error\r\n", ""},
		{"cluster join", arityReply("cluster|join"), ""},
		{"cluster join 127.0.0.1", bad("127.0.0.1"), ""},
		{"cluster join :4001", bad(":4001"), ""},
		{"cluster join h:", bad("h:"), ""}, {"cluster join h:0", bad("h:0"), ""},
		{"cluster join h:65536", bad("h:65536"), ""}, {"cluster join h/x:1", bad("h/x:1"), ""},
		{"cluster meet 127.0.0.1 4001", ok, "join 127.0.0.1:4001 false"},
		{"cluster meet 127.0.0.1 4001 14001", ok, "join 127.0.0.1:4001 false"},
		{"cluster meet ::1 4001", ok, "join [::1]:4001 false"},
		{"cluster meet 127.0.0.1", arityReply("cluster|meet"), ""},
		{"cluster meet 127.0.0.1 abc", "-ERR Invalid TCP base port specified: abc\r\n", ""},
		{"cluster meet 127.0.0.1 1 x", "-ERR Invalid TCP bus port specified: x\r\n", ""},
		{"cluster meet 127.0.0.1 99999", bad("127.0.0.1:99999"), ""},
		{"cluster meet a/b 1", bad("a/b:1"), ""},
		{"cluster meet 127.0.0.1 1 2 3",
			"-ERR unknown subcommand or wrong number of arguments for 'meet'. Try CLUSTER HELP.\r\n", ""},
		{"cluster leave", ok, "leave false"}, {"cluster leave FORCE", ok, "leave true"},
		{"cluster leave now", "-ERR syntax error\r\n", ""}, {"cluster leave force x", "-ERR syntax error\r\n", ""},
		{"cluster forget " + memberB, ok, "forget bbbb"},
		{"cluster forget x", "-ERR Unknown node x\r\n", ""},
		{"cluster forget " + memberA, "-ERR I tried hard but I can't forget myself...\r\n", ""},
		{"cluster forget", arityReply("cluster|forget"), ""},
	} {
		for _, proto := range []int{2, 3} {
			if got := n.dial(proto).do(adminWords(tc.cmd)...); got != tc.want {
				t.Errorf("RESP%d %s\n got %q\nwant %q", proto, tc.cmd, got, tc.want)
			}
			if got := f.said(); got != tc.asked {
				t.Errorf("%s asks for %q, want %q", tc.cmd, got, tc.asked)
			}
		}
	}
	facts := func(head string) string { return head + bulkOf("id") + bulkOf("x") + bulkOf("words") + bulkOf("a+b") }
	n.play([]adminCase{{"cluster greet a b", facts("*4\r\n"), facts("%2\r\n")}})
	f.mu.Lock()
	f.err = errors.New("no such host: line\r\nbreak")
	f.mu.Unlock()
	for _, cmd := range []string{"cluster join h:1", "cluster meet h 1", "cluster leave", "cluster forget " + memberC, "cluster greet x"} {
		n.play([]adminCase{{cmd, "-ERR no such host: line  break\r\n", ""}})
	}
}

// TestChangesAreOneAtATime: the second waits for the first, other commands for
// neither; and a node that ends waits for none.
func TestChangesAreOneAtATime(t *testing.T) {
	n, f := startMember(t)
	hold := make(chan struct{})
	f.mu.Lock()
	f.hold = hold
	f.mu.Unlock()
	one, two := n.dial(2), n.dial(2)
	one.send("CLUSTER", "JOIN", "h:1")
	one.send("PING")
	asked := ""
	eventually(t, "the first is asked for", func() bool { asked += f.said(); return asked == "join h:1 false" })
	two.send("CLUSTER", "LEAVE")
	n.play([]adminCase{{"ping", "+PONG\r\n", ""}, {"set bar 1", "+OK\r\n", ""}})
	if got := f.said(); got != "" {
		t.Fatalf("%q runs beside it", got)
	}
	close(hold)
	for _, want := range []string{"+OK\r\n", "+PONG\r\n"} {
		if got, err := one.read(); got != want || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if got, err := two.read(); got != "+OK\r\n" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	f.mu.Lock()
	f.hold = make(chan struct{})
	f.mu.Unlock()
	two.send("CLUSTER", "JOIN", "h:2")
	asked = f.said()
	eventually(t, "it is asked for again", func() bool {
		asked += f.said()
		return asked == "leave falsejoin h:2 false" || asked == "leave false; join h:2 false"
	})
	// The node's end, which the test's clean-up brings, must not hang.
}
