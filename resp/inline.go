package resp

import "bytes"

// splitInline cuts a command sent as a line of text into its arguments, by the
// rules of redis-cli and Redis's sdssplitargs: white space separates; "…"
// knows \n \r \t \b \a \\ \" and \xHH; '…' knows \'; a closing quote must be
// followed by white space. ok is false for unbalanced quotes.
func splitInline(line []byte, args [][]byte) (_ [][]byte, ok bool) {
	args = args[:0]
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	// Redis takes the line as a C string: it ends at a NUL.
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		arg := []byte{}
		for i < len(line) && !isSpace(line[i]) {
			switch c := line[i]; c {
			case '"', '\'':
				arg, i = unquote(arg, line, i+1, c)
				if i < 0 || i < len(line) && !isSpace(line[i]) {
					return args, false
				}
			default:
				arg = append(arg, c)
				i++
			}
		}
		args = append(args, arg)
	}
}

// unquote appends the quoted text that begins at i, and returns the place
// after its closing quote, or -1 if there is none.
func unquote(dst, line []byte, i int, quote byte) ([]byte, int) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == quote:
			return dst, i + 1
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			dst = append(dst, '\'')
			i += 2
		case c == '\\' && quote == '"' && i+3 < len(line) && line[i+1] == 'x' &&
			hexDigit(line[i+2]) >= 0 && hexDigit(line[i+3]) >= 0:
			dst = append(dst, byte(hexDigit(line[i+2])<<4|hexDigit(line[i+3])))
			i += 4
		case c == '\\' && quote == '"' && i+1 < len(line):
			dst = append(dst, escaped(line[i+1]))
			i += 2
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst, -1
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
