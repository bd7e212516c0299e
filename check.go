package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/bitcask"
	"github.com/rldb/rldb/engine/lsm"
)

const checkHelp = `Usage: rldb check [--config FILE] [--dir DIR]

Verifies all data in the directory of a node that is stopped, and changes none of
it. Prints a line for each thing that is wrong, with file and offset, and a
summary. Exit status: 0 if nothing is wrong, 1 if something is, 2 if the data
could not be looked at.
`

// The exit codes of check.
const (
	checkSound = iota
	checkFaults
	checkFailed
)

// check is "rldb check".
func check(cfg *conf.Config, err error, stdout, stderr io.Writer) int {
	switch {
	case errors.Is(err, conf.ErrHelp):
		fmt.Fprint(stdout, checkHelp)
		return checkSound
	case err != nil:
		fmt.Fprintln(stderr, err)
		return checkFailed
	}
	c := checker{dir: cfg.Dir, out: stdout}
	if err := c.run(); err != nil {
		fmt.Fprintln(stderr, "rldb check:", err)
		return checkFailed
	}
	if c.faults > 0 {
		fmt.Fprintf(stdout, "%s: %s; faults: %d\n", c.dir, c.seen, c.faults)
		return checkFaults
	}
	fmt.Fprintf(stdout, "%s: %s; nothing is wrong\n", c.dir, c.seen)
	return checkSound
}

// checker looks at one directory.
type checker struct {
	dir    string
	out    io.Writer
	faults int
	seen   string // what there is, for the summary
}

func (c *checker) run() error {
	name, err := engineOf(c.dir)
	if err != nil {
		return err
	}
	switch name {
	case bitcask.Name:
		return c.bitcask()
	case lsm.Name:
		return c.lsm()
	}
	return fmt.Errorf("%s holds data of the engine %q, which this version of rldb does not know", c.dir, name)
}

// engineOf says whose a data directory is.
func engineOf(dir string) (string, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("there is no directory %s", dir)
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is not a directory", dir)
	}
	f, err := os.Open(filepath.Join(dir, engine.MarkFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%s is not a data directory of rldb: it has no file %s", dir, engine.MarkFile)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, engine.MarkLimit))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	m, err := engine.ParseMark(dir, string(text))
	return m.Engine, err
}

func (c *checker) bitcask() error {
	v, err := bitcask.Verify(c.dir, nil, func(p bitcask.Problem) { c.fault(p.String()) })
	for _, p := range v.Torn {
		fmt.Fprintf(c.out, "%s: offset %d: torn end of %d bytes, left by a kill; the next start cuts it off\n", p.File, p.Offset, p.Size)
	}
	c.seen = fmt.Sprintf("engine bitcask, %d segments, %d entries", v.Segments, v.Entries)
	return err
}

func (c *checker) lsm() error {
	v, err := lsm.Verify(c.dir, func(file string, err error) { c.fault(fmt.Sprintf("%s: %v", file, err)) })
	c.seen = fmt.Sprintf("engine lsm, %d tables, %d keys", v.Tables, v.Keys)
	return err
}

// fault prints one line, whatever is in it.
func (c *checker) fault(text string) {
	c.faults++
	fmt.Fprintln(c.out, strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}
