package bitcask

import "golang.org/x/sys/unix"

// readCached reads what the page cache holds, and fails with EAGAIN otherwise.
func readCached(fd int, p []byte, off int64) (int, error) {
	return unix.Preadv2(fd, [][]byte{p}, off, unix.RWF_NOWAIT)
}
