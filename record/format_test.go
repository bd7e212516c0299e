package record

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawWhole(t *rapid.T) Whole {
	w := newWorld(t, 3)
	for range rapid.IntRange(1, 20).Draw(t, "steps") {
		w.step()
	}
	m := w.replicas[0].whole
	if m.IsZero() {
		m = m.Put(w.mint(0, nil), NewValue([]byte("v"), 7))
	}
	if rapid.Bool().Draw(t, "cut") {
		m, _ = m.CutExpired(1 << 61)
	}
	return m
}

func TestWholeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawWhole(t)
		b := want.Append(nil)
		got, err := DecodeWhole(b)
		if err != nil || !same(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		if err := got.Verify(); err != nil {
			t.Fatal(err)
		}
		if again := got.Append([]byte("x")); !bytes.Equal(again[1:], b) {
			t.Fatalf("encodes to %x, then to %x", b, again[1:])
		}
		for n := range b {
			if _, err := DecodeWhole(b[:n]); err == nil && b[0] != version {
				t.Fatalf("%x decodes without its last bytes", b)
			}
		}
	})
}

// TestFormat1IsAWholeRecord: what a node without quorums has written is read.
func TestFormat1IsAWholeRecord(t *testing.T) {
	r := NewValue([]byte("v"), 5)
	r.Dot = Dot{3, 9}
	w, err := DecodeWhole(encode(&r))
	want := Whole{Vector{{3, 9}}, []Value{r}}
	if err != nil || !same(w, want) {
		t.Fatalf("got %+v, %v, want %+v", w, err, want)
	}
}

func twoSiblings() Whole {
	a, b := NewValue([]byte("aa"), 0), NewValue([]byte("b"), 5)
	a.Dot, b.Dot = Dot{1, 4}, Dot{2, 3}
	return Whole{Vector{{1, 4}, {2, 6}}, []Value{a, b}}
}

func TestDecodeWholeRefuses(t *testing.T) {
	change := func(f func(w *Whole)) []byte {
		w := twoSiblings()
		f(&w)
		return w.Append(nil)
	}
	whole := change(func(*Whole) {})
	if _, err := DecodeWhole(whole); err != nil {
		t.Fatal(err)
	}
	plain := Whole{Vector{{1, 4}}, []Value{{Dot: Dot{1, 4}}}}
	asWhole := append([]byte{versionWhole, 1, 1}, appendDot(nil, Dot{1, 4})...)
	asWhole = plain.appendValueHead(asWhole, &plain.Values[0])
	for name, b := range map[string][]byte{
		"empty":                     nil,
		"no vector":                 {versionWhole, 0, 0},
		"only its version":          {versionWhole},
		"unsorted actors":           change(func(w *Whole) { w.Vector[0].Actor = 9 }),
		"an actor twice":            append([]byte{versionWhole, 2, 0}, append(appendDot(nil, Dot{1, 1}), appendDot(nil, Dot{1, 2})...)...),
		"a dot beyond the vector":   change(func(w *Whole) { w.Vector[0].HLC = 3 }),
		"a time of 0":               change(func(w *Whole) { w.Vector[1].HLC = 0 }),
		"a time at the end":         change(func(w *Whole) { w.Vector[1].HLC = maxHLC + 1 }),
		"values in the wrong order": change(func(w *Whole) { w.Values[0], w.Values[1] = w.Values[1], w.Values[0] }),
		"a value twice":             change(func(w *Whole) { w.Values[1] = w.Values[0] }),
		"a negative expiry":         change(func(w *Whole) { w.Values[1].ExpireAt = -5 }),
		"cut, but never to expire":  change(func(w *Whole) { w.Values[0] = Value{Dot: w.Values[0].Dot, Cut: true} }),
		"cut, but with bytes":       change(func(w *Whole) { w.Values[1].Cut = true }),
		"too much":                  append(bytes.Clone(whole), 0),
		"too many entries":          {versionWhole, 0xff, 0xff, 0xff, 0xff, 0x0f, 0},
		"too many values":           append([]byte{versionWhole, 1, 0x7f}, appendDot(nil, Dot{1, 1})...),
		"a long count":              append([]byte{versionWhole, 0x81, 0, 0}, appendDot(nil, Dot{1, 1})...),
		"what version 1 says":       asWhole,
		"version 3":                 {3, 1, 0},
	} {
		if w, err := DecodeWhole(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v, want ErrFormat", name, w, err)
		}
	}
}

