//go:build !amd64 && !arm64

package memory

import "unsafe"

// prefetch does nothing: what is wanted is fetched when it is used.
func prefetch(unsafe.Pointer) {}
