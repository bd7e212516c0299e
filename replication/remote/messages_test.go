package remote

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"pgregory.net/rapid"
)

// someRecord is what some writes by few actors leave.
func someRecord(t *rapid.T) record.Whole {
	var copies [2]record.Whole
	for n := range rapid.IntRange(1, 5).Draw(t, "writes") {
		w := &copies[rapid.IntRange(0, 1).Draw(t, "where")]
		dot := record.Dot{Actor: rapid.Uint64Range(1, 4).Draw(t, "actor"), HLC: w.Vector.Max() + record.HLC(n+1)}
		if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
			*w = w.Delete(dot)
			continue
		}
		value := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "value")
		*w = w.Put(dot, record.NewValue(value, rapid.SampledFrom([]int64{0, 5, 1 << 40}).Draw(t, "expiry")))
	}
	m := record.Merge(&copies[0], &copies[1])
	if rapid.Bool().Draw(t, "cut") {
		m, _ = m.CutExpired(10)
	}
	return m
}

func someKeys(t *rapid.T) (keys []engine.Key) {
	for _, name := range rapid.SliceOfNDistinct(rapid.StringN(0, 5, 20), 1, 5, rapid.ID).Draw(t, "keys") {
		keys = append(keys, replica.KeyOf([]byte(name)))
	}
	return keys
}

func someDots(t *rapid.T, least int) (dots []record.Dot) {
	for _, n := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, 1<<60), least, 4, rapid.ID).Draw(t, "dots") {
		dots = append(dots, record.Dot{Actor: n % 5, HLC: record.HLC(n)})
	}
	slices.SortFunc(dots, func(a, b record.Dot) int { return b.Compare(a) })
	return dots
}

func someVector(t *rapid.T, least int) (v record.Vector) {
	for _, actor := range rapid.SliceOfNDistinct(rapid.Uint64(), least, 4, rapid.ID).Draw(t, "actors") {
		v = append(v, record.Dot{Actor: actor, HLC: record.HLC(rapid.Uint64Range(1, uint64(maxHLC)).Draw(t, "HLC"))})
	}
	slices.SortFunc(v, func(a, b record.Dot) int {
		if a.Actor < b.Actor {
			return -1
		}
		return 1
	})
	return v
}

func same(t *rapid.T, what string, got, want any, err error) {
	t.Helper()
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Fatalf("%s: %+v came back as %+v, %v", what, want, got, err)
	}
}

func TestMessagesComeBack(t *testing.T) {
	var reused coordinator.WriteRequest
	rapid.Check(t, func(t *rapid.T) {
		keys := someKeys(t)
		write := coordinator.WriteRequest{Conditional: rapid.Bool().Draw(t, "conditional")}
		for _, k := range keys {
			write.Records = append(write.Records, coordinator.Entry{Key: k, Whole: someRecord(t)})
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "checks") {
			if write.Conditional {
				k := replica.KeyOf(fmt.Appendf(nil, "check %d", i))
				write.Checks = append(write.Checks, coordinator.Check{Key: k, Vector: someVector(t, 0)})
			}
		}
		err := readWriteRequest(appendWriteRequest(nil, &write), &reused)
		if len(reused.Checks) == 0 {
			reused.Checks = nil
		}
		same(t, "write", reused, write, err)

		answer := coordinator.WriteAnswer{Refused: rapid.Bool().Draw(t, "refused")}
		for range keys {
			h := coordinator.HeldAnswer{Unseen: someDots(t, 0)}
			if len(h.Unseen) > 0 {
				h.Known, h.Vector = rapid.Bool().Draw(t, "known"), someVector(t, 1)
			} else if answer.Refused {
				h.Vector = someVector(t, 0)
			}
			answer.Held = append(answer.Held, h)
		}
		nothing := make([]coordinator.HeldAnswer, rapid.SampledFrom([]int{0, 16}).Draw(t, "nothing"))
		gotAnswer, err := readWriteAnswer(appendWriteAnswer(nil, &answer), len(keys), nothing)
		same(t, "answer to a write", gotAnswer, answer, err)

		for _, k := range []Kind{KindHash, KindFetch} {
			got, err := readKeys(appendKeys(nil, k, keys), k, nil)
			same(t, "keys", got, keys, err)
		}

		s := Standing{rapid.Bool().Draw(t, "suspected"), rapid.Uint64().Draw(t, "suspicions"), rapid.Uint64().Draw(t, "start"), rapid.Int64().Draw(t, "foreign"), rapid.Bool().Draw(t, "current")}
		gotStanding, err := readStanding(appendStanding(nil, &s))
		same(t, "standing", gotStanding, s, err)

		slots := rapid.SliceOfN(rapid.Uint16Range(0, engine.Slots-1), 1, 9).Draw(t, "slots")
		gotSlots, err := readDigestsRequest(appendDigestsRequest(nil, slots))
		same(t, "slots", gotSlots, slots, err)

		p := pageRequest{slots[0], rapid.Uint64().Draw(t, "from"), rapid.Uint64().Draw(t, "most")}
		gotPage, err := readPageRequest(appendPageRequest(nil, p))
		same(t, "page", gotPage, p, err)

		channel, message := []byte(rapid.String().Draw(t, "channel")), []byte(rapid.String().Draw(t, "message"))
		c, m, err := readPublish(appendPublish(nil, channel, message))
		same(t, "publish", []string{string(c), string(m)}, []string{string(channel), string(message)}, err)
	})
}

