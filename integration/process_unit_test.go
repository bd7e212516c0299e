package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaults runs programs that race, panic and exit with a code, built as the
// binary under test is, and sees that the harness notices each.
func TestFaults(t *testing.T) {
	dir, err := os.MkdirTemp(".", "_faults")
	must(t, err)
	defer os.RemoveAll(dir)
	for _, c := range []struct{ name, body, want string }{
		{"fine", `println("all is well")`, ""},
		{"exit", `os.Exit(3)`, "exit status 3"},
		{"panic", `panic("oops")`, `"panic: "`},
		{"quiet race", `n, done := 0, make(chan int); go func() { n++; done <- 1 }(); n++; <-done; _ = n`, "DATA RACE"},
	} {
		source := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "_")+".go")
		program := "package main\n\nimport \"os\"\n\nfunc main() {\n_ = os.Args\n" + c.body + "\n}\n"
		must(t, os.WriteFile(source, []byte(program), 0o600))
		binary := filepath.Join(t.TempDir(), "program")
		if out, err := exec.Command("go", "build", "-race", "-o", binary, source).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		cmd := exec.Command(binary)
		cmd.Env = childEnv()
		log, err := cmd.CombinedOutput()
		got := strings.Join(faults(err, string(log)), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: the harness sees %q instead of %q", c.name, got, c.want)
		}
	}
}
