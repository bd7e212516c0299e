package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// agreeLimit is how long the nodes of a cluster may take to become one, or to agree
// on a change: much longer than they do, as the machine may be busy.
const agreeLimit = 90 * time.Second

// patient is a node timeout for tests in which no node fails: a busy machine then
// makes none look as if it did.
const patient = "10000"

// clusterNode is a node of a cluster: its place on the network and on disk, which
// outlive its process.
type clusterNode struct {
	t       testing.TB
	name    string
	path    string // of the binary
	host    string // that it listens at, and clients are told
	port    int
	dir     string
	more    []string // arguments
	netns   string   // the network namespace that it runs in, "" for this one
	process *process // nil: it does not run
}

// testCluster is the nodes of a test, in the order in which they were made.
type testCluster struct {
	t     testing.TB
	nodes []*clusterNode
}

// clusterOptions are what tests vary. The zero value is what rldb takes by itself, but
// for the engine, which is memory.
type clusterOptions struct {
	racy   bool // with the race detector
	engine string
	copies int      // N=R=W=1 where it is 1; 0: N=3, R=2, W=2
	strict bool     // no fallbacks
	more   []string // further arguments of every node
}

// args are the arguments of every node.
func (o clusterOptions) args() []string {
	var args []string
	if o.engine != "" {
		args = append(args, "--engine", o.engine)
	}
	if o.copies != 0 {
		for _, name := range []string{"--n", "--r", "--w"} {
			args = append(args, name, strconv.Itoa(o.copies))
		}
	}
	if o.strict {
		args = append(args, "--sloppy", "no")
	}
	return append(args, o.more...)
}

// newNode makes a node that does not run yet.
func newNode(t testing.TB, name string, o clusterOptions) *clusterNode {
	t.Helper()
	if subjectIsRedis() {
		t.Skip("the subject is redis-server")
	}
	return &clusterNode{
		t: t, name: name, path: subjectPath(t, !o.racy), host: "127.0.0.1", port: clusterPort(t),
		dir: filepath.Join(t.TempDir(), name), more: o.args(),
	}
}

// newTestCluster makes n nodes that do not run yet and know nothing of each other.
func newTestCluster(t testing.TB, n int, o clusterOptions) *testCluster {
	t.Helper()
	c := &testCluster{t: t}
	for i := range n {
		c.nodes = append(c.nodes, newNode(t, fmt.Sprintf("node%d", i+1), o))
	}
	return c
}

// startCluster starts n nodes that join each other, and waits until they agree.
func startCluster(t testing.TB, n int, o clusterOptions) *testCluster {
	t.Helper()
	c := newTestCluster(t, n, o)
	for _, node := range c.nodes {
		node.more = append([]string{"--join", c.addrs()}, node.more...)
	}
	c.startAll()
	c.agree(c.nodes...)
	return c
}

// addrs are the nodes' client addresses.
func (c *testCluster) addrs() string {
	var all []string
	for _, n := range c.nodes {
		all = append(all, n.addr())
	}
	return strings.Join(all, ",")
}

// startAll starts all nodes at the same moment.
func (c *testCluster) startAll() {
	c.t.Helper()
	for _, n := range c.nodes {
		n.launch()
	}
	for _, n := range c.nodes {
		n.ready()
	}
	c.t.Cleanup(c.stopAll)
}

// stopAll stops all nodes that run, at the same time.
func (c *testCluster) stopAll() {
	everywhere(c.nodes, func(_ int, n *clusterNode) {
		if n.process != nil {
			n.process.stop(c.t)
		}
	})
}

// clusterPort is a port that nobody uses, and with which those of members, 10000
// and 20000 above, are free too. It is below those that systems give to clients, so
// that it stays free while its node is away.
func clusterPort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 3000 + rand.IntN(7000)
		if givenPorts.take(port) && portsFree(port) {
			return port
		}
	}
	t.Fatal("no free ports were found")
	return 0
}

// givenPorts are the ports that clusterPort has looked at: a node that does not run
// keeps its own.
var givenPorts portSet

type portSet struct {
	mu    sync.Mutex // guards given
	given map[int]bool
}

// take is false if the port was taken before.
func (p *portSet) take(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given[port] {
		return false
	}
	if p.given == nil {
		p.given = map[int]bool{}
	}
	p.given[port] = true
	return true
}

func portsFree(port int) bool {
	for _, p := range []int{port, port + 10000, port + 20000} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		if err != nil {
			return false
		}
		l.Close()
	}
	u, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+20000)))
	if err != nil {
		return false
	}
	u.Close()
	return true
}

