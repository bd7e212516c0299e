package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// settleLimit is how long a cluster may take until its copies are equal again after a
// failure: many times what it takes on an idle machine.
const settleLimit = 3 * time.Minute

// Codes of errors, as rldb gives them.
const (
	clusterDown = "CLUSTERDOWN" // nothing was applied
	noQuorum    = "NOQUORUM"    // it may still take effect
	stale       = "STALE"
)

// code is the first word of an error reply, "" for any other.
func (f frame) code() string {
	if !f.isError() {
		return ""
	}
	word, _, _ := strings.Cut(f.str(), " ")
	return word
}

// moved is where a MOVED sends the client, "" if the frame is none.
func (f frame) moved() string {
	words := strings.Fields(f.str())
	if f.code() != "MOVED" || len(words) != 3 {
		return ""
	}
	return words[2]
}

// versions are what RLDB.GET shows of a key: all its values, and the context in which a
// client overwrites them.
type versions struct {
	context string
	values  []string // as the node orders them
	dots    []string
}

// parseVersions takes the reply of RLDB.GET apart, in either protocol: a map in RESP3, an
// array of names and values in RESP2. A key that is not there has no values.
func parseVersions(f frame) (versions, error) {
	var v versions
	if f.isError() {
		return v, fmt.Errorf("RLDB.GET is answered with %.200q", f.raw)
	}
	if f.null {
		return v, nil
	}
	top, err := namedParts(f)
	if err != nil {
		return v, err
	}
	context, there := top["context"]
	values, also := top["values"]
	if !there || !also {
		return v, fmt.Errorf("RLDB.GET gives neither context nor values: %.300q", f.raw)
	}
	v.context = context.str()
	for _, e := range values.elems {
		one, err := namedParts(e)
		if err != nil {
			return v, err
		}
		value, there := one["value"]
		if !there {
			return v, fmt.Errorf("a value of RLDB.GET without its bytes: %.300q", e.raw)
		}
		v.values = append(v.values, value.str())
		dot := one["dot"]
		v.dots = append(v.dots, dot.str())
	}
	return v, nil
}

// namedParts are names and values that follow each other.
func namedParts(f frame) (map[string]frame, error) {
	if len(f.elems)%2 != 0 || len(f.elems) == 0 {
		return nil, fmt.Errorf("no names and values: %.300q", f.raw)
	}
	all := map[string]frame{}
	for i := 0; i < len(f.elems); i += 2 {
		all[f.elems[i].str()] = f.elems[i+1]
	}
	return all, nil
}

// sorted is what can be compared between nodes.
func (v versions) sorted() string {
	all := slices.Clone(v.values)
	slices.Sort(all)
	return fmt.Sprintf("%.2000q", all)
}

// versionsOf asks for all versions of a key.
func (c *conn) versionsOf(key string) (versions, error) {
	f, err := c.do("RLDB.GET", key)
	if err != nil {
		return versions{}, err
	}
	return parseVersions(f)
}

