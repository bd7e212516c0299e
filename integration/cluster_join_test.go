package integration

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// answering is the address of a server that answers whatever it is sent with text,
// and then closes the connection.
func answering(t *testing.T, text string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte(text))
			c.Close()
		}
	}()
	return ln.Addr().String()
}

// TestClusterJoinRefused: every way in which CLUSTER JOIN can be wrong has an error
// of its own, and changes nothing.
func TestClusterJoinRefused(t *testing.T) {
	// One copy of each key: a node that is alone takes writes then.
	one := []string{"--n", "1", "--r", "1", "--w", "1"}
	secret := []string{"--cluster-node-timeout", patient, "--cluster-secret", "hush"}
	alike := append(slices.Clone(one), secret...)
	with := func(more ...string) clusterOptions { return clusterOptions{more: append(more, alike...)} }
	make1 := func(name string, o clusterOptions) *clusterNode { return newNode(t, name, o) }
	nodes := map[string]*clusterNode{
		"joiner":        make1("joiner", clusterOptions{racy: true, more: alike}),
		"pair1":         make1("pair1", with()),
		"pair2":         make1("pair2", with()),
		"full":          make1("full", with()),
		"other name":    make1("name", with("--cluster-name", "else")),
		"other secret":  make1("secret", clusterOptions{more: append([]string{"--cluster-secret", "else"}, one...)}),
		"other quorum":  make1("quorum", clusterOptions{more: append([]string{"--n", "5", "--r", "3", "--w", "3"}, secret...)}),
		"with password": make1("password", with("--requirepass", "pass")),
	}
	c := &testCluster{t: t}
	for _, n := range nodes {
		c.nodes = append(c.nodes, n)
	}
	c.startAll()
	nodes["pair2"].join("JOIN", nodes["pair1"].addr())
	c.agree(nodes["pair1"], nodes["pair2"])
	nodes["full"].ask("SET", "foo", "bar")
	standalone := startSubject(t, options{plain: true})
	reference := startReference(t, options{})
	at := func(n *clusterNode, above int) string { return net.JoinHostPort(n.host, strconv.Itoa(n.port+above)) }

	for _, test := range []struct{ name, node, addr, want string }{
		{"nobody listens", "joiner", net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))), "cannot be reached"},
		{"no such host", "joiner", "nosuch.invalid:4001", "cannot be reached"},
		{"a redis-server", "joiner", reference.addr, "is not an rldb"},
		{"nonsense", "joiner", answering(t, "nonsense\r\n"), "is not an rldb"},
		{"nothing", "joiner", answering(t, ""), ""},
		{"an answer of another kind", "joiner", answering(t, "+OK\r\n"), "is not an rldb"},
		{"a standalone rldb", "joiner", standalone.addr, "is not an rldb"},
		{"itself", "joiner", nodes["joiner"].addr(), "itself"},
		{"other name", "joiner", nodes["other name"].addr(), "another cluster name"},
		{"other secret", "joiner", nodes["other secret"].addr(), "another cluster secret"},
		{"other n, r, w", "joiner", nodes["other quorum"].addr(), "other values of n, r, w"},
		{"other password", "joiner", nodes["with password"].addr(), "requirepass"},
		{"in another cluster", "pair1", nodes["joiner"].addr(), "already in a cluster"},
		{"with keys", "full", nodes["pair1"].addr(), "holds keys"},
		{"a peer port", "joiner", at(nodes["pair1"], 10000), "is not an rldb"},
		{"a gossip port", "joiner", at(nodes["pair1"], 20000), ""},
		{"no port", "joiner", "127.0.0.1", "Invalid node address"},
		{"port 0", "joiner", "127.0.0.1:0", "Invalid node address"},
		{"a port too great", "joiner", "127.0.0.1:65536", "Invalid node address"},
		{"no host", "joiner", ":4001", "Invalid node address"},
		{"a host with a space", "joiner", "a b:4001", "Invalid node address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := func() string {
				out := ""
				for _, name := range []string{"joiner", "pair1", "pair2", "full", "other name", "other secret", "other quorum"} {
					n := nodes[name]
					out += fmt.Sprintf("%s %s\n%s", name, n.id(), members(n))
				}
				return out
			}
			before := all()
			// A node that is there may answer too late on a busy machine: it is asked again.
			eventually(t, agreeLimit, "the refusal", func() error {
				f, err := nodes[test.node].do("CLUSTER", "JOIN", test.addr)
				t.Logf("%s", f.raw)
				right := err == nil && f.isError() && strings.Contains(string(f.text), test.want)
				switch {
				case !right && strings.Contains(string(f.text), "no answer in time"):
					return fmt.Errorf("no answer in time")
				case !right:
					t.Errorf("CLUSTER JOIN %s is answered with %.300q, %v", test.addr, f.raw, err)
				}
				return nil
			})
			if after := all(); after != before {
				t.Errorf("it changed\n%sto\n%s", before, after)
			}
		})
	}

	// With FORCE, the keys are no matter; and after all the errors a join works.
	nodes["full"].join("JOIN", nodes["pair1"].addr(), "FORCE")
	nodes["joiner"].join("JOIN", nodes["full"].addr(), "FORCE") // which holds keys
	c.agree(nodes["pair1"], nodes["pair2"], nodes["full"], nodes["joiner"])
}

