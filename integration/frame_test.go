package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// A frame is one RESP value as it stood on the wire, and taken apart.
type frame struct {
	raw   []byte
	kind  byte    // the first byte: + - : $ * _ , # ! = ( % ~ > |
	null  bool    // _ or a negative length
	text  []byte  // of all kinds without elements
	elems []frame // of arrays, sets and pushes; of maps: key, value, key, value
}

// isError tells whether the frame is an error reply.
func (f frame) isError() bool { return f.kind == '-' || f.kind == '!' }

// str is the text as a string.
func (f frame) str() string { return string(f.text) }

// readFrame reads one frame. It trusts nothing: whatever is not RESP is an error.
func readFrame(r *bufio.Reader) (frame, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return frame{raw: line}, err
	}
	f := frame{raw: line, kind: line[0]}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return f, fmt.Errorf("a line that does not end in CR LF: %q", line)
	}
	body := line[1 : len(line)-2]
	switch f.kind {
	case '+', '-', ':', ',', '#', '(':
		f.text = body
		return f, nil
	case '_':
		f.null = true
		return f, nil
	case '$', '=', '!':
		return readBlob(r, f, body)
	case '*', '~', '>', '%', '|':
		return readElements(r, f, body)
	}
	return f, fmt.Errorf("no RESP type: %q", line)
}

// readBlob reads the body of a bulk string, bulk error or verbatim string.
func readBlob(r *bufio.Reader, f frame, length []byte) (frame, error) {
	n, err := strconv.Atoi(string(length))
	if err != nil || n < -1 || n > 1<<30 {
		return f, fmt.Errorf("bulk length %q", length)
	}
	if n == -1 {
		f.null = true
		return f, nil
	}
	body := make([]byte, n+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return f, err
	}
	f.raw = append(f.raw, body...)
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		return f, fmt.Errorf("a bulk of %d bytes does not end in CR LF: %.200q", n, f.raw)
	}
	f.text = body[:n]
	return f, nil
}

// readElements reads the elements of an aggregate.
func readElements(r *bufio.Reader, f frame, length []byte) (frame, error) {
	n, err := strconv.Atoi(string(length))
	if err != nil || n < -1 || n > 1<<24 {
		return f, fmt.Errorf("length %q of %c", length, f.kind)
	}
	if n == -1 {
		f.null = true
		return f, nil
	}
	if f.kind == '%' || f.kind == '|' {
		n *= 2
	}
	for range n {
		elem, err := readFrame(r)
		f.raw = append(f.raw, elem.raw...)
		if err != nil {
			return f, err
		}
		f.elems = append(f.elems, elem)
	}
	return f, nil
}
