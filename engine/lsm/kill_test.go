package lsm

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
)

// childEnv makes the test binary a process that writes to an engine until it is
// killed: "fsync dir".
const childEnv = "RLDB_LSM_WRITE"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		fsync, dir, _ := strings.Cut(args, " ")
		if err := writeForever(Fsync(fsync), dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const (
	killWriters = 8
	killKeys    = 100 // of each writer, overwritten in turn
)

// writeForever has some writers give numbers to keys of theirs, and tells out
// each that Await has reported.
func writeForever(fsync Fsync, dir string, out io.Writer) error {
	o := small(dir)
	o.Fsync = fsync
	e, err := Open(o)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for w := range killWriters {
		go func() {
			for n := 1; ; n++ {
				key := w*killKeys + n%killKeys
				if err := put(e, uint16(key), fmt.Sprint(key), fmt.Sprint(n)); err != nil {
					ended <- err
					return
				}
				// One write(2) a line, so that lines do not mix.
				if _, err := fmt.Fprintln(out, key, n); err != nil {
					ended <- err
					return
				}
			}
		}()
	}
	return <-ended
}

// TestKill kills a process that writes, at any moment, and looks for what it had
// acknowledged: with no setting of fsync is any of it lost.
func TestKill(t *testing.T) {
	rounds := 2
	if os.Getenv("RLDB_SOAK") != "" {
		rounds = 30
	}
	for _, fsync := range []Fsync{Always, EverySec, No} {
		t.Run(string(fsync), func(t *testing.T) {
			dir := t.TempDir()
			acked, total := map[int]int{}, 0
			for round := range rounds {
				total += killOne(t, fsync, dir, acked, 1+rand.IntN(4000))
				if lost := lostKeys(t, dir, acked, round); lost > 0 {
					t.Fatalf("round %d: %d of %d acknowledged keys are lost", round, lost, len(acked))
				}
			}
			t.Logf("%d writes acknowledged in %d processes, none lost", total, rounds)
		})
	}
}

// killOne starts a process, kills it once it has acknowledged some writes, and
// notes all of them. Its numbers go on from 0: acked starts anew.
func killOne(t *testing.T, fsync Fsync, dir string, acked map[int]int, after int) (n int) {
	t.Helper()
	clear(acked)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(fsync)+" "+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var key, value int
		if _, err := fmt.Sscan(lines.Text(), &key, &value); err != nil {
			break // a line that was cut
		}
		acked[key] = max(acked[key], value)
		if n++; n == after {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); n < after {
		t.Fatalf("the process ended after %d of %d writes: %v", n, after, err)
	}
	return n
}

// lostKeys opens the directory as the next process does, and counts the keys
// whose value is older than what was acknowledged. It empties the directory.
func lostKeys(t *testing.T, dir string, acked map[int]int, round int) (lost int) {
	t.Helper()
	e := opened(t, small(dir))
	if e.Clean() {
		t.Error("Clean is true after a kill -9")
	}
	for key, want := range acked {
		s, err := get(e, uint16(key), fmt.Sprint(key))
		must(t, err)
		got := 0
		if s != "" {
			_, err = fmt.Sscan(s, &got)
			must(t, err)
		}
		if got < want {
			t.Logf("round %d: key %d is %d, acknowledged was %d", round, key, got, want)
			lost++
		}
	}
	for slot := range uint16(engine.Slots) {
		must(t, e.Drop(slot))
	}
	must(t, e.Close())
	return lost
}
