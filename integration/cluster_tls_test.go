package integration

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestClusterTLS: the calls between nodes may be encrypted, with certificates on
// both sides. A node whose certificate somebody else signed is not heard.
func TestClusterTLS(t *testing.T) {
	ours, foreign := newAuthority(t), newAuthority(t)
	c := newTestCluster(t, 3, clusterOptions{more: []string{"--cluster-node-timeout", "3000", "--cluster-secret", "hush"}})
	for i, n := range c.nodes {
		a := ours
		if i == 2 {
			a = foreign
		}
		a.issue(t, n.name)
		n.more = append([]string{"--tls-cluster", "--tls-cert", a.path(n.name, "crt"), "--tls-key", a.path(n.name, "key"), "--tls-ca", a.path("ca", "crt")}, n.more...)
	}
	c.startAll()
	a, b, stranger := c.nodes[0], c.nodes[1], c.nodes[2]
	b.join("JOIN", a.addr())
	c.agree(a, b)
	eventually(t, agreeLimit, "the nodes are connected", func() error {
		for _, n := range []*clusterNode{a, b} {
			if links := string(n.ask("CLUSTER", "LINKS").raw); !regexp.MustCompile(`node`).MatchString(links) {
				return fmt.Errorf("%s has the links %q", n.name, links)
			}
		}
		return nil
	})
	c.setAndRead([]*clusterNode{a, b}, 20)
	// It is a member by gossip, which has only the secret, but nobody answers its
	// calls.
	if f, err := stranger.do("CLUSTER", "JOIN", a.addr()); err != nil {
		t.Errorf("the stranger: %q, %v", f.raw, err)
	}
	c.agree(a, b)
}

// TestClusterPortZero: a node that is to find free ports finds all three.
func TestClusterPortZero(t *testing.T) {
	n := newNode(t, "anywhere", clusterOptions{})
	cmd := exec.Command(n.path, "--cluster", "--port", "0", "--engine", "memory", "--dir", n.dir)
	cmd.Dir, cmd.Env = filepath.Dir(n.dir), childEnv()
	n.process = startProcess(t, n.name, "", cmd)
	ready := regexp.MustCompile(`is ready: (127\.0\.0\.1:\d+)`)
	ports := regexp.MustCompile(`cluster ports" peer=(\d+) gossip=127\.0\.0\.1:(\d+)`)
	var said []string
	eventually(t, startLimit, "it is ready", func() error {
		log := n.process.log.String()
		m, p := ready.FindStringSubmatch(log), ports.FindStringSubmatch(log)
		if m == nil || p == nil {
			return fmt.Errorf("it says %q", log)
		}
		said = append(m, p[1:]...)
		return nil
	})
	t.Logf("clients at %s, peers at %s, gossip at %s", said[1], said[2], said[3])
	host, port, err := net.SplitHostPort(said[1])
	must(t, err)
	n.host = host
	_, err = fmt.Sscan(port, &n.port)
	must(t, err)
	if state := n.info("cluster_state"); state != "ok" {
		eventually(t, agreeLimit, "it serves", func() error {
			if state := n.info("cluster_state"); state != "ok" {
				return fmt.Errorf("its state is %s", state)
			}
			return nil
		})
	}
}