// somePage is a page of a slot in its order.
func somePage() []replica.Listed {
	var page []replica.Listed
	for n := range 5 {
		page = append(page, replica.Listed{Key: replica.KeyOf(fmt.Appendf(nil, "{a}%d", n)), Hash: uint64(n + 7)})
	}
	slices.SortFunc(page, func(a, b replica.Listed) int {
		if before(a.Key, b.Key) {
			return -1
		}
		return 1
	})
	return page
}

func TestPageAnswers(t *testing.T) {
	page := somePage()
	asked := pageRequest{slot: page[0].Key.Slot}
	last := page[len(page)-1].Key.Hash
	for _, more := range []bool{false, true} {
		next := last + 1
		if !more {
			next = 0
		}
		got, gotNext, gotMore, err := readPage(appendPage(nil, page, next, more), asked)
		if err != nil || !reflect.DeepEqual(got, page) || gotNext != next || gotMore != more {
			t.Errorf("more %v: %v, %v, %v, %v", more, got, gotNext, gotMore, err)
		}
	}
	bad := func(what string, p pageRequest, b []byte) {
		if _, _, _, err := readPage(b, p); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	bad("out of order", asked, appendPage(nil, []replica.Listed{page[1], page[0]}, 0, false))
	bad("twice the same", asked, appendPage(nil, []replica.Listed{page[0], page[0]}, 0, false))
	bad("another slot", pageRequest{slot: asked.slot + 1}, appendPage(nil, page, 0, false))
	bad("before what was asked for", pageRequest{asked.slot, last + 1, 1}, appendPage(nil, page, 0, false))
	bad("going on within the page", asked, appendPage(nil, page, last, true))
	bad("going on where it began", asked, appendPage(nil, nil, 0, true))
}

func TestCutPage(t *testing.T) {
	long := []byte(strings.Repeat("x", pageBytes/3))
	var page []replica.Listed
	for hash := range uint64(6) {
		page = append(page, replica.Listed{Key: engine.Key{Hash: hash / 2, Name: long}})
	}
	got, next, more := cutPage(page, 99, false)
	if len(got) != 2 || next != 1 || !more { // with a third it would be too long
		t.Errorf("%d records, on at %d, %v; want those of one hash", len(got), next, more)
	}
	if got, next, more = cutPage(page[:2], 99, true); len(got) != 2 || next != 99 || !more {
		t.Errorf("a short page: %d records, %d, %v", len(got), next, more)
	}
	for i := range page {
		page[i].Key.Hash = 0
	}
	if got, _, more = cutPage(page, 0, false); len(got) != len(page) || more {
		t.Errorf("one hash: %d records, %v", len(got), more)
	}
}

// The bytes of each message: they must not change.
func TestKnownBytes(t *testing.T) {
	dot := record.Dot{Actor: 1, HLC: 0x0203}
	var none record.Whole
	value := none.Put(dot, record.NewValue([]byte("v"), 0))
	key := replica.KeyOf([]byte("k"))
	write := coordinator.WriteRequest{Conditional: true, Records: []coordinator.Entry{{Key: key, Whole: value}}}
	vector := record.Vector{dot}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"write", appendWriteRequest(nil, &write), "0a01 01 01 016b 18" + "010000 0100000000000000 0302000000000000 b4e04405 76" + "00"},
		{"stored", appendWriteAnswer(nil, &coordinator.WriteAnswer{Held: make([]coordinator.HeldAnswer, 2)}), "0a01 00 02 00 00"},
		{"met", appendWriteAnswer(nil, &coordinator.WriteAnswer{Held: []coordinator.HeldAnswer{{Unseen: vector, Known: true, Vector: vector}}}),
			"0a01 00 01 01 0100000000000000 0302000000000000 01 01 0100000000000000 0302000000000000"},
		{"refused", appendWriteAnswer(nil, &coordinator.WriteAnswer{Refused: true, Held: []coordinator.HeldAnswer{{}}}), "0a01 01 01 00 00"},
		{"failed", appendNotStored(nil, errors.New("no")), "0a01 02 02 6e6f"},
		{"hash", appendKeys(nil, KindHash, []engine.Key{key}), "0b01 01 016b"},
		{"fetch", appendKeys(nil, KindFetch, []engine.Key{key, replica.KeyOf(nil)}), "0c01 02 016b 00"},
		{"standing", appendStanding(nil, &Standing{true, 2, 3, 4, true}), "0d01 03 0200000000000000 0300000000000000 0400000000000000"},
		{"digests", appendDigestsRequest(nil, []uint16{0x3fff}), "0e01 01 ff3f"},
		{"page", appendPageRequest(nil, pageRequest{1, 2, 300}), "0f01 0100 0200000000000000 ac02"},
		{"answer to a page", appendPage(nil, []replica.Listed{{Key: key, Hash: 5}}, 6, true), "0f01 01 0600000000000000 01 016b 0500000000000000"},
		{"publish", appendPublish(nil, []byte("c"), []byte("mm")), "1001 0163 026d6d"},
	} {
		if got := hex.EncodeToString(c.got); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// messages are some of each kind, for what reads them to be tried on.
func messages() (all [][]byte) {
	dot := record.Dot{Actor: 1, HLC: 3}
	var none record.Whole
	one := none.Put(dot, record.NewValue([]byte("value"), 0))
	two := one.Delete(record.Dot{Actor: 2, HLC: 9})
	key, other := replica.KeyOf([]byte("key")), replica.KeyOf([]byte("other"))
	keys := []engine.Key{key, other}
	all = append(all,
		appendWriteRequest(nil, &coordinator.WriteRequest{Records: []coordinator.Entry{{Key: key, Whole: one}, {Key: other, Whole: two}}}),
		appendWriteAnswer(nil, &coordinator.WriteAnswer{Held: []coordinator.HeldAnswer{{Unseen: []record.Dot{dot}, Vector: two.Vector}, {}}}),
		appendWriteAnswer(nil, &coordinator.WriteAnswer{Refused: true, Held: []coordinator.HeldAnswer{{Vector: two.Vector}, {}}}),
		appendNotStored(nil, errMessage),
		appendKeys(nil, KindHash, keys), appendKeys(nil, KindFetch, keys),
		appendStanding(nil, &Standing{}), begin(nil, KindStanding),
		appendDigestsRequest(nil, []uint16{1, 2}), appendUint64(appendUint64(appendCount(begin(nil, KindDigests), 2), 1), 2),
		appendUint64(appendUint64(appendCount(append(begin(nil, KindHash), 1), 2), 1), 2),
		appendPageRequest(nil, pageRequest{1, 2, 3}), appendPage(nil, somePage(), 0, false),
		appendPublish(nil, []byte("channel"), []byte("message")), begin(nil, KindPublish),
		append(appendRecord(append(appendCount(begin(nil, KindFetch), 2), present), &one), damaged),
	)
	return all
}

// recode reads b as all that it could be, and writes anew what it was read as.
func recode(b []byte) map[string][]byte {
	as := map[string][]byte{}
	var w coordinator.WriteRequest
	if readWriteRequest(b, &w) == nil {
		as["write"] = appendWriteRequest(nil, &w)
	}
	for n := 1; n < 4; n++ {
		recodeAnswers(b, n, as)
	}
	for _, k := range []Kind{KindHash, KindFetch} {
		if keys, err := readKeys(b, k, nil); err == nil {
			as["keys"] = appendKeys(nil, k, keys)
		}
	}
	if s, err := readStanding(b); err == nil {
		as["standing"] = appendStanding(nil, &s)
	}
	if slots, err := readDigestsRequest(b); err == nil {
		as["slots"] = appendDigestsRequest(nil, slots)
	}
	if p, err := readPageRequest(b); err == nil {
		as["page"] = appendPageRequest(nil, p)
	}
	if page, next, more, err := readPage(b, pageRequest{slot: replica.KeyOf([]byte("{a}")).Slot}); err == nil {
		as["answer to a page"] = appendPage(nil, page, next, more)
	}
	if c, m, err := readPublish(b); err == nil {
		as["publish"] = appendPublish(nil, c, m)
	}
	for _, k := range []Kind{KindStanding, KindPublish} {
		if readNothing(b, k) == nil {
			as["nothing"] = begin(nil, k)
		}
	}
	return as
}

// recodeAnswers reads b as answers to requests of n things.
func recodeAnswers(b []byte, n int, as map[string][]byte) {
	a, err := readWriteAnswer(b, n, make([]coordinator.HeldAnswer, 16))
	if errors.Is(err, coordinator.ErrNotApplied) {
		as["failed"] = appendNotStored(nil, err.(interface{ Unwrap() []error }).Unwrap()[1])
	}
	if err == nil {
		as[fmt.Sprint("answer to a write of ", n)] = appendWriteAnswer(nil, &a)
	}
	if h, err := readHashAnswer(b, n); err == nil {
		again := appendCount(appendBool(begin(nil, KindHash), h.Current), n)
		for _, x := range h.Hashes {
			again = appendUint64(again, x)
		}
		as[fmt.Sprint("answer to a hash of ", n)] = again
	}
	if d, err := readDigests(b, n); err == nil {
		again := appendCount(begin(nil, KindDigests), n)
		for _, x := range d {
			again = appendUint64(again, x)
		}
		as[fmt.Sprint("digests of ", n)] = again
	}
	got, which := make([]record.Whole, n), make([]int, n)
	for i := range which {
		which[i] = i
	}
	bad, left, err := readFetchAnswer(b, which, got)
	if err != nil {
		return
	}
	again := appendCount(begin(nil, KindFetch), n)
	for i := range got {
		switch {
		case slices.Contains(bad, i):
			again = append(again, damaged)
		case slices.Contains(left, i):
			again = append(again, leftOut)
		case got[i].IsZero():
			again = append(again, absent)
		default:
			again = appendRecord(append(again, present), &got[i])
		}
	}
	as[fmt.Sprint("answer to a fetch of ", n)] = again
}

// Every message is read, not as the same with a byte less or more, and none of another
// version. (A part of a request may be an answer.)
func TestExactly(t *testing.T) {
	for i, b := range messages() {
		all := recode(b)
		if len(all) == 0 {
			t.Errorf("message %d, %x, was not read", i, b)
		}
		for what, again := range all {
			if !bytes.Equal(again, b) {
				t.Errorf("message %d, %x, was read as %q: %x", i, b, what, again)
			}
			for n := range b {
				if _, also := recode(b[:n])[what]; also {
					t.Errorf("%d bytes of %x were read as %q", n, b, what)
				}
			}
			if _, also := recode(append(bytes.Clone(b), 0))[what]; also {
				t.Errorf("%x and a byte was read as %q", b, what)
			}
		}
		other := bytes.Clone(b)
		other[1] = 2
		if all := recode(other); len(all) > 0 {
			t.Errorf("%x of another version was read as %v", b, all)
		}
	}
}

func TestBounds(t *testing.T) {
	many := appendCount(begin(nil, KindHash), MaxKeys+1)
	many = append(many, make([]byte, MaxKeys+1)...)
	if _, err := readKeys(many, KindHash, nil); err == nil {
		t.Error("too many keys were read")
	}
	promised := appendCount(append(begin(nil, KindWrite), 0), MaxKeys)
	if n := testing.AllocsPerRun(10, func() {
		var w coordinator.WriteRequest
		if readWriteRequest(promised, &w) == nil || w.Records != nil {
			t.Error("what is only promised was read")
		}
	}); n != 0 {
		t.Errorf("what is only promised took %v allocations", n)
	}
	if _, err := readKeys(appendKeys(nil, KindHash, nil), KindHash, nil); err == nil {
		t.Error("no keys were read")
	}
	bent := appendWriteRequest(nil, &coordinator.WriteRequest{Records: []coordinator.Entry{{Key: replica.KeyOf([]byte("k")), Whole: record.Whole{Vector: record.Vector{{Actor: 1, HLC: 1}}, Values: []record.Value{{Dot: record.Dot{Actor: 1, HLC: 1}, CRC: 7, Value: []byte("v")}}}}}})
	var w coordinator.WriteRequest
	if readWriteRequest(bent, &w) == nil {
		t.Error("a value that does not match its checksum was read")
	}
}

// FuzzMessages: whatever is read is written in the same bytes. Each decoder is tried.
func FuzzMessages(f *testing.F) {
	for _, b := range messages() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for as, again := range recode(b) {
			if !bytes.Equal(b, again) {
				t.Errorf("%x was read as %q and written as %x", b, as, again)
			}
		}
	})
}
