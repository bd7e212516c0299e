package main

import (
	"bytes"
	"testing"
)

func TestPutKey(t *testing.T) {
	for i, want := range map[int]string{0: "key:000000000000", 7: "key:000000000007", 9_999_999: "key:000009999999", 123456789012: "key:123456789012"} {
		var key [keyLen]byte
		if putKey(key[:], i); string(key[:]) != want {
			t.Errorf("key %d is %q, want %q", i, key, want)
		}
	}
}

func TestAppendValue(t *testing.T) {
	for _, size := range []int{1, 7, 8, 64, 100} {
		k := keyspace{n: 2, size: size}
		first := k.appendValue([]byte("before"), 1)
		if len(first) != len("before")+size || !bytes.HasPrefix(first, []byte("before")) {
			t.Errorf("size %d: %q", size, first)
		}
		if again := k.appendValue(nil, 1); !bytes.Equal(again, first[len("before"):]) {
			t.Errorf("size %d: the value of a key changed", size)
		}
		if other := k.appendValue(nil, 2); size >= 8 && bytes.Equal(other, first[len("before"):]) {
			t.Errorf("size %d: two keys have the same value", size)
		}
	}
}

func TestAppendCommand(t *testing.T) {
	if got, want := string(appendCommand([]byte("x"), "SET", "", "a\r\n")), "x*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na\r\n\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var scratch []byte
	k := keyspace{n: 10, size: 3}
	want := appendCommand(nil, "SET", "key:000000000004", string(k.appendValue(nil, 4)))
	if got := k.appendSet(nil, 4, &scratch); !bytes.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
