//go:build race || !(linux || darwin)

package memory

// Under the race detector memory comes from the Go heap, because the detector
// watches no other; and on systems that we have no mmap for.

// chunkSize is how much memory is reserved at a time.
const chunkSize = 4 << 20

func mapMemory(n int) ([]byte, error) { return make([]byte, n), nil }

func unmapMemory([]byte) {}

// discardMemory has nothing to give back to: the block waits for its next use.
func discardMemory([]byte) {}

// Huge pages are left to the system.
func makeHuge([]byte)  {}
func makeSmall([]byte) {}
