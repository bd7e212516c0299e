package main

import (
	"net"
	"reflect"
	"strings"
	"testing"
)

func TestSlotOf(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0x31c3 {
		t.Errorf("the CRC is %#x", got)
	}
	for key, want := range map[string]int{
		"":               0,
		"foo":            12182, // as CLUSTER KEYSLOT answers
		"{foo}bar":       12182,
		"x{foo}{bar}":    12182,
		"123456789":      0x31c3 % slots,
		"{}123456789":    slotOf([]byte("{}123456789")),
		"{{foo}":         slotOf([]byte("{foo")),
		"key:{06S}:0001": slotOf([]byte("06S")),
	} {
		if got := slotOf([]byte(key)); got != want {
			t.Errorf("%q is in slot %d, want %d", key, got, want)
		}
	}
	if slotOf([]byte("{}a")) == slotOf([]byte("{}b")) || slotOf([]byte("a{b")) == slotOf([]byte("a{c")) {
		t.Error("an empty or open tag hides the rest of the key")
	}
}

// part is a range as CLUSTER SLOTS has it.
func part(from, to int64, nodes ...any) []any { return append([]any{from, to}, nodes...) }

func at(host any, port int64) []any { return []any{host, port, "id"} }

func TestParseSlots(t *testing.T) {
	all := []any{part(0, 99, at("10.0.0.1", 7001), at("10.0.0.9", 9)), part(100, 16383, at("", 7002))}
	m, err := parseSlots(all, "10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	if m[0] != "10.0.0.1:7001" || m[99] != "10.0.0.1:7001" || m[100] != "10.0.0.2:7002" || m[16383] != "10.0.0.2:7002" {
		t.Errorf("the map is %q, %q, %q, %q", m[0], m[99], m[100], m[16383])
	}
	if want := map[string]int{"10.0.0.1:7001": 100, "10.0.0.2:7002": 16284}; !reflect.DeepEqual(m.served(), want) {
		t.Errorf("served: %v, want %v", m.served(), want)
	}
	for name, c := range map[string]struct {
		reply any
		want  string
	}{
		"no list":           {"OK", "no list"},
		"nothing":           {[]any{}, "slot 0 is served by nobody"},
		"a hole":            {[]any{part(0, 5, at("h", 1)), part(7, 16383, at("h", 1))}, "slot 6 is served by nobody"},
		"two at once":       {[]any{part(0, 16383, at("h", 1)), part(7, 8, at("h", 2))}, "slot 7 is served by h:1 and by h:2"},
		"not a range":       {[]any{int64(1)}, "no range"},
		"short":             {[]any{part(0, 1)}, "no range"},
		"backwards":         {[]any{part(2, 1, at("h", 1))}, "no range"},
		"below":             {[]any{part(-1, 1, at("h", 1))}, "no range"},
		"above":             {[]any{part(0, 16384, at("h", 1))}, "no range"},
		"no port":           {[]any{part(0, 16383, at("h", 0))}, "no range"},
		"a port of letters": {[]any{part(0, 16383, []any{"h", "1"})}, "no range"},
		"no node":           {[]any{part(0, 16383, nil)}, "no range"},
	} {
		if _, err := parseSlots(c.reply, "h"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// asked is a client that is answered with the bytes, whatever it asks.
func asked(t *testing.T, bytes string) *client {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close() })
	go func() {
		defer far.Close()
		if _, err := far.Read(make([]byte, 1024)); err == nil {
			_, _ = far.Write([]byte(bytes))
		}
	}()
	return newClient(near, 1024)
}

func TestTree(t *testing.T) {
	for in, want := range map[string]any{
		"+OK\r\n":                             "OK",
		":-5\r\n":                             int64(-5),
		"$-1\r\n":                             nil,
		"*-1\r\n":                             nil,
		"*0\r\n":                              []any(nil),
		"*2\r\n:1\r\n*2\r\n$1\r\nx\r\n+y\r\n": []any{int64(1), []any{"x", "y"}},
	} {
		if got, err := asked(t, in).tree("ASK"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v, want %#v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                          "EOF",
		"-ERR no\r\n":               "ERR no",
		"*1\r\n-ERR no\r\n":         "ERR no",
		"*x\r\n":                    "length",
		"*\n":                       "length",
		"*999999999\r\n":            "longer than",
		"*2\r\n:1\r\n":              "EOF",
		":1x\r\n":                   "invalid syntax",
		strings.Repeat("*1\r\n", 9): "deeper",
	} {
		if got, err := asked(t, in).tree("ASK"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %#v, %v, want %q", in, got, err, want)
		}
	}
}
