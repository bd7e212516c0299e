package bitcask

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
)

// memFS is a file system in memory that can fail: at any call, in any way.
type memFS struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode // the names as of the last SyncDir
	changes []func(map[string]*inode)
	locked  bool
	reads   int

	calls   int                           // that change something, so far
	crashAt int                           // the call during which the process ends; 0: never
	dead    bool                          // it has ended
	fail    func(call, name string) error // may refuse a call
	room    int64                         // bytes that writes still find; negative: any number
}

// inode is the contents of a file, and what of it a power loss leaves for sure.
type inode struct {
	data, synced []byte
}

var errCrash = errors.New("the process has ended")

func newMemFS() *memFS {
	return &memFS{names: map[string]*inode{}, durable: map[string]*inode{}, room: -1}
}

// call counts a call that changes something. With mu held.
func (m *memFS) call(what, name string) error {
	if m.dead {
		return errCrash
	}
	if m.calls++; m.calls == m.crashAt {
		m.dead = true
	}
	if m.fail != nil {
		if err := m.fail(what, filepath.Base(name)); err != nil {
			return err
		}
	}
	return nil
}

// after is what a call returns that was carried out: nothing, if the process
// ended with it.
func (m *memFS) after() error {
	if m.dead {
		return errCrash
	}
	return nil
}

// killed gives what is there after a kill -9: all that was written.
func (m *memFS) killed() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemFS()
	copies := map[*inode]*inode{}
	copied := func(names map[string]*inode) map[string]*inode {
		c := map[string]*inode{}
		for name, ino := range names {
			if copies[ino] == nil {
				copies[ino] = &inode{data: bytes.Clone(ino.data), synced: bytes.Clone(ino.synced)}
			}
			c[name] = copies[ino]
		}
		return c
	}
	n.names, n.durable = copied(m.names), copied(m.durable)
	now := maps.Clone(n.names)
	n.changes = append(n.changes, func(names map[string]*inode) {
		clear(names)
		maps.Copy(names, now)
	})
	return n
}

// powerLost gives what is there after a power loss: what was synced, a part of
// what came after in each file, and some of the newer names.
func (m *memFS) powerLost(rng *rand.Rand) *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemFS()
	names := maps.Clone(m.durable)
	for _, change := range m.changes[:rng.IntN(len(m.changes)+1)] {
		change(names)
	}
	for name, ino := range names {
		data := bytes.Clone(ino.synced)
		if rest, ok := bytes.CutPrefix(ino.data, ino.synced); ok {
			data = append(data, rest[:rng.IntN(len(rest)+1)]...)
		}
		n.names[name] = &inode{data: data, synced: bytes.Clone(data)}
	}
	n.durable = maps.Clone(n.names)
	return n
}

func (m *memFS) change(f func(map[string]*inode)) {
	f(m.names)
	m.changes = append(m.changes, f)
}

func (m *memFS) MkdirAll(string) error { return nil }

func (m *memFS) List(string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for n := range m.names {
		names = append(names, filepath.Base(n))
	}
	return names, nil
}

func (m *memFS) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("create", name); err != nil {
		return nil, err
	}
	ino := &inode{}
	m.change(func(names map[string]*inode) { names[name] = ino })
	return &memFile{m, ino, name, true}, m.after()
}

func (m *memFS) Open(name string, write bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ino, ok := m.names[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memFile{m, ino, name, write}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("rename", to); err != nil {
		return err
	}
	if m.names[from] == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	m.change(func(names map[string]*inode) {
		names[to] = names[from]
		delete(names, from)
	})
	return m.after()
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("remove", name); err != nil {
		return err
	}
	if m.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.change(func(names map[string]*inode) { delete(names, name) })
	return m.after()
}

func (m *memFS) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call("syncdir", name); err != nil {
		return err
	}
	m.durable, m.changes = maps.Clone(m.names), nil
	return m.after()
}

func (m *memFS) Lock(string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, ErrLocked
	}
	m.locked = true
	return unlocker{m}, nil
}

type unlocker struct{ *memFS }

func (u unlocker) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.locked = false
	return nil
}

// memFile is an open file of a memFS, whose lock guards it.
type memFile struct {
	fs    *memFS
	ino   *inode
	name  string
	write bool
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.fail != nil {
		if err := f.fs.fail("read", filepath.Base(f.name)); err != nil {
			return 0, err
		}
	}
	if off >= int64(len(f.ino.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.ino.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// ReadCached has every third read not in memory.
func (f *memFile) ReadCached(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	f.fs.reads++
	miss := f.fs.reads%3 == 0
	f.fs.mu.Unlock()
	if miss {
		return 0, errNotCached
	}
	if n, err := f.ReadAt(p, off); err == nil {
		return n, nil
	}
	return 0, errNotCached
}

func (f *memFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if !f.write {
		return 0, fs.ErrPermission
	}
	err := f.fs.call("write", f.name)
	n := len(p)
	switch {
	case err != nil:
		return 0, err
	case f.fs.dead:
		n = f.fs.calls * 7919 % (len(p) + 1) // some part of it
	case f.fs.room >= 0 && f.fs.room < int64(n):
		n = int(f.fs.room)
	}
	if f.fs.room >= 0 {
		f.fs.room -= int64(n)
	}
	f.ino.data = append(f.ino.data, p[:n]...)
	if err := f.fs.after(); err != nil {
		return n, err
	}
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, nil
}

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.ino.data)), nil
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.call("truncate", f.name); err != nil {
		return err
	}
	if f.fs.room >= 0 {
		f.fs.room += int64(len(f.ino.data)) - size
	}
	f.ino.data = bytes.Clone(f.ino.data[:size])
	return f.fs.after()
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.call("sync", f.name); err != nil {
		return err
	}
	if f.write {
		f.ino.synced = bytes.Clone(f.ino.data)
	}
	return f.fs.after()
}

func (f *memFile) Close() error { return nil }

// flip turns a bit of a file around.
func (m *memFS) flip(name string, off int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names[name].data = bytes.Clone(m.names[name].data)
	m.names[name].data[off] ^= 4
}

// contents gives the bytes of a file.
func (m *memFS) contents(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.names[name].data)
}
