package lsm

import (
	"errors"

	"github.com/rldb/rldb/engine"
)

// Fsync is the setting in force.
func (e *Engine) Fsync() Fsync { return e.fsync.Load().(Fsync) }

// SetFsync changes when the log is forced to the disk. It waits for the disk.
//
// With Always, all that was written before is on the disk when it returns, so
// that what was and will be reported as durable is alike from then on. Who waits
// while another setting comes into force may be told as soon as that one says.
// An error means that the setting is what it was.
func (e *Engine) SetFsync(f Fsync) error {
	if err := f.check(); err != nil {
		return err
	}
	e.setting.Lock()
	defer e.setting.Unlock()
	switch {
	case e.closed.Load():
		return engine.ErrClosed
	case f == e.Fsync():
		return nil
	case f == Always:
		return e.syncAlways()
	}
	// What tells the next process that the log's end may be missing has to be on
	// the disk before that can be.
	if err := e.writeRun(f); err != nil {
		return err
	}
	e.disk.always.Store(false)
	e.fsync.Store(f)
	return nil
}

// syncAlways has syncs of the log passed on, then makes up for those that were
// not: a write that no passed sync covers was given to the system before.
func (e *Engine) syncAlways() error {
	e.disk.always.Store(true)
	err := e.sync()
	if err == nil {
		if err = e.writeRun(Always); err != nil {
			// The file may say always all the same, of which the next process
			// must not be told. If this fails, too, there is nothing left to do.
			err = errors.Join(err, e.writeRun(e.Fsync()))
		}
	}
	if err != nil {
		e.disk.always.Store(false)
		return err
	}
	e.fsync.Store(Always)
	return nil
}

func (e *Engine) writeRun(f Fsync) error {
	return run{e.opts.boot, f}.write(e.opts.FS, e.opts.Dir)
}
