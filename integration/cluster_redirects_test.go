package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slotRange is an entry of CLUSTER SLOTS.
type slotRange struct {
	from, to int
	addr, id string
}

// slotRanges is a node's CLUSTER SLOTS, ascending.
func (n *clusterNode) slotRanges() []slotRange {
	n.t.Helper()
	var all []slotRange
	number := func(f frame) int {
		v, err := strconv.Atoi(f.str())
		must(n.t, err)
		return v
	}
	for _, e := range n.ask("CLUSTER", "SLOTS").elems {
		node := e.elems[2].elems
		all = append(all, slotRange{number(e.elems[0]), number(e.elems[1]), node[0].str() + ":" + node[1].str(), node[2].str()})
	}
	slices.SortFunc(all, func(a, b slotRange) int { return a.from - b.from })
	return all
}

// keySlot is a key's slot.
func (n *clusterNode) keySlot(key string) int {
	n.t.Helper()
	slot, err := strconv.Atoi(n.ask("CLUSTER", "KEYSLOT", key).str())
	must(n.t, err)
	return slot
}

func primaryOf(all []slotRange, slot int) string {
	for _, r := range all {
		if r.from <= slot && slot <= r.to {
			return r.addr
		}
	}
	return ""
}

// TestClusterRedirects: over raw connections, each node executes what is its own,
// and names the right node for the rest.
func TestClusterRedirects(t *testing.T) {
	for _, test := range []struct{ size, copies int }{{3, 1}, {3, 3}, {5, 3}} {
		t.Run(fmt.Sprintf("%d nodes, %d copies", test.size, test.copies), func(t *testing.T) {
			o := clusterOptions{racy: true, more: []string{"--cluster-node-timeout", patient, "--cluster-nudge", "no"}}
			if test.copies == 1 {
				o.copies = 1
			}
			c := startCluster(t, test.size, o)
			redirects(t, c, test.copies)
			ownKeys(t, c)
			oneAnswer(t, c)
			for _, n := range c.nodes {
				n.setAndReadOne(c.nodes)
			}
		})
	}
}

// setAndReadOne sets a key through redis-cli -c at the node and reads it at every
// other.
func (n *clusterNode) setAndReadOne(nodes []*clusterNode) {
	n.t.Helper()
	if out := replies(n.follow("SET of:" + n.name + " 1\nINCR of:" + n.name + "\n")); out != "OK\n2\n" {
		n.t.Errorf("redis-cli -c at %s: %q", n.name, out)
	}
	for _, other := range nodes {
		if out := replies(other.follow("GET of:" + n.name + "\n")); out != "2\n" {
			n.t.Errorf("redis-cli -c at %s: what %s was told is %q", other.name, n.name, out)
		}
	}
}

