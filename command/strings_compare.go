package command

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// comparison is one of IFEQ, IFNE, IFDEQ and IFDNE with its argument: that the
// old value, or its digest, is or is not a given one.
type comparison struct {
	word comparisonWord
	arg  int
}

type comparisonWord uint8

const (
	noComparison comparisonWord = iota
	ifEqual
	ifNotEqual
	ifDigestEqual
	ifDigestNotEqual
)

func comparisonWordOf(b []byte) comparisonWord {
	switch {
	case equalFold(b, "IFEQ"):
		return ifEqual
	case equalFold(b, "IFNE"):
		return ifNotEqual
	case equalFold(b, "IFDEQ"):
		return ifDigestEqual
	case equalFold(b, "IFDNE"):
		return ifDigestNotEqual
	}
	return noComparison
}

func isComparison(b []byte) bool { return comparisonWordOf(b) != noComparison }

func (d *comparison) given() bool { return d.word != noComparison }

// negated says whether the condition asks for something else than its argument.
func (d *comparison) negated() bool { return d.word == ifNotEqual || d.word == ifDigestNotEqual }

// take reads the condition at argument i and returns how many words it takes;
// see lifetime.take.
func (d *comparison) take(c *call, i int) int {
	word := comparisonWordOf(c.args[i])
	if word == noComparison || d.word != noComparison && d.word != word || i+1 >= len(c.args) {
		return 0
	}
	d.word, d.arg = word, i+1
	return 2
}

// met holds the condition against the value of the first key, which exists. A
// digest that is none is an error, which is replied; ok is false.
func (d *comparison) met(c *call) (met, ok bool) {
	old, _ := c.get(0)
	if d.word == ifEqual || d.word == ifNotEqual {
		return bytes.Equal(old, c.args[d.arg]) != d.negated(), true
	}
	want, ok := parseDigest(c.args[d.arg])
	if !ok {
		c.fail("ERR must be exactly 16 hexadecimal characters")
		return false, false
	}
	return (xxh3.Hash(old) == want) != d.negated(), true
}

// digestLen is the number of a digest's hexadecimal digits.
const digestLen = 16

// parseDigest reads 16 hexadecimal digits of either case.
func parseDigest(b []byte) (h uint64, ok bool) {
	if len(b) != digestLen {
		return 0, false
	}
	for _, ch := range b {
		switch {
		case ch >= '0' && ch <= '9':
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return 0, false
		}
		h = h<<4 | uint64(ch)
	}
	return h, true
}

func cmdDigest(c *call) {
	v, ok := c.get(0)
	if !ok {
		c.w.Null()
		return
	}
	h := xxh3.Hash(v)
	var text [digestLen]byte
	for i := range text {
		text[digestLen-1-i] = "0123456789abcdef"[h>>(4*i)&15]
	}
	c.w.Bulk(text[:])
}

// delEXReads is row.reads of DELEX.
func delEXReads(args [][]byte) bool { return len(args) > 2 }

// cmdDelEX, like Redis, does not look at the condition of a key that is not
// there.
func cmdDelEX(c *call) {
	if len(c.args) != 2 && len(c.args) != 4 {
		c.arityError()
		return
	}
	if !c.exists(0) {
		c.w.Int(0)
		return
	}
	if len(c.args) == 4 {
		var d comparison
		if d.take(c, 2) == 0 {
			c.fail("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
			return
		}
		met, ok := d.met(c)
		if !ok {
			return
		}
		if !met {
			c.w.Int(0)
			return
		}
	}
	c.del(0)
	c.w.Int(1)
}
