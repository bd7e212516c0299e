package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// formLimit is how long nodes may take to become a cluster.
const formLimit = 60 * time.Second

// clusterSubject is a kind of cluster that can be measured.
type clusterSubject struct {
	name string
	// primaries are the nodes that clients are sent to, the first of them;
	// replicas follow them.
	primaries, replicas int
	// node is how node i is started, with a folder of its own. The ports are
	// those of all nodes.
	node func(i int, ports []int, dir string) (subject, error)
	// inOrder says that a node is started when those before it answer.
	inOrder bool
	// form makes the running nodes one; nil if they do so by themselves.
	form func(ctx context.Context, c *cluster) error
	// formed is nil when they are.
	formed func(c *cluster) error
	speaks dialect
}

// dialect is how a subject's SET and GET begin.
type dialect struct {
	set, get []string
	// mapped says that keys have slots and slots have nodes; else any node takes
	// every key.
	mapped bool
}

// cluster is the running nodes of a subject.
type cluster struct {
	clusterSubject
	nodes []*server
	gone  map[*server]bool // those that were killed on purpose
}

// start runs all nodes in folders below dir, until they are one cluster.
func (s clusterSubject) start(ctx context.Context, dir string) (*cluster, error) {
	ports, err := freePorts(s.primaries + s.replicas)
	if err != nil {
		return nil, err
	}
	c := &cluster{clusterSubject: s, gone: map[*server]bool{}}
	if err := c.launch(ctx, dir, ports); err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

func (c *cluster) launch(ctx context.Context, dir string, ports []int) error {
	for i, port := range ports {
		folder := filepath.Join(dir, "node"+strconv.Itoa(i+1))
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		s, err := c.node(i, ports, folder)
		if err != nil {
			return err
		}
		srv, err := s.launch(folder, port)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, srv)
		if c.inOrder {
			if err := srv.ready(ctx); err != nil {
				return err
			}
		}
	}
	for _, srv := range c.nodes {
		if err := srv.ready(ctx); err != nil {
			return err
		}
	}
	if c.form != nil {
		if err := c.form(ctx, c); err != nil {
			return err
		}
	}
	return c.waitFormed(ctx)
}

// waitFormed waits until the nodes are one cluster.
func (c *cluster) waitFormed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formLimit)
	defer cancel()
	for {
		err := c.formed(c)
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the nodes are no cluster: %w; the first one said:\n%s", err, c.nodes[0].lastWords())
		}
	}
}

// addrs are the client addresses of all nodes.
func (c *cluster) addrs() []string {
	var all []string
	for _, srv := range c.nodes {
		all = append(all, srv.addr)
	}
	return all
}

func (c *cluster) pids() []int {
	var all []int
	for _, srv := range c.nodes {
		all = append(all, srv.pid())
	}
	return all
}

// kill ends a node at once; that it is gone is no error.
func (c *cluster) kill(srv *server) error {
	c.gone[srv] = true
	return srv.end()
}

// abandon kills all nodes.
func (c *cluster) abandon() {
	for _, srv := range c.nodes {
		_ = c.kill(srv) // end tells
	}
}

// stopped pauses a node in its tracks, resumed lets it go on.
func (s *server) stopped() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }
func (s *server) resumed() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// end kills all nodes: their data is of no further use. It is an error if one
// had ended by itself.
func (c *cluster) end() error {
	var all error
	for _, srv := range c.nodes {
		select {
		case <-srv.exited:
			if !c.gone[srv] {
				all = errors.Join(all, fmt.Errorf("%s: a node ended by itself; it said:\n%s", c.name, srv.lastWords()))
			}
		default:
		}
	}
	for _, srv := range c.nodes {
		all = errors.Join(all, srv.end())
	}
	return all
}

// withCluster starts a cluster in a new folder, hands it to f, and ends it.
func (b *bench) withCluster(ctx context.Context, s clusterSubject, f func(*cluster) error) error {
	return b.inFolder(func(dir string) (err error) {
		c, err := s.start(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer func() { err = errors.Join(err, c.end()) }()
		return f(c)
	})
}

// Offsets from a node's client port to the other ports that it listens at.
const (
	busOffset    = 10_000
	gossipOffset = 20_000
)

// freePorts finds n ports of the loopback that nobody listens on, nor on those
// that nodes listen at beside them. They lie below those that systems give to
// clients, so that none is taken while its node is away.
func freePorts(n int) ([]int, error) {
	var ports []int
	seen := map[int]bool{}
	for range 1000 {
		port := 3000 + rand.IntN(7000)
		if !seen[port] && free(port) {
			ports = append(ports, port)
		}
		seen[port] = true
		if len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports were found")
}

func free(port int) bool {
	for _, p := range []int{port, port + busOffset, port + gossipOffset} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		if err != nil {
			return false
		}
		_ = l.Close() // it was only to find out
	}
	u, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+gossipOffset)))
	if err != nil {
		return false
	}
	_ = u.Close() // it was only to find out
	return true
}
