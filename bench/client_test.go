package main

import (
	"net"
	"strings"
	"testing"
)

// answering gives a client whose server says these bytes, and ends.
func answering(t *testing.T, text string) *client {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	go func() {
		defer theirs.Close()
		_, _ = theirs.Write([]byte(text)) // fails when the test has read enough
	}()
	return newClient(ours, 64)
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		kind  byte
		text  string
		null  bool
		fails string
	}{
		"status":            {in: "+OK\r\n", kind: '+', text: "OK"},
		"integer":           {in: ":12\r\n", kind: ':', text: "12"},
		"bulk":              {in: "$5\r\na\r\nbc\r\n", kind: '$', text: "a\r\nbc"},
		"empty bulk":        {in: "$0\r\n\r\n", kind: '$'},
		"null":              {in: "$-1\r\n", kind: '$', null: true},
		"error":             {in: "-ERR no\r\n", fails: "ERR no"},
		"array":             {in: "*1\r\n", fails: "no reply that is expected"},
		"garbage":           {in: "x\n", fails: "is no reply"},
		"no carriage":       {in: "+OK\n", fails: "is no reply"},
		"nothing":           {in: "", fails: "EOF"},
		"half a bulk":       {in: "$5\r\nab", fails: "unexpected EOF"},
		"a length of ?":     {in: "$?\r\n", fails: `length "?"`},
		"beyond the buffer": {in: "$100\r\n" + strings.Repeat("x", 102), fails: "longer than"},
	} {
		r, err := answering(t, c.in).read()
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error %v, want one of %q", name, err, c.fails)
			}
		case err != nil || r.kind != c.kind || string(r.text) != c.text || r.null != c.null:
			t.Errorf("%s: %c %q null %v, %v", name, r.kind, r.text, r.null, err)
		}
	}
}

func TestReadInOrder(t *testing.T) {
	c := answering(t, "+OK\r\n$2\r\nhi\r\n:3\r\n")
	for _, want := range []string{"OK", "hi", "3"} {
		if r, err := c.read(); err != nil || string(r.text) != want {
			t.Fatalf("%q, %v, want %q", r.text, err, want)
		}
	}
}
