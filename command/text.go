package command

import (
	"bytes"
	"strings"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/resp"
)

type replicaMode = engine.Mode

// clean is text of a client's for use in an error: one line, its bytes left as
// they are, whether or not they are UTF-8. It ends at a zero byte, as Redis's
// errors do.
func clean(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	line := bytes.Clone(b)
	for i, ch := range line {
		if ch == '\r' || ch == '\n' {
			line[i] = ' '
		}
	}
	return string(line)
}

// excerpt is the start of clean, at most n bytes.
func excerpt(b []byte, n int) string { return clean(b[:min(n, len(b))]) }

func upper(s string) string { return strings.ToUpper(s) }

// errorCode is the first word of an error's text.
func errorCode(text string) string {
	code, _, _ := strings.Cut(text, " ")
	return code
}

// errorCodeAt is the code of the error that was written at mark.
func errorCodeAt(w *resp.Writer, mark int) string {
	b := w.Bytes()
	if mark >= len(b) || b[mark] != '-' {
		return "ERR"
	}
	line := string(b[mark+1 : min(len(b), mark+33)])
	return errorCode(strings.TrimRight(line, "\r\n"))
}
