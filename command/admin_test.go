package command

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func arityReply(name string) string {
	return "-ERR wrong number of arguments for '" + name + "' command\r\n"
}

func TestConfig(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"config", arityReply("config"), ""},
		{"config foo", "-ERR unknown subcommand 'foo'. Try CONFIG HELP.\r\n", ""},
		{"config get", arityReply("config|get"), ""},
		{"config get nosuch", "*0\r\n", "%0\r\n"},
		{"config get maxm* port", "*4\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$4\r\nport\r\n$4\r\n7777\r\n",
			"%2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$4\r\nport\r\n$4\r\n7777\r\n"},
		{"config set", arityReply("config|set"), ""},
		{"config set a", arityReply("config|set"), ""},
		{"config set a b c", "-ERR syntax error\r\n", ""},
		{"config set broken 1", "-ERR CONFIG SET failed (possibly related to argument 'broken') - line break\r\n", ""},
		{"config set unknown\x00word 1", "-ERR no 'unknown' here\r\n", ""},
		{"CONFIG SET new 1 newer 2", "+OK\r\n", ""},
		{"config get new*", "*4\r\n$3\r\nnew\r\n$1\r\n1\r\n$5\r\nnewer\r\n$1\r\n2\r\n", "%2\r\n$3\r\nnew\r\n$1\r\n1\r\n$5\r\nnewer\r\n$1\r\n2\r\n"},
		{"config rewrite", "-ERR The server is running without a config file\r\n", ""},
		{"config resetstat", "+OK\r\n", ""},
		{"config resetstat x", arityReply("config|resetstat"), ""},
	})
}

