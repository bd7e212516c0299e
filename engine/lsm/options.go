package lsm

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Fsync says when the log is forced to the disk, as Redis's appendfsync does.
type Fsync string

// The settings of Fsync.
const (
	Always   Fsync = "always"   // before a write counts as durable
	EverySec Fsync = "everysec" // once a second
	No       Fsync = "no"       // when the system likes
)

func (f Fsync) check() error {
	if f != Always && f != EverySec && f != No {
		return fmt.Errorf("lsm: fsync is always, everysec or no, not %q", string(f))
	}
	return nil
}

// Options are the engine's settings. Zero values stand for the defaults.
type Options struct {
	Dir   string
	Fsync Fsync // default EverySec

	// CacheBytes is the room for blocks that were read, default 64 MiB.
	CacheBytes int64
	// MemtableBytes is the size of a table in memory, default 16 MiB. Up to
	// maxMemtables of them exist while they wait to be written out.
	MemtableBytes int64

	// Workers is how many goroutines read, and how many others read what is to be
	// changed, so that reads go on while writes are stalled. Default: 4 a
	// processor, at least 8.
	Workers int
	// Queue is how many reads, and how many writes, may wait for a worker;
	// what comes beyond fails with ErrBusy. Default 8192.
	Queue int

	Log *slog.Logger

	// FS is where the files are, default the system's.
	FS vfs.FS
	// Fatal is called, on any goroutine, when Pebble cannot go on; see the
	// package's comment. It must not return. Default: exit with status 1; a line
	// is logged before in any case.
	Fatal func(error)

	// boot names this start of the machine; tests set it, and round.
	boot  string
	round bounds
}

const (
	maxMemtables = 4
	mib          = 1 << 20
)

// withDefaults fills in what is not set, and reports all that is wrong at once.
func (o Options) withDefaults() (Options, error) {
	if o.Fsync == "" {
		o.Fsync = EverySec
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 * mib
	}
	if o.MemtableBytes == 0 {
		o.MemtableBytes = 16 * mib
	}
	if o.Workers == 0 {
		o.Workers = max(8, 4*runtime.GOMAXPROCS(0))
	}
	if o.Queue == 0 {
		o.Queue = 8192
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Fatal == nil {
		o.Fatal = func(error) { os.Exit(1) }
	}
	if o.boot == "" {
		o.boot = bootID()
	}
	if o.round == (bounds{}) {
		o.round = roundBounds
	}
	return o, o.check()
}

func (o Options) check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("lsm: "+format, args...))
		}
	}
	fault(o.Dir == "", "no directory is given")
	if err := o.Fsync.check(); err != nil {
		faults = append(faults, err)
	}
	fault(o.CacheBytes < mib, "a block cache of %d bytes is too small, the least is 1 MiB", o.CacheBytes)
	fault(o.MemtableBytes < mib || o.MemtableBytes > 1<<30,
		"a memtable has 1 MiB to 1 GiB, not %d bytes", o.MemtableBytes)
	fault(o.Workers < 1 || o.Workers > 4096, "there are 1 to 4096 workers, not %d", o.Workers)
	fault(o.Queue < 1, "a queue of %d calls is too small", o.Queue)
	return errors.Join(faults...)
}
