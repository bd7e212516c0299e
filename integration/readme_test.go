package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The examples of README.md are run as they stand, against a fresh node, in the
// order of the page. The convention:
//
//   - A block that begins with ```console is a session in a terminal. A line that
//     begins with "$ redis-cli" or "$ redis-benchmark" is run by bash; the lines
//     up to the next "$ " or the block's end are the output that it must have. A
//     line that is "..." stands for any number of lines. redis-cli prints as in
//     a terminal ("hello" in quotes, (integer) 1). Blocks that also hold other
//     commands (git, go run) must be ```sh, which are not run.
//   - A block that begins with ```go and holds "package main" is a whole program.
//     It is run with this module's go.mod, so it may import what that names. It
//     must exit with 0, and print the text of the comment that ends it, if one does:
//
//     // Output:
//     // hello
//
// Both find the node through port 6379, which is replaced with the port of the
// node under test: redis-cli by an option, Go programs in the text.

var fence = regexp.MustCompile("(?ms)^```(\\w+)[^\n]*\n(.*?)^```\\s*$")

// A readme is what is run of a page.
type readme struct {
	sessions []string
	programs []string
}

func parseReadme(text string) readme {
	var r readme
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] == "console":
			r.sessions = append(r.sessions, m[2])
		case m[1] == "go" && strings.Contains(m[2], "package main"):
			r.programs = append(r.programs, m[2])
		}
	}
	return r
}

// An example is a command with the output it must have.
type example struct{ command, output string }

// examples are the commands of a session.
func examples(session string) ([]example, error) {
	var out []example
	for line := range strings.Lines(session) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand && !strings.HasPrefix(command, "redis-cli") && !strings.HasPrefix(command, "redis-benchmark"):
			return nil, fmt.Errorf("%q: a console block holds redis-cli and redis-benchmark only; use ```sh for what is not run", command)
		case isCommand:
			out = append(out, example{command: strings.TrimSpace(command)})
		case len(out) == 0:
			return nil, fmt.Errorf("%q: a console block begins with a command", line)
		default:
			out[len(out)-1].output += line
		}
	}
	return out, nil
}

// matches compares output line by line; "..." stands for any lines.
func (e example) matches(output string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(strings.TrimSpace(e.output) + "\n") {
		if line == "...\n" {
			pattern.WriteString(`(?s:.*)`)
		} else {
			pattern.WriteString(regexp.QuoteMeta(strings.TrimRight(line, " \n")) + ` *\n+`)
		}
	}
	return regexp.MustCompile(pattern.String() + `\z`).MatchString(strings.TrimSpace(strings.ReplaceAll(output, "\r\n", "\n")) + "\n")
}

// TestReadme runs the examples of README.md.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	runReadme(t, string(text))
}

func runReadme(t *testing.T, text string) {
	t.Helper()
	r := parseReadme(text)
	if len(r.sessions) == 0 || len(r.programs) == 0 {
		t.Fatalf("the page has %d console blocks and %d Go programs; it needs one of each at least", len(r.sessions), len(r.programs))
	}
	p := startSubject(t, options{engine: "default"})
	path := wrappers(t, p.port())
	for _, session := range r.sessions {
		list, err := examples(session)
		if err != nil {
			t.Error(err)
		}
		for _, e := range list {
			cmd := exec.Command("bash", "-c", e.command)
			cmd.Env = append(childEnv(), "PATH="+path+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || !e.matches(string(out)) {
				t.Errorf("$ %s\nprints (%v)\n%sinstead of\n%s", e.command, err, out, e.output)
			}
		}
	}
	for _, program := range r.programs {
		runProgram(t, program, p.port())
	}
}

// wrappers is a folder with redis-cli and redis-benchmark that use the port, and
// print as in a terminal.
func wrappers(t *testing.T, port string) string {
	t.Helper()
	dir := t.TempDir()
	for name, flags := range map[string]string{"redis-cli": "--no-raw -p " + port, "redis-benchmark": "-p " + port} {
		script := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", needProgram(t, name), flags)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

// runProgram compiles and runs a Go program in a folder of this module.
func runProgram(t *testing.T, program, port string) {
	t.Helper()
	_, output, stated := strings.Cut(program, "// Output:\n")
	want := strings.TrimSpace(regexp.MustCompile(`(?m)^// ?`).ReplaceAllString(output, ""))
	dir, err := os.MkdirTemp(".", "_readme")
	must(t, err)
	defer os.RemoveAll(dir)
	text := strings.ReplaceAll(program, ":6379", ":"+port)
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o600))
	cmd := exec.Command("go", "run", filepath.Join(dir, "main.go"))
	cmd.Env = childEnv()
	got, err := cmd.CombinedOutput()
	if err != nil || stated && strings.TrimSpace(string(got)) != want {
		t.Errorf("a Go program prints (%v)\n%s\ninstead of\n%s", err, got, want)
	}
}

// TestReadmeRunner runs a page made for it.
func TestReadmeRunner(t *testing.T) {
	page := strings.ReplaceAll(`# Title

~~~sh
go run .
~~~

~~~console
$ redis-cli set greeting "hello world" ex 100
OK
$ redis-cli get greeting
"hello world"
$ redis-cli mget greeting nosuch
1) "hello world"
2) (nil)
$ redis-cli info server
# Server
...
$ redis-cli incr n
(integer) 1
~~~

~~~go
package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

func main() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	fmt.Println(rdb.Get(context.Background(), "greeting").Val())
}

// Output:
// hello world
~~~
`, "~~~", "```")
	runReadme(t, page)
	e := example{output: "a\n...\nb\n"}
	if !e.matches("a\nx\ny\nb\n") || !e.matches("a\nb\n") || e.matches("a\nx\n") || e.matches("x\na\nb\n") {
		t.Error("... does not stand for any lines")
	}
	if (example{output: "a\n"}).matches("b\n") || (example{output: "a\n"}).matches("") {
		t.Error("wrong output is taken for right")
	}
	if _, err := examples("$ rm -rf x\n"); err == nil {
		t.Error("another command than redis-cli is run")
	}
}
