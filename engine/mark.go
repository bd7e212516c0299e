package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MarkFile is the file of a data directory that holds its [Mark], in one line.
// An engine that keeps data writes it before anything else of its own.
const MarkFile = "ENGINE"

// MarkLimit is more than any mark has, in bytes.
const MarkLimit = 1 << 10

// ErrDirectory: a directory is not one that the engine may use.
var ErrDirectory = errors.New("wrong data directory")

// Mark says whose a data directory is, and in which format: so that no engine
// takes another's files, or those of a later version, for its own.
type Mark struct {
	Engine string
	Format int // from 1 on; an engine reads those up to its own
}

// Line is what the file holds.
func (m Mark) Line() string { return fmt.Sprintf("rldb engine=%s format=%d\n", m.Engine, m.Format) }

// ParseMark reads what the file of a directory holds.
func ParseMark(dir, text string) (Mark, error) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(text, "\n"), "rldb engine=")
	name, number, split := strings.Cut(rest, " format=")
	format, err := strconv.Atoi(number)
	if !ok || !split || err != nil || format < 1 || name == "" {
		return Mark{}, fmt.Errorf("%w: %s is not a data directory of rldb: its file %s says %.80q", ErrDirectory, dir, MarkFile, text)
	}
	return Mark{name, format}, nil
}

// Check says whether the engine that m is the newest mark of may open a
// directory whose file holds text.
func (m Mark) Check(dir, text string) error {
	found, err := ParseMark(dir, text)
	switch {
	case err != nil:
		return err
	case found.Engine != m.Engine:
		return fmt.Errorf("%w: %s holds data of the engine %s, not of %s: use that engine, or another directory",
			ErrDirectory, dir, found.Engine, m.Engine)
	case found.Format > m.Format:
		return fmt.Errorf("%w: %s has format %d of the engine %s, and this version of rldb knows formats up to %d: use the version that wrote it, or a newer one",
			ErrDirectory, dir, found.Format, m.Engine, m.Format)
	}
	return nil
}

// Unmarked is the error for a directory that has no mark and yet a file.
func Unmarked(dir, file string) error {
	return fmt.Errorf("%w: %s holds files (%s) but no file %s that says which engine they are of: use an empty directory",
		ErrDirectory, dir, file, MarkFile)
}
