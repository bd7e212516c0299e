package lsm

import (
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

func TestConformance(t *testing.T) {
	for _, fsync := range []Fsync{Always, EverySec, No} {
		t.Run(string(fsync), func(t *testing.T) {
			d := disks{fsync: fsync, fs: map[string]*vfs.MemFS{}}
			enginetest.Run(t, d.open, enginetest.Caps{Durable: true, Crash: d.crash})
		})
	}
}