func TestFlippedBitOfASiblingIsFound(t *testing.T) {
	w := twoSiblings()
	b := w.Append(nil)
	b[len(b)-1] ^= 4
	got, err := DecodeWhole(b)
	if err != nil || !errors.Is(got.Verify(), ErrCorrupt) {
		t.Fatalf("%v, %v: the flipped bit was not found", err, got.Verify())
	}
}

func FuzzDecodeWhole(f *testing.F) {
	w := twoSiblings()
	cut, _ := w.CutExpired(1 << 60)
	gone := w.Delete(Dot{1, 9})
	for _, w := range []Whole{w, cut, gone, {Vector{{1, 4}}, []Value{{Dot: Dot{1, 4}}}}} {
		f.Add(w.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := DecodeWhole(b)
		if err != nil {
			return
		}
		if cap(w.Vector)*dotLen+cap(w.Values)*minValueHead > 8*len(b)+256 {
			t.Fatalf("%d bytes made %d entries and %d values", len(b), cap(w.Vector), cap(w.Values))
		}
		if again := w.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("decoding and encoding %x gives %x", b, again)
		}
		if m := Merge(&w, &w); !same(m, w) {
			t.Fatalf("%+v merged with itself is %+v", w, m)
		}
	})
}

func TestDecodeIntoKeepsMemory(t *testing.T) {
	one := Whole{Vector{{1, 4}, {2, 6}}, []Value{NewValue([]byte("value"), 0)}}
	one.Values[0].Dot = Dot{1, 4}
	b, dst, w, m := one.Append(nil), make([]byte, 0, 256), Whole{}, Whole{}
	n := testing.AllocsPerRun(100, func() {
		if err := w.Decode(b); err != nil {
			t.Fatal(err)
		}
		m.SetMerged(&w, &one)
		dst = m.Append(dst[:0])
	})
	if n != 0 || !bytes.Equal(dst, b) {
		t.Fatalf("%v allocations to decode, merge and encode a record of one value", n)
	}
}

func TestContexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWhole(t)
		s := w.Vector.Context()
		v, err := ParseContext(s)
		if err != nil || v.Compare(w.Vector) != Equal {
			t.Fatalf("%v comes back as %v, %v", w.Vector, v, err)
		}
		i := rapid.IntRange(0, len(s)-1).Draw(t, "at")
		bad := s[:i] + string(rapid.Byte().Draw(t, "byte")) + s[i+1:]
		if v, err := ParseContext(bad); bad != s && err == nil {
			t.Fatalf("%q, changed from %q, is %v", bad, s, v)
		}
	})
	for _, s := range []string{"", "a", "ctx", "AQ", strings.Repeat("A", MaxContext+1), Vector{{1, maxContextHLC + 1}}.Context(), Vector{{2, 1}, {1, 1}}.Context()} {
		if v, err := ParseContext(s); !errors.Is(err, ErrContext) {
			t.Errorf("%.20q is %v, %v, want ErrContext", s, v, err)
		}
	}
	if v, err := ParseContext(Vector(nil).Context()); err != nil || len(v) != 0 {
		t.Errorf("the empty context is %v, %v", v, err)
	}
}

func FuzzParseContext(f *testing.F) {
	f.Add(Vector{{1, 2}, {3, 4}}.Context())
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseContext(s); err == nil && v.Context() != s {
			t.Fatalf("%q comes back as %q", s, v.Context())
		}
	})
}

func oneValue() (w Whole) {
	w = w.Put(Dot{7, 1 << 40}, NewValue(make([]byte, 64), 0))
	return w.Put(Dot{9, 1<<40 + 2}, NewValue(make([]byte, 64), 0))
}

func BenchmarkEncode(b *testing.B) {
	w, dst := oneValue(), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = w.Append(dst[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	w := oneValue()
	enc := w.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Decode(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	x, y, m := oneValue(), oneValue(), Whole{}
	y = y.Put(Dot{7, 1<<40 + 4}, NewValue(make([]byte, 64), 0))
	b.ReportAllocs()
	for b.Loop() {
		m.SetMerged(&x, &y)
	}
}
