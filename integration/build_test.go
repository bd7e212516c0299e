package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buildDir is where this run's binaries are built.
func buildDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("rldb-integration-%d", os.Getpid()))
}

// Each binary is built once per test run.
var (
	racyBinary  = sync.OnceValues(func() (string, error) { return build("rldb-race", "-race") })
	plainBinary = sync.OnceValues(func() (string, error) { return build("rldb") })
)

func build(name string, flags ...string) (string, error) {
	if err := os.MkdirAll(buildDir(), 0o755); err != nil {
		return "", err
	}
	out := filepath.Join(buildDir(), name)
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = ".."
	text, err := cmd.CombinedOutput()
	if err == nil {
		return out, nil
	}
	if strings.Contains(string(text), "requires cgo") || strings.Contains(string(text), "C compiler") {
		return "", fmt.Errorf("the race detector needs a C compiler: apt-get install gcc libc6-dev, or set RLDB_RACE=0\n%s", text)
	}
	return "", fmt.Errorf("go build: %w\n%s", err, text)
}

// subjectPath is the binary under test: the one RLDB_SUBJECT names, else one
// built from this checkout, with the race detector unless plain is set (for the
// tests that measure memory) or RLDB_RACE=0.
func subjectPath(t testing.TB, plain bool) string {
	t.Helper()
	if path := os.Getenv("RLDB_SUBJECT"); path != "" {
		return needProgram(t, path)
	}
	binary := racyBinary
	if plain || os.Getenv("RLDB_RACE") == "0" {
		binary = plainBinary
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// subjectIsRedis tells whether the tests are being tested against a second
// redis-server.
func subjectIsRedis() bool {
	return strings.HasPrefix(filepath.Base(os.Getenv("RLDB_SUBJECT")), "redis-server")
}

// needProgram finds a program, or fails with what to install.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: these tests compare with Redis 7.0, so install it (Debian: apt-get install redis-server redis-tools)", name)
	}
	return path
}
