//go:build (linux || darwin) && !race

package memory

import "golang.org/x/sys/unix"

// chunkSize is how much address space is reserved at a time.
const chunkSize = 64 << 20

// mapMemory reserves n bytes, whole pages, that cost nothing until touched.
func mapMemory(n int) ([]byte, error) {
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, mapFlags)
	if err != nil {
		return nil, err
	}
	adviseMapped(mem)
	return mem, nil
}

// unmapMemory gives back what mapMemory gave. It fails only for arguments that
// mapMemory cannot have given, so there is nobody to tell.
func unmapMemory(mem []byte) { _ = unix.Munmap(mem) }

// discardMemory gives the memory behind whole pages back to the system and
// leaves the pages readable. If the system declines, they merely stay.
func discardMemory(mem []byte) { _ = unix.Madvise(mem, discardAdvice) }
