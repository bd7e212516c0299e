package bitcask

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/rldb/rldb/engine"
)

// Options says how to open an engine. What is zero is given its default.
type Options struct {
	Dir   string
	FS    FS    // OS()
	Fsync Fsync // EverySec

	// SegmentBytes is the size at which a segment is complete. Disk use is
	// bounded in segments, and a merge rewrites up to one: 128 MiB.
	SegmentBytes int64
	// TailBytes is how much may wait for a write(2); beyond it writes wait for
	// the disk. What the running calls append comes on top: 4 MiB.
	TailBytes int64
	// MergeBytesPerSecond bounds merging, but not when the disk would fill up
	// faster than that: 32 MiB.
	MergeBytesPerSecond int64
	// ScrubBytesPerSecond bounds how fast everything on disk is verified again
	// and again: 2 MiB. Negative: no scrubbing.
	ScrubBytesPerSecond int64
	// ReadPool is the number of goroutines that read from the disk, and of those
	// that carry out writes that have to wait for it: 16 each. Up to 256 calls
	// for each of them may wait for their turn.
	ReadPool int

	Log *slog.Logger // nowhere

	large int64 // bytes from which on values and transactions are large: engine.Large
}

const (
	minSegment   = 1 << 10
	maxSegment   = 1 << 30
	queuePerRead = 256
)

// withDefaults gives the options to use, or every fault of them.
func (o Options) withDefaults() (Options, error) {
	if o.FS == nil {
		o.FS = OS()
	}
	if o.Fsync == "" {
		o.Fsync = EverySec
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		field *int64
		value int64
	}{
		{&o.SegmentBytes, 128 << 20}, {&o.TailBytes, 4 << 20},
		{&o.MergeBytesPerSecond, 32 << 20}, {&o.ScrubBytesPerSecond, 2 << 20},
		{&o.large, engine.Large},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.ReadPool == 0 {
		o.ReadPool = 16
	}
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("bitcask: "+format, args...))
		}
	}
	fault(o.Dir == "", "no directory")
	errs = append(errs, o.Fsync.check())
	fault(o.SegmentBytes < minSegment || o.SegmentBytes > maxSegment, "segments of %d bytes, not %d to %d", o.SegmentBytes, minSegment, maxSegment)
	fault(o.TailBytes < 0 || o.MergeBytesPerSecond < 0 || o.ReadPool < 0, "negative sizes")
	return o, errors.Join(errs...)
}
