package lsm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Name is the engine's name in the config and in its directory.
const Name = "lsm"

// format is the version of how the engine lays out its directory and keys.
const format = 1

// Files beside Pebble's.
const (
	identityFile = "ENGINE"  // whose directory this is: one line
	runFile      = "RUNNING" // which process had it last: one line
)

// identify checks that the directory is this engine's, and marks a new one.
func identify(fs vfs.FS, dir string) error {
	line, err := readLine(fs, fs.PathJoin(dir, identityFile))
	if errors.Is(err, os.ErrNotExist) {
		if err := refuseForeign(fs, dir); err != nil {
			return err
		}
		return writeLine(fs, dir, identityFile, fmt.Sprintf("rldb engine=%s format=%d", Name, format))
	}
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	return checkIdentity(dir, line)
}

// checkIdentity refuses what another engine, or a newer one, has written.
func checkIdentity(dir, line string) error {
	var name string
	var version int
	if _, err := fmt.Sscanf(line, "rldb engine=%s format=%d", &name, &version); err != nil {
		return fmt.Errorf("lsm: %s is not a data directory of rldb: its file %s says %q", dir, identityFile, line)
	}
	if name != Name {
		return fmt.Errorf("lsm: %s is a data directory of the engine %s, not of %s", dir, name, Name)
	}
	if version < 1 || version > format {
		return fmt.Errorf("lsm: %s has the format %d of the engine %s, and this version of rldb knows formats up to %d",
			dir, version, name, format)
	}
	return nil
}

// refuseForeign refuses a Pebble database that is not marked as ours.
func refuseForeign(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, "MANIFEST-") || strings.HasSuffix(n, ".sst") {
			return fmt.Errorf("lsm: %s holds a database that rldb did not make: there is %s but no %s", dir, n, identityFile)
		}
	}
	return nil
}

// run is what a process leaves in the directory while it has it, and after.
type run struct {
	boot  string // of the machine
	fsync Fsync
}

func (r run) write(fs vfs.FS, dir string) error {
	return writeLine(fs, dir, runFile, fmt.Sprintf("boot=%s fsync=%s", r.boot, r.fsync))
}

// readRun gives what the last process left, nothing if there was none.
func readRun(fs vfs.FS, dir string) (r run, err error) {
	line, err := readLine(fs, fs.PathJoin(dir, runFile))
	if errors.Is(err, os.ErrNotExist) {
		return run{}, nil
	}
	if err != nil {
		return run{}, fmt.Errorf("lsm: %w", err)
	}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "boot":
			r.boot = value
		case "fsync":
			r.fsync = Fsync(value)
		}
	}
	return r, nil
}

// lostPower says whether the machine may have stopped with parts of the log not
// yet on the disk.
func (r run) lostPower(boot string) bool {
	mayLose := r.fsync == EverySec || r.fsync == No
	return mayLose && (r.boot == "" || r.boot != boot)
}

// bootID names this start of the machine, or is empty where that is not known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func readLine(fs vfs.FS, path string) (string, error) {
	f, err := fs.Open(path)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, 1024))
	return strings.TrimSpace(string(b)), errors.Join(err, f.Close())
}

// writeLine makes a file with one line, whole or not at all.
func writeLine(fs vfs.FS, dir, name, line string) error {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, line+"\n")
		return err
	}
	if err := replaceFile(fs, dir, name, write); err != nil {
		return fmt.Errorf("lsm: writing %s: %w", fs.PathJoin(dir, name), err)
	}
	return nil
}

// replaceFile makes or replaces a file by what write writes, whole or not at all,
// and durably.
func replaceFile(fs vfs.FS, dir, name string, write func(io.Writer) error) error {
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeDir makes a directory and those above it, durably.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	above := fs.PathDir(dir)
	if above != dir {
		if err := makeDir(fs, above); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return syncDir(fs, above)
}
