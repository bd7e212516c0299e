//go:build !linux

package command

import "runtime/metrics"

// residentBytes is what the Go runtime has from the system, less what it gave
// back: the nearest to the process's size that is known everywhere.
func residentBytes() int64 {
	figures := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(figures)
	return int64(figures[0].Value.Uint64() - figures[1].Value.Uint64())
}

// systemBytes is 0: unknown.
func systemBytes() int64 { return 0 }
