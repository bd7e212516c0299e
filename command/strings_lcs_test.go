package command

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLCS(t *testing.T) {
	const matches = "*4 $7 matches |%2 $7 matches "
	// both is the same tail for both protocols.
	both := func(tail string) string { return strings.ReplaceAll(matches, " |", " "+tail+"|") + tail }
	playStrings(t, []stringsStep{
		{"MSET a ohmytext b mynewtext", "+OK"},
		{"LCS a b", "$6 mytext"},
		{"LCS a b LEN", ":6"},
		{"LCS a b IDX", both("*2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6")},
		{"LCS a b IDX idx", both("*2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6")},
		{"LCS a b IDX WITHMATCHLEN", both("*2 *3 *2 :4 :7 *2 :5 :8 :4 *3 *2 :2 :3 *2 :0 :1 :2 $3 len :6")},
		{"LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", both("*1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6")},
		{"LCS a b IDX MINMATCHLEN -4", both("*2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6")},
		{"LCS a b IDX MINMATCHLEN 1 MINMATCHLEN 9", both("*0 $3 len :6")},
		{"LCS a a IDX WITHMATCHLEN", both("*1 *3 *2 :0 :7 *2 :0 :7 :8 $3 len :8")},
		{"LCS a b LEN WITHMATCHLEN", ":6"},
		{"LCS a b WITHMATCHLEN", "$6 mytext"},
		{"LCS a none", "$0 "},
		{"LCS none b LEN", ":0"},
		{"LCS none none IDX", both("*0 $3 len :0")},
		{"LCS a b IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."},
		{"LCS a b IDX LEN FOO", "-ERR syntax error"},
		{"LCS a b MINMATCHLEN", "-ERR syntax error"},
		{"LCS a b MINMATCHLEN abc FOO", "-ERR value is not an integer or out of range"},
		{"LCS a", "-ERR wrong number of arguments for 'lcs' command"},
	})
}

func TestLCSMemoryLimit(t *testing.T) {
	n := newStringsNode(t)
	n.do("MSET", "a", strings.Repeat("a", 11584), "b", strings.Repeat("b", 11585))
	const tooMuch = "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
	n.play(t, []stringsStep{
		{"LCS a a LEN", ":11584"},
		{"LCS b b LEN", tooMuch},
		{"LCS b b", tooMuch},
		{"LCS b b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."},
	})
}

// slowLCS is the textbook's table, walked back as Redis does.
func slowLCS(a, b []byte) (runs []lcsRun, length int) {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := 1; i > 0 && j <= len(b); j++ {
			table[i][j] = max(table[i-1][j], table[i][j-1])
			if a[i-1] == b[j-1] {
				table[i][j] = table[i-1][j-1] + 1
			}
		}
	}
	for i, j := len(a), len(b); i > 0 && j > 0; {
		switch {
		case a[i-1] == b[j-1]:
			i, j = i-1, j-1
			if k := len(runs) - 1; k >= 0 && runs[k].a == i+1 && runs[k].b == j+1 {
				runs[k] = lcsRun{i, j, runs[k].n + 1}
			} else {
				runs = append(runs, lcsRun{i, j, 1})
			}
		case table[i-1][j] > table[i][j-1]:
			i--
		default:
			j--
		}
	}
	return runs, table[len(a)][len(b)]
}

func TestLCSProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]byte("abc\x00\xff")[:rapid.IntRange(1, 5).Draw(t, "letters")])
		a := rapid.SliceOfN(letters, 0, 200).Draw(t, "a")
		b := rapid.SliceOfN(letters, 0, 200).Draw(t, "b")
		wantRuns, want := slowLCS(a, b)
		if got := newLCS(a, b, false).length; got != want {
			t.Fatalf("length %d, want %d", got, want)
		}
		l := newLCS(a, b, true)
		runs := l.runs()
		if l.length != want || len(runs) != len(wantRuns) {
			t.Fatalf("length %d, %d runs, want %d, %d", l.length, len(runs), want, len(wantRuns))
		}
		for i := range runs {
			if runs[i] != wantRuns[i] {
				t.Fatalf("run %d is %v, want %v", i, runs[i], wantRuns[i])
			}
		}
	})
}
