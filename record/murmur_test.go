package record

import (
	"encoding/binary"
	"testing"

	"github.com/spaolacci/murmur3"
	"pgregory.net/rapid"
)

func TestDigestIsTheMurmurOfKeyAndDots(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(rt, "key")
		var v Vector
		for _, actor := range rapid.SliceOfN(rapid.Uint64(), 0, 20).Draw(rt, "actors") {
			v = append(v, Dot{actor, HLC(rapid.Uint64().Draw(rt, "hlc"))})
		}
		skip := func(actor uint64) bool { return actor%3 == 0 }
		b := append([]byte(nil), key...)
		for _, d := range v {
			if !skip(d.Actor) {
				b = binary.LittleEndian.AppendUint64(b, d.Actor)
				b = binary.LittleEndian.AppendUint64(b, uint64(d.HLC))
			}
		}
		want := uint64(0)
		if len(b) > len(key) {
			want = max(murmur3.Sum64(b), 1)
		}
		if got := v.Digest(key, skip); got != want {
			rt.Fatalf("%x, want %x", got, want)
		}
	})
}

// What stands in metas and digests must not change.
func TestKnownHashes(t *testing.T) {
	v := Vector{{Actor: 1, HLC: 2}, {Actor: 3, HLC: 4}}
	if got := v.Hash(); got != 0xffaa620eafc3435 {
		t.Errorf("%#x", got)
	}
	if got := v.Digest([]byte("a key of more than sixteen bytes"), nil); got != 0xc72257664c20374b {
		t.Errorf("%#x", got)
	}
	if got := v.Digest([]byte("key"), nil); got != 0xf521a0e58f1d6869 {
		t.Errorf("%#x", got)
	}
	if Vector(nil).Hash() != 0 {
		t.Error("the empty vector's is not 0")
	}
}

func TestHashesAllocateNothing(t *testing.T) {
	v, key := Vector{{Actor: 1, HLC: 2}, {Actor: 3, HLC: 4}}, []byte("key")
	sum := uint64(0)
	if n := testing.AllocsPerRun(100, func() { sum += v.Hash() + v.Digest(key, nil) }); n != 0 || sum == 0 {
		t.Errorf("%v allocations", n)
	}
}
