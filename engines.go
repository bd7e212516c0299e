package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/bitcask"
	"github.com/rldb/rldb/engine/lsm"
	"github.com/rldb/rldb/engine/memory"
)

// openEngine opens the engine that the configuration names.
func openEngine(cfg *conf.Config, log *slog.Logger) (engine.Engine, error) {
	switch cfg.Engine {
	case "memory":
		return memory.New(), nil
	case "bitcask":
		return opened(bitcask.Open(bitcaskOptions(cfg, log)))
	case "lsm":
		return opened(lsm.Open(lsm.Options{
			Dir: cfg.Dir, Fsync: lsm.Fsync(cfg.Fsync), CacheBytes: cfg.LSMBlockCache, MemtableBytes: cfg.LSMMemtableSize,
			Workers: cfg.LSMThreads, Log: log,
		}))
	}
	return nil, fmt.Errorf("there is no engine %q", cfg.Engine)
}

// opened has a failed Open give no engine, rather than a nil one of its type.
func opened[E engine.Engine](e E, err error) (engine.Engine, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}

func bitcaskOptions(cfg *conf.Config, log *slog.Logger) bitcask.Options {
	o := bitcask.Options{
		Dir: cfg.Dir, Fsync: bitcask.Fsync(cfg.Fsync), SegmentBytes: cfg.BitcaskSegmentSize, TailBytes: cfg.BitcaskTailSize,
		MergeBytesPerSecond: cfg.BitcaskMergeRate, ScrubBytesPerSecond: cfg.BitcaskScrubRate, ReadPool: cfg.BitcaskThreads, Log: log,
	}
	if o.ScrubBytesPerSecond == 0 {
		o.ScrubBytesPerSecond = -1 // its word for none
	}
	return o
}

// tidy is what has an engine win back disk space, nil if it keeps nothing on disk.
func tidy(e engine.Engine) func() {
	switch e := e.(type) {
	case interface{ Merge() }:
		return e.Merge
	case interface{ Compact() }:
		return e.Compact
	}
	return nil
}

// setFsync changes an open engine's fsync setting, and may wait for a disk. An error
// says that nothing has changed.
func setFsync(e engine.Engine, setting string) error {
	switch e := e.(type) {
	case interface{ SetFsync(lsm.Fsync) error }:
		return e.SetFsync(lsm.Fsync(setting))
	case interface{ SetFsync(bitcask.Fsync) error }:
		return e.SetFsync(bitcask.Fsync(setting))
	case *memory.Engine:
		return nil // it means nothing there
	}
	return errors.New("this engine cannot change it while it is open")
}
