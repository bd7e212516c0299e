package remote

import (
	"errors"
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// work is a request for records of the store. It is used again.
type work struct {
	s      *Server
	kind   Kind
	answer func([]byte, error)
	recs   replica.Records
	write  coordinator.WriteRequest
	keys   []engine.Key
	merged []record.Whole // what becomes of the records, until the transaction is over
	none   record.Whole   // always zero
	dots   []record.Dot
	out    []byte // the answer
	blind  bool   // a hash that is asked for as a write that changes nothing
	tried  bool   // on the goroutine that brought it
}

// What a work keeps for its next use: keys, and bytes of an answer. Each key keeps room for
// a record's vector and values.
const (
	keepKeys   = 64
	keepAnswer = 16 << 10
	keepDots   = 64
)

// work carries out a request for records.
func (s *Server) work(kind Kind, request []byte, answer func([]byte, error)) {
	w := s.works.Get().(*work)
	w.kind, w.answer, w.tried, w.blind = kind, answer, true, false
	if err := w.read(request); err != nil {
		w.fail(err)
		return
	}
	w.run()
}

// run gives the transaction to the store.
func (w *work) run() {
	if w.s.o.Store.TryRecords(&w.recs) {
		w.over()
		return
	}
	w.tried = false
	w.s.o.Store.StartRecords(&w.recs, w)
}

var errTwice = errors.New("remote: a key is there twice")

// read fills the transaction.
func (w *work) read(request []byte) (err error) {
	mode := replica.Read
	switch w.kind {
	case KindWrite:
		mode = replica.Write
		if err = readWriteRequest(request, &w.write); err != nil {
			return err
		}
		w.keys = w.keys[:0]
		for i := range w.write.Records {
			w.keys = append(w.keys, w.write.Records[i].Key)
		}
	case KindHash:
		mode, w.blind = replica.Blind, true // it has no value read
		fallthrough
	default:
		if w.keys, err = readKeys(request, w.kind, w.keys); err != nil {
			return err
		}
	}
	if err = w.fill(mode); err != nil || w.kind != KindWrite {
		return err
	}
	for i := range w.write.Records {
		w.s.o.Observe(w.write.Records[i].Whole.Vector.Max())
	}
	return nil
}

func (w *work) fill(mode engine.Mode) error {
	w.recs.Reset(w.s.o.Store, mode, w)
	for i, k := range w.keys {
		if w.recs.Key(k) != i {
			return errTwice
		}
	}
	return nil
}

// Decide is part of replica.RecordStep.
func (w *work) Decide(r *replica.Records) {
	w.out = begin(w.out[:0], w.kind)
	switch w.kind {
	case KindWrite:
		w.decideWrite(r)
	case KindHash:
		w.out = appendBool(w.out, w.s.o.Current())
		w.out = appendCount(w.out, r.Len())
		for i := range r.Len() {
			w.out = appendUint64(w.out, r.Hash(i))
		}
	case KindFetch:
		w.decideFetch(r)
	}
}

// held is what the replica holds of key i. A damaged record is as good as none.
func (w *work) held(r *replica.Records, i int) *record.Whole {
	h, err := r.Whole(i)
	if err != nil {
		return &w.none
	}
	return h
}

func (w *work) decideWrite(r *replica.Records) {
	sent := w.write.Records
	refuse := false
	for i := 0; i < len(sent) && w.write.Conditional && !refuse; i++ {
		refuse = !w.held(r, i).Accepts(sent[i].Whole.Vector)
	}
	w.out = appendBool(w.out, refuse)
	w.out = appendCount(w.out, len(sent))
	if cap(w.merged) < len(sent) {
		w.merged = make([]record.Whole, len(sent))
	}
	w.merged = w.merged[:len(sent)]
	for i := range sent {
		after, h := &w.merged[i], w.held(r, i)
		if refuse {
			after = h
		} else {
			after.SetMerged(h, &sent[i].Whole)
			if !sameVersion(after, h) {
				r.Put(i, after)
			}
		}
		w.dots = after.Unseen(w.dots[:0], sent[i].Whole.Vector)
		w.out = appendHeld(w.out, w.dots, after.Vector, refuse)
	}
}

// sameVersion says whether a and b differ at most in the bytes of expired values.
func sameVersion(a, b *record.Whole) bool {
	return slices.Equal(a.Vector, b.Vector) && slices.EqualFunc(a.Values, b.Values, func(x, y record.Value) bool { return x.Dot == y.Dot })
}

// fetchBytes is from where on an answer leaves records out.
const fetchBytes = 8 << 20

func (w *work) decideFetch(r *replica.Records) {
	w.out = appendCount(w.out, r.Len())
	full := 0
	for i := range r.Len() {
		h, err := r.Whole(i)
		switch {
		case err != nil:
			w.out = append(w.out, damaged)
			w.s.o.Log.Debug("a damaged record was asked for", "slot", r.At(i).Slot, "err", err)
		case h.IsZero():
			w.out = append(w.out, absent)
		case full > 0 && full+valueBytes(h) > fetchBytes:
			w.out = append(w.out, leftOut)
		default:
			from := len(w.out)
			w.out = appendRecord(append(w.out, present), h)
			full += len(w.out) - from
		}
	}
}

// Done is part of replica.RecordStep.
func (w *work) Done(*replica.Records) { w.over() }

// over answers once what the transaction did or saw is durable.
func (w *work) over() {
	err, pos := w.recs.Err(), w.recs.Pos()
	switch {
	case err != nil && w.blind && (errors.Is(err, engine.ErrBroken) || errors.Is(err, engine.ErrDiskFull)):
		// Writes are refused, but reads go on.
		w.blind = false
		if err = w.fill(replica.Read); err != nil {
			w.fail(err)
			return
		}
		w.run()
	case err != nil:
		w.fail(err)
	case pos == 0:
		w.reply(nil)
	case w.tried:
		w.s.wait(w, pos)
	default:
		w.s.o.Store.Await(pos, w.reply)
	}
}

// fail answers that nothing was done. Of a write the asker learns it for certain, where it is.
func (w *work) fail(err error) {
	if w.kind != KindWrite || !nothingDone(err) {
		w.reply(err)
		return
	}
	w.out = appendNotStored(w.out[:0], err)
	w.reply(nil)
}

// nothingDone says of an error, from before or of a transaction, that nothing of it is
// stored, nor will be after a restart. A log that has broken may have part of it.
func nothingDone(err error) bool {
	for _, certain := range []error{errMessage, errTwice, engine.ErrTooLarge, engine.ErrFull, engine.ErrDiskFull, engine.ErrClosed} {
		if errors.Is(err, certain) {
			return !errors.Is(err, engine.ErrBroken)
		}
	}
	return false
}

// reply sends the answer, or why there is none. w may be in use again when it returns.
func (w *work) reply(err error) {
	answer := w.answer
	if err != nil {
		answer(nil, err)
	} else {
		answer(w.out, nil)
	}
	w.free()
}

// free keeps w for a next request. It lets go of the request's bytes.
func (w *work) free() {
	if len(w.keys) > keepKeys || len(w.write.Records) > keepKeys || cap(w.out) > keepAnswer || cap(w.dots) > keepDots {
		return
	}
	clear(w.keys)
	for i := range w.write.Records {
		e := &w.write.Records[i]
		e.Key = engine.Key{}
		empty(&e.Whole)
	}
	for i := range w.merged {
		empty(&w.merged[i])
	}
	w.answer = nil
	w.write.Records, w.keys = w.write.Records[:0], w.keys[:0]
	w.s.works.Put(w)
}

// empty keeps w's memory, unless that is much, and lets go of what its values refer to.
func empty(w *record.Whole) {
	if cap(w.Vector) > keepDots || cap(w.Values) > keepDots {
		*w = record.Whole{}
		return
	}
	clear(w.Values[:cap(w.Values)])
	w.Vector, w.Values = w.Vector[:0], w.Values[:0]
}
