package record

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func draw(t *rapid.T) Record {
	v := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
	return Record{
		Type:     Type(rapid.Byte().Draw(t, "type")),
		Dot:      Dot{rapid.Uint64().Draw(t, "actor"), HLC(rapid.Uint64().Draw(t, "hlc"))},
		ExpireAt: rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Min(1)).Draw(t, "expiry"),
		CRC:      Checksum(v),
		Value:    v,
	}
}

func encode(r *Record) []byte { return append(AppendHead(nil, r), r.Value...) }

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t)
		got, err := Decode(encode(&want))
		if err != nil {
			t.Fatal(err)
		}
		if got.Type != want.Type || got.Dot != want.Dot || got.ExpireAt != want.ExpireAt ||
			got.CRC != want.CRC || !bytes.Equal(got.Value, want.Value) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if err := got.Verify(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlippedBitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := draw(t)
		b := encode(&r)
		head := len(b) - len(r.Value)
		if len(r.Value) == 0 {
			return
		}
		i := rapid.IntRange(head, len(b)-1).Draw(t, "at")
		b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		got, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(got.Verify(), ErrCorrupt) {
			t.Fatal("a flipped bit of the value was not found")
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	plain := encode(&Record{Value: []byte("v")})
	expiring := encode(&Record{ExpireAt: 1, Value: nil})
	change := func(b []byte, i int, c byte) []byte {
		b = bytes.Clone(b)
		b[i] = c
		return b
	}
	for name, b := range map[string][]byte{
		"empty":           nil,
		"short":           plain[:headLen-1],
		"other version":   change(plain, 0, 2),
		"unknown flag":    change(plain, 2, 2),
		"half an expiry":  expiring[:MaxHead-1],
		"negative expiry": change(expiring, MaxHead-1, 0x80),
	} {
		if _, err := Decode(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: Decode gives %v, want ErrFormat", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(&Record{Value: []byte("v")}))
	f.Add(encode(&Record{ExpireAt: 5, Value: []byte("v")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		if !bytes.Equal(encode(&r), b) {
			t.Fatalf("decoding and encoding %x gives %x", b, encode(&r))
		}
	})
}

func TestClock(t *testing.T) {
	wall := int64(1000)
	c := NewClock(func() int64 { return wall })
	a := c.Next()
	if a.Milli() != 1000 {
		t.Fatalf("Milli() = %d, want 1000", a.Milli())
	}
	wall = 10 // the wall clock is set back
	b := c.Next()
	if b <= a {
		t.Fatalf("the clock stepped back: %d after %d", b, a)
	}
	if c.Milli() != 1000 {
		t.Fatalf("Milli() = %d after the wall clock was set back, want 1000", c.Milli())
	}
	if d := c.After(b+100, 1000); d != b+102 {
		t.Fatalf("After(%d) = %d", b+100, d)
	}
	wall = 5000
	if d := c.Next(); d.Milli() != 5000 {
		t.Fatalf("Milli() = %d, want 5000", d.Milli())
	}
}
