//go:build !linux

package bitcask

import "syscall"

// readCached: only Linux can tell what is in its page cache, so here every read
// of the disk goes to the pool.
func readCached(int, []byte, int64) (int, error) { return 0, syscall.EOPNOTSUPP }
