package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Names of the peers.
const (
	redisClusterName = "Redis Cluster 3+3"
	olricName        = "Olric 3, replicaCount 3"
)

// redisDialect is that of Redis, and of rldb.
var redisDialect = dialect{set: []string{"SET"}, get: []string{"GET"}, mapped: true}

// rldbClusters are three nodes of rldb with each of -rldb-args, N=3 R=2 W=2.
func (b *bench) rldbClusters() []clusterSubject {
	var all []clusterSubject
	for _, more := range b.opt.rldbArgs {
		all = append(all, b.rldbCluster(more))
	}
	return all
}

func (b *bench) rldbCluster(more []string) clusterSubject {
	name := strings.Join(append([]string{"rldb"}, more...), " ")
	return clusterSubject{
		name: name, primaries: 3, speaks: redisDialect,
		node: func(_ int, ports []int, dir string) (subject, error) {
			args := []string{
				"--cluster", "--join", hostPorts(ports), "--n", "3", "--r", "2", "--w", "2",
				"--dir", dir, "--protected-mode", "no",
			}
			s := b.rldbWith(append(args, more...)...)
			s.name = name
			return s, nil
		},
		formed: whole,
	}
}

// hostPorts are addresses of the loopback with commas between them.
func hostPorts(ports []int) string {
	var all []string
	for _, p := range ports {
		all = append(all, net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
	}
	return strings.Join(all, ",")
}

// whole says whether all nodes have the same map of slots, in which exactly the
// primaries serve.
func whole(c *cluster) error {
	var first *slotMap
	for _, srv := range c.nodes {
		m, err := slotMapOf(srv.addr)
		if err != nil {
			return err
		}
		if n := len(m.served()); n != c.primaries {
			return fmt.Errorf("%s knows %d nodes that serve slots, not %d", srv.addr, n, c.primaries)
		}
		if first == nil {
			first = m
		} else if *m != *first {
			return fmt.Errorf("%s and %s do not agree who serves which slot", c.nodes[0].addr, srv.addr)
		}
	}
	return nil
}

// redisCluster is a Redis Cluster of three primaries with a replica each,
// without persistence. A timeout of 0 is Redis's own.
func (b *bench) redisCluster(timeout int) clusterSubject {
	name := redisClusterName
	var more []string
	if timeout > 0 {
		name += fmt.Sprintf(" (node timeout %d ms)", timeout)
		more = []string{"--cluster-node-timeout", strconv.Itoa(timeout)}
	}
	return clusterSubject{
		name: name, primaries: 3, replicas: 3, speaks: redisDialect,
		node: func(_ int, _ []int, dir string) (subject, error) {
			s := b.redisServer()
			s.name = name
			plain := s.args
			s.args = func(port int) []string {
				args := append(plain(port), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--dir", dir,
					"--repl-diskless-sync-delay", "0")
				return append(args, more...)
			}
			return s, nil
		},
		form:   b.createRedisCluster,
		formed: redisFormed,
	}
}

// createRedisCluster has redis-cli make the nodes one: the first are primaries.
func (b *bench) createRedisCluster(ctx context.Context, c *cluster) error {
	args := append([]string{"--cluster", "create"}, c.addrs()...)
	_, err := output(ctx, b.dir, b.cli, append(args, "--cluster-replicas", "1", "--cluster-yes")...)
	return err
}

// redisFormed says whether all nodes find the cluster well, and every primary
// has its replica.
func redisFormed(c *cluster) error {
	for _, srv := range c.nodes {
		if err := says(srv.addr, "cluster_state:ok", "CLUSTER", "INFO"); err != nil {
			return err
		}
	}
	for _, srv := range c.nodes[:c.primaries] {
		if err := says(srv.addr, "state=online", "INFO", "replication"); err != nil {
			return err
		}
	}
	return whole(c)
}

// says asks a node something whose answer must have the words.
func says(addr, words string, ask ...string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	r, err := c.do(ask...)
	if err != nil {
		return err
	}
	if !strings.Contains(string(r.text), words) {
		return fmt.Errorf("%s does not say %s to %s", addr, words, strings.Join(ask, " "))
	}
	return nil
}

// victim is the node that is to fail, and who serves what before it does. It is
// the second: no node has any reason to treat that one in a way of its own.
func (c *cluster) victim() (*server, *slotMap, error) {
	m, err := slotMapOf(c.nodes[0].addr)
	if err != nil {
		return nil, nil, err
	}
	srv := c.nodes[1]
	if !slices.Contains(m[:], srv.addr) {
		return nil, nil, errors.New("the node that is to fail serves no slots")
	}
	return srv, m, nil
}
