package command

import (
	"bytes"
	"fmt"
	"math"
)

// int32Arg is argument i as an integer of 32 bits. Where it is none the error
// is replied: wrong, or if that is empty Redis's usual ones.
func (c *call) int32Arg(i int, wrong string) (int64, bool) {
	n, ok := parseInt(c.args[i])
	fits := n >= math.MinInt32 && n <= math.MaxInt32
	switch {
	case ok && fits:
		return n, true
	case wrong != "":
		c.fail(wrong)
	case ok:
		c.fail(fmt.Sprintf("ERR value is out of range, value must between %d and %d", math.MinInt32, math.MaxInt32))
	default:
		c.fail(errNotInt)
	}
	return 0, false
}

// database checks argument i, the number of a database. There is one, 0; where
// it is another the error is replied.
func (c *call) database(i int) bool {
	n, ok := c.int32Arg(i, "")
	if ok && n != 0 {
		c.fail(c.noDatabase())
	}
	return ok && n == 0
}

// noDatabase is the error for a database that there is none of.
func (c *call) noDatabase() string {
	switch {
	case c.srv.cluster == nil:
		return errDBIndex
	case c.row.full == "copy":
		return "ERR Copying to another database is not allowed in cluster mode"
	}
	return "ERR SELECT is not allowed in cluster mode"
}

func cmdSelect(c *call) {
	if c.database(1) {
		c.w.OK()
	}
}

func cmdSwapDB(c *call) {
	if c.srv.cluster != nil {
		c.fail("ERR SWAPDB is not allowed in cluster mode")
		return
	}
	a, ok := c.int32Arg(1, "ERR invalid first DB index")
	if !ok {
		return
	}
	b, ok := c.int32Arg(2, "ERR invalid second DB index")
	if !ok {
		return
	}
	if a != 0 || b != 0 {
		c.fail(errDBIndex)
		return
	}
	c.w.OK()
}

// beforeNUL is a word as C reads it.
func beforeNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