func (n *clusterNode) addr() string { return net.JoinHostPort(n.host, strconv.Itoa(n.port)) }

// launch starts the process; ready waits until it answers.
func (n *clusterNode) launch() {
	n.t.Helper()
	args := []string{"--cluster", "--bind", n.host, "--port", strconv.Itoa(n.port), "--dir", n.dir, "--protected-mode", "no"}
	args = append(args, n.more...)
	if !strings.Contains(strings.Join(n.more, " "), "--engine") {
		args = append(args, "--engine", "memory")
	}
	cmd := exec.Command(n.path, args...)
	if n.netns != "" {
		cmd = exec.Command("ip", append([]string{"netns", "exec", n.netns, n.path}, args...)...)
	}
	cmd.Dir, cmd.Env = filepath.Dir(n.dir), childEnv()
	n.process = startProcess(n.t, n.name, n.addr(), cmd)
}

func (n *clusterNode) ready() {
	n.t.Helper()
	if err := n.process.waitReady(); err != nil || n.process.exited() {
		n.t.Fatalf("%s did not become ready: %v\n%s", n.name, err, n.process.log.tail(40))
	}
}

func (n *clusterNode) start() {
	n.t.Helper()
	n.launch()
	n.ready()
}

// stop ends the node with SIGTERM, kill at once.
func (n *clusterNode) stop() {
	n.t.Helper()
	n.process.stop(n.t)
	n.process = nil
}

func (n *clusterNode) kill() {
	n.t.Helper()
	for _, fault := range faults(nil, n.process.log.String()) {
		n.t.Errorf("%s %s", n.name, fault)
	}
	n.process.kill()
	n.process = nil
}

// pause stops the node in its tracks until resume.
func (n *clusterNode) pause()  { must(n.t, n.process.cmd.Process.Signal(syscall.SIGSTOP)) }
func (n *clusterNode) resume() { must(n.t, n.process.cmd.Process.Signal(syscall.SIGCONT)) }

// do sends a command to the node; ask must not be answered with an error.
func (n *clusterNode) do(args ...string) (frame, error) {
	c, err := dial(n.addr())
	if err != nil {
		return frame{}, err
	}
	defer c.Close()
	c.limit = agreeLimit // CLUSTER JOIN may take its time
	return c.do(args...)
}

func (n *clusterNode) ask(args ...string) frame {
	n.t.Helper()
	f, err := n.do(args...)
	if err != nil || f.isError() {
		n.t.Fatalf("%s: %q is answered with %.300q, %v", n.name, args, f.raw, err)
	}
	return f
}

// join has the node join by CLUSTER JOIN, or MEET, with these words. It is asked
// again where that fails: on a busy machine an answer may come too late, and who has
// joined already is answered OK.
func (n *clusterNode) join(words ...string) {
	n.t.Helper()
	eventually(n.t, agreeLimit, n.name+" joins", func() error {
		f, err := n.do(append([]string{"CLUSTER"}, words...)...)
		if err == nil && f.isError() {
			err = fmt.Errorf("%q is answered with %.300q", words, f.raw)
		}
		return err
	})
}

// id is the node's ID.
func (n *clusterNode) id() string { return string(n.ask("CLUSTER", "MYID").text) }

// info is a field of CLUSTER INFO.
func (n *clusterNode) info(field string) string {
	n.t.Helper()
	for line := range strings.Lines(string(n.ask("CLUSTER", "INFO").text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			return value
		}
	}
	return ""
}

// slotMap is what CLUSTER SLOTS of a node says, in a form that can be compared: a
// line for each range. It is an error if not every slot is served.
func (n *clusterNode) slotMap() (text string, served map[string]int, err error) {
	rdb := redis.NewClient(&redis.Options{Addr: n.addr(), Protocol: 2, DisableIdentity: true, MaxRetries: -1, ReadTimeout: replyLimit})
	defer rdb.Close()
	ctx, cancel := context.WithTimeout(context.Background(), replyLimit)
	defer cancel()
	ranges, err := rdb.Do(ctx, "CLUSTER", "SLOTS").Slice()
	if err != nil {
		return "", nil, err
	}
	served = map[string]int{}
	total := 0
	for _, r := range ranges {
		f := r.([]any)
		from, to, owner := f[0].(int64), f[1].(int64), f[2].([]any)
		addr := net.JoinHostPort(owner[0].(string), strconv.FormatInt(owner[1].(int64), 10))
		text += fmt.Sprintf("%d-%d %s %s\n", from, to, owner[2], addr)
		served[addr] += int(to - from + 1)
		total += int(to - from + 1)
	}
	if total != 16384 {
		err = fmt.Errorf("%s serves %d slots of 16384: %.200s", n.name, total, text)
	}
	return text, served, err
}

