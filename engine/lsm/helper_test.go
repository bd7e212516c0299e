package lsm

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// put stores a value and waits until it is durable.
func put(e *Engine, slot uint16, name, value string) error {
	pos, err := start(e, slot, name, value)
	if err != nil {
		return err
	}
	return enginetest.Await(e, pos)
}

// start stores a value.
func start(e *Engine, slot uint16, name, value string) (engine.Position, error) {
	return enginetest.Do(e, engine.Write, []engine.Key{enginetest.Key(slot, name)}, func(t *engine.Txn) {
		t.New[0] = engine.Change{Action: engine.Put, Body: []byte(value)}
	})
}

// get reads a value, "" if there is none.
func get(e *Engine, slot uint16, name string) (value string, err error) {
	_, err = enginetest.Do(e, engine.Read, []engine.Key{enginetest.Key(slot, name)}, func(t *engine.Txn) {
		value = string(t.Old[0].Value)
	})
	return value, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func wantValue(t *testing.T, e *Engine, slot uint16, name, want string) {
	t.Helper()
	if got, err := get(e, slot, name); err != nil || got != want {
		t.Errorf("%s is %.40q, error %v, want %.40q", name, got, err, want)
	}
}

// faults makes operations of a file system fail, while it is switched on.
type faults struct {
	on   atomic.Bool
	err  error
	ends string // of the file's name
	has  string // in it
	ops  []errorfs.OpKind
	seen atomic.Int64 // how many such operations there were, failed or not
}

// wrap gives fs with the faults.
func (f *faults) wrap(fs vfs.FS) vfs.FS { return errorfs.Wrap(fs, errorfs.InjectorFunc(f.maybe)) }

func (f *faults) maybe(op errorfs.Op) error {
	if !strings.HasSuffix(op.Path, f.ends) || !strings.Contains(op.Path, f.has) {
		return nil
	}
	for _, k := range f.ops {
		if op.Kind == k {
			f.seen.Add(1)
			if f.on.Load() {
				return f.err
			}
		}
	}
	return nil
}