// replies are what redis-cli -c has printed, without the lines that tell where it was
// sent to.
func replies(out string) string {
	var kept strings.Builder
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "-> Redirected") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// redirects sets keys at every node, in both protocols. Every owner executes; all others
// name the primary.
func redirects(t *testing.T, c *testCluster, copies int) {
	t.Helper()
	all := c.nodes[0].slotRanges()
	executed := map[string]int{} // by how many nodes a key's commands were
	for _, n := range c.nodes {
		for _, proto := range []string{"2", "3"} {
			x := mustDial(t, n.addr())
			hello := x.mustDo(t, "HELLO", proto)
			if !strings.Contains(string(hello.raw), "$4\r\nmode\r\n$7\r\ncluster\r\n") {
				t.Errorf("%s: HELLO says %q", n.name, hello.raw)
			}
			for i := range 50 {
				key := fmt.Sprintf("{redirected:%s:%d}", proto, i)
				slot := n.keySlot(key)
				to := primaryOf(all, slot)
				moved := fmt.Sprintf("-MOVED %d %s\r\n", slot, to)
				f, err := x.do("SET", key, "v")
				owner := err == nil && string(f.raw) == "+OK\r\n"
				if owner {
					executed[key]++
				}
				if !owner && (err != nil || string(f.raw) != moved) || !owner && to == n.addr() {
					t.Fatalf("%s: SET of a key of %s is answered with %q, %v", n.name, to, f.raw, err)
				}
				want := "$1\r\nv\r\n"
				if !owner {
					want = moved
				}
				for _, cmd := range []string{"GET " + key, "GETEX " + key} {
					f, err := x.do(strings.Fields(cmd)...)
					if err != nil || string(f.raw) != want {
						t.Fatalf("%s: %s is answered with %q, %v, want %q", n.name, cmd, f.raw, err, want)
					}
				}
			}
			for _, y := range []struct{ cmd, want string }{
				{"MGET foo bar", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"},
				{"DEL foo bar", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"},
				{"MULTI", "+OK\r\n"},
				{"MSET foo 1 bar 2", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"},
				{"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
				{"READONLY", "+OK\r\n"}, {"READWRITE", "+OK\r\n"}, {"ASKING", "+OK\r\n"},
				{"SELECT 1", "-ERR SELECT is not allowed in cluster mode\r\n"},
			} {
				f, err := x.do(strings.Fields(y.cmd)...)
				if err != nil || string(f.raw) != y.want {
					t.Errorf("%s: %s is answered with %q, %v, want %q", n.name, y.cmd, f.raw, err, y.want)
				}
			}
		}
	}
	for key, times := range executed {
		if times != copies {
			t.Errorf("%d nodes execute commands on %s, not %d", times, key, copies)
		}
	}
	if len(executed) != 100 {
		t.Errorf("commands on %d keys of 100 were executed", len(executed))
	}
}

// ownKeys: what nodes say of all keys adds up to all keys, each once.
func ownKeys(t *testing.T, c *testCluster) {
	t.Helper()
	seen := map[string]int{}
	total := 0
	for _, n := range c.nodes {
		size, err := strconv.Atoi(n.ask("DBSIZE").str())
		must(t, err)
		total += size
		x := mustDial(t, n.addr())
		for cursor := "0"; ; {
			f := x.mustDo(t, "SCAN", cursor, "COUNT", "20")
			for _, key := range f.elems[1].elems {
				seen[key.str()]++
			}
			if cursor = f.elems[0].str(); cursor == "0" {
				break
			}
		}
		if got := len(x.mustDo(t, "KEYS", "*").elems); got != size {
			t.Errorf("%s: KEYS gives %d keys, DBSIZE %d", n.name, got, size)
		}
	}
	if len(seen) != total || total == 0 {
		t.Errorf("SCAN gives %d keys, DBSIZE %d", len(seen), total)
	}
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%s is at %d nodes", key, times)
		}
	}
	n := c.nodes[0]
	mine, err := strconv.Atoi(n.ask("DBSIZE").str())
	must(t, err)
	n.ask("FLUSHALL")
	left := 0
	for _, n := range c.nodes {
		size, err := strconv.Atoi(n.ask("DBSIZE").str())
		must(t, err)
		left += size
	}
	if left != total-mine {
		t.Errorf("FLUSHALL of one node left %d keys of %d, %d of which were its own", left, total, mine)
	}
}

// oneAnswer: all nodes tell clients the same.
func oneAnswer(t *testing.T, c *testCluster) {
	t.Helper()
	shown := func(n *clusterNode) map[string]string {
		nodes := string(n.ask("CLUSTER", "NODES").text)
		if strings.Count(nodes, "myself,") != 1 || !strings.Contains(nodes, n.id()+" "+n.addr()+"@") {
			t.Errorf("%s: CLUSTER NODES says\n%s", n.name, nodes)
		}
		var lines []string
		for line := range strings.Lines(strings.ReplaceAll(nodes, "myself,", "")) {
			fields := strings.Fields(line)
			fields[5] = "heard" // when something was last heard is the node's own
			lines = append(lines, strings.Join(fields, " "))
		}
		return map[string]string{
			"SLOTS": string(n.ask("CLUSTER", "SLOTS").raw), "SHARDS": string(n.ask("CLUSTER", "SHARDS").raw),
			"NODES": strings.Join(lines, "\n"), "epoch": n.info("cluster_current_epoch"),
		}
	}
	err := waitUntil(agreeLimit, func() error {
		first := shown(c.nodes[0])
		for _, n := range c.nodes[1:] {
			for what, text := range shown(n) {
				if text != first[what] {
					return fmt.Errorf("%s of %s and %s differ:\n%s\nand\n%s", what, c.nodes[0].name, n.name, first[what], text)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
