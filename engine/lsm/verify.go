package lsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// Verified says what Verify has looked at.
type Verified struct {
	Tables int
	Keys   int64
	Faults int
}

// Verify reads all of a directory that no process has open, and changes nothing
// in it but the file that locks it. It reports every fault: the first damaged
// block of each table, and all keys and values that cannot be. The log's torn
// end after a crash is none. The error is why it could not go on.
func Verify(dir string, report func(file string, err error)) (Verified, error) {
	return verify(vfs.Default, dir, report)
}

func verify(fs vfs.FS, dir string, report func(string, error)) (Verified, error) {
	if _, err := fs.Stat(fs.PathJoin(dir, engine.MarkFile)); errors.Is(err, os.ErrNotExist) {
		return Verified{}, fmt.Errorf("lsm: %s holds no data of the engine %s", dir, Name)
	}
	lock, err := lockDir(fs, dir)
	if err != nil {
		return Verified{}, err
	}
	v := verifier{fs: fs, dir: dir, report: report}
	err = v.run(lock)
	return v.Verified, errors.Join(err, lock.Close())
}

type verifier struct {
	Verified
	fs     vfs.FS
	dir    string
	report func(file string, err error)
}

func (v *verifier) fault(file string, err error) {
	v.Faults++
	v.report(file, err)
}

func (v *verifier) run(lock *pebble.Lock) error {
	if err := identify(v.fs, v.dir); err != nil {
		return err
	}
	db, err := pebble.Open(v.dir, v.options(lock))
	if pebble.IsCorruptionError(err) {
		// The log or the list of tables; the error says which, and where.
		v.fault(v.dir, err)
		return v.strayTables()
	}
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	err = v.database(db)
	return errors.Join(err, db.Close())
}

// options open the database only to read it, and without a log: faults are
// reported, not logged. A Fatalf panics.
func (v *verifier) options(lock *pebble.Lock) *pebble.Options {
	log := slog.New(slog.DiscardHandler)
	l := &pebbleLog{log: log, fatal: func(error) {}, health: &health{log: log}}
	return &pebble.Options{
		FS: v.fs, Lock: lock, Logger: l, EventListener: l.events(),
		ReadOnly: true, ErrorIfNotExists: true,
		FormatMajorVersion: pebble.FormatTableFormatV6,
	}
}

func (v *verifier) database(db *pebble.DB) error {
	levels, err := db.SSTables()
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	for _, tables := range levels {
		for _, t := range tables {
			v.table(v.fs.PathJoin(v.dir, fmt.Sprintf("%06d.sst", uint64(t.BackingSSTNum))))
		}
	}
	if v.Faults > 0 {
		return nil // going through the keys would meet the same again
	}
	if err := v.keys(db); err != nil {
		v.fault(v.dir, err)
	}
	if err := db.CheckLevels(nil); err != nil {
		v.fault(v.dir, fmt.Errorf("tables of one level or of two contradict each other: %w", err))
	}
	return nil
}

// strayTables checks the tables where the list of them cannot be read.
func (v *verifier) strayTables() error {
	names, err := v.fs.List(v.dir)
	if err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	slices.Sort(names)
	for _, n := range names {
		if path.Ext(n) == ".sst" {
			v.table(v.fs.PathJoin(v.dir, n))
		}
	}
	return nil
}

// table checks the checksum of every block of a table.
func (v *verifier) table(file string) {
	v.Tables++
	if err := checkTable(v.fs, file); err != nil {
		v.fault(file, placed(err))
	}
}

// badBlock is how Pebble tells where a damaged block is: offset/length.
var badBlock = regexp.MustCompile(`block (\d+)/(\d+): (.*)`)

// placed says where in its file a block is damaged, as other faults do.
func placed(err error) error {
	m := badBlock.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	return fmt.Errorf("offset %s: damaged block of %s bytes: %s", m[1], m[2], m[3])
}

func checkTable(fs vfs.FS, file string) error {
	f, err := fs.Open(file, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(context.Background(), readable, sstable.ReaderOptions{})
	if err != nil {
		return err // it has closed the file
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// keys checks what the engine has written into Pebble.
func (v *verifier) keys(db *pebble.DB) error {
	it, err := db.NewIter(&pebble.IterOptions{UpperBound: slotStart(engine.Slots)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		b, err := it.ValueAndErr()
		if err != nil {
			break // it.Error says it too
		}
		v.Keys++
		k, whole := parseKey(it.Key())
		switch _, sound := parseValue(b); {
		case !whole:
			v.fault(v.dir, fmt.Errorf("the key %q is cut short", clip(it.Key())))
		case k.Hash != engine.Hash(k.Name):
			v.fault(v.dir, fmt.Errorf("the key %q of slot %d has the hash %x, not %x",
				clip(k.Name), k.Slot, k.Hash, engine.Hash(k.Name)))
		case !sound:
			v.fault(v.dir, fmt.Errorf("the value of key %q of slot %d is cut short", clip(k.Name), k.Slot))
		}
	}
	return errors.Join(it.Error(), it.Close())
}

func clip(name []byte) string { return strings.ToValidUTF8(string(name[:min(len(name), 80)]), "?") }
