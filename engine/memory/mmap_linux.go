//go:build linux && !race

package memory

import "golang.org/x/sys/unix"

const (
	mapFlags      = unix.MAP_ANON | unix.MAP_PRIVATE | unix.MAP_NORESERVE
	discardAdvice = unix.MADV_DONTNEED
)

// adviseMapped keeps huge pages away, which many systems hand out unasked: a
// slab of which a few bytes are touched would take 2 MiB.
func adviseMapped(mem []byte) { _ = unix.Madvise(mem, unix.MADV_NOHUGEPAGE) }

// makeHuge puts one huge page behind a region in use (MADV_COLLAPSE, Linux 6.1,
// madvise(2)), which others may go on using. If the system cannot, the region
// stays as it is.
func makeHuge(region []byte) {
	if unix.Madvise(region, unix.MADV_HUGEPAGE) == nil {
		_ = unix.Madvise(region, unix.MADV_COLLAPSE)
	}
}

// makeSmall undoes makeHuge for pages that will be taken from now on.
func makeSmall(region []byte) { adviseMapped(region) }
