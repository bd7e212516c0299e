package conf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Files is how [Live.Rewrite] reaches the config file.
type Files struct {
	Read func(name string) ([]byte, error)
	// Replace puts data in the place of the file's content, whole or not at
	// all, whatever fails and whenever the machine stops.
	Replace func(name string, data []byte) error
}

// Disk is the file system.
func Disk() Files { return Files{Read: os.ReadFile, Replace: replaceFile} }

// replaceFile writes a second file beside the first, and renames it over the
// first when it is safely on disk. The permissions stay; a symbolic link stays
// one.
func replaceFile(name string, data []byte) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o600) // it may hold a password
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, writeErr := f.Write(data)
	if err := errors.Join(writeErr, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
