package bitcask

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rldb/rldb/engine"
)

// Name is the engine's name in the config and in its directory.
const Name = "bitcask"

// mark is of the newest format that this version knows, and writes.
var mark = engine.Mark{Engine: Name, Format: 1}

// Files of the directory beside the segments and engine.MarkFile.
const (
	lockName  = "LOCK"
	cleanName = "CLEAN" // there while the engine is stopped and had been closed
)

// checkMark refuses a directory of another engine or of a newer version, and
// marks a new one as ours if it may.
func checkMark(fs FS, dir string, names []string, write bool) error {
	if !slices.Contains(names, engine.MarkFile) {
		for _, n := range names {
			if n != lockName && !strings.HasSuffix(n, tempSuffix) {
				return engine.Unmarked(dir, n)
			}
		}
		if !write {
			return fmt.Errorf("%w: %s holds no data", engine.ErrDirectory, dir)
		}
		return writeFile(fs, dir, engine.MarkFile, mark.Line())
	}
	text, err := readFile(fs, filepath.Join(dir, engine.MarkFile), engine.MarkLimit)
	if err != nil {
		return err
	}
	return mark.Check(dir, text)
}

// writeFile makes a small file, durable and at once.
func writeFile(fs FS, dir, name, text string) error {
	temp := filepath.Join(dir, name+tempSuffix)
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	n, err := io.WriteString(f, text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// readFile reads a small file, up to a limit.
func readFile(fs FS, name string, limit int64) (string, error) {
	f, err := fs.Open(name, false)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Size()
	if err != nil {
		return "", err
	}
	b := make([]byte, min(size, limit))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return string(b), nil
}

// found is what a directory holds.
type contents struct {
	segments []*segment // with their files open, in the log's order
	obsolete []*segment // a merge has replaced them
	hints    map[string]bool
	temps    []string
	headless []string        // segments whose header is unreadable
	numbers  map[uint32]bool // of all segments' files
	stubs    map[uint32]bool // of those too short for a header
	highest  uint32
}

// inspect opens the segments of a directory. Problems with single files go to
// report; what it has opened is closed again if it fails.
func inspect(fs FS, dir string, names []string, write bool, report func(Problem)) (c *contents, err error) {
	c = &contents{hints: map[string]bool{}, numbers: map[uint32]bool{}, stubs: map[uint32]bool{}}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	for _, name := range names {
		path := filepath.Join(dir, name)
		digits, isData := strings.CutSuffix(name, dataSuffix)
		number, err := strconv.ParseUint(digits, 10, 32)
		switch {
		case strings.HasSuffix(name, tempSuffix):
			c.temps = append(c.temps, path)
		case strings.HasSuffix(name, hintSuffix):
			c.hints[path] = true
		case isData && err == nil:
			c.highest = max(c.highest, uint32(number))
			c.numbers[uint32(number)] = true
			if err := c.open(fs, dir, path, uint32(number), write, report); err != nil {
				return c, err
			}
		}
	}
	c.order()
	return c, nil
}

// open adds a segment.
func (c *contents) open(fs FS, dir, path string, number uint32, write bool, report func(Problem)) error {
	f, err := fs.Open(path, write)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	h, bad, err := readHeader(f, size)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if bad == 2 || h.number != number || size < headerSize {
		c.stubs[number] = size < headerSize
		report(Problem{File: path, Offset: 0, Size: size, What: "unreadable header", headless: true})
		c.headless = append(c.headless, path)
		return f.Close()
	}
	if bad > 0 {
		report(Problem{File: path, Offset: 0, Size: headerSize, What: "damaged copy of the header"})
	}
	s := newSegment(fs, dir, h)
	s.file = f
	s.size.Store(size)
	c.segments = append(c.segments, s)
	return nil
}

// order sorts the segments into the log's order, and sets those apart that a
// merge has replaced: another one has their place, and is newer.
func (c *contents) order() {
	all := c.segments
	c.segments = nil
	for _, s := range all {
		replaced := slices.ContainsFunc(all, func(o *segment) bool {
			return o.number > s.number && o.lo <= s.lo && s.hi <= o.hi
		})
		if replaced {
			c.obsolete = append(c.obsolete, s)
		} else {
			c.segments = append(c.segments, s)
		}
	}
	slices.SortFunc(c.segments, func(a, b *segment) int { return cmp.Compare(a.lo, b.lo) })
}

func (c *contents) close() {
	for _, s := range slices.Concat(c.segments, c.obsolete) {
		s.release()
	}
}
