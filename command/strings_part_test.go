package command

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStringParts(t *testing.T) {
	const notInt = "-ERR value is not an integer or out of range"
	playStrings(t, []stringsStep{
		{"STRLEN k", ":0"},
		{"APPEND k ''", ":0"},
		{"GET k", "$0 "},
		{"APPEND k Hello", ":5"},
		{"APPEND k ,World", ":11"},
		{"GET k", "$11 Hello,World"},
		{"STRLEN k", ":11"},
		{"APPEND k", "-ERR wrong number of arguments for 'append' command"},

		{"GETRANGE k 0 3", "$4 Hell"},
		{"GETRANGE k 0 -1", "$11 Hello,World"},
		{"GETRANGE k -5 -1", "$5 World"},
		{"GETRANGE k 5 3", "$0 "},
		{"GETRANGE k 6 5000", "$5 World"},
		{"GETRANGE k -5000 10000", "$11 Hello,World"},
		{"GETRANGE k 0 -100", "$1 H"},
		{"GETRANGE k 1 -100", "$0 "},
		{"GETRANGE k -100 -99", "$1 H"},
		{"GETRANGE k -100 -101", "$0 "},
		{"GETRANGE k 0 4294967297", "$11 Hello,World"},
		{"GETRANGE k -9223372036854775808 9223372036854775807", "$11 Hello,World"},
		{"SUBSTR k 0 0", "$1 H"},
		{"SUBSTR k 99 100", "$0 "},
		{"GETRANGE none 0 1", "$0 "},
		{"GETRANGE none a b", notInt},
		{"GETRANGE k 0 b", notInt},
		{"SUBSTR k 1", "-ERR wrong number of arguments for 'substr' command"},
	})
}

func TestSetRange(t *testing.T) {
	const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	playStrings(t, []stringsStep{
		{"SETRANGE k 0 ''", ":0"},
		{"SETRANGE k 9223372036854775807 ''", ":0"},
		{"GET k", "$-1"},
		{"SETRANGE k -1 ''", "-ERR offset is out of range"},
		{"SETRANGE k -1 x", "-ERR offset is out of range"},
		{"SETRANGE k abc x", "-ERR value is not an integer or out of range"},
		{"SETRANGE k 9223372036854775808 x", "-ERR value is not an integer or out of range"},
		{"SETRANGE k 536870911 xy", tooLong},
		{"SETRANGE k 536870912 x", tooLong},
		{"SETRANGE k 9223372036854775807 x", tooLong},
		{"GET k", "$-1"},
		{"SETRANGE k 2 ab", ":4"},
		{"GET k", "$4 \x00\x00ab"},
		{"SETRANGE k 1 c", ":4"},
		{"SETRANGE k 6 d", ":7"},
		{"GET k", "$7 \x00cab\x00\x00d"},
		{"SETRANGE k 100 ''", ":7"},
	})
}

// The longest value is the settings' business.
func TestStringLengthLimit(t *testing.T) {
	n := newStringsNode(t)
	set := *n.srv.Settings()
	set.MaxBulk = 10
	n.srv.SetSettings(set)
	const tooLong = "-" + errTooLong
	n.play(t, []stringsStep{
		{"SET k 12345678", "+OK"},
		{"APPEND k 90", ":10"},
		{"APPEND k a", tooLong},
		{"APPEND k ''", ":10"},
		{"SETRANGE k 9 x", ":10"},
		{"SETRANGE k 9 xy", tooLong},
		{"SETRANGE k 8 xy", ":10"},
		{"LCS k k LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"},
	})
}

// Scratch memory that SETRANGE gets was used before: no old byte may show.
func TestSetRangeFillsWithZeros(t *testing.T) {
	n := newStringsNode(t)
	n.do("SET", "a", strings.Repeat("x", 1000))
	n.do("APPEND", "a", strings.Repeat("y", 1000))
	n.do("SETRANGE", "b", "900", "z")
	if got, want := n.do("GET", "b"), stringsBulk(strings.Repeat("\x00", 900)+"z"); got != want {
		t.Errorf("got %q", got)
	}
}

// GETRANGE, APPEND and SETRANGE against the same done byte by byte.
func TestStringPartsProperty(t *testing.T) {
	n := newStringsNode(t)
	rapid.Check(t, func(t *rapid.T) {
		n.do("GETDEL", "k")
		twin := ""
		for range rapid.IntRange(1, 8).Draw(t, "commands") {
			text := rapid.StringN(-1, -1, 12).Draw(t, "text")
			at := rapid.IntRange(0, 20).Draw(t, "at")
			if rapid.Bool().Draw(t, "append") {
				n.do("APPEND", "k", text)
				twin += text
			} else {
				n.do("SETRANGE", "k", strconv.Itoa(at), text)
				twin = overwritten(twin, at, text)
			}
			if got := n.do("GETRANGE", "k", "0", "-1"); got != stringsBulk(twin) {
				t.Fatalf("have %q, want %q", got, twin)
			}
			from := rapid.IntRange(-25, 25).Draw(t, "from")
			to := rapid.IntRange(-25, 25).Draw(t, "to")
			got := n.do("GETRANGE", "k", strconv.Itoa(from), strconv.Itoa(to))
			if want := stringsBulk(slowSpan(twin, from, to)); got != want {
				t.Fatalf("%d to %d of %q: got %q, want %q", from, to, twin, got, want)
			}
		}
	})
}

func overwritten(s string, at int, text string) string {
	if text == "" {
		return s
	}
	for len(s) < at {
		s += "\x00"
	}
	rest := ""
	if at+len(text) < len(s) {
		rest = s[at+len(text):]
	}
	return s[:at] + text + rest
}

func slowSpan(s string, from, to int) (out string) {
	if from < 0 && to < 0 && from > to {
		return ""
	}
	if from < 0 {
		from += len(s)
	}
	if to < 0 && to+len(s) > 0 {
		to += len(s)
	} else if to < 0 {
		to = 0
	}
	for i := range len(s) {
		if i >= from && i <= to {
			out += s[i : i+1]
		}
	}
	return out
}
