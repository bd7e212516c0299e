package main

import (
	"bytes"
	"testing"

	"github.com/rldb/rldb/bench/loops/shards"
)

func TestParse(t *testing.T) {
	const get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	for in, want := range map[string]struct {
		args string
		size int
		bad  bool
	}{
		get:                      {args: "GET k", size: len(get)},
		get + "*1":               {args: "GET k", size: len(get)},
		"*1\r\n$4\r\na\r\nb\r\n": {args: "a\r\nb", size: len("*1\r\n$4\r\na\r\nb\r\n")},
		"":                       {},
		"*":                      {},
		"*\n":                    {bad: true},
		"*\r\n":                  {bad: true},
		"\n":                     {bad: true},
		"*0\r\n":                 {bad: true},
		"*-1\r\n":                {bad: true},
		"*1\r\nx":                {bad: true},
		"*1\r\n$99999999\r\n":    {bad: true},
		"PING\r\n":               {bad: true},
	} {
		args, size, err := parse([]byte(in), nil)
		if got := string(bytes.Join(args, []byte(" "))); size != want.size || size > 0 && got != want.args || (err != nil) != want.bad {
			t.Errorf("%q: %q, %d, %v", in, got, size, err)
		}
	}
	for cut := range len(get) {
		if _, size, err := parse([]byte(get[:cut]), nil); size != 0 || err != nil {
			t.Errorf("%q is taken for a command of %d bytes, %v", get[:cut], size, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	kept := server{store: shards.New()}
	for _, c := range []struct {
		server server
		args   []string
		want   string
	}{
		{kept, []string{"GET", "k"}, "$-1\r\n"},
		{kept, []string{"set", "k", "v1"}, "+OK\r\n"},
		{kept, []string{"GET", "k"}, "$2\r\nv1\r\n"},
		{kept, []string{"DBSIZE"}, ":1\r\n"},
		{kept, []string{"PING"}, "+PONG\r\n"},
		{kept, []string{"GET"}, "-ERR this server knows SET, GET, DBSIZE and PING\r\n"},
		{server{}, []string{"SET", "k", "v"}, "+OK\r\n"},
		{server{}, []string{"GET", "k"}, "$64\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n"},
	} {
		var args [][]byte
		for _, a := range c.args {
			args = append(args, []byte(a))
		}
		if got := string(c.server.answer(nil, args)); got != c.want {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
}
