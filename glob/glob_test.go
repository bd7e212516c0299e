package glob

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The rows from "unterminated" on were checked against redis-server 7.0.15
// with SCAN MATCH.
func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"ABC", "abc", false},
		{"*", "", true},
		{"**", "", true},
		{"*", "anything", true},
		{"a*", "a", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbbd", false},
		{"a*b*c", "a_b_b_c", true},
		{"*a*a*", "a", false},
		{"h?llo", "hello", true},
		{"h?llo", "hllo", false},
		{"h[ae]llo", "hallo", true},
		{"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hallo", true},
		{"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true},
		{"h[c-a]llo", "hbllo", true},
		{"h[a-c]llo", "hdllo", false},
		{"h[^a-c]llo", "hbllo", false},
		{`h\*llo`, "h*llo", true},
		{`h\*llo`, "hello", false},
		{`h\?`, "h?", true},
		{`\[a]`, "[a]", true},
		{`[\]]`, "]", true},
		{`[\^a]`, "^", true},
		{`[a\-c]`, "b", false},
		{`[a\-c]`, "-", true},
		{"[]", "a", false},
		{"[]a]", "a]", false},
		{"[^]", "a", true},
		{"[^]a]", "xa]", true},

		// unterminated
		{"[", "a", false},
		{"[", "[", false},
		{"[a", "a", true},
		{"[abc", "c", true},
		{"[^", "a", true},
		{"[^a", "a", false},
		{"*[^", "xyz", true},
		{"[a-", "a", true},
		{"[a-", "-", true},
		{"[a-]", "-", false},
		{"[a-]", "_", true}, // the range from ']' to 'a', never closed
		{`[\`, `\`, true},
		{`\`, `\`, true},
		{`a\`, `a\`, true},
		{`a\`, "a", false},
	}
	for _, tt := range tests {
		if got := Match([]byte(tt.pattern), []byte(tt.s)); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

func TestMatchFold(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"MAXC*", "maxclients", true},
		{"maxc*", "MAXCLIENTS", true},
		{"[A-C]", "b", true},
		{"[a-c]", "B", true},
		{"[ABC]", "b", true},
		{`\M`, "m", true},
		{`[\M]`, "m", false},
		{`[\M]`, "M", true},
		{"É", "é", false}, // only ASCII letters fold
	}
	for _, tt := range tests {
		if got := MatchFold([]byte(tt.pattern), []byte(tt.s)); got != tt.want {
			t.Errorf("MatchFold(%q, %q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

// twin says the same by trying everything.
func twin(p, s []byte, fold bool) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0] == '*' {
		return twin(p[1:], s, fold) || len(s) > 0 && twin(p, s[1:], fold)
	}
	if len(s) == 0 {
		return false
	}
	width, ok := element(p, s[0], fold)
	return ok && twin(p[width:], s[1:], fold)
}

func TestTwin(t *testing.T) {
	bytesOf := func(alphabet string, most int) *rapid.Generator[[]byte] {
		return rapid.SliceOfN(rapid.SampledFrom([]byte(alphabet)), 0, most)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := bytesOf(`aabbABc**??[]^-\`, 10).Draw(t, "pattern")
		s := bytesOf(`aabbABc*[]^-\`, 8).Draw(t, "s")
		fold := rapid.Bool().Draw(t, "fold")
		if got, want := match(p, s, fold), twin(p, s, fold); got != want {
			t.Fatalf("match(%q, %q, %v) = %v, want %v", p, s, fold, got, want)
		}
	})
}

// A matcher that goes back to every star would not end this in a lifetime.
func TestManyStarsStayCheap(t *testing.T) {
	pattern := []byte(strings.Repeat("a*", 500) + "b")
	s := []byte(strings.Repeat("a", 5000))
	if Match(pattern, s) {
		t.Fatal("a pattern that ends in b matched a string of a's")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("a*[b-d]?"), []byte("axxc1"))
	f.Add([]byte(`[\`), []byte(`\`))
	f.Add([]byte("[^"), []byte{0xff})
	f.Fuzz(func(t *testing.T, p, s []byte) {
		if len(p) > 24 || len(s) > 24 || strings.Count(string(p), "*") > 4 {
			return // the twin is exponential
		}
		for _, fold := range []bool{false, true} {
			if got, want := match(p, s, fold), twin(p, s, fold); got != want {
				t.Fatalf("match(%q, %q, %v) = %v, want %v", p, s, fold, got, want)
			}
		}
	})
}
