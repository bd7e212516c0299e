package bitcask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"path/filepath"
	"slices"
)

// Verified says what Verify has looked at.
type Verified struct {
	Segments int
	Entries  int64
	Faults   int
	// Torn is where a kill has left entries that were not yet acknowledged. That
	// is nothing wrong: the next start cuts it off.
	Torn []Problem
}

// Verify reads all of a stopped engine's directory and reports what is wrong,
// without changing anything. It fails if it cannot look, or if the engine runs.
// A nil fs is the machine's.
func Verify(dir string, fs FS, report func(Problem)) (v Verified, err error) {
	if fs == nil {
		fs = OS()
	}
	names, err := fs.List(dir)
	if err != nil {
		return v, err
	}
	if err := checkMark(fs, dir, names, false); err != nil {
		return v, err
	}
	lock, err := fs.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return v, fmt.Errorf("%w (%s)", err, dir)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if names, err = fs.List(dir); err != nil { // as it is now that nobody else changes it
		return v, err
	}
	fault := func(p Problem) {
		v.Faults++
		report(p)
	}
	clean := slices.Contains(names, cleanName)
	var stubs []Problem
	c, err := inspect(fs, dir, names, false, func(p Problem) {
		if p.headless && !clean && p.Size < headerSize {
			stubs = append(stubs, p)
			return
		}
		fault(p)
	})
	if err != nil {
		return v, err
	}
	defer c.close()
	list, err := readList(fs, dir, len(c.numbers) > 0)
	if err != nil {
		fault(Problem{File: filepath.Join(dir, listName), What: err.Error()})
	}
	missing := c.missing(list)
	for _, name := range missing {
		fault(Problem{File: filepath.Join(dir, name), What: "missing, or cut off: it is on the list of segments"})
	}
	for _, p := range stubs {
		if !slices.Contains(missing, filepath.Base(p.File)) {
			v.Torn = append(v.Torn, p)
		}
	}
	for _, s := range c.segments {
		one := verifier{Verified: &v, seg: s, report: fault}
		if err := one.run(fs, c.hints[s.hintName()], clean); err != nil {
			fault(Problem{File: s.name, What: err.Error()})
		}
	}
	return v, nil
}

// verifier checks one segment, and that its hint says the same.
type verifier struct {
	*Verified
	seg     *segment
	report  func(Problem)
	damaged bool
}

func (v *verifier) run(fs FS, hinted, clean bool) error {
	s := v.seg
	v.Segments++
	sum := newSummer()
	sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize}
	for {
		it, ok, err := sc.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if !hinted && !clean && s.number == s.lo {
			torn, err := isTorn(&sc, &it)
			if err != nil {
				return err
			}
			if torn {
				v.Torn = append(v.Torn, Problem{File: s.name, Offset: it.off, Size: sc.size - it.off, What: "torn end"})
				return nil
			}
		}
		if it.state != whole {
			v.damaged = true
			v.report(Problem{File: s.name, Offset: it.off, Size: it.end - it.off, What: it.state.String()})
		}
		if it.kind != kindBatch && it.state != gap {
			v.Entries++
			_ = sum.add(it.note())
		}
	}
	if hinted {
		v.hint(fs, sum)
	}
	return nil
}

func (v *verifier) hint(fs FS, want summer) {
	name := v.seg.hintName()
	got := newSummer()
	f, err := fs.Open(name, false)
	if err == nil {
		defer func() { _ = f.Close() }() // it is only read
		var size int64
		if size, err = f.Size(); err == nil {
			err = readHint(f, size, v.seg, v.seg.size.Load(), nil, got.add)
		}
	}
	switch {
	case err != nil:
		v.report(Problem{File: name, What: err.Error()})
	case got.Sum64() != want.Sum64() && !v.damaged:
		v.report(Problem{File: name, What: "lists other entries than its segment has"})
	}
}

// summer condenses a list of entries.
type summer struct{ hash.Hash64 }

func newSummer() summer { return summer{crc64.New(crc64.MakeTable(crc64.ECMA))} }

func (s summer) add(n *note) error {
	b := binary.LittleEndian.AppendUint64([]byte{byte(n.kind)}, uint64(n.slot))
	b = binary.LittleEndian.AppendUint64(b, uint64(n.off))
	b = binary.LittleEndian.AppendUint64(b, uint64(n.value))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(n.key)))
	_, _ = s.Write(b) // a hash takes everything
	_, _ = s.Write(n.key)
	return nil
}
