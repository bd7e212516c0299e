package integration

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestPing: "rldb ping" exits with 0 exactly if a node answers.
func TestPing(t *testing.T) {
	if subjectIsRedis() {
		t.Skip("the subject is redis-server")
	}
	open := startSubject(t, options{plain: true})
	locked := startSubject(t, options{plain: true, requirepass: "pass"})
	closed := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	config := t.TempDir() + "/node.json"
	must(t, os.WriteFile(config, []byte(`{"port": `+locked.port()+`, "requirepass": "pass"}`), 0o600))
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{open.addr, 0, "PONG"},
		{"--port " + open.port(), 0, "PONG"},
		{"127.0.0.1 --port " + open.port(), 0, "PONG"},
		{"--bind * --port " + open.port(), 0, "PONG"},
		{"--config " + config, 0, "PONG"},
		{locked.addr + " --requirepass pass", 0, "PONG"},
		{locked.addr, 1, "NOAUTH"},
		{locked.addr + " --requirepass wrong", 1, "WRONGPASS"},
		{closed, 1, "refused"},
		{answering(t, "nonsense\r\n"), 1, "rldb ping:"},
		{"--nosuch", 2, "no such flag"},
		{"--help", 0, "Usage: rldb ping"},
	} {
		cmd := exec.Command(subjectPath(t, true), append([]string{"ping"}, strings.Fields(test.args)...)...)
		cmd.Env = childEnv()
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.says) {
			t.Errorf("rldb ping %s: exit code %d, want %d: %s", test.args, code, test.code, out)
		}
	}
}
