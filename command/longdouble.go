package command

import (
	"bytes"
	"math/big"
)

// Redis counts in C's long double, which on x86 has 64 bits of mantissa and
// binary exponents up to 16384, and shows such numbers with up to 17 decimals.
// A big.Float of the same precision rounds in the same way, so that the same
// digits come out. Its exponents go further: what a long double could not hold
// is sorted out here. Denormal numbers are kept more precisely than a long
// double would, which nobody can see: the first 17 decimals are zeros.
const (
	longDoublePrec   = 64
	longDoubleMaxExp = 16384  // as big.Float's exponent: 0.5 <= mantissa < 1
	longDoubleMinExp = -16444 // of the smallest number that is not zero
	longDoubleDigits = 17     // after the point

	// maxLongDoubleText is the length of the longest text that is read, as
	// with Redis.
	maxLongDoubleText = 5*1024 - 1
	// Decimal exponents out of these bounds are out of range whatever digits
	// stand before them.
	longDoubleMax10, longDoubleMin10 = 4940, -4980
)

// parseLongDouble reads a number as C's strtold does, which takes decimals,
// exponents, hexadecimal (0x1.8p3) and infinity; nan, spaces, and what is too
// large or too small for a long double are refused.
func parseLongDouble(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) > maxLongDoubleText {
		return nil, false
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	f := new(big.Float).SetPrec(longDoublePrec)
	if equalFold(b, "INF") || equalFold(b, "INFINITY") {
		return f.SetInf(neg), true
	}
	base := 10
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		base, b = 16, b[2:]
	}
	digits, exp, ok := splitNumber(b, base)
	if !ok {
		return nil, false
	}
	if digits = bytes.TrimLeft(digits, "0"); len(digits) == 0 {
		return f, true
	}
	m, _ := new(big.Int).SetString(string(digits), base)
	if base == 16 {
		f.SetMantExp(f.SetInt(m), exp)
	} else if !scale10(f, m, len(digits), exp) {
		return nil, false
	}
	if e := f.MantExp(nil); e > longDoubleMaxExp || e < longDoubleMinExp && isTiny(f, e) {
		return nil, false
	}
	if neg {
		f.Neg(f)
	}
	return f, true
}

// isTiny says whether a number with an exponent below longDoubleMinExp rounds
// to zero, as it does up to half of the smallest number.
func isTiny(f *big.Float, exp int) bool {
	return exp < longDoubleMinExp-1 || f.MinPrec() == 1
}

// scale10 sets f to m*10^exp, rounded once. It gives up where that is far out
// of range; digits is the number of m's.
func scale10(f *big.Float, m *big.Int, digits, exp int) bool {
	if digits+exp > longDoubleMax10 || digits+exp < longDoubleMin10 {
		return false
	}
	if exp >= 0 {
		f.SetInt(m.Mul(m, pow10(exp)))
		return true
	}
	// Of exact operands, Quo rounds the exact quotient.
	f.Quo(new(big.Float).SetInt(m), new(big.Float).SetInt(pow10(-exp)))
	return true
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// splitNumber takes a number without a sign apart: its digits without the
// point, and the exponent of the last one (in hexadecimal, of two).
func splitNumber(b []byte, base int) (digits []byte, exp int, ok bool) {
	mark, bits := byte('e'), 1
	if base == 16 {
		mark, bits = 'p', 4
	}
	digits = make([]byte, 0, len(b))
	point := false
	i := 0
	for ; i < len(b); i++ {
		ch := b[i]
		switch {
		case ch >= '0' && ch <= '9', base == 16 && ch|0x20 >= 'a' && ch|0x20 <= 'f':
			digits = append(digits, ch)
			if point {
				exp -= bits
			}
			continue
		case ch == '.' && !point:
			point = true
			continue
		}
		break
	}
	if len(digits) == 0 {
		return nil, 0, false
	}
	if i == len(b) {
		return digits, exp, true
	}
	if b[i]|0x20 != mark {
		return nil, 0, false
	}
	n, ok := parseExponent(b[i+1:])
	return digits, exp + n, ok
}

// parseExponent reads the digits of an exponent, with their sign. What is
// beyond any long double is cut.
func parseExponent(b []byte) (n int, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = min(n*10+int(ch-'0'), 1_000_000)
	}
	if neg {
		n = -n
	}
	return n, len(b) > 0
}

// addLongDouble is x+y, or nil if that is not finite.
func addLongDouble(x, y *big.Float) *big.Float {
	if x.IsInf() || y.IsInf() {
		return nil
	}
	sum := new(big.Float).SetPrec(longDoublePrec).Add(x, y)
	if sum.MantExp(nil) > longDoubleMaxExp {
		return nil
	}
	return sum
}

// appendLongDouble appends a finite number in decimal, without an exponent:
// 17 decimals, the zeros at their end left out.
func appendLongDouble(dst []byte, f *big.Float) []byte {
	from := len(dst)
	dst = f.Append(dst, 'f', longDoubleDigits)
	dst = bytes.TrimRight(dst, "0") // there is a point: this ends there
	dst = bytes.TrimSuffix(dst, []byte("."))
	if string(dst[from:]) == "-0" {
		dst = append(dst[:from], '0')
	}
	return dst
}

// maxLongDouble is the greatest finite long double.
func maxLongDouble() *big.Float {
	f := new(big.Float).SetPrec(longDoublePrec).SetUint64(1<<64 - 1)
	return f.SetMantExp(f, longDoubleMaxExp-64)
}
