package lsm

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// cutLog ends the newest log before its first record that is not whole.
//
// Pebble ends a log by itself where only the last writes are torn. But its
// chunks tell up to where the log had been synced, and without fsync always that
// means: given to the system. After a loss of power a page may be missing below
// that mark, which looks like damage, and Pebble refuses to open. The caller
// knows that the power was lost and that the settings allow to lose the end.
func cutLog(fs vfs.FS, dir string, log *slog.Logger) error {
	name, num, err := newestLog(fs, dir)
	if err != nil {
		return err
	}
	path := fs.PathJoin(dir, name)
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	whole := wholeRecords(newReader(record.NewReader, f, num))
	err = replaceFile(fs, dir, name, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f, 0, whole))
		return err
	})
	if err != nil {
		return fmt.Errorf("lsm: cutting %s: %w", path, err)
	}
	log.Warn("the machine stopped before all of the log was on the disk: its end is cut off",
		"file", path, "offset", whole, "bytes", st.Size()-whole)
	return nil
}

// newReader calls record.NewReader, whose second argument is of a type that
// Pebble does not export.
func newReader[N ~uint64](make func(io.Reader, N) *record.Reader, r io.Reader, num uint64) *record.Reader {
	return make(r, N(num))
}

// wholeRecords is how many bytes of a log are records without a fault.
func wholeRecords(r *record.Reader) (n int64) {
	for {
		n = r.Offset()
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		}
		if err != nil {
			return n
		}
	}
}

// newestLog finds the log that the last process wrote to.
func newestLog(fs vfs.FS, dir string) (name string, num uint64, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return "", 0, fmt.Errorf("lsm: %w", err)
	}
	for _, s := range names {
		digits, isLog := strings.CutSuffix(s, ".log")
		n, err := strconv.ParseUint(digits, 10, 64)
		if isLog && err == nil && n >= num {
			name, num = s, n
		}
	}
	if name == "" {
		return "", 0, fmt.Errorf("lsm: %s has no log", dir)
	}
	return name, num, nil
}
