package resp

import "math"

// protocolError is a request that cannot be understood. Its text is Redis's,
// without the "ERR Protocol error: " before it.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

// The protocol errors of Redis 7 (networking.c).
const (
	errMultibulkLen   = protocolError("invalid multibulk length")
	errBulkLen        = protocolError("invalid bulk length")
	errUnbalanced     = protocolError("unbalanced quotes in request")
	errBigInline      = protocolError("too big inline request")
	errBigMultibulk   = protocolError("too big mbulk count string")
	errBigBulk        = protocolError("too big bulk count string")
	errUntrustedCount = protocolError("unauthenticated multibulk length")
	errUntrustedBulk  = protocolError("unauthenticated bulk length")
)

// errNotBulk is the error for an argument that begins with another byte than $.
// The byte is shown as it is, as Redis does, whatever it is.
func errNotBulk(c byte) protocolError {
	return protocolError("expected '$', got '" + string([]byte{c}) + "'")
}

// scanner finds where the first command of a buffer ends, and checks it
// against the limits on the way. It resumes where it stopped: every byte is
// looked at once, however slowly the bytes arrive (a length line, at most 20
// characters when valid, may be looked at twice). What it passes is safe to
// hand to redcon.
//
// Invariant: bytes before pos were accepted as part of the command that begins
// at 0; args and bulk say what is still to come of it.
type scanner struct {
	pos    int // start of the line or payload that comes next
	seen   int // no line end in [pos, seen)
	args   int // arguments still to come; 0 before a header
	bulk   int // length of the payload at pos, or -1 when a line comes next
	header bool
}

func (p *scanner) reset() { *p = scanner{bulk: -1} }

// next returns the length of the first command of b, or 0 if it is not
// complete yet. b begins where it began at the last call, with more bytes.
func (p *scanner) next(b []byte, lim *Limits, trusted bool) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] != '*' {
		return p.inline(b, lim)
	}
	if !p.header {
		n, ok, err := p.line(b, lim.MaxInline, errBigMultibulk, errMultibulkLen)
		if err != nil || !ok {
			return 0, err
		}
		switch {
		case n > math.MaxInt32:
			return 0, errMultibulkLen
		case n > untrustedArgs && !trusted:
			return 0, errUntrustedCount
		case n > lim.MaxArgs:
			return 0, errMultibulkLen
		case n <= 0: // an empty command, which is ignored
			return p.pos, nil
		}
		p.header, p.args = true, n
	}
	for p.args > 0 {
		if p.bulk < 0 {
			if p.pos >= len(b) {
				return 0, nil
			}
			if c := b[p.pos]; c != '$' {
				return 0, errNotBulk(c)
			}
			n, ok, err := p.line(b, lim.MaxInline, errBigBulk, errBulkLen)
			if err != nil || !ok {
				return 0, err
			}
			switch {
			case n < 0 || n > lim.MaxBulk || n > lim.MaxQuery:
				return 0, errBulkLen
			case n > untrustedBulk && !trusted:
				return 0, errUntrustedBulk
			}
			p.bulk = n
		}
		end := p.pos + p.bulk + 2
		if end > len(b) {
			return 0, nil
		}
		if b[end-2] != '\r' || b[end-1] != '\n' {
			return 0, errBulkLen
		}
		p.pos, p.seen, p.bulk = end, end, -1
		p.args--
	}
	return p.pos, nil
}

// empty says whether a whole command is one without arguments, *0 or *-1.
func (p *scanner) empty(raw []byte) bool { return raw[0] == '*' && !p.header }

// need is how many bytes the command has for certain: what the session's
// buffer may grow to at once.
func (p *scanner) need() int {
	if p.bulk >= 0 {
		return p.pos + p.bulk + 2
	}
	return 0
}

// line reads the integer of a length line that begins with a type byte at pos.
func (p *scanner) line(b []byte, max int, tooBig, invalid error) (n int, ok bool, err error) {
	i := p.seen
	if i <= p.pos {
		i = p.pos + 1
	}
	for i < len(b) && b[i] != '\r' {
		i++
	}
	p.seen = i
	if i-p.pos > max {
		return 0, false, tooBig
	}
	if i+1 >= len(b) {
		return 0, false, nil
	}
	if b[i+1] != '\n' {
		return 0, false, invalid
	}
	n, ok = atoi(b[p.pos+1 : i])
	if !ok {
		return 0, false, invalid
	}
	p.pos = i + 2
	p.seen = p.pos
	return n, true, nil
}

// inline finds the end of a command sent as a line of text.
func (p *scanner) inline(b []byte, lim *Limits) (int, error) {
	i := p.seen
	for i < len(b) && b[i] != '\n' {
		i++
	}
	p.seen = i
	if i > lim.MaxInline {
		return 0, errBigInline
	}
	if i == len(b) {
		return 0, nil
	}
	return i + 1, nil
}

// atoi reads a decimal integer strictly, as Redis's string2ll does: no plus
// sign, no leading zeros, no spaces. Lengths of more than 18 digits do not
// occur and are refused.
func atoi(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	i, neg := 0, b[0] == '-'
	if neg {
		i++
	}
	if i == len(b) || b[i] == '0' {
		return 0, false
	}
	n := 0
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	if neg {
		n = -n
	}
	return n, true
}
