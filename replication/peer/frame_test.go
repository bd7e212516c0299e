package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

func TestFramesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var wire []byte
		var want []frame
		for range rapid.IntRange(0, 5).Draw(t, "frames") {
			f := frame{
				kind: kind(rapid.IntRange(int(kindCall), int(kindEnd)-1).Draw(t, "kind")), id: rapid.Uint64().Draw(t, "id"),
				payload: bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "part"), rapid.SampledFrom([]int{1, 30_000}).Draw(t, "times")),
			}
			want = append(want, f)
			wire = appendFrame(wire, f)
		}
		r := newFrameReader(bytes.NewReader(wire), 1<<20)
		for i, w := range want {
			got, err := r.next()
			if err != nil || got.kind != w.kind || got.id != w.id || !bytes.Equal(got.payload, w.payload) {
				t.Fatalf("frame %d came back as %v %d with %d bytes, %v", i, got.kind, got.id, len(got.payload), err)
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Fatalf("after the last frame: %v", err)
		}
	})
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	wire := appendFrame(nil, frame{kindCall, 7, []byte("some bytes")})
	for bit := range len(wire) * 8 {
		bad := bytes.Clone(wire)
		bad[bit/8] ^= 1 << (bit % 8)
		if f, err := newFrameReader(bytes.NewReader(bad), 1<<20).next(); err == nil {
			t.Errorf("bit %d: read as %v", bit, f)
		}
	}
}

func TestFrameFaults(t *testing.T) {
	good := appendFrame(nil, frame{kindCall, 1, []byte("0123456789")})
	change := func(at int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[at] = b
		return bad
	}
	for name, c := range map[string]struct {
		wire []byte
		want error
	}{
		"format":           {change(4, 2), errFrame},
		"kind 0":           {change(5, 0), errFrame},
		"kind after last":  {change(5, byte(kindEnd)), errFrame},
		"reserved":         {change(6, 1), errFrame},
		"too long":         {change(1, 1), errFrame},
		"payload":          {change(headerSize+3, 'x'), errFrame},
		"cut in header":    {good[:headerSize-1], io.ErrUnexpectedEOF},
		"cut in payload":   {good[:len(good)-1], io.ErrUnexpectedEOF},
		"cut after header": {good[:headerSize], io.ErrUnexpectedEOF},
	} {
		if _, err := newFrameReader(bytes.NewReader(c.wire), 1<<10).next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A promised length takes no memory.
func TestPromisedLengthTakesNoMemory(t *testing.T) {
	wire := appendFrame(nil, frame{kindCall, 1, nil})
	binary.BigEndian.PutUint32(wire, 1<<30)
	got := testing.AllocsPerRun(10, func() {
		newFrameReader(bytes.NewReader(wire), 1<<31-1).next()
	})
	if _, err := newFrameReader(bytes.NewReader(wire), 1<<31-1).next(); err != io.ErrUnexpectedEOF {
		t.Errorf("error %v after %v allocations", err, got)
	}
	if p, err := readPayload(bytes.NewReader(make([]byte, 100)), 1<<30); err == nil || p != nil {
		t.Errorf("payload of %d bytes, %v", len(p), err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, frame{kindCall, 1, []byte("x")}), frame{kindPong, 2, nil}))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := newFrameReader(bytes.NewReader(wire), 1<<16)
		var again []byte
		for {
			got, err := r.next()
			if err != nil {
				break
			}
			again = appendFrame(again, got)
		}
		if !bytes.HasPrefix(wire, again) {
			t.Fatalf("what was read is written in another way")
		}
	})
}