// own is a connection that reads the node's own copies, and no other node's.
func (n *clusterNode) own() (*conn, error) {
	c, err := dial(n.addr())
	if err != nil {
		return nil, err
	}
	f, err := c.do("RLDB.QUORUM", "1", "1")
	if err == nil && f.isError() {
		err = fmt.Errorf("RLDB.QUORUM 1 1 at %s is answered with %.200q", n.name, f.raw)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// eachOwn calls look with a connection to each node's own copies.
func eachOwn(nodes []*clusterNode, look func(n *clusterNode, c *conn) error) error {
	for _, n := range nodes {
		c, err := n.own()
		if err != nil {
			return err
		}
		err = look(n, c)
		c.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

// ownersOf are the nodes that answer for a key themselves, in the order of the nodes. All
// nodes must be up.
func (c *testCluster) ownersOf(key string) []*clusterNode {
	c.t.Helper()
	var owners []*clusterNode
	eventually(c.t, agreeLimit, "the owners of "+key, func() error {
		owners = nil
		for _, n := range c.nodes {
			f, err := n.do("GET", key)
			switch {
			case err != nil:
				return err
			case f.moved() != "":
			case f.isError():
				return fmt.Errorf("%s: GET %s is answered with %q", n.name, key, f.raw)
			default:
				owners = append(owners, n)
			}
		}
		if want := min(3, len(c.nodes)); len(owners) != want {
			return fmt.Errorf("%d nodes answer for %s, not %d", len(owners), key, want)
		}
		return nil
	})
	return owners
}

// others are the nodes that are not among these.
func (c *testCluster) others(these []*clusterNode) []*clusterNode {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *clusterNode) bool { return slices.Contains(these, n) })
}

// Fields of CLUSTER INFO that say what a node still has to do.
const (
	catchingUp   = "rldb_catching_up" // and why, in a field of its own
	hintsWaiting = "rldb_hints_waiting"
)

// figures are the fields of a node's CLUSTER INFO.
func (n *clusterNode) figures() (map[string]string, error) {
	f, err := n.do("CLUSTER", "INFO")
	if err == nil && f.isError() {
		err = fmt.Errorf("%s: CLUSTER INFO is answered with %.200q", n.name, f.raw)
	}
	all := map[string]string{}
	for line := range strings.Lines(f.str()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all, err
}

// current is nil if no node is catching up or holds anything for another.
func current(nodes ...*clusterNode) error {
	for _, n := range nodes {
		all, err := n.figures()
		if err != nil {
			return err
		}
		for _, field := range []string{catchingUp, hintsWaiting} {
			if value, there := all[field]; !there || value != "0" {
				return fmt.Errorf("%s: %s is %q (%s)", n.name, field, value, all[catchingUp+"_why"])
			}
		}
	}
	return nil
}

// settle waits until the nodes agree on who serves what, and each of them is current. It
// returns how long that took.
func (c *testCluster) settle(nodes ...*clusterNode) time.Duration {
	c.t.Helper()
	began := time.Now()
	err := waitUntil(settleLimit, func() error { return errors.Join(agreed(nodes...), current(nodes...)) })
	if err != nil {
		for _, n := range nodes {
			f, _ := n.do("CLUSTER", "INFO")
			m, _ := n.do("CLUSTER", "NODES")
			c.t.Logf("%s:\n%s%s", n.name, f.text, m.text)
		}
		c.t.Fatalf("the nodes are not current: %v", err)
	}
	return time.Since(began)
}

// startReplicated is startCluster, and all nodes are current.
func startReplicated(t testing.TB, n int, o clusterOptions) *testCluster {
	t.Helper()
	c := startCluster(t, n, o)
	c.settle(c.nodes...)
	return c
}

// alike is nil if every owner's own copy of each key shows the same: the same values,
// dots and context.
func (c *testCluster) alike(keys ...string) error {
	type shown struct {
		node string
		v    versions
	}
	seen := map[string]shown{}
	owners := map[string]int{}
	err := eachOwn(c.nodes, func(n *clusterNode, x *conn) error {
		for _, key := range keys {
			f, err := x.do("RLDB.GET", key)
			if err != nil {
				return err
			}
			if f.moved() != "" {
				continue
			}
			v, err := parseVersions(f)
			if err != nil {
				return err
			}
			owners[key]++
			first, again := seen[key]
			if !again {
				seen[key] = shown{n.name, v}
				continue
			}
			if v.sorted() != first.v.sorted() || v.context != first.v.context || strings.Join(v.dots, " ") != strings.Join(first.v.dots, " ") {
				return fmt.Errorf("%s has %+v, and %s %+v", key, v, first.node, first.v)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if owners[key] != min(3, len(c.nodes)) {
			return fmt.Errorf("%s has %d owners", key, owners[key])
		}
	}
	return nil
}

// converge waits until all owners show the same of each key.
func (c *testCluster) converge(keys ...string) time.Duration {
	c.t.Helper()
	began := time.Now()
	eventually(c.t, settleLimit, "all owners show the same", func() error { return c.alike(keys...) })
	return time.Since(began)
}

// chase sends a command to a node and goes where it is sent, as cluster clients do; an
// answer that says to try again is followed too, for a while.
func chase(addr string, args ...string) (frame, error) {
	var last frame
	err := waitUntil(agreeLimit, func() error {
		to := addr
		for range 5 {
			c, err := dial(to)
			if err != nil {
				return err
			}
			last, err = c.do(args...)
			c.Close()
			if err != nil {
				return err
			}
			if last.code() == clusterDown {
				return fmt.Errorf("%q at %s: %q", args, to, last.raw)
			}
			if to = last.moved(); to == "" {
				return nil
			}
		}
		return fmt.Errorf("%q is sent from node to node: %q", args, last.raw)
	})
	return last, err
}

// chased is chase from this node, whose answer must not be an error.
func (n *clusterNode) chased(args ...string) frame {
	n.t.Helper()
	f, err := chase(n.addr(), args...)
	if err != nil || f.isError() {
		n.t.Fatalf("%s: %q ends in %.300q, %v", n.name, args, f.raw, err)
	}
	return f
}

// everywhere calls f for each node at the same time.
func everywhere(nodes []*clusterNode, f func(i int, n *clusterNode)) {
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { f(i, n) })
	}
	all.Wait()
}

// notes collects what went wrong, from any goroutine.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

// report fails the test with what was collected, the first few in words.
func (n *notes) report(t testing.TB) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range n.list[:min(20, len(n.list))] {
		t.Error(text)
	}
	if more := len(n.list) - 20; more > 0 {
		t.Errorf("and %d more", more)
	}
}
