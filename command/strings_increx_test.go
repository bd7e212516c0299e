package command

import (
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// From Redis 8.8's documentation and tests.
func TestIncrEX(t *testing.T) {
	const minInt, maxInt = "-9223372036854775808", "9223372036854775807"
	playStrings(t, []stringsStep{
		{"INCREX k", "*2 :1 :1"},
		{"INCREX k BYINT 104", "*2 :105 :104"},
		{"INCREX k byint -10", "*2 :95 :-10"},
		{"INCREX k BYINT 0", "*2 :95 :0"},
		{"INCREX k BYINT 6 UBOUND 100", "*2 :95 :0"},
		{"INCREX k BYINT 5 UBOUND 100", "*2 :100 :5"},
		{"INCREX k BYINT -100 LBOUND 1 SATURATE", "*2 :1 :-99"},
		{"INCREX k BYINT 10 SATURATE LBOUND 0 UBOUND 4", "*2 :4 :3"},
		{"INCREX k EX 100 BYINT 5 LBOUND 0", "*2 :9 :5"},
		{"GET k", "$1 9"},
		// A value that is outside already.
		{"INCREX k UBOUND 5", "*2 :9 :0"},
		{"INCREX k BYINT -5 UBOUND 5", "*2 :4 :-5"},
		{"INCREX k BYINT -5 LBOUND 20 SATURATE", "*2 :20 :16"},
		{"INCREX k BYINT 5 UBOUND 10 SATURATE", "*2 :10 :-10"},
		// A key that is not there.
		{"INCREX n BYINT 5 LBOUND 10", "*2 :0 :0"},
		{"GET n", "$-1"},
		{"INCREX n UBOUND 0 SATURATE", "*2 :0 :0"},
		{"GET n", "$1 0"},
		// The ends of the numbers.
		{"SET k 9223372036854775800", "+OK"},
		{"INCREX k BYINT 9223372036854775800", "*2 :9223372036854775800 :0"},
		{"INCREX k BYINT 9223372036854775800 SATURATE", "*2 :" + maxInt + " :7"},
		{"INCREX k BYINT 1 SATURATE UBOUND " + minInt, "-ERR applied increment would overflow"},
		{"SET k -9223372036854775800", "+OK"},
		{"INCREX k BYINT " + minInt + " LBOUND " + minInt, "*2 :-9223372036854775800 :0"},
		{"INCREX k BYINT " + minInt + " LBOUND " + minInt + " SATURATE", "*2 :" + minInt + " :-8"},
		{"INCREX k LBOUND " + maxInt + " SATURATE", "-ERR applied increment would overflow"},
		{"INCREX k EXAT 1", "*2 :-9223372036854775807 :1"},
		{"GET k", "$-1"},
	})
}

func TestIncrEXByFloat(t *testing.T) {
	playStrings(t, []stringsStep{
		{"INCREX k BYFLOAT 1.5", "*2 $3 1.5 $3 1.5|*2 ,1.5 ,1.5"},
		{"INCREX k BYFLOAT 1", "*2 $3 2.5 $1 1|*2 ,2.5 ,1"},
		{"INCREX k BYFLOAT 100 UBOUND 42.5", "*2 $3 2.5 $1 0|*2 ,2.5 ,0"},
		{"INCREX k BYFLOAT 100 UBOUND 42.5 SATURATE", "*2 $4 42.5 $2 40|*2 ,42.5 ,40"},
		{"INCREX k LBOUND -5.5 BYFLOAT -100 SATURATE", "*2 $4 -5.5 $3 -48|*2 ,-5.5 ,-48"},
		{"GET k", "$4 -5.5"},
		{"INCREX k BYFLOAT 1 UBOUND inf", "*2 $4 -4.5 $1 1|*2 ,-4.5 ,1"},
		{"INCREX k BYFLOAT 1 LBOUND -inf UBOUND -inf", "*2 $4 -4.5 $1 0|*2 ,-4.5 ,0"},
		{"INCREX k BYFLOAT 1 LBOUND -inf UBOUND -inf SATURATE", "-ERR applied increment would be Infinity"},
		{"INCREX k BYFLOAT 1 LBOUND inf", "-ERR LBOUND can't be greater than UBOUND"},
		{"INCREX k BYFLOAT inf", "-ERR BYFLOAT increment cannot be Infinity"},
		{"INCREX k", "-ERR value is not an integer or out of range"},
		{"SET k 1e4932", "+OK"},
		{"INCREX k BYFLOAT 1e4932 UBOUND 1 SATURATE LBOUND 1 PX 5", // the sum is none
			"*2 $1 1 " + hugeFloat(-1) + "|*2 ,1 ," + hugeFloat(-1)[6:]},
		{"SET k inf", "+OK"},
		{"INCREX k BYFLOAT 1", "-ERR value cannot be Infinity"},
		{"SET k 10.0", "+OK"},
		{"INCREX k BYFLOAT 1 UBOUND 5", "*2 $2 10 $1 0|*2 ,10 ,0"},
		{"GET k", "$4 10.0"},
	})
}

// hugeFloat is a bulk string of sign*1e4932, which swallows the 1 next to it.
func hugeFloat(sign int) string {
	f, _ := parseLongDouble([]byte("1e4932"))
	text := string(appendLongDouble(nil, f.Mul(f, big.NewFloat(float64(sign)))))
	return "$" + strconv.Itoa(len(text)) + " " + text
}

func TestIncrEXErrors(t *testing.T) {
	const (
		syntax = "-ERR syntax error"
		bounds = "-ERR LBOUND can't be greater than UBOUND"
		expiry = "-ERR ENX flag requires an expiration"
	)
	playStrings(t, []stringsStep{
		{"INCREX", "-ERR wrong number of arguments for 'increx' command"},
		{"INCREX k FOO", syntax},
		{"INCREX k BYINT", syntax},
		{"INCREX k BYINT 1 BYINT 2", syntax},
		{"INCREX k BYINT 1 BYFLOAT 1.5", syntax},
		{"INCREX k LBOUND 0 LBOUND 1", syntax},
		{"INCREX k SATURATE SATURATE", syntax},
		{"INCREX k EX 10 PX 5", syntax},
		{"INCREX k EX 10 EX 10", syntax},
		{"INCREX k EX 10 PERSIST", syntax},
		{"INCREX k PERSIST PERSIST", syntax},
		{"INCREX k KEEPTTL", syntax},
		{"INCREX k ENX PERSIST", syntax},
		{"INCREX k PERSIST ENX", syntax},
		{"INCREX k EX 10 ENX ENX", syntax},
		{"INCREX k EX", syntax},
		{"INCREX k ENX", expiry},
		{"INCREX k BYINT abc ENX", expiry},
		{"INCREX k BYINT abc", "-ERR Increment is not an integer or out of range"},
		{"INCREX k BYINT 1.5", "-ERR Increment is not an integer or out of range"},
		{"INCREX k BYFLOAT abc", "-ERR Increment is not a valid float"},
		{"INCREX k UBOUND 12.5", "-ERR UBOUND is not an integer or out of range"},
		{"INCREX k LBOUND inf", "-ERR LBOUND is not an integer or out of range"},
		{"INCREX k BYFLOAT 1 LBOUND x", "-ERR LBOUND is not a valid float"},
		{"INCREX k LBOUND 10 UBOUND 5", bounds},
		{"INCREX k BYFLOAT 0.5 LBOUND 10.5 UBOUND 1.5", bounds},
		{"INCREX k EX 0", "-ERR invalid expire time in 'increx' command"},
		{"INCREX k PX abc", "-ERR value is not an integer or out of range"},
		{"GET k", "$-1"},
		{"SET k hello", "+OK"},
		{"INCREX k", "-ERR value is not an integer or out of range"},
		{"INCREX k BYFLOAT 1", "-ERR value is not a valid float"},
	})
}

// Integers against a twin that counts without a bound.
func TestIncrEXProperty(t *testing.T) {
	n := newStringsNode(t)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20, 20))
		old, by := number.Draw(t, "old"), number.Draw(t, "by")
		lower, upper := number.Draw(t, "lower"), number.Draw(t, "upper")
		if lower > upper {
			lower, upper = upper, lower
		}
		words := []string{"INCREX", "k", "BYINT", strconv.FormatInt(by, 10),
			"LBOUND", strconv.FormatInt(lower, 10), "UBOUND", strconv.FormatInt(upper, 10)}
		saturate := rapid.Bool().Draw(t, "saturate")
		if saturate {
			words = append(words, "SATURATE")
		}
		n.do("SET", "k", strconv.FormatInt(old, 10))
		want, value := slowIncrEX(old, by, lower, upper, saturate)
		if got := n.do(words...); got != stringsWire(want, 2) {
			t.Fatalf("%d %v: got %q, want %q", old, words, got, want)
		}
		if got := n.do("GET", "k"); got != stringsBulk(strconv.FormatInt(value, 10)) {
			t.Fatalf("%d %v: the key holds %q, want %d", old, words, got, value)
		}
	})
}

func slowIncrEX(old, by, lower, upper int64, saturate bool) (reply string, value int64) {
	sum := new(big.Int).Add(big.NewInt(old), big.NewInt(by))
	lo, hi := big.NewInt(lower), big.NewInt(upper)
	switch {
	case sum.Cmp(lo) >= 0 && sum.Cmp(hi) <= 0:
	case !saturate:
		return "*2 :" + strconv.FormatInt(old, 10) + " :0", old
	case sum.Cmp(hi) > 0:
		sum = hi
	default:
		sum = lo
	}
	applied := new(big.Int).Sub(sum, big.NewInt(old))
	if !applied.IsInt64() {
		return "-ERR applied increment would overflow", old
	}
	return "*2 :" + sum.String() + " :" + applied.String(), sum.Int64()
}
