package lsm

import (
	"fmt"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine/enginetest"
)

// small are options for tests: little memory, so that tables are written.
func small(dir string) Options {
	return Options{Dir: dir, CacheBytes: mib, MemtableBytes: mib, Workers: 4}
}

func opened(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestConformance runs the suite; the settings of fsync differ only in what is
// durable when, which has tests of its own, so two of them are for the soak.
func TestConformance(t *testing.T) {
	settings := []Fsync{EverySec}
	if os.Getenv("RLDB_SOAK") != "" {
		settings = []Fsync{Always, EverySec, No}
	}
	for _, fsync := range settings {
		t.Run(string(fsync), func(t *testing.T) {
			d := disks{fsync: fsync, fs: map[string]*vfs.MemFS{}}
			enginetest.Run(t, d.open, enginetest.Caps{Durable: true, Crash: d.crash})
		})
	}
}

// TestCrash writes until many tables and logs have come and gone, and looks for
// what Await has reported after a loss of power (always) or a kill -9.
func TestCrash(t *testing.T) {
	const keys = 1200
	for _, fsync := range []Fsync{Always, EverySec, No} {
		d := disks{fsync: fsync, fs: map[string]*vfs.MemFS{}}
		e := d.open(t, "dir").(*Engine)
		for i := range keys {
			must(t, put(e, uint16(i%5), fmt.Sprint(i), noise(i, 1000)))
		}
		d.crash(t, e)
		e = d.open(t, "dir").(*Engine)
		for i := range keys {
			wantValue(t, e, uint16(i%5), fmt.Sprint(i), noise(i, 1000))
		}
		must(t, e.Close())
	}
}
