package bitcask

import (
	"errors"
	"io"
)

// FS is all that the engine asks of a file system. Every byte that it reads or
// writes goes through here, so that tests can make any single call fail.
type FS interface {
	MkdirAll(dir string) error
	// List gives the names, without the directory, of a directory's files.
	List(dir string) ([]string, error)
	// Create makes an empty file, in place of one that may be there.
	Create(name string) (File, error)
	// Open opens a file that is there. Without write nothing may change it.
	Open(name string, write bool) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes what Create, Rename and Remove did in a directory durable.
	SyncDir(dir string) error
	// Lock takes a lock that no other process has, or fails with ErrLocked.
	// The system frees it when the process ends.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	// Write appends. It may have written a part when it fails.
	io.Writer
	// ReadCached is ReadAt that never waits for a disk: it fails with
	// errNotCached where ReadAt might have to.
	ReadCached(p []byte, off int64) (int, error)
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// ErrLocked: another process has the directory open.
var ErrLocked = errors.New("bitcask: the directory is in use by another process")

// errNotCached: the bytes are not in memory, or the system cannot tell.
var errNotCached = errors.New("bitcask: not in the page cache")
