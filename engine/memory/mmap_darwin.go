//go:build darwin && !race

package memory

import "golang.org/x/sys/unix"

const (
	mapFlags      = unix.MAP_ANON | unix.MAP_PRIVATE
	discardAdvice = unix.MADV_FREE
)

func adviseMapped([]byte) {}

// Huge pages are left to the system.
func makeHuge([]byte)  {}
func makeSmall([]byte) {}
