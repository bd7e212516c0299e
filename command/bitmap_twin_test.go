package command

import (
	"bytes"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bitsOf are a value's bits, one a byte.
func bitsOf(v []byte) []byte {
	out := make([]byte, 8*len(v))
	for i := range out {
		out[i] = v[i/8] >> (7 - i%8) & 1
	}
	return out
}

// drawBitmap is a value with long runs, which are treated word by word.
func drawBitmap(t *rapid.T) []byte {
	v := bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 0xff, 0x55}).Draw(t, "fill")}, rapid.IntRange(0, 40).Draw(t, "size"))
	for range rapid.IntRange(0, 3).Draw(t, "flips") {
		if len(v) > 0 {
			i := rapid.IntRange(0, 8*len(v)-1).Draw(t, "flip")
			v[i/8] ^= 0x80 >> (i % 8)
		}
	}
	return v
}

func TestBitRangesAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawBitmap(t)
		all := bitsOf(v)
		start := rapid.Int64Range(-350, 350).Draw(t, "start")
		end := rapid.Int64Range(-350, 350).Draw(t, "end")
		inBits := rapid.Bool().Draw(t, "in bits")

		// The twin asks of every bit whether it is in the range.
		units, width := int64(len(all)), int64(1)
		if !inBits {
			units, width = int64(len(v)), 8
		}
		inside := func(i int) bool {
			at, from, to := int64(i)/width, start, end
			if from < 0 {
				from = max(0, from+units)
			}
			if to < 0 {
				to = max(0, to+units)
			}
			return from <= at && at <= to
		}
		ones, first := int64(0), [2]int64{-1, -1}
		for i, b := range all {
			if !inside(i) {
				continue
			}
			ones += int64(b)
			if first[b] < 0 {
				first[b] = int64(i)
			}
		}
		if got := countBits(v, start, end, inBits); got != ones {
			t.Fatalf("countBits: got %d, want %d", got, ones)
		}
		from, to := bitSpan(start, end, inBits, len(v))
		for bit, want := range first {
			if got := findBit(v, from, to, byte(bit)); got != want {
				t.Fatalf("findBit(%d): got %d, want %d", bit, got, want)
			}
		}
	})
}

func TestBitOpAgainstTwin(t *testing.T) {
	twin := map[bitOp]func(a, b byte) byte{
		bitAnd: func(a, b byte) byte { return a & b },
		bitOr:  func(a, b byte) byte { return a | b },
		bitXor: func(a, b byte) byte { return a ^ b },
	}
	rapid.Check(t, func(t *rapid.T) {
		dst, src := drawBitmap(t), drawBitmap(t)
		if len(dst) < len(src) {
			dst, src = src, dst
		}
		for op, of := range twin {
			want := make([]byte, len(dst))
			for i := range dst {
				var b byte
				if i < len(src) {
					b = src[i]
				}
				want[i] = of(dst[i], b)
			}
			got := bytes.Clone(dst)
			if op.onto(got, src); !bytes.Equal(got, want) {
				t.Fatalf("operation %d: got %x, want %x", op, got, want)
			}
		}
	})
}

// TestBitFieldAgainstTwin holds fields against integers without a width.
func TestBitFieldAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := fieldOp{
			kind:   rapid.SampledFrom([]fieldKind{fieldSet, fieldIncr}).Draw(t, "kind"),
			over:   rapid.SampledFrom([]fieldOverflow{overflowWrap, overflowSat, overflowFail}).Draw(t, "overflow"),
			signed: rapid.Bool().Draw(t, "signed"),
			at:     rapid.Int64Range(0, 100).Draw(t, "at"),
			arg:    rapid.OneOf(rapid.Int64Range(-300, 300), rapid.Int64()).Draw(t, "arg"),
		}
		op.bits = rapid.UintRange(1, 63).Draw(t, "bits")
		if op.signed {
			op.bits = rapid.UintRange(1, 64).Draw(t, "bits")
		}
		v := rapid.SliceOfN(rapid.Byte(), 21, 21).Draw(t, "value")
		before := bitsOf(v)

		size := new(big.Int).Lsh(big.NewInt(1), op.bits)
		old := new(big.Int)
		for _, b := range before[op.at : op.at+int64(op.bits)] {
			old.Add(old.Lsh(old, 1), big.NewInt(int64(b)))
		}
		least, most := big.NewInt(0), new(big.Int).Sub(size, big.NewInt(1))
		if op.signed {
			half := new(big.Int).Rsh(size, 1)
			least, most = new(big.Int).Neg(half), new(big.Int).Sub(half, big.NewInt(1))
			if old.Cmp(most) > 0 {
				old.Sub(old, size)
			}
		}
		if got := op.number(op.read(v)); got != old.Int64() {
			t.Fatalf("the field reads as %d, want %d", got, old)
		}

		want, fits := new(big.Int).Add(old, big.NewInt(op.arg)), true
		if op.kind == fieldSet {
			want = big.NewInt(op.arg)
			if !op.signed {
				want.SetUint64(uint64(op.arg)) // -1 is taken for a great number
			}
		}
		if want.Cmp(least) < 0 || want.Cmp(most) > 0 {
			switch op.over {
			case overflowFail:
				fits = false
			case overflowSat:
				// To Redis, a number to set that is too far below is above.
				far := op.signed && op.kind == fieldSet && !new(big.Int).Sub(most, want).IsInt64()
				if want.Cmp(least) < 0 && !far {
					want = least
				} else {
					want = most
				}
			}
		}
		want = new(big.Int).Mod(want, size)

		result, ok := op.result(op.read(v))
		if ok != fits {
			t.Fatalf("carried out: %v, want %v", ok, fits)
		}
		if !ok {
			return
		}
		op.write(v, result)
		if got := new(big.Int).SetUint64(op.read(v)); got.Cmp(want) != 0 {
			t.Fatalf("the field is %d after it, want %d", got, want)
		}
		copy(before[op.at:op.at+int64(op.bits)], bitsOf(v)[op.at:])
		if !bytes.Equal(bitsOf(v), before) {
			t.Fatal("bits beside the field changed")
		}
	})
}
