package glob

// Match reports whether the whole of s matches pattern:
//
//	?        any one byte
//	*        any run of bytes, also none
//	[abc]    one of these bytes; [a-c] a range, in either order
//	[^abc]   one byte that is none of these
//	\x       the byte x itself
//
// A bracket that is never closed is taken as closed by the pattern's end, and a
// backslash that ends the pattern stands for itself. Both are how Redis reads
// them. One difference is on purpose: a pattern of stars alone matches the
// empty string too, so that a caller needs no special case for "*".
func Match(pattern, s []byte) bool { return match(pattern, s, false) }

// MatchFold is [Match] without regard to the case of ASCII letters.
func MatchFold(pattern, s []byte) bool { return match(pattern, s, true) }

// match walks both sides once. When an element does not fit, only the latest
// star takes one byte more: whatever an earlier star could reach, the latest
// one reaches as well, so that going back further finds nothing new. This is
// what keeps a pattern of many stars from being exponential.
func match(pattern, s []byte, fold bool) bool {
	p, i := 0, 0
	star, taken := -1, 0 // where to go on after the latest star, and where its run ends in s
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			if p == len(pattern) {
				return true
			}
			star, taken = p, i
			continue
		}
		if p < len(pattern) {
			if width, ok := element(pattern[p:], s[i], fold); ok {
				p += width
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		taken++
		p, i = star, taken
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// element matches c against the first element of p, which is not a star. The
// width, in bytes of p, only counts when it matches.
func element(p []byte, c byte, fold bool) (width int, ok bool) {
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		return class(p, c, fold)
	case '\\':
		if len(p) > 1 {
			return 2, same(p[1], c, fold)
		}
	}
	return 1, same(p[0], c, fold)
}

// class matches c against the bracket that p begins with. As in Redis, a
// bracket has no first-member rule: "[]" is empty, "[^]" is any byte.
func class(p []byte, c byte, fold bool) (width int, ok bool) {
	i := 1
	not := i < len(p) && p[i] == '^'
	if not {
		i++
	}
	found := false
	for ; i < len(p) && p[i] != ']'; i++ {
		rest := p[i:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			i++
			// Redis compares an escaped member exactly, also when it
			// folds the case of everything else.
			found = found || rest[1] == c
		case len(rest) > 2 && rest[1] == '-':
			i += 2
			found = found || inRange(rest[0], rest[2], c, fold)
		default:
			found = found || same(rest[0], c, fold)
		}
	}
	return min(i+1, len(p)), found != not
}

func inRange(lo, hi, c byte, fold bool) bool {
	if lo > hi {
		lo, hi = hi, lo
	}
	if fold {
		lo, hi, c = lower(lo), lower(hi), lower(c)
	}
	return lo <= c && c <= hi
}

func same(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
