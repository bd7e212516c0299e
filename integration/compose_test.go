package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Containers start slowly on a busy machine, and networks heal in their own time.
const (
	composeLimit = 5 * time.Minute // of one run of compose or docker
	healLimit    = 2 * time.Minute // until nodes agree after what was done to one
)

// compose is a project of docker-compose.yml, built from a binary that is there, as
// no image can be pulled here.
type compose struct {
	t       *testing.T
	project string
	tool    []string // docker-compose, or docker compose
	env     []string
	ports   [5]int // published
}

func newCompose(t *testing.T) *compose {
	t.Helper()
	if subjectIsRedis() {
		t.Skip("the subject is redis-server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "docker", "version").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: no Docker engine answers: %v\n%s", err, out)
	}
	d := &compose{t: t, project: fmt.Sprintf("rldbtest%d", os.Getpid())}
	switch {
	case exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil:
		d.tool = []string{"docker", "compose"}
	case exec.CommandContext(ctx, "docker-compose", "version").Run() == nil:
		d.tool = []string{"docker-compose"}
	default:
		t.Skip("NOT TESTED: there is a Docker engine, but no docker compose")
	}
	image := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(image, "image", "data"), 0o755))
	began := time.Now()
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(image, "image", "rldb"), ".")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Logf("the binary took %v to build", time.Since(began).Round(time.Millisecond))
	text, err := os.ReadFile("../Dockerfile.prebuilt")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(image, "Dockerfile.prebuilt"), text, 0o644))
	d.env = append(childEnv(), "RLDB_CONTEXT="+image, "RLDB_DOCKERFILE=Dockerfile.prebuilt", "RLDB_IMAGE="+d.project, "DOCKER_BUILDKIT=0", "COMPOSE_DOCKER_CLI_BUILD=0")
	for i := range d.ports {
		d.ports[i] = clusterPort(t)
		d.env = append(d.env, fmt.Sprintf("RLDB_PORT_%d=%d", i+1, d.ports[i]))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", d.run("logs", "--no-color", "--tail", "40"))
		}
		began := time.Now()
		d.run("down", "--volumes", "--remove-orphans", "--timeout", "15")
		t.Logf("compose down took %v", time.Since(began).Round(time.Millisecond))
		_ = exec.Command("docker", "rmi", "-f", d.project).Run()
	})
	return d
}

// run is one call of compose, whose errors are only shown.
func (d *compose) run(args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), composeLimit)
	defer cancel()
	args = append([]string{"-f", "../docker-compose.yml", "-p", d.project}, args...)
	cmd := exec.CommandContext(ctx, d.tool[0], append(d.tool[1:], args...)...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Logf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// docker is one call of docker, which must succeed.
func (d *compose) docker(args ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), composeLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// node is the i-th service, as a client on this machine reaches it.
func (d *compose) node(i int) *clusterNode {
	return &clusterNode{t: d.t, name: fmt.Sprintf("node%d", i+1), host: "127.0.0.1", port: d.ports[i]}
}

// container is the i-th service's.
func (d *compose) container(i int) string {
	d.t.Helper()
	id := strings.TrimSpace(d.run("ps", "-q", fmt.Sprintf("node%d", i+1)))
	if id == "" {
		d.t.Fatalf("node%d has no container", i+1)
	}
	return id
}

// agree waits until the nodes agree on a cluster in which the nodes that serve are
// exactly these, seen through some of them.
func (d *compose) agree(what string, through, serving []*clusterNode) {
	d.t.Helper()
	began := time.Now()
	eventually(d.t, healLimit, what, func() error {
		var first string
		for i, n := range through {
			text, served, err := n.slotMap()
			if err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
			if i == 0 {
				first = text
			}
			if text != first {
				return fmt.Errorf("%s sees %s, %s sees %s", through[0].name, first, n.name, text)
			}
			if len(served) != len(serving) {
				return fmt.Errorf("%s: %v serve, not %d nodes", n.name, served, len(serving))
			}
			for _, m := range serving {
				if served[m.addr()] == 0 {
					return fmt.Errorf("%s: %s serves nothing, of %v", n.name, m.addr(), served)
				}
			}
		}
		return nil
	})
	d.t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
}

// TestCompose starts the five containers of docker-compose.yml, and does to one of
// them what happens to containers.
func TestCompose(t *testing.T) {
	d := newCompose(t)
	began := time.Now()
	d.run("up", "--build", "-d")
	var all []*clusterNode
	for i := range d.ports {
		all = append(all, d.node(i))
	}
	d.agree("five containers form one cluster by themselves", all, all)
	t.Logf("compose up took %v in all", time.Since(began).Round(time.Millisecond))
	c := &testCluster{t: t, nodes: all}

	t.Run("a client outside", func(t *testing.T) { c.setAndRead(all, 50) })

	t.Run("health", func(t *testing.T) {
		eventually(t, healLimit, "the containers are healthy", func() error {
			for i := range all {
				if state := d.docker("inspect", "-f", "{{.State.Health.Status}}", d.container(i)); state != "healthy" {
					return fmt.Errorf("node%d is %s", i+1, state)
				}
			}
			return nil
		})
		if user := d.docker("inspect", "-f", "{{.Config.User}}", d.container(0)); user != "65532:65532" {
			t.Errorf("it runs as %q", user)
		}
	})

	victim := 3
	id := d.container(victim)
	rest := append(append([]*clusterNode(nil), all[:victim]...), all[victim+1:]...)

	t.Run("pause", func(t *testing.T) {
		d.docker("pause", id)
		d.agree("the others leave out a paused container", rest, rest)
		d.docker("unpause", id)
		d.agree("all agree after unpause", all, all)
	})

	t.Run("disconnect", func(t *testing.T) {
		network := d.project + "_default"
		ip := d.docker("inspect", "-f", "{{(index .NetworkSettings.Networks \""+network+"\").IPAddress}}", id)
		d.docker("network", "disconnect", network, id)
		d.agree("the others leave out a container that was disconnected", rest, rest)
		d.docker("network", "connect", "--alias", fmt.Sprintf("node%d", victim+1), network, id)
		now := d.docker("inspect", "-f", "{{(index .NetworkSettings.Networks \""+network+"\").IPAddress}}", id)
		t.Logf("its address was %s and is %s", ip, now)
		// Docker may not publish the ports of a container that it connects again, so
		// that node itself is not asked.
		d.agree("all agree after reconnect", rest, all)
	})

	t.Run("a client outside, after all that", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), healLimit)
		defer cancel()
		rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(d.ports[0]))}})
		defer rdb.Close()
		lost := 0
		for k := range 50 {
			key := fmt.Sprintf("key:0:%d", k)
			node, err := rdb.MasterForKey(ctx, key)
			must(t, err)
			if node.Options().Addr == all[victim].addr() {
				lost++ // its port may be unreachable from here
				continue
			}
			if got, err := rdb.Get(ctx, key).Result(); err != nil || got != fmt.Sprintf("value:0:%d", k) {
				t.Errorf("%s is %q, %v", key, got, err)
			}
		}
		t.Logf("%d of 50 keys are on the node that was disconnected", lost)
	})
}
