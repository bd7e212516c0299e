package command

import (
	"encoding/binary"
	"hash/crc64"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// dumped is what DUMP gives for a value.
func dumped(t testing.TB, c *genericConn, value string) string {
	t.Helper()
	c.do("SET", "from", value)
	payload, err := strconv.Unquote(c.do("DUMP", "from"))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestRestore(t *testing.T) {
	for proto := 2; proto <= 3; proto++ {
		c := dialGeneric(t, newGenericNode(t, proto).addr)
		payload := dumped(t, c, "v")
		for _, x := range []struct {
			words []string
			want  string
		}{
			{[]string{"DUMP", "missing"}, "nil"},
			{[]string{"RESTORE", "k", "0", payload}, "+OK"},
			{[]string{"GET", "k"}, `"v"`},
			{[]string{"TTL", "k"}, ":-1"},
			{[]string{"RESTORE", "k", "0", payload}, "-BUSYKEY Target key name already exists."},
			{[]string{"RESTORE", "k", "1000000", payload, "replace"}, "+OK"},
			{[]string{"TTL", "k"}, ":1000"},
			{[]string{"RESTORE", "k", "4102444800000", payload, "ABSTTL", "REPLACE", "IDLETIME", "5"}, "+OK"},
			{[]string{"EXPIRETIME", "k"}, ":4102444800"},
			{[]string{"RESTORE", "k", "0", payload, "ABSTTL", "REPLACE", "FREQ", "255"}, "+OK"},
			{[]string{"TTL", "k"}, ":-1"},
			{[]string{"RESTORE", "past", "1", payload, "ABSTTL"}, "+OK"},
			{[]string{"EXISTS", "past"}, ":0"},
			{[]string{"RESTORE", "k", "1", payload, "ABSTTL", "REPLACE"}, "+OK"},
			{[]string{"EXISTS", "k"}, ":0"},
			// Beyond the greatest number lies the past.
			{[]string{"RESTORE", "k", "9223372036854775807", payload}, "+OK"},
			{[]string{"EXISTS", "k"}, ":0"},
		} {
			if got := c.do(x.words...); got != x.want {
				t.Errorf("%q\n got %s\nwant %s", x.words, got, x.want)
			}
		}
	}
}

func TestRestoreErrors(t *testing.T) {
	const damaged = "-ERR DUMP payload version or checksum are wrong"
	playTable(t, []genericStep{
		{"SET k v", "+OK"},
		{"RESTORE k x y", "-BUSYKEY Target key name already exists."},
		{"RESTORE k x y FOO", "-ERR syntax error"},
		{"RESTORE k x y IDLETIME", "-ERR syntax error"},
		{"RESTORE k x y IDLETIME x FOO", "-ERR value is not an integer or out of range"},
		{"RESTORE k x y IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"},
		{"RESTORE k x y FREQ -1", "-ERR Invalid FREQ value, must be >= 0 and <= 255"},
		{"RESTORE k x y FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255"},
		{"RESTORE k x y FREQ 5 IDLETIME 5", "-ERR syntax error"},
		{"RESTORE k x y IDLETIME 5 FREQ 5", "-ERR syntax error"},
		{"RESTORE k x y REPLACE", "-ERR value is not an integer or out of range"},
		{"RESTORE missing x y", "-ERR value is not an integer or out of range"},
		{"RESTORE missing -1 y", "-ERR Invalid TTL value, must be >= 0"},
		{"RESTORE missing 0 y", damaged},
		{`RESTORE k 0 "" REPLACE`, damaged},
		{`RESTORE k 0 "\x00\x01v\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00" REPLACE`, damaged},
		{"GET k", `"v"`},
		{"RESTORE k 0", "-ERR wrong number of arguments for 'restore' command"},
		{"DUMP", "-ERR wrong number of arguments for 'dump' command"},
	})
}

func TestDumpIsChecked(t *testing.T) {
	c := dialGeneric(t, newGenericNode(t, 2).addr)
	rapid.Check(t, func(rt *rapid.T) {
		value := string(rapid.SliceOf(rapid.Byte()).Draw(rt, "value"))
		payload := dumped(t, c, value)
		if got, wrong := undump([]byte(payload)); string(got) != value || wrong != "" {
			rt.Fatalf("%q becomes %q, %q", value, got, wrong)
		}
		b := []byte(payload)
		bit := rapid.IntRange(0, 8*len(b)-1).Draw(rt, "bit")
		b[bit/8] ^= 1 << (bit % 8)
		if got, wrong := undump(b); wrong == "" {
			rt.Fatalf("bit %d of %x was flipped: %q", bit, payload, got)
		}
		if got, wrong := undump(b[:rapid.IntRange(0, len(b)-1).Draw(rt, "length")]); wrong == "" {
			rt.Fatalf("%x was cut: %q", payload, got)
		}
	})
}

// A payload that is whole, of a type or version that is not known here.
func TestUndumpFuture(t *testing.T) {
	for head, want := range map[[2]byte]string{
		{1, 0}: "",
		{1, 7}: "ERR Bad data format",
		{2, 0}: "ERR DUMP payload version or checksum are wrong",
	} {
		b := append(head[:], "value"...)
		b = binary.LittleEndian.AppendUint64(b, crc64.Checksum(b, crcTable))
		if _, wrong := undump(b); wrong != want {
			t.Errorf("version %d, type %d: got %q, want %q", head[0], head[1], wrong, want)
		}
	}
}

func FuzzUndump(f *testing.F) {
	f.Add([]byte{1, 0, 'v'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, wrong := undump(b); wrong == "" && len(v)+dumpHead+dumpFoot != len(b) {
			t.Fatalf("%x holds %x", b, v)
		}
	})
}
