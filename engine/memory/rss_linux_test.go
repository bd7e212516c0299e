//go:build linux && !race

package memory

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// resident is how much memory the system says this process takes, without what
// earlier tests have left on the Go heap.
func resident(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// What UsedBytes says is what the system sees, when memory is taken as when it
// is given back.
func TestUsedBytesAreResident(t *testing.T) {
	const tolerance = 8 << 20 // the Go heap, and what the kernel counts in batches
	before := resident(t)
	e := filledBy(t, 300_000, sized(200))
	if took, used := resident(t)-before, e.UsedBytes(); took < used-tolerance || took > used+tolerance {
		t.Errorf("%d bytes are used, %d more are resident", used, took)
	}
	for i := range 300_000 {
		remove(e, spread(i))
	}
	if left, used := resident(t)-before, e.UsedBytes(); left > used+tolerance {
		t.Errorf("%d bytes are used, %d more are resident after all was deleted", used, left)
	}
}
