package lsm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// Name is the engine's name in the config and in its directory.
const Name = "lsm"

// mark is of the newest format that this version knows, and writes: how the
// engine lays out its directory and keys.
var mark = engine.Mark{Engine: Name, Format: 1}

// runFile is beside Pebble's files: which process had the directory last, in one
// line.
const runFile = "RUNNING"

// identify checks that the directory is this engine's, and marks a new one.
func identify(fs vfs.FS, dir string) error {
	text, err := readText(fs, fs.PathJoin(dir, engine.MarkFile))
	if errors.Is(err, os.ErrNotExist) {
		if err := refuseForeign(fs, dir); err != nil {
			return err
		}
		return writeText(fs, dir, engine.MarkFile, mark.Line())
	}
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	return mark.Check(dir, text)
}

// refuseForeign refuses a directory with files that nothing says to be ours. It
// is called with the directory locked, and before Pebble makes a file.
func refuseForeign(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	for _, n := range names {
		if n == "LOCK" || strings.HasSuffix(n, newSuffix) {
			continue
		}
		info, err := fs.Stat(fs.PathJoin(dir, n))
		if err != nil {
			return fmt.Errorf("lsm: %w", err)
		}
		if !info.IsDir() {
			return engine.Unmarked(dir, n)
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
	return writeText(fs, dir, runFile, fmt.Sprintf("boot=%s fsync=%s\n", r.boot, r.fsync))
}

// readRun gives what the last process left, nothing if there was none.
func readRun(fs vfs.FS, dir string) (r run, err error) {
	text, err := readText(fs, fs.PathJoin(dir, runFile))
	if errors.Is(err, os.ErrNotExist) {
		return run{}, nil
	}
	if err != nil {
		return run{}, fmt.Errorf("lsm: %w", err)
	}
	for _, word := range strings.Fields(text) {
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

func readText(fs vfs.FS, path string) (string, error) {
	f, err := fs.Open(path)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, engine.MarkLimit))
	return string(b), errors.Join(err, f.Close())
}

// writeText makes a small file, whole or not at all.
func writeText(fs vfs.FS, dir, name, text string) error {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
	if err := replaceFile(fs, dir, name, write); err != nil {
		return fmt.Errorf("lsm: writing %s: %w", fs.PathJoin(dir, name), err)
	}
	return nil
}

// newSuffix ends the name of a file that is being made.
const newSuffix = ".new"

// replaceFile makes or replaces a file by what write writes, whole or not at all,
// and durably.
func replaceFile(fs vfs.FS, dir, name string, write func(io.Writer) error) error {
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+newSuffix, vfs.WriteCategoryUnspecified)
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
	if err := fs.Rename(path+newSuffix, path); err != nil {
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
