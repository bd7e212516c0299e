package integration

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// options are those of a server that the tests vary; the zero value is the
// standalone node that the differential test uses.
type options struct {
	plain       bool // without the race detector: for tests that measure memory
	requirepass string
	unixsocket  string
	maxmemory   string
	maxclients  int
	metricsPort int
	tlsPort     int
	tlsCert     string
	tlsKey      string
	tlsCA       string
	tlsClients  bool     // clients need a certificate too
	engine      string   // of rldb; "": RLDB_ENGINE or memory; "default": what it takes by itself
	dir         string   // of rldb's data; "": one of the test's
	more        []string // further arguments, as they stand
}

// common are the flags that both servers spell alike.
func (o options) common() []string {
	var args []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			args = append(args, name, value)
		}
	}
	add("--requirepass", o.requirepass)
	add("--unixsocket", o.unixsocket)
	add("--maxmemory", o.maxmemory)
	add("--maxclients", strconv.Itoa(o.maxclients))
	add("--tls-port", strconv.Itoa(o.tlsPort))
	return append(args, o.more...)
}

// rldbEngine is the engine that rldb is started with.
func (o options) rldbEngine() string { return cmp.Or(o.engine, os.Getenv("RLDB_ENGINE"), "memory") }

// appendOnly has redis-server keep a log where rldb does, so that both say so.
func (o options) appendOnly() string {
	if o.rldbEngine() == "memory" {
		return "no"
	}
	return "yes"
}

// redisArgs are those of redis-server.
func (o options) redisArgs(port int) []string {
	args := []string{
		"--port", strconv.Itoa(port), "--save", "", "--appendonly", o.appendOnly(),
		"--databases", "1", "--enable-debug-command", "local",
	}
	if o.tlsPort != 0 {
		clients := "no"
		if o.tlsClients {
			clients = "yes"
		}
		args = append(args, "--tls-cert-file", o.tlsCert, "--tls-key-file", o.tlsKey,
			"--tls-ca-cert-file", o.tlsCA, "--tls-auth-clients", clients)
	}
	return append(args, o.common()...)
}

// rldbArgs are those of the binary under test.
func (o options) rldbArgs(port int) []string {
	args := []string{"--port", strconv.Itoa(port)}
	if engine := o.rldbEngine(); engine != "default" {
		args = append(args, "--engine", engine)
	}
	if o.dir != "" {
		args = append(args, "--dir", o.dir)
	}
	if o.metricsPort != 0 {
		args = append(args, "--metrics-port", strconv.Itoa(o.metricsPort))
	}
	if o.tlsPort != 0 {
		args = append(args, "--tls-cert", o.tlsCert, "--tls-key", o.tlsKey)
		if o.tlsClients {
			args = append(args, "--tls-ca", o.tlsCA)
		}
	}
	args = append(args, o.common()...)
	return append(args, strings.Fields(os.Getenv("RLDB_ARGS"))...)
}

// startReference starts a redis-server.
func startReference(t testing.TB, o options) *process {
	t.Helper()
	path := needProgram(t, "redis-server")
	return start(t, "redis-server", path, o.redisArgs)
}

// startSubject starts the binary under test.
func startSubject(t testing.TB, o options) *process {
	t.Helper()
	path := subjectPath(t, o.plain)
	if subjectIsRedis() {
		return start(t, "subject (redis-server)", path, o.redisArgs)
	}
	return start(t, "rldb", path, o.rldbArgs)
}

// start runs a server on a free port in a folder of its own, until it answers.
// A port can be taken by someone else between choosing and listening, so that
// one failure of this kind is tried again.
func start(t testing.TB, name, path string, args func(port int) []string) *process {
	t.Helper()
	for try := 1; ; try++ {
		port := freePort(t)
		cmd := exec.Command(path, args(port)...)
		cmd.Dir = t.TempDir()
		cmd.Env = childEnv()
		p := startProcess(t, name, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), cmd)
		err := p.waitReady()
		if err == nil && !p.exited() {
			return p
		}
		taken := strings.Contains(strings.ToLower(p.log.String()), "address already in use")
		if !p.exited() || !taken || try == 3 {
			t.Fatalf("%s did not become ready: %v\n%s", name, err, p.log.tail(40))
		}
		p.over = true
	}
}

// startInVain runs a binary that must not start, and gives what it said.
func startInVain(t testing.TB, o options) string {
	t.Helper()
	cmd := exec.Command(subjectPath(t, o.plain), o.rldbArgs(freePort(t))...)
	cmd.Dir, cmd.Env = t.TempDir(), childEnv()
	p := startProcess(t, "rldb", "", cmd)
	p.over = true
	select {
	case <-p.done:
	case <-time.After(startLimit):
		p.kill()
		t.Errorf("it runs: %s", p.log)
	}
	if p.err == nil {
		t.Error("it ended with exit code 0")
	}
	return p.log.String()
}

// childEnv is the environment without RLDB_ variables: those are the tests' own
// here, and would be configuration there.
func childEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "RLDB_") })
	return append(env, "GORACE=halt_on_error=1 exitcode=66")
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// port is the port of the server's address.
func (p *process) port() string {
	_, port, _ := net.SplitHostPort(p.addr)
	return port
}
