package command

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const execAbort = "-EXECABORT Transaction discarded because of previous errors.\r\n"

func TestTransaction(t *testing.T) {
	n := startNode(t)
	for proto, p := range map[int]*peer{2: n.dial(), 3: n.dial3()} {
		null, aborted := "$-1\r\n", "*-1\r\n"
		if proto == 3 {
			null, aborted = "_\r\n", "_\r\n"
		}
		other := n.dial()
		other.do("DEL k {k}n")
		p.play([]exchange{
			{"EXEC", "-ERR EXEC without MULTI\r\n"},
			{"DISCARD", "-ERR DISCARD without MULTI\r\n"},
			{"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
			{"MULTI", "+OK\r\n"}, {"SET k v", "+QUEUED\r\n"}, {"GET k", "+QUEUED\r\n"}, {"GET {k}nosuch", "+QUEUED\r\n"},
			{"INCR k", "+QUEUED\r\n"}, {"INCR {k}n", "+QUEUED\r\n"}, {"INCR {k}n", "+QUEUED\r\n"}, {"PING x", "+QUEUED\r\n"},
			{"EXEC", "*7\r\n+OK\r\n$1\r\nv\r\n" + null + "-ERR value is not an integer or out of range\r\n:1\r\n:2\r\n$1\r\nx\r\n"},
			{"EXEC", "-ERR EXEC without MULTI\r\n"},
			// What dooms a transaction, and what does not.
			{"MULTI", "+OK\r\n"}, {"MULTI", "-ERR MULTI calls can not be nested\r\n"}, {"WATCH k", "-ERR WATCH inside MULTI is not allowed\r\n"},
			{"GET k", "+QUEUED\r\n"}, {"EXEC", "*1\r\n$1\r\nv\r\n"},
			{"MULTI", "+OK\r\n"}, {"SET k lost", "+QUEUED\r\n"}, {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
			{"SET k lost", "+QUEUED\r\n"}, {"EXEC", execAbort}, {"GET k", "$1\r\nv\r\n"},
			{"MULTI", "+OK\r\n"}, {"GET", "-ERR wrong number of arguments for 'get' command\r\n"}, {"EXEC", execAbort},
			{"MULTI", "+OK\r\n"}, {"MULTI x", "-ERR wrong number of arguments for 'multi' command\r\n"}, {"EXEC", execAbort},
			{"MULTI", "+OK\r\n"}, {"WATCH", "-ERR wrong number of arguments for 'watch' command\r\n"}, {"EXEC", execAbort},
			{"MULTI", "+OK\r\n"}, {"DISCARD x", "-ERR wrong number of arguments for 'discard' command\r\n"}, {"EXEC", execAbort},
			{"MULTI", "+OK\r\n"}, {"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"}, {"EXEC", execAbort},
			{"MULTI", "+OK\r\n"}, {"EXEC x", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"},
			{"EXEC", "-ERR EXEC without MULTI\r\n"},
			{"EXEC x", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"},
			{"MULTI", "+OK\r\n"}, {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"}, {"DISCARD", "+OK\r\n"},
			{"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
			// WATCH.
			{"WATCH k {k}nosuch k", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}, {"EXEC", "*1\r\n$1\r\nv\r\n"},
			{"WATCH k", "+OK\r\n"}, {"SET k w", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}, {"EXEC", aborted},
			{"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}, {"EXEC", "*1\r\n$1\r\nw\r\n"},
			{"WATCH k", "+OK\r\n"}, {"SET k v", "+OK\r\n"}, {"UNWATCH", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
			{"WATCH k", "+OK\r\n"}, {"SET k w", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"DISCARD", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
			{"WATCH k", "+OK\r\n"}, {"SET k v", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"UNWATCH", "+QUEUED\r\n"}, {"EXEC", aborted},
			{"WATCH k", "+OK\r\n"}, {"SET k v", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
			{"EXEC", execAbort}, {"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
			// What is not about keys.
			{"MULTI", "+OK\r\n"}, {"READONLY", "+QUEUED\r\n"}, {"CLIENT SETNAME me", "+QUEUED\r\n"}, {"CLIENT LIST ID 999999", "+QUEUED\r\n"},
			{"SSUBSCRIBE x", "+QUEUED\r\n"}, {"PUBSUB NUMPAT", "+QUEUED\r\n"}, {"GET k", "+QUEUED\r\n"},
		})
		list := "$0\r\n\r\n"
		if proto == 3 {
			list = "=4\r\ntxt:\r\n"
		}
		p.play([]exchange{{"EXEC", "*6\r\n+OK\r\n+OK\r\n" + list +
			"-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n:0\r\n$1\r\nv\r\n"}})
	}
}

// What others do to a watched key decides, not what its owner reads.
func TestWatchOthers(t *testing.T) {
	n := startNode(t)
	a, b := n.dial(), n.dial()
	for _, x := range []struct {
		before, between string
		lost            bool
	}{
		{"SET k 1", "GET k", false}, {"SET k 1", "SET k 1", true}, {"SET k 1", "DEL k", true}, {"SET k 1", "SETNX k 2", false},
		{"SET k 1", "INCR k", true}, {"SET k 1", "SET {k}other 2", false}, {"DEL k", "GET k", false}, {"DEL k", "SET k 1", true},
		{"DEL k", "DEL k", false}, {"SET k 1", "SET k 2 EX 100", true}, {"SET k 1", "GETEX k PERSIST", false}, {"SET k 1 EX 100", "GETEX k PERSIST", true},
		{"SET k 1", "FLUSHALL", true}, {"DEL k", "FLUSHALL", false}, {"SET k 1", "EXPIRE k 100", true}, {"SET k 1", "TOUCH k", false},
		{"SET k 1", "RENAME k {k}other", true}, {"MSET {k}other 1 k 1", "RENAME {k}other k", true}, {"MSET {k}other 1 k 1", "COPY k {k}other", false},
		{"SET k 1", "EXPIREAT k 1", true}, {"DEL k", "EXPIRE k 100", false}, {"SET k 1", "APPEND k x", true},
	} {
		b.do(x.before)
		a.do("WATCH k")
		b.do(x.between)
		a.do("MULTI")
		a.do("PING")
		want := "*1\r\n+PONG\r\n"
		if x.lost {
			want = "*-1\r\n"
		}
		if got := a.do("EXEC"); got != want {
			t.Errorf("%s | WATCH k | %s: EXEC gives %q, want %q", x.before, x.between, got, want)
		}
	}
	// A key that came and went has changed.
	b.do("DEL k")
	a.do("WATCH k")
	b.do("SET k 1")
	b.do("DEL k")
	a.do("MULTI")
	a.play([]exchange{{"EXEC", "*-1\r\n"}})
}

// A watched key that expires has changed; one that had expired when it was
// watched, and is removed then, has not.
func TestWatchExpiry(t *testing.T) {
	n := startNode(t)
	n.srv.store.SetActiveExpire(false)
	a, b := n.dial(), n.dial()
	for ttl := 40; ; ttl *= 2 {
		b.do(fmt.Sprint("SET k 1 PX ", ttl))
		a.do("WATCH k")
		if b.do("GET k") != "$-1\r\n" {
			break // so it was there when it was watched
		}
		a.do("UNWATCH")
	}
	for b.do("GET k") != "$-1\r\n" {
	}
	a.play([]exchange{{"MULTI", "+OK\r\n"}, {"EXEC", "*-1\r\n"}})

	b.do("SET k 1 PX 20")
	at := time.Now().Add(21 * time.Millisecond)
	for !time.Now().After(at) { // nobody asks for it meanwhile: it is there, expired
		b.quiet()
	}
	a.do("WATCH k")
	b.do("DEL k")
	a.play([]exchange{{"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"}})
}

// Commands that need the whole store stand between two parts of a transaction.
func TestTransactionSegments(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	p.send("SET k 0", "WATCH k", "MULTI", "INCR k", "CLIENT LIST ID 0", "INCR k", "CLIENT KILL 1:1", "CLIENT LIST ID 0", "INCR k", "EXEC")
	p.want("+OK\r\n", "+OK\r\n", "+OK\r\n")
	for range 6 {
		p.want("+QUEUED\r\n")
	}
	p.want("*6\r\n:1\r\n$0\r\n\r\n:2\r\n-ERR No such client\r\n$0\r\n\r\n:3\r\n")
	p.send("MULTI", "KEYS *", "DBSIZE", "SET other x", "DBSIZE", "FLUSHALL", "GET k", "DBSIZE", "SET k 3", "RANDOMKEY", "EXEC")
	p.want("+OK\r\n")
	for range 9 {
		p.want("+QUEUED\r\n")
	}
	p.want("*9\r\n*1\r\n$1\r\nk\r\n:1\r\n+OK\r\n:2\r\n+OK\r\n$-1\r\n:0\r\n+OK\r\n$1\r\nk\r\n")
	p.send("WATCH k", "INCR k", "MULTI", "CLIENT LIST ID 0", "EXEC", "MULTI", "CLIENT LIST ID 0", "EXEC")
	p.want("+OK\r\n", ":4\r\n", "+OK\r\n", "+QUEUED\r\n", "*-1\r\n", "+OK\r\n", "+QUEUED\r\n", "*1\r\n$0\r\n\r\n")
}

// When there is no memory left, a transaction that wants some is refused, and
// so is everything that a queue would have to keep.
func TestTransactionOutOfMemory(t *testing.T) {
	n := startNode(t)
	const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
	const because = "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.\r\n"
	b, c, d, e := n.dial(), n.dial(), n.dial(), n.dial()
	b.play([]exchange{{"SET x y", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"SET k v", "+QUEUED\r\n"}})
	c.play([]exchange{{"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}})
	d.play([]exchange{{"MULTI", "+OK\r\n"}, {"SET k v", "+QUEUED\r\n"}})
	e.play([]exchange{{"MULTI", "+OK\r\n"}, {"GET k", "+QUEUED\r\n"}})
	n.set(func(s *Settings) { s.MaxMemory = 1 })
	b.play([]exchange{{"EXEC", because}, {"EXEC", "-ERR EXEC without MULTI\r\n"}, {"GET k", "$-1\r\n"}, {"SET k v", oom}})
	c.play([]exchange{{"GET k", oom}, {"PING", oom}, {"UNWATCH", oom}, {"MULTI", oom}, {"WATCH k", oom}, {"EXEC", execAbort}})
	d.play([]exchange{{"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"}, {"EXEC", because},
		{"MULTI", "+OK\r\n"}, {"HELLO 2", oom}, {"DISCARD", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"EXEC", "*0\r\n"},
		{"MULTI", "+OK\r\n"}, {"PING", oom}, {"RESET", "+RESET\r\n"}, {"MULTI", "+OK\r\n"}, {"QUIT", "+OK\r\n"}})
	e.play([]exchange{{"EXEC", "*1\r\n$-1\r\n"}})
}

// What one client may queue or watch is bounded.
func TestTransactionBounds(t *testing.T) {
	n := startNode(t)
	n.set(func(s *Settings) { s.MaxQuery = 10_000 })
	p := n.dial()
	big := strings.Repeat("x", 6000)
	p.play([]exchange{
		{"MULTI", "+OK\r\n"}, {"SET k " + big, "+QUEUED\r\n"}, {"SET k " + big, "-ERR the transaction exceeds client-query-buffer-limit\r\n"},
		{"SET k " + big, "+QUEUED\r\n"}, {"EXEC", execAbort}, {"GET k", "$-1\r\n"},
		{"WATCH " + big, "+OK\r\n"}, {"WATCH y" + big, "-ERR the watched keys exceed client-query-buffer-limit\r\n"},
		{"UNWATCH", "+OK\r\n"}, {"WATCH y" + big, "+OK\r\n"},
	})
}

// Many watched keys are all watched, each once.
func TestWatchMany(t *testing.T) {
	n := startNode(t)
	a, b := n.dial(), n.dial()
	for i := range 100 {
		a.do(fmt.Sprintf("WATCH {w}k%d {w}k%d {w}k%d", i, i, i/2))
	}
	if got := a.do("CLIENT INFO"); !strings.Contains(got, " watch=100 ") {
		t.Errorf("CLIENT INFO: %q", got)
	}
	b.do("SET {w}k57 x")
	a.play([]exchange{{"MULTI", "+OK\r\n"}, {"EXEC", "*-1\r\n"}})
}

// Transactions of many clients at once: a pair of keys is always equal, and no
// increment by WATCH, GET, MULTI, SET, EXEC is lost.
func TestTransactionsAreAtomic(t *testing.T) {
	const clients, rounds = 4, 50
	n := startNode(t)
	n.dial().do("MSET {t}a 0 {t}b 0 {t}n 0")
	var done sync.WaitGroup
	for range clients {
		p := n.dial()
		done.Go(func() {
			for range rounds {
				p.send("MULTI", "INCR {t}a", "INCR {t}b", "EXEC", "MULTI", "GET {t}a", "GET {t}b", "EXEC")
				for i := range 8 {
					f, err := readFrame(p.r)
					if err != nil {
						t.Error(err)
						return
					}
					if words := strings.Split(f, "\r\n"); i == 7 && words[2] != words[4] {
						t.Errorf("torn: %q", f)
					}
				}
				for added := false; !added; {
					p.send("WATCH {t}n", "GET {t}n")
					readFrame(p.r)
					f, err := readFrame(p.r)
					if err != nil {
						t.Error(err)
						return
					}
					var was int
					fmt.Sscan(strings.Split(f, "\r\n")[1], &was)
					p.send("MULTI", fmt.Sprintf("SET {t}n %d", was+1), "EXEC")
					readFrame(p.r)
					readFrame(p.r)
					f, _ = readFrame(p.r)
					added = f != "*-1\r\n"
				}
			}
		})
	}
	done.Wait()
	p := n.dial()
	if got, want := p.do("MGET {t}a {t}b {t}n"), bulks('*', "200", "200", "200"); got != want {
		t.Errorf("MGET: %q, want %q", got, want)
	}
}

// TestTransactionTwin: commands have the same replies in a MULTI as without.
func TestTransactionTwin(t *testing.T) {
	n := startNode(t)
	in, out := n.dial(), n.dial()
	command := rapid.Custom(func(t *rapid.T) string {
		key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
		value := rapid.SampledFrom([]string{"1", "x", "20"}).Draw(t, "value")
		return rapid.SampledFrom([]string{"SET # " + key + " " + value, "GET # " + key, "INCR # " + key, "APPEND # " + key + " " + value,
			"STRLEN # " + key, "GETDEL # " + key, "PING", "ECHO " + value, "PUBSUB NUMPAT", "CLIENT LIST ID 0", "CLIENT KILL 1:1"}).Draw(t, "command")
	})
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		commands := rapid.SliceOfN(command, 1, 12).Draw(t, "commands")
		want := fmt.Sprintf("*%d\r\n", len(commands))
		in.do("MULTI")
		for _, c := range commands {
			want += out.do(strings.Replace(c, "# ", fmt.Sprintf("{out%d}", round), 1))
			in.do(strings.Replace(c, "# ", fmt.Sprintf("{in%d}", round), 1))
		}
		if got := in.do("EXEC"); got != want {
			t.Fatalf("in MULTI %q, without %q", got, want)
		}
	})
}
