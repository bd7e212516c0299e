package command

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The sums that redis-server 7.0.15 gives on amd64.
func TestLongDoubleSums(t *testing.T) {
	for _, tc := range []struct{ x, y, want string }{
		{"0", "0.1", "0.1"},
		{"0.1", "0.2", "0.3"},
		{"3", "1.1", "4.1"},
		{"1", "0.00000000000000000499999", "1"},
		{"1.23456789012345678", "0", "1.23456789012345678"},
		{"0.123456789012345678901234567890", "0", "0.12345678901234568"},
		{"100000000000000000000", "0.1", "100000000000000000000"},
		{"123456789012345678901234567890", "0", "123456789012345678899921813504"},
		{"17179869184.000000000465661287", "0", "17179869184"},
		{"1000000000000.1", "0.3", "1000000000000.40000003576278687"},
		{"-1e-18", "0", "0"},
		{"0.000000000000000005", "0", "0"},
		{"0.000000000000000006", "0", "0.00000000000000001"},
		{"0x1p-18", "0", "0.00000381469726562"}, // half-way: to the even digit
		{"0x3p-18", "0", "0.00001144409179688"},
		{"18446744073709551615", "0.5", "18446744073709551616"},
		{"18446744073709551614", "0.5", "18446744073709551614"},
		{"0x1p-17", "0", "0.00000762939453125"},
		{"0x1.8p-18", "0", "0.00000572204589844"},
		{"1e30", "-1e30", "0"},
	} {
		x, ok := parseLongDouble([]byte(tc.x))
		y, ok2 := parseLongDouble([]byte(tc.y))
		if !ok || !ok2 {
			t.Errorf("%s or %s is no number", tc.x, tc.y)
			continue
		}
		if got := string(appendLongDouble(nil, addLongDouble(x, y))); got != tc.want {
			t.Errorf("%s + %s = %s, want %s", tc.x, tc.y, got, tc.want)
		}
	}
}

// What is too small rounds to zero and is refused; so is what is too large.
func TestLongDoubleRange(t *testing.T) {
	for text, want := range map[string]bool{
		"1.18973149535723176502e4932": true, "1.1897314953572317651e4932": false,
		"0x1p16383": true, "0x1p16384": false, "0xffffffffffffffffp16320": true, "0xffffffffffffffff8p16316": false,
		"1.9e-4951": true, "1.8e-4951": false,
		"0x1p-16445": true, "0x1.8p-16446": true, "0x1p-16446": false, "0x1p-16447": false,
		"0": true, "-0x0p999999999999": true, "1e999999999999": false, "1e-999999999999": false,
		"0." + strings.Repeat("0", 5000) + "1e5001": true,
		strings.Repeat("1", 4932):                   true, strings.Repeat("1", 4934): false,
		strings.Repeat("0", 5119) + "1": false, strings.Repeat("0", 5118) + "1": true,
		"1\x00": false, " 1": false, "1 ": false, "0x.p1": false, "e5": false, "1e+": false, "infinit": false,
	} {
		if _, ok := parseLongDouble([]byte(text)); ok != want {
			t.Errorf("%.40q: %v, want %v", text, ok, want)
		}
	}
	if got := string(appendLongDouble(nil, maxLongDouble())); len(got) != 4933 || got[:9] != "118973149" {
		t.Errorf("the greatest long double is %.20s… of %d digits", got, len(got))
	}
}

// Every float64 is a long double, so reading its shortest text and rounding
// back must give it again; and the sum of two is the exact one, rounded.
func TestLongDoubleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64().Filter(isFiniteFloat).Draw(t, "a")
		b := rapid.Float64().Filter(isFiniteFloat).Draw(t, "b")
		x, y := parsedLongDouble(t, a), parsedLongDouble(t, b)
		sum := addLongDouble(x, y)
		exact := new(big.Float).SetPrec(4096).Add(x, y)
		if want := new(big.Float).SetPrec(64).Set(exact); sum.Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, want %v", x, y, sum, want)
		}
	})
}

func isFiniteFloat(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

func parsedLongDouble(t *rapid.T, f float64) *big.Float {
	text := big.NewFloat(f).Text('g', 25)
	x, ok := parseLongDouble([]byte(text))
	if !ok {
		t.Fatalf("%s is no number", text)
	}
	if back, _ := x.Float64(); back != f {
		t.Fatalf("%s was read as %v", text, back)
	}
	return x
}
