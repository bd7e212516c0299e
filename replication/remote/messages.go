package remote

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// How a write went.
const (
	stored byte = iota
	refused
	notStored
)

func appendWriteRequest(dst []byte, w *coordinator.WriteRequest) []byte {
	dst = appendBool(begin(dst, KindWrite), w.Conditional)
	dst = appendCount(dst, len(w.Records))
	for i := range w.Records {
		dst = appendBytes(dst, w.Records[i].Key.Name)
		dst = appendRecord(dst, &w.Records[i].Whole)
	}
	if !w.Conditional {
		return dst
	}
	dst = appendCount(dst, len(w.Checks))
	for i := range w.Checks {
		dst = appendBytes(dst, w.Checks[i].Key.Name)
		dst = appendDots(dst, w.Checks[i].Vector)
	}
	return dst
}

// minRecord is how many bytes the shortest record has: a tombstone.
const minRecord = 1 + 1 + 1 + dotSize

// readWriteRequest makes w what b says, in the memory that w has. Keys and values are
// parts of b. Whether a key is there twice is left to the caller.
func readWriteRequest(b []byte, w *coordinator.WriteRequest) error {
	r := open(b, KindWrite)
	w.Conditional = r.bool()
	n := r.keyCount(1 + minRecord)
	if cap(w.Records) < n {
		w.Records = make([]coordinator.Entry, n)
	}
	w.Records = w.Records[:n]
	for i := range w.Records {
		w.Records[i].Key = r.key()
		r.record(&w.Records[i].Whole)
		if r.bad {
			break
		}
	}
	w.Checks = w.Checks[:0]
	if w.Conditional {
		checks := r.count(1 + 1)
		r.expect(n+checks <= MaxKeys)
		for i := 0; i < checks && !r.bad; i++ {
			w.Checks = append(w.Checks, coordinator.Check{Key: r.key(), Vector: r.vector()})
		}
	}
	return r.end()
}

// appendHeld appends what a replica holds of one record.
func appendHeld(dst []byte, unseen []record.Dot, known bool, v record.Vector, refused bool) []byte {
	dst = appendDots(dst, unseen)
	if len(unseen) > 0 {
		dst = appendBool(dst, known)
	}
	if len(unseen) > 0 || refused {
		dst = appendDots(dst, v)
	}
	return dst
}

func appendWriteAnswer(dst []byte, a *coordinator.WriteAnswer) []byte {
	dst = appendBool(begin(dst, KindWrite), a.Refused)
	dst = appendCount(dst, len(a.Held))
	for i := range a.Held {
		dst = appendHeld(dst, a.Held[i].Unseen, a.Held[i].Known, a.Held[i].Vector, a.Refused)
	}
	return dst
}

func appendNotStored(dst []byte, err error) []byte {
	return appendBytes(append(begin(dst, KindWrite), notStored), []byte(err.Error()))
}

// readWriteAnswer reads the answer to a write of n records. nothing, of at least n, is
// what it may give where nothing was held.
func readWriteAnswer(b []byte, n int, nothing []coordinator.HeldAnswer) (a coordinator.WriteAnswer, err error) {
	r := open(b, KindWrite)
	status := r.byte(notStored)
	if status == notStored {
		text := r.bytes()
		if r.end() != nil {
			return a, errMessage
		}
		return a, certainly(errors.New(string(text)))
	}
	a.Refused = status == refused
	r.exactly(n)
	if len(nothing) >= n && !a.Refused && len(r.b) == n && len(bytes.Trim(r.b, "\x00")) == 0 {
		a.Held = nothing[:n:n]
		return a, nil
	}
	r.expect(len(r.b) >= n)
	if r.bad {
		return a, errMessage
	}
	a.Held = make([]coordinator.HeldAnswer, n)
	for i := range a.Held {
		h := &a.Held[i]
		if h.Unseen = r.dots(); len(h.Unseen) > 0 {
			h.Known = r.bool()
		}
		if len(h.Unseen) > 0 || a.Refused {
			h.Vector = r.vector()
			r.expect(len(h.Unseen) == 0 || len(h.Vector) > 0)
		}
	}
	if err := r.end(); err != nil {
		return coordinator.WriteAnswer{}, err
	}
	return a, nil
}

func appendKeys(dst []byte, k Kind, keys []engine.Key) []byte {
	dst = appendCount(begin(dst, k), len(keys))
	for i := range keys {
		dst = appendBytes(dst, keys[i].Name)
	}
	return dst
}

// readKeys reads a request that is keys alone. Whether one is there twice is left to
// the caller.
func readKeys(b []byte, k Kind, into []engine.Key) ([]engine.Key, error) {
	r := open(b, k)
	into = into[:0]
	for range r.keyCount(0) {
		into = append(into, r.key())
		if r.bad {
			break
		}
	}
	return into, r.end()
}

func readHashAnswer(b []byte, n int) (a coordinator.HashAnswer, err error) {
	r := open(b, KindHash)
	a.Current = r.bool()
	a.Hashes = r.hashes(n)
	return a, r.end()
}

