package integration

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A compare looks at the replies of redis-server (want) and of the subject (got)
// and says what is wrong, or "".
type compare func(want, got frame) string

// sameBytes is what every reply is held to unless differences_test.go has a
// reason for less.
func sameBytes(want, got frame) string {
	if bytes.Equal(want.raw, got.raw) {
		return ""
	}
	return "the bytes differ"
}

// errorsExact wraps a comparison of replies that are not errors: as soon as one
// is an error, both must be the same bytes.
func errorsExact(how compare) compare {
	return func(want, got frame) string {
		if want.isError() || got.isError() {
			return sameBytes(want, got)
		}
		return how(want, got)
	}
}

// sameKind wants the same RESP type, and null for null.
func sameKind(want, got frame) string {
	if want.kind != got.kind || want.null != got.null {
		return fmt.Sprintf("another type of reply: %c and %c", want.kind, got.kind)
	}
	return ""
}

// within wants integers at most tolerance apart; zero and the negative ones,
// which are answers of their own, exactly.
func within(tolerance int64) compare {
	return func(want, got frame) string {
		a, errA := strconv.ParseInt(want.str(), 10, 64)
		b, errB := strconv.ParseInt(got.str(), 10, 64)
		if errA != nil || errB != nil || want.kind != got.kind || a <= 0 || b <= 0 {
			return sameBytes(want, got)
		}
		if a-b > tolerance || b-a > tolerance {
			return fmt.Sprintf("more than %d apart", tolerance)
		}
		return ""
	}
}

// sameSet wants the same elements in any order.
func sameSet(want, got frame) string {
	if diff := sameKind(want, got); diff != "" {
		return diff
	}
	return diffSets(raws(want.elems), raws(got.elems))
}

// samePairs wants the same pairs in any order: maps, and arrays that stand for
// maps.
func samePairs(want, got frame) string {
	if diff := sameKind(want, got); diff != "" {
		return diff
	}
	if len(got.elems)%2 != 0 {
		return "an odd number of elements"
	}
	return diffSets(pairs(want.elems), pairs(got.elems))
}

func raws(frames []frame) []string {
	out := make([]string, len(frames))
	for i, f := range frames {
		out[i] = string(f.raw)
	}
	return out
}

func pairs(frames []frame) []string {
	var out []string
	for i := 0; i+1 < len(frames); i += 2 {
		out = append(out, string(frames[i].raw)+string(frames[i+1].raw))
	}
	return out
}

// diffSets compares as sorted lists.
func diffSets(want, got []string) string {
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(want, got) {
		return ""
	}
	return fmt.Sprintf("other elements: missing %.300q, too many %.300q", minus(want, got), minus(got, want))
}

// minus is what is in a and not in b.
func minus(a, b []string) []string {
	count := map[string]int{}
	for _, s := range b {
		count[s]++
	}
	var out []string
	for _, s := range a {
		if count[s]--; count[s] < 0 {
			out = append(out, s)
		}
	}
	return out
}

// sameFields wants, of two maps (or arrays that stand for maps), equal values
// for the named fields; others may differ or be missing.
func sameFields(names ...string) compare {
	return func(want, got frame) string {
		if diff := sameKind(want, got); diff != "" {
			return diff
		}
		a, b := fields(want), fields(got)
		for _, name := range names {
			if a[name] != b[name] {
				return fmt.Sprintf("field %s is %.200q and %.200q", name, a[name], b[name])
			}
		}
		return ""
	}
}

// fields are the raw values of a map by key.
func fields(f frame) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(f.elems); i += 2 {
		out[f.elems[i].str()] = string(f.elems[i+1].raw)
	}
	return out
}

// sameHelp wants simple strings of which the first line and the entry for HELP
// are Redis's: the sentences between are each server's own.
func sameHelp(want, got frame) string {
	if diff := sameKind(want, got); diff != "" {
		return diff
	}
	if len(got.elems) < 3 {
		return "too short"
	}
	for i, f := range got.elems {
		if f.kind != '+' {
			return fmt.Sprintf("line %d is no simple string", i+1)
		}
	}
	if diff := sameBytes(want.elems[0], got.elems[0]); diff != "" {
		return "first line: " + diff
	}
	if !slices.ContainsFunc(got.elems, func(f frame) bool { return strings.TrimSpace(f.str()) == "HELP" }) {
		return "HELP itself is not described"
	}
	return ""
}
