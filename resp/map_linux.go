//go:build linux && !race

package resp

import "golang.org/x/sys/unix"

// mapBuffer gives n bytes that take memory as they are written to.
func mapBuffer(n int) ([]byte, bool) {
	b, err := unix.Mmap(-1, 0, pages(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, false
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // fewer faults; small pages do as well
	return b, true
}

// remapBuffer makes what mapBuffer gave longer, and moves its pages rather than
// copying them.
func remapBuffer(b []byte, n int) ([]byte, bool) {
	grown, err := unix.Mremap(b[:cap(b)], pages(n), unix.MREMAP_MAYMOVE)
	return grown, err == nil
}

// unmapBuffer gives back what mapBuffer or remapBuffer gave. It fails only for
// arguments that they cannot have given, so there is nobody to tell.
func unmapBuffer(b []byte) { _ = unix.Munmap(b[:cap(b)]) }

func pages(n int) int {
	const page = 64 << 10 // no system has larger ones
	return (n + page - 1) &^ (page - 1)
}