// agreed is nil if the nodes have one slot map, in which exactly they serve.
func agreed(nodes ...*clusterNode) error {
	var first string
	for i, n := range nodes {
		text, served, err := n.slotMap()
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		if i == 0 {
			first = text
		}
		if text != first {
			return fmt.Errorf("%s and %s differ:\n%.300s\nand\n%.300s", nodes[0].name, n.name, first, text)
		}
		if len(served) != len(nodes) {
			return fmt.Errorf("%s: slots are served by %v, not by %d nodes", n.name, served, len(nodes))
		}
		for _, m := range nodes {
			if served[m.addr()] == 0 {
				return fmt.Errorf("%s: %s serves nothing, of %v", n.name, m.addr(), served)
			}
		}
	}
	return nil
}

// agree waits until the nodes agree, and returns how long that took.
func (c *testCluster) agree(nodes ...*clusterNode) time.Duration {
	c.t.Helper()
	began := time.Now()
	if err := waitUntil(agreeLimit, func() error { return agreed(nodes...) }); err != nil {
		for _, n := range nodes {
			f, _ := n.do("CLUSTER", "NODES")
			c.t.Logf("%s:\n%s", n.name, f.text)
		}
		c.t.Fatalf("the nodes do not agree: %v", err)
	}
	return time.Since(began)
}

// without is the nodes but one.
func (c *testCluster) without(out *clusterNode) []*clusterNode {
	var rest []*clusterNode
	for _, n := range c.nodes {
		if n != out {
			rest = append(rest, n)
		}
	}
	return rest
}

// client is a go-redis ClusterClient that knows all nodes, with its own defaults.
func (c *testCluster) client(change func(*redis.ClusterOptions)) *redis.ClusterClient {
	o := &redis.ClusterOptions{Addrs: strings.Split(c.addrs(), ",")}
	if change != nil {
		change(o)
	}
	rdb := redis.NewClusterClient(o)
	c.t.Cleanup(func() { rdb.Close() })
	return rdb
}

// follow runs redis-cli -c against a node with commands, one a line, and gives its
// output.
func (n *clusterNode) follow(commands string) string {
	n.t.Helper()
	out, err := n.tryFollow(commands)
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// tryFollow is follow for any goroutine.
func (n *clusterNode) tryFollow(commands string) (string, error) {
	out, errs, err := tool(n.t, []byte(commands), "redis-cli", "-c", "-h", n.host, "-p", strconv.Itoa(n.port))
	if err != nil || errs != "" {
		return "", fmt.Errorf("redis-cli -c at %s: %w\n%s%s", n.name, err, out, errs)
	}
	return redirected.ReplaceAllString(out, ""), nil
}

// redirected is what redis-cli -c says on its way.
var redirected = regexp.MustCompile(`(?m)^-> Redirected to slot .*\n`)

// setAndRead sets keys through redis-cli -c at each node in turn, and reads each
// back through every other node.
func (c *testCluster) setAndRead(nodes []*clusterNode, keys int) {
	c.t.Helper()
	var all sync.WaitGroup
	for i, n := range nodes {
		var set strings.Builder
		for k := range keys {
			fmt.Fprintf(&set, "SET key:%d:%d value:%d:%d\n", i, k, i, k)
		}
		eventually(c.t, agreeLimit, "setting keys at "+n.name, func() error {
			if out := n.follow(set.String()); strings.Count(out, "OK") != keys {
				return fmt.Errorf("%.500s", out)
			}
			return nil
		})
	}
	var get, want strings.Builder
	for i := range nodes {
		for k := range keys {
			fmt.Fprintf(&get, "GET key:%d:%d\n", i, k)
			fmt.Fprintf(&want, "value:%d:%d\n", i, k)
		}
	}
	for _, n := range nodes {
		// While nodes have only just agreed, one may answer that it is to be tried
		// again: CLUSTERDOWN, which redis-cli shows.
		all.Go(func() {
			err := waitUntil(agreeLimit, func() error {
				out, err := n.tryFollow(get.String())
				if err == nil && out != want.String() {
					err = fmt.Errorf("%.500s", out)
				}
				return err
			})
			if err != nil {
				c.t.Errorf("what is read at %s differs from what was set: %v", n.name, err)
			}
		})
	}
	all.Wait()
}
