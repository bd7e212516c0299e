package resp

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
	"pgregory.net/rapid"
)

func testLimits() *Limits {
	l := DefaultLimits()
	return &l
}

// twin is the request format written down a second time, without regard to
// speed or to input that arrives in parts: the length of the first command of
// b (0: not whole), its arguments, or the protocol error.
func twin(b []byte, lim *Limits, trusted bool) (n int, args []string, err error) {
	if len(b) == 0 {
		return 0, nil, nil
	}
	if b[0] != '*' {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i < 0 && len(b) > lim.MaxInline || i > lim.MaxInline:
			return 0, nil, errBigInline
		case i < 0:
			return 0, nil, nil
		}
		return i + 1, nil, nil
	}
	line := func(at int, tooBig, invalid error) (next, v int, err error) {
		i := bytes.IndexByte(b[at:], '\r')
		switch {
		case i < 0 && len(b)-at > lim.MaxInline || i > lim.MaxInline:
			return 0, 0, tooBig
		case i < 0 || at+i+1 == len(b):
			return 0, 0, nil
		case b[at+i+1] != '\n':
			return 0, 0, invalid
		}
		text := string(b[at+1 : at+i])
		v, perr := strconv.Atoi(text)
		if perr != nil || strconv.Itoa(v) != text || len(text) > 18 {
			return 0, 0, invalid
		}
		return at + i + 2, v, nil
	}
	at, count, err := line(0, errBigMultibulk, errMultibulkLen)
	switch {
	case err != nil || at == 0:
		return 0, nil, err
	case count >= 1<<31:
		return 0, nil, errMultibulkLen
	case count > untrustedArgs && !trusted:
		return 0, nil, errUntrustedCount
	case count > lim.MaxArgs:
		return 0, nil, errMultibulkLen
	}
	for range max(count, 0) {
		if at >= len(b) {
			return 0, nil, nil
		}
		if b[at] != '$' {
			return 0, nil, errNotBulk(b[at])
		}
		next, size, err := line(at, errBigBulk, errBulkLen)
		switch {
		case err != nil || next == 0:
			return 0, nil, err
		case size < 0 || size > lim.MaxBulk:
			return 0, nil, errBulkLen
		case size > untrustedBulk && !trusted:
			return 0, nil, errUntrustedBulk
		case next+size+2 > len(b):
			return 0, nil, nil
		case string(b[next+size:next+size+2]) != "\r\n":
			return 0, nil, errBulkLen
		}
		args = append(args, string(b[next:next+size]))
		at = next + size + 2
	}
	return at, args, nil
}

func TestScannerErrors(t *testing.T) {
	long := strings.Repeat("1", 70000)
	for _, tc := range []struct {
		in      string
		trusted bool
		want    error
	}{
		{"*x\r\n", true, errMultibulkLen},
		{"*\r\n", true, errMultibulkLen},
		{"*+1\r\n", true, errMultibulkLen},
		{"*01\r\n", true, errMultibulkLen},
		{"*1 \r\n", true, errMultibulkLen},
		{"*1\rx", true, errMultibulkLen},
		{"*1048577\r\n", true, errMultibulkLen},
		{"*1000000000\r\n", true, errMultibulkLen},
		{"*9223372036854775808\r\n", true, errMultibulkLen},
		{"*11\r\n", false, errUntrustedCount},
		{"*1\r\nPING\r\n", true, protocolError("expected '$', got 'P'")},
		{"*1\r\n\xff", true, protocolError("expected '$', got '\xff'")},
		{"*1\r\n$-1\r\n", true, errBulkLen},
		{"*1\r\n$536870913\r\n", true, errBulkLen},
		{"*1\r\n$9223372036854775807\r\n", true, errBulkLen},
		{"*1\r\n$18446744073709551620\r\n", true, errBulkLen},
		{"*1\r\n$16385\r\n", false, errUntrustedBulk},
		{"*1\r\n$4\r\nPINGxx", true, errBulkLen},
		{"*" + long, true, errBigMultibulk},
		{"*1\r\n$" + long, true, errBigBulk},
		{"a" + long, true, errBigInline},
		{"*1048576\r\n", true, nil},
		{"*10\r\n", false, nil},
		{"*1\r\n$16384\r\n", false, nil},
		{"*1\r\n$536870912\r\n", true, nil},
	} {
		var s scanner
		s.reset()
		n, err := s.next([]byte(tc.in), testLimits(), tc.trusted)
		if n != 0 || err != tc.want {
			t.Errorf("%.30q: %d, %v; want 0, %v", tc.in, n, err, tc.want)
		}
	}
}