// TestClusterLeaveAndForget: a node leaves, unless it holds keys; one that is down
// is forgotten; neither comes back by itself, and each may join again.
func TestClusterLeaveAndForget(t *testing.T) {
	c := startCluster(t, 4, clusterOptions{more: []string{"--cluster-node-timeout", patient}})
	a, b, leaver, lost := c.nodes[0], c.nodes[1], c.nodes[2], c.nodes[3]
	id := leaver.id()
	refused := func(n *clusterNode, want string, words ...string) {
		t.Helper()
		f, err := n.do(words...)
		if err != nil || !f.isError() || !strings.Contains(string(f.text), want) {
			t.Errorf("%q at %s is answered with %.300q, %v; want %q", words, n.name, f.raw, err, want)
		}
	}
	a.follow(strings.Join(sets(200), "\n") + "\n")
	refused(leaver, "holds keys", "CLUSTER", "LEAVE")
	refused(a, "alive", "CLUSTER", "FORGET", id)
	refused(a, "can't forget myself", "CLUSTER", "FORGET", a.id())
	refused(a, "Unknown node", "CLUSTER", "FORGET", strings.Repeat("0", 40))
	c.agree(c.nodes...)

	leaver.ask("CLUSTER", "LEAVE", "FORCE")
	c.agree(a, b, lost)
	// It serves nothing from the moment at which it leaves; that it has left is known a moment later.
	eventually(t, agreeLimit, "who has left is gone", func() error {
		if text := members(a); strings.Contains(text, id) {
			return fmt.Errorf("there are\n%s", text)
		}
		return nil
	})
	lostID := lost.id()
	lost.kill()
	c.agree(a, b)
	a.ask("CLUSTER", "FORGET", lostID)
	eventually(t, agreeLimit, "the dead node is forgotten", func() error {
		for _, n := range []*clusterNode{a, b} {
			if strings.Contains(members(n), lostID) {
				return fmt.Errorf("%s knows it:\n%s", n.name, members(n))
			}
		}
		return nil
	})
	if now := leaver.id(); now == id {
		t.Errorf("who has left goes on under the ID %s", id)
	}
	refused(leaver, "holds keys", "CLUSTER", "JOIN", a.addr())
	leaver.join("JOIN", a.addr(), "FORCE")
	c.agree(a, b, leaver)
}

// sets are commands that set n keys.
func sets(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("SET filled:%d x", i))
	}
	return out
}
