package lsm

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// disks are file systems in memory, one for each directory, that can crash.
type disks struct {
	fsync Fsync
	fs    map[string]*vfs.MemFS
}

func (d *disks) open(t *testing.T, dir string) engine.Engine {
	if d.fs[dir] == nil {
		d.fs[dir] = vfs.NewCrashableMem()
	}
	o := small(dir)
	o.FS, o.Fsync = d.fs[dir], d.fsync
	return opened(t, o)
}

// crash leaves what is on the disk after a loss of power with fsync always, and
// otherwise what the system has after a kill -9.
func (d *disks) crash(t *testing.T, e engine.Engine) {
	dir := e.(*Engine).opts.Dir
	d.fs[dir] = crashed(d.fs[dir], d.fsync != Always)
	closeLater(t, e)
}

// crashed is the file system as another process finds it after a crash, with or
// without what was not yet synced.
func crashed(fs *vfs.MemFS, unsynced bool) *vfs.MemFS {
	cfg := vfs.CrashCloneCfg{}
	if unsynced {
		cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}
	}
	return fs.CrashClone(cfg)
}

// closeLater ends an engine whose files nobody looks at any more.
func closeLater(t *testing.T, e engine.Engine) {
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Logf("closing the crashed engine: %v", err)
		}
	})
}
