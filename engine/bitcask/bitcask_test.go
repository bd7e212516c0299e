package bitcask

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// tiny makes rotation and merges happen all the time.
func tiny(o Options) Options {
	o.SegmentBytes, o.MergeBytesPerSecond, o.ScrubBytesPerSecond = 4<<10, 1<<30, 1<<30
	return o
}

// open opens an engine that logs to the test.
func open(t testing.TB, o Options) *Engine {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var errKilled = errors.New("killed")

// kill ends an engine as a kill -9 would: what is in the tail is gone, and
// nothing more is written.
func kill(t testing.TB, e *Engine) {
	t.Helper()
	_ = e.wal.broken(errKilled)
	if err := e.Close(); !errors.Is(err, errKilled) {
		t.Errorf("Close of a killed engine: %v", err)
	}
}

func TestEngine(t *testing.T) {
	// One after the other: the suite's generators are not for parallel use.
	for name, test := range map[string]struct {
		options Options
		inMem   bool // on a memFS
		started bool // everything goes through the pool
	}{
		"Disk": {},
		"Tiny": {options: tiny(Options{Fsync: Always, TailBytes: 512, ReadPool: 2}), inMem: true},
		"Lent": {options: tiny(Options{Fsync: No, ReadPool: 2, large: 1}), inMem: true, started: true},
	} {
		t.Run(name, func(t *testing.T) {
			disks := map[string]*memFS{}
			enginetest.Run(t, func(t *testing.T, dir string) engine.Engine {
				o := test.options
				o.Dir, o.FS, o.Log = dir, hasty{OS()}, slog.New(slog.DiscardHandler)
				if test.inMem {
					if disks[dir] == nil {
						disks[dir] = newMemFS()
					}
					o.FS = disks[dir]
				}
				if test.started {
					return started{open(t, o)}
				}
				return open(t, o)
			}, enginetest.Caps{
				Durable: true,
				Crash: func(t *testing.T, e engine.Engine) {
					if s, ok := e.(started); ok {
						e = s.Engine
					}
					kill(t, e.(*Engine))
				},
			})
		})
	}
}

// started is an engine whose transactions all go through the pool.
type started struct{ *Engine }

func (started) Try(*engine.Txn) bool { return false }

// hasty leaves out what takes long and only a power loss would show.
type hasty struct{ FS }

type hastyFile struct{ File }

func (hastyFile) Sync() error { return nil }

func (hasty) SyncDir(string) error { return nil }

func (h hasty) Create(name string) (File, error) { return hurried(h.FS.Create(name)) }

func (h hasty) Open(name string, write bool) (File, error) { return hurried(h.FS.Open(name, write)) }

func hurried(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return hastyFile{f}, nil
}