// hashes are a count that must be n, and n numbers.
func (r *reader) hashes(n int) []uint64 {
	r.exactly(n)
	r.expect(len(r.b) == 8*n)
	if r.bad {
		return nil
	}
	h := make([]uint64, n)
	for i := range h {
		h[i] = r.uint64()
	}
	return h
}

// What a fetch has found under a key.
const (
	absent byte = iota
	present
	damaged
	leftOut
)

// readFetchAnswer reads the answer to a fetch of as many keys as which has, which are the
// numbers of places in into. It gives the places of the damaged and of those left out.
func readFetchAnswer(b []byte, which []int, into []record.Whole) (bad, left []int, err error) {
	r := open(b, KindFetch)
	r.exactly(len(which))
	for _, i := range which {
		switch r.byte(leftOut) {
		case present:
			r.record(&into[i])
		case damaged:
			bad = append(bad, i)
		case leftOut:
			left = append(left, i)
		}
		if r.bad {
			break
		}
	}
	r.expect(len(left) < len(which))
	return bad, left, r.end()
}

func appendStanding(dst []byte, s *Standing) []byte {
	var flags byte
	if s.Suspected {
		flags |= 1
	}
	if s.Current {
		flags |= 2
	}
	dst = append(begin(dst, KindStanding), flags)
	dst = appendUint64(dst, s.Suspicions)
	dst = appendUint64(dst, s.Start)
	return appendUint64(dst, uint64(s.Foreign))
}

func readStanding(b []byte) (s Standing, err error) {
	r := open(b, KindStanding)
	flags := r.byte(3)
	s.Suspected, s.Current = flags&1 != 0, flags&2 != 0
	s.Suspicions, s.Start, s.Foreign = r.uint64(), r.uint64(), int64(r.uint64())
	return s, r.end()
}

func appendDigestsRequest(dst []byte, slots []uint16) []byte {
	dst = appendCount(begin(dst, KindDigests), len(slots))
	for _, s := range slots {
		dst = binary.LittleEndian.AppendUint16(dst, s)
	}
	return dst
}

func readDigestsRequest(b []byte) ([]uint16, error) {
	r := open(b, KindDigests)
	n := r.count(2)
	r.expect(n > 0 && n <= engine.Slots)
	if r.bad {
		return nil, errMessage
	}
	slots := make([]uint16, n)
	for i := range slots {
		slots[i] = r.uint16()
		r.expect(slots[i] < engine.Slots)
	}
	return slots, r.end()
}

func readDigests(b []byte, n int) ([]uint64, error) {
	r := open(b, KindDigests)
	d := r.hashes(n)
	return d, r.end()
}

// pageRequest is what Page asks for.
type pageRequest struct {
	slot uint16
	from uint64
	most uint64
}

func appendPageRequest(dst []byte, p pageRequest) []byte {
	dst = binary.LittleEndian.AppendUint16(begin(dst, KindPage), p.slot)
	return binary.AppendUvarint(appendUint64(dst, p.from), p.most)
}

func readPageRequest(b []byte) (p pageRequest, err error) {
	r := open(b, KindPage)
	p.slot, p.from, p.most = r.uint16(), r.uint64(), r.uvarint()
	r.expect(p.slot < engine.Slots)
	return p, r.end()
}

func appendPage(dst []byte, page []replica.Listed, next uint64, more bool) []byte {
	dst = appendBool(begin(dst, KindPage), more)
	if more {
		dst = appendUint64(dst, next)
	}
	dst = appendCount(dst, len(page))
	for i := range page {
		dst = appendUint64(appendBytes(dst, page[i].Key.Name), page[i].Hash)
	}
	return dst
}

// readPage reads the answer to p. Names are parts of b.
func readPage(b []byte, p pageRequest) (page []replica.Listed, next uint64, more bool, err error) {
	r := open(b, KindPage)
	if more = r.bool(); more {
		next = r.uint64()
		r.expect(next > p.from)
	}
	n := r.count(1 + 8)
	r.expect(n <= MaxKeys)
	if r.bad {
		return nil, 0, false, errMessage
	}
	page = make([]replica.Listed, n)
	for i := range page {
		x := &page[i]
		x.Key = r.key()
		x.Hash = r.uint64()
		r.expect(x.Key.Slot == p.slot && x.Key.Hash >= p.from && (!more || x.Key.Hash < next))
		if i > 0 && !before(page[i-1].Key, x.Key) {
			r.fail()
		}
	}
	if err = r.end(); err != nil {
		return nil, 0, false, err
	}
	return page, next, more, nil
}

// before says whether a stands before b in the order of their slot.
func before(a, b engine.Key) bool {
	return a.Hash < b.Hash || a.Hash == b.Hash && bytes.Compare(a.Name, b.Name) < 0
}

func appendPublish(dst, channel, message []byte) []byte {
	return appendBytes(appendBytes(begin(dst, KindPublish), channel), message)
}

// readPublish gives parts of b.
func readPublish(b []byte) (channel, message []byte, err error) {
	r := open(b, KindPublish)
	channel, message = r.bytes(), r.bytes()
	return channel, message, r.end()
}

// readNothing reads a message that is only its kind.
func readNothing(b []byte, k Kind) error {
	r := open(b, k)
	return r.end()
}
