package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const toolLimit = 2 * time.Minute

// tool runs a program of redis-tools to its end and returns what it wrote.
func tool(t testing.TB, stdin []byte, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return toolWithin(t, toolLimit, stdin, name, args...)
}

func toolWithin(t testing.TB, limit time.Duration, stdin []byte, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, needProgram(t, name), args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(childEnv(), "REDISCLI_HISTFILE=/dev/null", "REDISCLI_RCFILE=/dev/null")
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// cli runs redis-cli, which must succeed and write nothing to stderr.
func cli(t testing.TB, p *process, args ...string) string {
	t.Helper()
	return cliWith(t, p, nil, args...)
}

func cliWith(t testing.TB, p *process, stdin []byte, args ...string) string {
	t.Helper()
	out, errs, err := tool(t, stdin, "redis-cli", append([]string{"-p", p.port()}, args...)...)
	if err != nil || errs != "" {
		t.Fatalf("redis-cli %q: %v\n%s%s", args, err, out, errs)
	}
	return out
}

func TestCLI(t *testing.T) {
	p := startSubject(t, options{})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"SET", "greeting", "hello world"}, "OK\n"},
		{[]string{"GET", "greeting"}, "hello world\n"},
		{[]string{"--no-raw", "GET", "greeting"}, "\"hello world\"\n"},
		{[]string{"--no-raw", "GET", "nosuch"}, "(nil)\n"},
		{[]string{"-3", "--no-raw", "GET", "nosuch"}, "(nil)\n"},
		{[]string{"--no-raw", "INCR", "n"}, "(integer) 1\n"},
		{[]string{"--no-raw", "MGET", "greeting", "nosuch", "n"}, "1) \"hello world\"\n2) (nil)\n3) \"1\"\n"},
		{[]string{"--csv", "MGET", "greeting", "n"}, "\"hello world\",\"1\"\n"},
		{[]string{"--json", "MGET", "greeting", "nosuch"}, "[\"hello world\",null]\n"},
		{[]string{"-3", "--no-raw", "CONFIG", "GET", "databases"}, "1# \"databases\" => \"1\"\n"},
		{[]string{"-r", "3", "INCR", "n"}, "2\n3\n4\n"},
		{[]string{"-n", "0", "GET", "n"}, "4\n"},
		{[]string{"-u", "redis://127.0.0.1:" + p.port(), "GET", "n"}, "4\n"},
		{[]string{"GETX", "n"}, "ERR unknown command 'GETX', with args beginning with: 'n' \n\n"},
		{[]string{"GET"}, "ERR wrong number of arguments for 'get' command\n\n"},
	} {
		if got := cli(t, p, c.args...); got != c.want {
			t.Errorf("redis-cli %q prints %q instead of %q", c.args, got, c.want)
		}
	}
	if got := cliWith(t, p, []byte("from stdin"), "-x", "SET", "x"); got != "OK\n" {
		t.Errorf("-x: %q", got)
	}
	if got := cliWith(t, p, []byte("SET a 1\nINCR a\nGET a\n")); got != "OK\n2\n2\n" {
		t.Errorf("commands from stdin: %q", got)
	}
	for _, proto := range []string{"-2", "-3"} {
		if got := cli(t, p, proto, "INFO", "server"); !strings.Contains(got, "redis_version:") || strings.Contains(got, `\r\n`) {
			t.Errorf("%s INFO is not printed raw: %.200q", proto, got)
		}
	}
}

func TestCLIScan(t *testing.T) {
	p := startSubject(t, options{})
	c := mustDial(t, p.addr)
	var want []string
	for i := range 3000 {
		key := fmt.Sprintf("user:%d", i)
		want = append(want, key)
		c.mustDo(t, "SET", key, strings.Repeat("v", i%50))
	}
	c.mustDo(t, "SET", "the biggest", strings.Repeat("v", 10_000))
	lines := func(args ...string) []string {
		out := strings.Fields(strings.ReplaceAll(cli(t, p, args...), "the biggest", "the_biggest"))
		slices.Sort(out)
		return slices.Compact(out)
	}
	slices.Sort(want)
	if got := lines("--scan", "--pattern", "user:*"); !slices.Equal(got, want) {
		t.Errorf("--scan gives %d keys instead of %d", len(got), len(want))
	}
	if got := lines("--scan"); len(got) != len(want)+1 {
		t.Errorf("--scan without a pattern gives %d keys instead of %d", len(got), len(want)+1)
	}
	for flag, pattern := range map[string]string{
		"--bigkeys": `(?s)Sampled 3001 keys.*Biggest string found '"the biggest"' has 10000 bytes.*3001 strings with \d+ bytes \(100\.00%`,
		"--memkeys": `(?s)Sampled 3001 keys.*Biggest string found '"the biggest"' has 1\d{4} bytes.*3001 strings with \d+ bytes`,
	} {
		if got := cli(t, p, flag); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s:\n%s", flag, got)
		}
	}
}

// TestCLIPipe inserts a generated file with redis-cli --pipe.
func TestCLIPipe(t *testing.T) {
	p := startSubject(t, options{})
	n := 20_000
	if soak() {
		n = 500_000
	}
	var text []byte
	for i := range n {
		text = appendCommand(text, "SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("value\r\n%d", i))
	}
	file := filepath.Join(t.TempDir(), "insert.resp")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := cliWith(t, p, text, "--pipe"); !strings.Contains(got, fmt.Sprintf("errors: 0, replies: %d", n)) {
		t.Errorf("--pipe: %s", got)
	}
	if got := strings.TrimSpace(cli(t, p, "DBSIZE")); got != fmt.Sprint(n) {
		t.Errorf("DBSIZE is %s instead of %d", got, n)
	}
	if got := cli(t, p, "GET", fmt.Sprintf("key:%d", n-1)); got != fmt.Sprintf("value\r\n%d\n", n-1) {
		t.Errorf("the last value is %q", got)
	}
	out, errs, err := tool(t, []byte("SET a b\r\nNOSUCH x\r\nGET a\r\n"), "redis-cli", "-p", p.port(), "--pipe")
	if err == nil || !strings.Contains(out, "errors: 1, replies: 3") || !strings.Contains(errs, "unknown command 'NOSUCH'") {
		t.Errorf("--pipe with an error: %v\n%s%s", err, out, errs)
	}
}

func TestCLILatency(t *testing.T) {
	p := startSubject(t, options{})
	got := cli(t, p, "--latency", "-i", "0.3")
	if !regexp.MustCompile(`^\d+ \d+ \d+\.\d+ [1-9]\d*\n$`).MatchString(got) {
		t.Errorf("--latency prints %q", got)
	}
}

func TestCLIUnixSocketAndPassword(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	p := startSubject(t, options{unixsocket: socket, requirepass: "secret"})
	out, errs, err := tool(t, nil, "redis-cli", "-s", socket, "--no-auth-warning", "-a", "secret", "-3", "SET", "k", "v")
	if out != "OK\n" || errs != "" || err != nil {
		t.Errorf("with the password over the socket: %q %q %v", out, errs, err)
	}
	out, _, _ = tool(t, nil, "redis-cli", "-s", socket, "GET", "k")
	if out != "NOAUTH Authentication required.\n\n" {
		t.Errorf("without the password: %q", out)
	}
	if out := cli(t, p, "--no-auth-warning", "-a", "secret", "GET", "k"); out != "v\n" {
		t.Errorf("with the password: %q", out)
	}
}
