package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logBuffer keeps what a process writes, up to a bound.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

const logBound = 4 << 20

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if extra := len(b.text) - logBound; extra > 0 {
		b.text = append(b.text[:0], b.text[extra:]...)
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// tail is the last n lines.
func (b *logBuffer) tail(n int) string {
	lines := strings.SplitAfter(b.String(), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "")
}

// process is a running server.
type process struct {
	name string
	addr string
	dir  string
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{} // closed when it has exited
	err  error         // of Wait; valid once done is closed
	over bool          // the test has ended it: nothing is left to check
}

// startProcess runs a server that will listen on addr. The test's end stops it,
// checks how it ended and shows its log if the test failed.
func startProcess(t testing.TB, name, addr string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, addr: addr, dir: cmd.Dir, cmd: cmd, log: &logBuffer{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("end of the log of %s (%v):\n%s", name, cmd.Args, p.log.tail(60))
		}
	})
	return p
}

// exited tells whether the process is gone.
func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// waitReady polls until the server answers PING.
func (p *process) waitReady() error {
	return waitUntil(startLimit, func() error {
		if p.exited() {
			return nil // the caller looks
		}
		c, err := dial(p.addr)
		if err != nil {
			return err
		}
		defer c.Close()
		reply, err := c.do("PING")
		if err != nil {
			return err
		}
		if text := string(reply.text); text != "PONG" && !strings.HasPrefix(text, "NOAUTH") {
			return fmt.Errorf("PING is answered with %q", reply.raw)
		}
		return nil
	})
}

// stop ends the process with SIGTERM and fails the test unless it exits with 0,
// in time, without having raced or panicked.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if p.over {
		return
	}
	p.over = true
	if p.exited() {
		t.Errorf("%s exited before it was told to: %v", p.name, p.err)
	} else if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("SIGTERM to %s: %v", p.name, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		t.Errorf("%s still runs %v after SIGTERM", p.name, stopLimit)
		p.kill()
	}
	for _, fault := range faults(p.err, p.log.String()) {
		t.Errorf("%s %s", p.name, fault)
	}
}

// faults are what is wrong with how a process ended and with what it logged.
func faults(ended error, log string) []string {
	var out []string
	if ended != nil {
		out = append(out, fmt.Sprintf("ended with %v instead of exit code 0", ended))
	}
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: ", "[signal SIG"} {
		if strings.Contains(log, sign) {
			out = append(out, fmt.Sprintf("logged %q:\n%s", sign, around(log, sign)))
		}
	}
	return out
}

// kill ends the process at once.
func (p *process) kill() {
	p.over = true
	p.cmd.Process.Kill()
	<-p.done
}

// around is the part of a log that starts shortly before sign.
func around(log, sign string) string {
	i := strings.Index(log, sign)
	from, to := max(0, i-500), min(len(log), i+6000)
	return string(bytes.TrimSpace([]byte(log[from:to])))
}
