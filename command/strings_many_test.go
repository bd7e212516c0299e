package command

import (
	"slices"
	"testing"
)

func TestManyStrings(t *testing.T) {
	playStrings(t, []stringsStep{
		{"MGET a", "*1 $-1"},
		{"MSET a 1 b 2", "+OK"},
		{"MGET a b none a", "*4 $1 1 $1 2 $-1 $1 1"},
		{"MSET a 3 a 4", "+OK"},
		{"GET a", "$1 4"},
		{"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
		{"MSET a", "-ERR wrong number of arguments for 'mset' command"},
		{"MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"},
		{"MSETNX c 1 a 2", ":0"},
		{"GET c", "$-1"},
		{"MSETNX c 1 d 2 c 3", ":1"},
		{"MGET c d", "*2 $1 3 $1 2"},
		{"MGET", "-ERR wrong number of arguments for 'mget' command"},
	})
}

// From Redis 8.4's documentation and tests.
func TestMSetEX(t *testing.T) {
	const (
		numkeys = "-ERR invalid numkeys value"
		pairs   = "-ERR wrong number of key-value pairs"
		syntax  = "-ERR syntax error"
	)
	playStrings(t, []stringsStep{
		{"MSETEX 2 a 1 b 2", ":1"},
		{"MGET a b", "*2 $1 1 $1 2"},
		{"MSETEX 1 a 5 NX", ":0"},
		{"MSETEX 2 c 5 a 5 nx EX 10", ":0"},
		{"GET c", "$-1"},
		{"MSETEX 2 a 3 c 4 XX", ":0"},
		{"GET a", "$1 1"},
		{"MSETEX 2 a 3 b 4 EX 100 XX", ":1"},
		{"MSETEX 2 c 5 d 6 px 100000 nx", ":1"},
		{"MSETEX 1 a 7 KEEPTTL", ":1"},
		{"MSETEX 2 e 1 e 2", ":1"},
		{"MGET a b c d e", "*5 $1 7 $1 4 $1 5 $1 6 $1 2"},
		{"MSETEX 2 a 1 b 2 EXAT 1", ":1"},
		{"MGET a b", "*2 $-1 $-1"},

		{"MSETEX key1 val1 ex 10", numkeys},
		{"MSETEX 0 a 1", numkeys},
		{"MSETEX -1 a 1", numkeys},
		{"MSETEX 2147483648 a 1 ex 10", numkeys},
		{"MSETEX 2147483647 a 1 ex 10", pairs},
		{"MSETEX 2 a 1 b", pairs},
		{"MSETEX 1 a 1 FOO", syntax},
		{"MSETEX 1 a 1 NX XX", syntax},
		{"MSETEX 1 a 1 EX 10 PX 500", syntax},
		{"MSETEX 1 a 1 KEEPTTL EX 10", syntax},
		{"MSETEX 1 a 1 PERSIST", syntax},
		{"MSETEX 1 a 1 EX", syntax},
		{"MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command"},
		{"MSETEX 1 a 1 EX abc", "-ERR value is not an integer or out of range"},
		{"MSETEX 1 a", "-ERR wrong number of arguments for 'msetex' command"},
		{"GET a", "$-1"},
	})
}

func TestMSetEXKeys(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  []int
		ok    bool
	}{
		{[]string{"MSETEX", "2", "a", "1", "b", "2", "EX", "5"}, []int{2, 4}, true},
		{[]string{"MSETEX", "1", "a", "1"}, []int{2}, true},
		{[]string{"MSETEX", "2", "a", "1", "b"}, nil, false},
		{[]string{"MSETEX", "x", "a", "1"}, nil, false},
		{[]string{"MSETEX", "2147483647", "a", "1"}, nil, false},
	} {
		var args [][]byte
		for _, w := range tc.words {
			args = append(args, []byte(w))
		}
		if got, ok := msetEXKeys(args, nil); ok != tc.ok || !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v %v", tc.words, got, ok)
		}
	}
}
