//go:build linux && !race

package memory

import (
	"bytes"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hugeBytes is how much of this process's memory is in huge pages.
func hugeBytes(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip("this system does not tell: ", err)
	}
	_, rest, _ := bytes.Cut(text, []byte("AnonHugePages:"))
	n, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// Memory in use comes to lie in huge pages, if the system has any;
// TestUsedBytesAreResident says that this takes no more of it.
func TestHugePages(t *testing.T) {
	probe, err := newChunk()
	if err != nil {
		t.Fatal(err)
	}
	defer unmapMemory(probe.mapped)
	region := probe.region(0)
	for i := 0; i < len(region); i += 4096 {
		region[i] = 1
	}
	_ = unix.Madvise(region, unix.MADV_HUGEPAGE) // the next call tells
	if err := unix.Madvise(region, unix.MADV_COLLAPSE); err != nil {
		t.Skip("this system makes no huge pages on demand: ", err)
	}
	before := hugeBytes(t)
	e := filledBy(t, 300_000, sized(200))
	want := int(e.UsedBytes()) / 2
	deadline := time.After(30 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); hugeBytes(t)-before < want; {
		select {
		case <-deadline:
			t.Fatalf("%d of %d bytes are in huge pages", hugeBytes(t)-before, e.UsedBytes())
		case <-tick.C:
		}
	}
}
