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