func TestNodeCommands(t *testing.T) {
	runAdminCases(t, []adminCase{
		{"time x", arityReply("time"), ""},
		{"role", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", ""},
		{"save", "+OK\r\n", ""},
		{"save x", arityReply("save"), ""},
		{"bgsave", "+Background saving started\r\n", ""},
		{"bgsave foo", "-ERR syntax error\r\n", ""},
		{"bgsave schedule x", "-ERR syntax error\r\n", ""},
		{"bgrewriteaof", "+Background append only file rewriting started\r\n", ""},
		{"replicaof no one", "+OK\r\n", ""},
		{"slaveof NO ONE", "+OK\r\n", ""},
		{"replicaof a", arityReply("replicaof"), ""},
		{"replicaof a b", "-ERR Invalid master port\r\n", ""},
		{"replicaof a 99999", "-ERR Invalid master port\r\n", ""},
		{"replicaof a 6379", "-" + errNoReplication + "\r\n", ""},
		{"sync", "-" + errNoReplication + "\r\n", ""},
		{"psync ? -1", "-" + errNoReplication + "\r\n", ""},
		{"psync a", arityReply("psync"), ""},
		{"failover", "-ERR FAILOVER requires connected replicas.\r\n", ""},
		{"failover to host 1 force timeout 5", "-ERR FAILOVER requires connected replicas.\r\n", ""},
		{"failover abort", "-ERR No failover in progress.\r\n", ""},
		{"failover to a", "-ERR syntax error\r\n", ""},
		{"shutdown foo", "-ERR syntax error\r\n", ""},
		{"shutdown nosave save", "-ERR syntax error\r\n", ""},
		{"shutdown abort now", "-ERR syntax error\r\n", ""},
		{"shutdown abort", "-ERR No shutdown in progress.\r\n", ""},
		{"lolwut", "$53\r\nrldb 0.0.1: no leader, and yet everybody gets a key.\n\r\n",
			"=57\r\ntxt:rldb 0.0.1: no leader, and yet everybody gets a key.\n\r\n"},
		{"lolwut version abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"lolwut version 5 1 2 x", "-ERR value is not an integer or out of range\r\n", ""},
		{"lolwut VERSION 6 x", "-ERR value is not an integer or out of range\r\n", ""},
		{"lolwut version", "$53\r\nrldb 0.0.1: no leader, and yet everybody gets a key.\n\r\n",
			"=57\r\ntxt:rldb 0.0.1: no leader, and yet everybody gets a key.\n\r\n"},
		{"module list", "*0\r\n", ""},
		{"module load", arityReply("module|load"), ""},
		{"module load /x", "-ERR rldb loads no modules\r\n", ""},
		{"module loadex /x", "-ERR rldb loads no modules\r\n", ""},
		{"module unload x", "-ERR rldb loads no modules\r\n", ""},
		{"module foo", "-ERR unknown subcommand 'foo'. Try MODULE HELP.\r\n", ""},
		{"multi", "+OK\r\n", ""},
		{"save", "-ERR Command not allowed inside a transaction\r\n", ""},
		{"discard", "+OK\r\n", ""},
	})
}

func TestTimeAndLastSave(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	got := flatReply(c.do("time"))
	sec, err1 := strconv.ParseInt(got[0], 10, 64)
	usec, err2 := strconv.Atoi(got[1])
	if age := time.Since(time.Unix(sec, 0)); err1 != nil || err2 != nil || usec < 0 || usec > 999_999 || age < -time.Second || age > time.Minute {
		t.Errorf("TIME: %q", got)
	}
	if got, want := c.do("lastsave"), ":"+strconv.FormatInt(n.srv.started.Unix(), 10)+"\r\n"; got != want {
		t.Errorf("LASTSAVE at the start: %q, want %q", got, want)
	}
	saves := &n.srv.admin.saves
	for i, command := range []string{"save", "bgsave", "bgsave schedule"} {
		saves.last.Store(0)
		if got := c.do(strings.Fields(command)...); got != "+OK\r\n" && got != "+Background saving started\r\n" {
			t.Errorf("%s: %q", command, got)
		}
		eventually(t, command+" is over", func() bool { return saves.done.Load() == int64(i+1) && saves.wanted.Load() == 0 })
		if at := saves.last.Load(); time.Since(time.Unix(at, 0)) > time.Minute {
			t.Errorf("LASTSAVE after %s: %d", command, at)
		}
	}
}

// TestShutdown: the node is told, and the client is hung up on without a reply.
func TestShutdown(t *testing.T) {
	for _, words := range [][]string{{"shutdown"}, {"SHUTDOWN", "nosave", "now", "force"}, {"shutdown", "SAVE"}} {
		n := startAdminNode(t)
		c := n.dial(2)
		c.send(words...)
		<-n.shutdown
		if reply, err := c.read(); !errors.Is(err, io.EOF) || reply != "" {
			t.Errorf("%q: %q %v", words, reply, err)
		}
	}
}

func TestACL(t *testing.T) {
	const refused = "-ERR rldb has one user, 'default', whose password is requirepass: users cannot be changed\r\n"
	runAdminCases(t, []adminCase{
		{"acl whoami", "$7\r\ndefault\r\n", ""},
		{"acl users", "*1\r\n$7\r\ndefault\r\n", ""},
		{"acl list", "*1\r\n$34\r\nuser default on nopass ~* &* +@all\r\n", ""},
		{"acl getuser default", "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n" +
			"$5\r\n+@all\r\n$4\r\nkeys\r\n$2\r\n~*\r\n$8\r\nchannels\r\n$2\r\n&*\r\n$9\r\nselectors\r\n*0\r\n",
			"%6\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n" +
				"$5\r\n+@all\r\n$4\r\nkeys\r\n$2\r\n~*\r\n$8\r\nchannels\r\n$2\r\n&*\r\n$9\r\nselectors\r\n*0\r\n"},
		{"acl getuser nosuch", "$-1\r\n", "_\r\n"},
		{"acl getuser", arityReply("acl|getuser"), ""},
		{"acl cat nosuch", "-ERR Unknown category 'nosuch'\r\n", ""},
		{"acl cat keyspace x", "-ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.\r\n", ""},
		{"acl cat Transaction", "*5\r\n$7\r\ndiscard\r\n$4\r\nexec\r\n$5\r\nmulti\r\n$7\r\nunwatch\r\n$5\r\nwatch\r\n", ""},
		{"acl dryrun default get x", "+OK\r\n", ""},
		{"acl dryrun x get x", "-ERR User 'x' not found\r\n", ""},
		{"acl dryrun default foo", "-ERR Command 'foo' not found\r\n", ""},
		{"acl dryrun default config nosuch", "-ERR Command 'config' not found\r\n", ""},
		{"acl dryrun default get", arityReply("get"), ""},
		{"acl dryrun default config get", arityReply("config|get"), ""},
		{"acl genpass 0", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096\r\n", ""},
		{"acl genpass 4097", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096\r\n", ""},
		{"acl genpass abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"acl log", "*0\r\n", ""},
		{"acl log 5", "*0\r\n", ""},
		{"acl log reset", "+OK\r\n", ""},
		{"acl log abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"acl log a b", "-ERR unknown subcommand or wrong number of arguments for 'log'. Try ACL HELP.\r\n", ""},
		{"acl setuser x on", refused, ""}, {"acl deluser x", refused, ""}, {"acl load", refused, ""}, {"acl save", refused, ""},
		{"acl foo", "-ERR unknown subcommand 'foo'. Try ACL HELP.\r\n", ""},
	})
	c := startAdminNode(t).dial(2)
	if got := flatReply(c.do("acl", "cat")); strings.Join(got, " ") != strings.Join(categoryNames, " ") {
		t.Errorf("ACL CAT: %q", got)
	}
	for words, digits := range map[string]int{"acl genpass": 64, "acl genpass 5": 2, "acl genpass 4096": 1024, "acl genpass 1": 1} {
		a, b := c.text(strings.Fields(words)...), c.text(strings.Fields(words)...)
		if !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(a) || len(a) != digits || digits > 8 && a == b {
			t.Errorf("%s: %q and %q", words, a, b)
		}
	}
}

// TestACLWithPassword: the hash is SHA-256, as Redis shows it.
func TestACLWithPassword(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	c.do("ping") // let in before there is a password
	set := *n.srv.Settings()
	set.RequirePass = "secret"
	n.srv.SetSettings(set)
	const hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	if got := flatReply(c.do("acl", "list")); got[0] != "user default on #"+hash+" ~* &* +@all" {
		t.Errorf("ACL LIST: %q", got)
	}
	if got := c.do("acl", "getuser", "default"); !strings.Contains(got, "*1\r\n$2\r\non\r\n$9\r\npasswords\r\n*1\r\n$64\r\n"+hash+"\r\n") {
		t.Errorf("ACL GETUSER: %q", got)
	}
}

// TestHelp: every HELP has Redis's first line, simple strings only, and names
// each subcommand once.
func TestHelp(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	for _, r := range n.srv.table.rows {
		if r.table == nil {
			continue
		}
		reply := c.do(r.name, "help")
		lines := strings.Split(strings.TrimSuffix(reply, "\r\n"), "\r\n")
		if lines[0] != "*"+strconv.Itoa(len(lines)-1) || lines[1] != "+"+upper(r.name)+" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" {
			t.Errorf("%s HELP begins with %q", r.name, lines[:2])
		}
		described := map[string]bool{}
		for _, line := range lines[1:] {
			if line[0] != '+' {
				t.Errorf("%s HELP: %q", r.name, line)
			}
			described[strings.ToLower(strings.Fields(line[1:])[0])] = true
		}
		for _, sub := range r.table.rows {
			if !described[sub.name] {
				t.Errorf("%s HELP does not describe %s", r.name, sub.name)
			}
		}
	}
	if got := flatReply(c.do("debug", "help")); got[0] != "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" {
		t.Errorf("DEBUG HELP: %q", got)
	}
}

func TestCluster(t *testing.T) {
	const off = "-ERR This instance has cluster support disabled\r\n"
	runAdminCases(t, []adminCase{
		{"cluster", arityReply("cluster"), ""},
		{"cluster foo", "-ERR unknown subcommand 'foo'. Try CLUSTER HELP.\r\n", ""},
		{"cluster myshardid", off, ""}, {"cluster join a:1", off, ""}, {"cluster leave", off, ""}, {"cluster greet x", off, ""},
		{"cluster keyslot a", ":15495\r\n", ""},
		{"cluster keyslot {a}b", ":15495\r\n", ""},
		{"cluster keyslot ''", ":0\r\n", ""},
		{"cluster keyslot", arityReply("cluster|keyslot"), ""},
		{"cluster countkeysinslot 5", ":0\r\n", ""},
		{"cluster countkeysinslot abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"cluster countkeysinslot 16384", "-ERR Invalid slot\r\n", ""},
		{"cluster countkeysinslot -1", "-ERR Invalid slot\r\n", ""},
		{"cluster getkeysinslot abc 1", "-ERR value is not an integer or out of range\r\n", ""},
		{"cluster getkeysinslot 16384 abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"cluster getkeysinslot 16384 1", "-ERR Invalid slot or number of keys\r\n", ""},
		{"cluster getkeysinslot 1 -1", "-ERR Invalid slot or number of keys\r\n", ""},
		{"cluster getkeysinslot 1 9223372036854775807", "*0\r\n", ""},
		{"set a 1", "+OK\r\n", ""},
		{"set {a}b 1", "+OK\r\n", ""},
		{"cluster countkeysinslot 15495", ":2\r\n", ""},
		{"cluster getkeysinslot 15495 0", "*0\r\n", ""},
		{"cluster info", off, ""}, {"cluster nodes", off, ""}, {"cluster slots", off, ""}, {"cluster shards", off, ""},
		{"cluster links", off, ""}, {"cluster meet a b", off, ""}, {"cluster reset", off, ""}, {"cluster addslots x", off, ""},
		{"cluster failover x", off, ""}, {"cluster replicas x", off, ""}, {"cluster setslot 1 stable", off, ""},
		{"cluster meet a", arityReply("cluster|meet"), ""},
	})
	n := startAdminNode(t)
	c := n.dial(2)
	id := c.text("cluster", "myid")
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(id) || id != c.text("cluster", "myid") {
		t.Errorf("CLUSTER MYID: %q", id)
	}
	c.do("set", "a", "1")
	c.do("set", "{a}b", "1")
	if got := flatReply(c.do("cluster", "getkeysinslot", "15495", "10")); len(got) != 2 || got[0] == got[1] {
		t.Errorf("CLUSTER GETKEYSINSLOT: %q", got)
	}
	if got := flatReply(c.do("cluster", "getkeysinslot", "15495", "1")); len(got) != 1 {
		t.Errorf("CLUSTER GETKEYSINSLOT of one: %q", got)
	}
}