// TestScannerInParts: however the bytes are cut, the commands are the same.
func TestScannerInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []int
		for range rapid.IntRange(1, 6).Draw(t, "commands") {
			from := len(stream)
			if rapid.Bool().Draw(t, "inline") {
				stream = append(stream, rapid.StringMatching(`[a-z "']{0,20}`).Draw(t, "line")...)
				stream = append(stream, "\r\n"...)
			} else {
				args := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 5).Draw(t, "args")
				stream = redcon.AppendArray(stream, len(args))
				for _, a := range args {
					stream = redcon.AppendBulk(stream, a)
				}
			}
			want = append(want, len(stream)-from)
		}
		var s scanner
		s.reset()
		at := 0
		for end := 0; end < len(stream); {
			end = min(len(stream), end+rapid.IntRange(1, 10).Draw(t, "step"))
			for at < end {
				n, err := s.next(stream[at:end], testLimits(), true)
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					break
				}
				if n != want[0] {
					t.Fatalf("a command of %d bytes, want %d", n, want[0])
				}
				at, want = at+n, want[1:]
				s.reset()
			}
		}
		if len(want) > 0 {
			t.Fatalf("%d commands were not found", len(want))
		}
	})
}

// FuzzScanner holds the scanner against the twin, and what it passes against
// redcon.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"PING\r\n", "*1\r\n$4\r\nPING\r\n", "*-1\r\n", "*0\r\n", "*2\r\n$0\r\n\r\n$1\r\na\r\n",
		"*1\r\n$-1\r\n", "*1\r\n$18446744073709551620\r\n", "*1000000000\r\n", "\r\n", "\n", "*1\r\n$4\r\nPINGxx", "*1\r\r"} {
		f.Add([]byte(s), uint8(3), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8, trusted bool) {
		lim := testLimits()
		lim.MaxInline = 40 // so that the fuzzer meets it
		wantN, wantArgs, wantErr := twin(b, lim, trusted)
		var s scanner
		s.reset()
		var n int
		var err error
		for end := 0; end < len(b) && n == 0 && err == nil; {
			end = min(len(b), end+int(step)+1)
			n, err = s.next(b[:end], lim, trusted)
		}
		// Fed in parts, the scanner may refuse before the twin, which sees all
		// the bytes at once, accepts: never the other way round.
		if err == nil && (n != wantN || wantErr != nil) {
			t.Fatalf("%q: %d; the twin says %d, %v", b, n, wantN, wantErr)
		}
		if err != nil && wantErr == nil {
			t.Fatalf("%q: %v; the twin says %d", b, err, wantN)
		}
		if n == 0 || b[0] != '*' {
			return
		}
		complete, args, _, left, rerr := redcon.ReadNextCommand(b[:n], nil)
		if s.empty(b[:n]) {
			return // redcon refuses negative counts, which Redis ignores
		}
		if rerr != nil || !complete || len(left) != 0 || len(args) != len(wantArgs) {
			t.Fatalf("%q: redcon gives %v %q %v", b[:n], complete, args, rerr)
		}
		for i := range args {
			if string(args[i]) != wantArgs[i] {
				t.Fatalf("%q: argument %d is %q, want %q", b[:n], i, args[i], wantArgs[i])
			}
		}
	})
}

func TestSplitInline(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want string // arguments joined by |, or "!" for unbalanced quotes
	}{
		{"PING\r\n", "PING"},
		{"  set\ta  b \r\n", "set|a|b"},
		{"\r\n", ""},
		{"\n", ""},
		{`set k "a\x41\n\t\b\a\\\"\q"` + "\r\n", "set|k|aA\n\t\b\a\\\"q"},
		{`set k 'it\'s \n'` + "\n", `set|k|it's \n`},
		{`set k "" ''` + "\n", "set|k||"},
		{`set k "a"b` + "\n", "!"},
		{`set k "a` + "\n", "!"},
		{`set k 'a` + "\n", "!"},
		{`set k a"b c"` + "\n", "set|k|ab c"},
		{`set k "\x4"` + "\n", "set|k|x4"},
		{"set a\x00b c\n", "set|a"},
	} {
		args, ok := splitInline([]byte(tc.in), nil)
		got := string(bytes.Join(args, []byte("|")))
		if !ok {
			got = "!"
		}
		if got != tc.want {
			t.Errorf("%q gives %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzSplitInline(f *testing.F) {
	f.Add([]byte(`set k "a\x41"` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		args, _ := splitInline(b, nil)
		total := 0
		for _, a := range args {
			total += len(a)
		}
		if total > len(b) {
			t.Fatalf("%q gives %d bytes of arguments", b, total)
		}
	})
}
