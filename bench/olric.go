package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The module that Olric's server is built from. It needs a module around it:
// "go install" looks for versions that the proxy does not list.
const (
	olricModule  = "github.com/olric-data/olric"
	olricVersion = "v0.7.0"
	olricBuild   = "build" // the value of -olric that has it built
)

// olric is where Olric's server is, "" if it is to be left out.
func (b *bench) olric(ctx context.Context) (string, error) {
	if b.opt.olric != olricBuild {
		return b.opt.olric, nil
	}
	dir := filepath.Join(b.dir, "olric")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	mod := fmt.Sprintf("module build\n\ngo 1.23\n\nrequire %s %s\n", olricModule, olricVersion)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600); err != nil {
		return "", err
	}
	b.logf("building Olric %s", olricVersion)
	path := filepath.Join(dir, "olric-server")
	_, err := output(ctx, dir, "env", "GOFLAGS=", "go", "build", "-mod=mod", "-o", path, olricModule+"/cmd/olric-server")
	return path, err
}

// olricCluster is three nodes that keep every key three times, write at once and
// ask two, as rldb does.
func olricCluster(path string) clusterSubject {
	return clusterSubject{
		name: olricName, primaries: 3, inOrder: true,
		speaks: dialect{set: []string{"dm.put", "bench"}, get: []string{"dm.get", "bench"}},
		node: func(i int, ports []int, dir string) (subject, error) {
			file := filepath.Join(dir, "olric.yaml")
			err := os.WriteFile(file, []byte(olricConfig(i, ports)), 0o600)
			return subject{name: olricName, path: path, args: func(int) []string { return []string{"-c", file} }}, err
		},
		formed: olricFormed,
	}
}

// olricConfig is the file of node i. Nodes are told of those before them.
func olricConfig(i int, ports []int) string {
	var peers strings.Builder
	for _, p := range ports[:i] {
		fmt.Fprintf(&peers, "    - \"127.0.0.1:%d\"\n", p+busOffset)
	}
	known := ""
	if i > 0 {
		known = "  peers:\n" + peers.String()
	}
	return fmt.Sprintf(`server:
  bindAddr: 127.0.0.1
  bindPort: %d
  keepAlivePeriod: 300s
  bootstrapTimeout: 10s
  partitionCount: 271
  replicaCount: 3
  writeQuorum: 2
  readQuorum: 2
  replicationMode: 0
  memberCountQuorum: 1
  routingTablePushInterval: 1m
client:
  dialTimeout: 5s
  readTimeout: 3s
  writeTimeout: 3s
logging:
  verbosity: 1
  level: WARN
  output: stderr
memberlist:
  environment: local
  bindAddr: 127.0.0.1
  bindPort: %d
  joinRetryInterval: 100ms
  maxJoinAttempts: 50
%sdmaps:
  engine:
    name: kvstore
    config:
      tableSize: 524288
`, ports[i], ports[i]+busOffset, known)
}

// olricFormed says whether all nodes know each other and take writes.
func olricFormed(c *cluster) error {
	for _, srv := range c.nodes {
		if err := olricKnows(srv.addr, len(c.nodes)); err != nil {
			return fmt.Errorf("%s: %w", srv.addr, err)
		}
	}
	return nil
}

func olricKnows(addr string, nodes int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	r, err := c.tree("cluster.members")
	if err != nil {
		return err
	}
	if all, ok := r.([]any); !ok || len(all) != nodes {
		return fmt.Errorf("%d members are known, not %d: %.200v", len(all), nodes, r)
	}
	_, err = c.do("dm.put", "formed", addr, "x")
	return err
}
