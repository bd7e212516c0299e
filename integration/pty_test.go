package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// terminal is a program on a pseudo terminal.
type terminal struct {
	t      testing.TB
	master *os.File
	cmd    *exec.Cmd
	log    *logBuffer
	seen   int // how much of the output has been waited for
	done   chan struct{}
}

var (
	escapes  = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	lineEnds = regexp.MustCompile("\r+\n")
)

// startTerminal runs a program whose standard files are a terminal.
func startTerminal(t testing.TB, name string, args ...string) *terminal {
	t.Helper()
	master, path, err := openPty()
	if err != nil {
		t.Fatalf("no pseudo terminal: %v", err)
	}
	slave, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	term := &terminal{t: t, master: master, log: &logBuffer{}, done: make(chan struct{})}
	term.cmd = exec.Command(needProgram(t, name), args...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.Env = append(childEnv(), "TERM=xterm", "REDISCLI_HISTFILE=/dev/null", "REDISCLI_RCFILE=/dev/null")
	term.cmd.SysProcAttr = ptyChildAttr()
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	t.Cleanup(func() {
		term.cmd.Process.Kill()
		term.cmd.Wait()
		master.Close()
		<-term.done
	})
	return term
}

// read collects the output until the terminal is gone.
func (term *terminal) read() {
	defer close(term.done)
	b := make([]byte, 4096)
	for {
		n, err := term.master.Read(b)
		term.log.Write(b[:n])
		if err != nil {
			return
		}
	}
}

// text is the output so far, without escape sequences, its lines ending in LF.
func (term *terminal) text() string {
	text := escapes.ReplaceAllString(term.log.String(), "")
	return lineEnds.ReplaceAllString(text, "\n")
}

// expect waits for output that matches, behind what was waited for before.
func (term *terminal) expect(pattern string) {
	term.t.Helper()
	re := regexp.MustCompile(pattern)
	err := waitUntil(replyLimit, func() error {
		text := term.text()
		at := re.FindStringIndex(text[min(term.seen, len(text)):])
		if at == nil {
			return errors.New("not seen")
		}
		term.seen += at[1]
		return nil
	})
	if err != nil {
		text := term.text()
		term.t.Fatalf("%v does not print %q: %v; it prints\n%q", term.cmd.Args, pattern, err, text[min(term.seen, len(text)):])
	}
}

// prompt waits until redis-cli waits: what is typed earlier gets lost.
func (term *terminal) prompt() {
	term.t.Helper()
	eventually(term.t, replyLimit, "a prompt", func() error {
		text := strings.TrimRight(term.text(), "\r")
		if !strings.HasSuffix(text, "> ") || len(text) < term.seen {
			return fmt.Errorf("only %q", text[min(term.seen, len(text)):])
		}
		term.seen = len(text)
		return nil
	})
}

// enter types a line.
func (term *terminal) enter(line string) {
	term.t.Helper()
	if _, err := term.master.WriteString(line + "\r"); err != nil {
		term.t.Fatal(err)
	}
}

// TestCLIInteractive types at redis-cli's prompt.
func TestCLIInteractive(t *testing.T) {
	p := startSubject(t, options{})
	for _, proto := range []string{"-2", "-3"} {
		t.Run("redis-cli "+proto, func(t *testing.T) {
			term := startTerminal(t, "redis-cli", proto, "-p", p.port())
			for _, c := range []struct{ line, want string }{
				{`set greeting "hello\x20world"`, `\nOK\n`},
				{"get greeting", `\n"hello world"\n`},
				{"get nosuch", `\n\(nil\)\n`},
				{"incrby n 41", `\n\(integer\) \d+\n`},
				{"getx n", `\n\(error\) ERR unknown command 'getx', with args beginning with: 'n' \n`},
				{"help get", `(?s)\n\n  GET key\n  summary: \S.*\n  since: 1\.0\.0\n  group: string\n`},
				{"help config get", `(?s)\n  CONFIG GET parameter.*\n  summary: \S`},
				{"help @string", `(?s)\n  SETRANGE key offset value\n  summary: \S`},
				{"multi", `\nOK\n`},
				{"incr m", `\(TX\)> .*\nQUEUED\n`},
				{"exec", `\n1\) \(integer\) \d+\n`},
				{"config get databases", `(?s)databases".*"1"\n`},
				{"client getname", `\n\(nil\)\n`},
			} {
				term.prompt()
				term.enter(c.line)
				term.expect(c.want)
			}
			// A hint from COMMAND DOCS appears while the line is typed.
			term.prompt()
			if _, err := term.master.WriteString("getrange "); err != nil {
				t.Fatal(err)
			}
			term.expect(`getrange +key start end`)
			term.enter("greeting 0 4")
			term.expect(`\n"hello"\n`)
			term.prompt()
			term.enter("quit")
			eventually(t, replyLimit, "redis-cli ends after quit", func() error {
				select {
				case <-term.done:
					return nil
				default:
					return errors.New("still runs")
				}
			})
		})
	}
}

// TestCLIStat reads some lines of redis-cli --stat.
func TestCLIStat(t *testing.T) {
	p := startSubject(t, options{})
	cli(t, p, "MSET", "a", "1", "b", "2", "c", "3")
	term := startTerminal(t, "redis-cli", "-p", p.port(), "--stat", "-i", "0.1")
	term.expect(`keys +mem +clients +blocked +requests +connections`)
	line := `3 +\d+\.\d+[KMG]? +\d+ +0 +\d+ \(\+\d+\) +\d+`
	for range 3 {
		term.expect(line)
	}
	if text := term.text(); strings.Contains(text, "error") {
		t.Error(text)
	}
}

// follow runs redis-cli with a command that never ends, and waits for what it
// prints.
func follow(t testing.TB, p *process, args ...string) *logBuffer {
	t.Helper()
	cmd := exec.Command(needProgram(t, "redis-cli"), append([]string{"-p", p.port()}, args...)...)
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return log
}

func expectLog(t testing.TB, log *logBuffer, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	eventually(t, replyLimit, "waiting for "+pattern, func() error {
		if !re.MatchString(log.String()) {
			return fmt.Errorf("only %q", log.String())
		}
		return nil
	})
}

func TestMonitor(t *testing.T) {
	p := startSubject(t, options{})
	log := follow(t, p, "MONITOR")
	expectLog(t, log, `^OK\n`)
	cli(t, p, "SET", "k", "a \"b\"\r\n\x01\xff")
	expectLog(t, log, `\n\d{10}\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "a \\"b\\"\\r\\n\\x01\\xff"\n`)
	cli(t, p, "-3", "PING")
	expectLog(t, log, `\n\d{10}\.\d{6} \[0 127\.0\.0\.1:\d+\] "PING"\n`)
	if strings.Contains(log.String(), "AUTH") {
		t.Error("MONITOR shows AUTH")
	}
}

func TestCLISubscribe(t *testing.T) {
	p := startSubject(t, options{})
	plain := follow(t, p, "SUBSCRIBE", "news", "other")
	pushes := follow(t, p, "-3", "PSUBSCRIBE", "n?ws")
	expectLog(t, plain, `subscribe\nnews\n1\nsubscribe\nother\n2\n`)
	expectLog(t, pushes, `psubscribe\nn\?ws\n1\n`)
	if got := cli(t, p, "PUBLISH", "news", "hello there"); got != "2\n" {
		t.Errorf("PUBLISH reaches %q", got)
	}
	expectLog(t, plain, `message\nnews\nhello there\n`)
	expectLog(t, pushes, `pmessage\nn\?ws\nnews\nhello there\n`)
}
