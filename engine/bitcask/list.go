package bitcask

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
)

// The list of segments says which of them must be there, so that a file that was
// deleted as a whole is missed. Its format is in DESIGN.md. A segment is on it
// from when its name is durable, until after a merge has replaced it. A merge's
// output has the place of what it replaces, so the list need not change first.

const (
	listName  = "SEGMENTS"
	listMagic = "rldbsgl1"
	listHead  = len(listMagic) + 4
	listEntry = 12
	listLimit = 64 << 20
)

// ErrMissing: a file of the engine's is not there any more.
var ErrMissing = errors.New("bitcask: a file is missing")

// errList: the list says nothing.
var errList = errors.New("damaged list of segments")

// listed is a segment on the list.
type listed struct{ number, lo, hi uint32 }

func appendList(b []byte, list []listed) []byte {
	from := len(b)
	b = append(b, listMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
	for _, l := range list {
		b = binary.LittleEndian.AppendUint32(b, l.number)
		b = binary.LittleEndian.AppendUint32(b, l.lo)
		b = binary.LittleEndian.AppendUint32(b, l.hi)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

func parseList(b []byte) ([]listed, error) {
	if len(b) < listHead+4 || string(b[:len(listMagic)]) != listMagic {
		return nil, errList
	}
	body, crc := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	n := binary.LittleEndian.Uint32(b[len(listMagic):])
	if crc32.Checksum(body, castagnoli) != crc || int64(len(body)) != int64(listHead)+int64(n)*listEntry {
		return nil, errList
	}
	list := make([]listed, n)
	for i := range list {
		at := body[listHead+i*listEntry:]
		list[i] = listed{binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint32(at[4:]), binary.LittleEndian.Uint32(at[8:])}
	}
	return list, nil
}

// listOf makes the list of segments.
func listOf(all []*segment) []listed {
	list := make([]listed, 0, len(all))
	for _, s := range all {
		list = append(list, listed{s.number, s.lo, s.hi})
	}
	slices.SortFunc(list, func(a, b listed) int { return cmp.Compare(a.number, b.number) })
	return list
}

// readList reads a directory's list. None is none, with an error only if there
// are segments: the list is older than any of them.
func readList(fsys FS, dir string, segments bool) ([]listed, error) {
	text, err := readFile(fsys, filepath.Join(dir, listName), listLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !segments:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is none", errList)
	case err != nil:
		return nil, err
	}
	return parseList([]byte(text))
}

// missing gives the names of those that are on the list and should be there: a
// segment that a merge has replaced may be gone. Who is on the list had a durable
// header, so a file that is too short for one has lost all that it held.
func (c *contents) missing(list []listed) (names []string) {
	for _, l := range list {
		replaced := slices.ContainsFunc(c.segments, func(s *segment) bool {
			return s.number > l.number && s.lo <= l.lo && l.hi <= s.hi
		})
		if !replaced && (!c.numbers[l.number] || c.stubs[l.number]) {
			names = append(names, segmentName(l.number))
		}
	}
	return names
}

// checkList compares a directory with its list. Without a list that can be read
// it reports that, and goes on.
func (e *Engine) checkList(c *contents) error {
	list, err := readList(e.fs, e.opts.Dir, len(c.numbers) > 0)
	name := filepath.Join(e.opts.Dir, listName)
	if errors.Is(err, errList) {
		e.report(Problem{File: name, What: err.Error() + "; segments that were deleted as a whole are not noticed"})
		e.unlisted = true
		return nil
	}
	if err != nil {
		return err
	}
	e.listed = list
	if lost := c.missing(list); len(lost) > 0 {
		return fmt.Errorf("%w, or cut off: %s of %s, which held data: put it back, or remove %s to go on without what it held",
			ErrMissing, lost[0], e.opts.Dir, name)
	}
	return nil
}

// list replaces the list by one of these segments, whose names are durable. The
// keeper alone does it, or who opens or closes the engine.
func (e *Engine) list(all []*segment) error {
	list := listOf(all)
	if e.listed != nil && slices.Equal(list, e.listed) {
		return nil
	}
	if err := writeFile(e.fs, e.opts.Dir, listName, string(appendList(nil, list))); err != nil {
		return fmt.Errorf("bitcask: writing %s: %w", listName, err)
	}
	e.listed = list
	return nil
}

// listable are the segments whose names are durable.
func listable(all []*segment) (some []*segment) {
	for _, s := range all {
		if s.named.Load() || s.settled.Load() {
			some = append(some, s)
		}
	}
	return some
}
