package command

import "math/bits"

func cmdLCS(c *call) {
	o, ok := lcsOptionsOf(c)
	if !ok {
		return
	}
	a, _ := c.get(0)
	b, _ := c.get(1)
	// Redis fills a table of 32-bit numbers, and bounds that. Ours takes a
	// bit where that takes a number, but the bound is also one on the time.
	if uint64(len(a)+1)*uint64(len(b)+1)*4 > uint64(c.srv.Settings().MaxBulk) {
		c.fail("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
		return
	}
	if o.length {
		c.w.Int(int64(newLCS(a, b, false).length))
		return
	}
	t := newLCS(a, b, true)
	runs := t.runs()
	if o.index {
		replyRuns(c, runs, &o, t.length)
		return
	}
	out := c.scratch(t.length)
	end := len(out)
	for _, r := range runs {
		end -= copy(out[end-r.n:end], a[r.a:r.a+r.n])
	}
	c.w.Bulk(out)
}

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, index, withLen bool
	minLen                 int64
}

func lcsOptionsOf(c *call) (o lcsOptions, ok bool) {
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "LEN"):
			o.length = true
		case c.is(i, "IDX"):
			o.index = true
		case c.is(i, "WITHMATCHLEN"):
			o.withLen = true
		case c.is(i, "MINMATCHLEN") && i+1 < len(c.args):
			i++
			if o.minLen, ok = c.intArg(i); !ok {
				return o, false
			}
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	if o.length && o.index {
		c.fail("ERR If you want both the length and indexes, please just use IDX.")
		return o, false
	}
	return o, true
}

// replyRuns replies where the runs lie, the last one first.
func replyRuns(c *call, runs []lcsRun, o *lcsOptions, length int) {
	shown := 0
	for _, r := range runs {
		if int64(r.n) >= o.minLen {
			shown++
		}
	}
	c.w.Map(2)
	c.w.BulkString("matches")
	c.w.Array(shown)
	for _, r := range runs {
		if int64(r.n) < o.minLen {
			continue
		}
		if o.withLen {
			c.w.Array(3)
		} else {
			c.w.Array(2)
		}
		for _, from := range [2]int{r.a, r.b} {
			c.w.Array(2)
			c.w.Int(int64(from))
			c.w.Int(int64(from + r.n - 1))
		}
		if o.withLen {
			c.w.Int(int64(r.n))
		}
	}
	c.w.BulkString("len")
	c.w.Int(int64(length))
}

// lcs computes the longest common subsequence of two strings, 64 columns of
// the textbook's table at a time (Hyyrö's bit-vector algorithm). With L(i, j)
// the length for the first i bytes of a and the first j of b, a row holds one
// bit a column: 0 where L(i, j) = L(i, j-1) + 1. That is all that is needed to
// walk back through the table.
type lcs struct {
	a, b   []byte
	length int
	table  []uint64 // the rows, len(b) bits each, without gaps; nil if not kept
}

// lcsRun is a run of n equal bytes at a and at b.
type lcsRun struct{ a, b, n int }

func newLCS(a, b []byte, keep bool) *lcs {
	t := &lcs{a: a, b: b}
	m := len(b)
	if len(a) == 0 || m == 0 {
		return t
	}
	words := (m + 63) / 64
	if keep {
		t.table = make([]uint64, (len(a)*m+63)/64+1)
	}
	where := lcsPositions(a, b, words)
	last := ^uint64(0) >> (-m & 63) // the columns in the last word
	row := make([]uint64, words)
	for k := range row {
		row[k] = ^uint64(0)
	}
	for i, ch := range a {
		carry := uint64(0)
		for k, mask := range where[ch] {
			u := row[k] & mask
			var sum uint64
			sum, carry = bits.Add64(row[k], u, carry)
			row[k] = sum | row[k]&^mask
		}
		if keep {
			row[words-1] &= last
			t.store(i*m, row)
		}
	}
	row[words-1] &= last
	t.length = m
	for _, v := range row {
		t.length -= bits.OnesCount64(v)
	}
	return t
}

// lcsPositions gives, for each byte that a has, where b has it: a bit a column.
func lcsPositions(a, b []byte, words int) (where [256][]uint64) {
	for _, ch := range a {
		if where[ch] == nil {
			where[ch] = make([]uint64, words)
		}
	}
	for j, ch := range b {
		if mask := where[ch]; mask != nil {
			mask[j/64] |= 1 << (j & 63)
		}
	}
	return where
}

// store writes a row into the table, from a bit on that is still zero.
func (t *lcs) store(at int, row []uint64) {
	shift := at & 63
	for k, v := range row {
		t.table[at/64+k] |= v << shift
		if shift > 0 && v>>(64-shift) != 0 {
			t.table[at/64+k+1] |= v >> (64 - shift)
		}
	}
}

// grows says whether L(i, j) = L(i, j-1) + 1.
func (t *lcs) grows(i, j int) bool {
	at := (i-1)*len(t.b) + j - 1
	return t.table[at/64]>>(at&63)&1 == 0
}

// runs walks back through the table. Where there is a choice it takes Redis's:
// it gives up the last byte of b, unless that makes the result shorter.
func (t *lcs) runs() (out []lcsRun) {
	var run lcsRun
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		if t.a[i-1] == t.b[j-1] {
			i, j = i-1, j-1
			run.a, run.b, run.n = i, j, run.n+1
			continue
		}
		if run.n > 0 {
			out = append(out, run)
			run.n = 0
		}
		if t.grows(i, j) {
			i--
		} else {
			j--
		}
	}
	if run.n > 0 {
		out = append(out, run)
	}
	return out
}
