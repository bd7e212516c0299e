package integration

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestPortZero: --port 0 takes a free port and says which in the line that is
// printed when the node is ready.
func TestPortZero(t *testing.T) {
	if subjectIsRedis() {
		t.Log("redis-server takes --port 0 for no port: nothing to prove here")
		return
	}
	cmd := exec.Command(subjectPath(t, false), append([]string{"--port", "0"}, options{}.rldbArgs(0)[2:]...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = childEnv()
	p := startProcess(t, "rldb", "", cmd)
	port := regexp.MustCompile(`ready.*127\.0\.0\.1:(\d+)`)
	eventually(t, startLimit, "the line that says it is ready", func() error {
		m := port.FindStringSubmatch(p.log.String())
		if m == nil {
			return errors.New(p.log.String())
		}
		p.addr = "127.0.0.1:" + m[1]
		return nil
	})
	if got := cli(t, p, "PING"); got != "PONG\n" {
		t.Errorf("PING: %q", got)
	}
	if n := strings.Count(p.log.String(), "ready"); n != 1 {
		t.Errorf("%d lines say that it is ready:\n%s", n, p.log)
	}
}

// TestStopUnderLoad: SIGTERM ends a node with exit code 0 while clients are
// busy; the harness checks the code.
func TestStopUnderLoad(t *testing.T) {
	p := startSubject(t, options{})
	ended := make(chan error, 8)
	for range cap(ended) {
		c := mustDial(t, p.addr)
		c.mustDo(t, "PING")
		go func() {
			for {
				if f, err := c.do("SET", "k", "v"); err != nil || f.isError() {
					ended <- err
					return
				}
			}
		}()
	}
	settle(t, p)
	p.stop(t)
	for range cap(ended) {
		<-ended
	}
}
