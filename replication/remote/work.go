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
//
// It is one transaction of all keys, nearly always. An engine that finds a value damaged
// fails one of several keys; then the keys are done one by one: a fetch is over with that,
// a write has overwritten what is damaged, and is done for all keys once more.
type work struct {
	s      *Server
	kind   Kind
	answer func([]byte, error)
	recs   replica.Records
	write  coordinator.WriteRequest
	keys   []engine.Key
	merged record.Whole
	none   record.Whole // always zero
	dots   []record.Dot
	out    []byte // the answer
	full   int    // bytes of records in it

	blind   bool            // a hash that is asked for as a write that changes nothing
	tried   bool            // so far on the goroutine that brought it
	part    int             // the one key that is being done; all: all
	redone  bool            // key by key
	patched bool            // damaged records were overwritten
	bad     bool            // a record whose hash was asked for is damaged
	refused bool            // a conditional write that was not covered
	pos     engine.Position // of all of its transactions
}

const all = -1

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
	w.kind, w.answer, w.tried, w.part, w.pos = kind, answer, true, all, 0
	w.blind, w.redone, w.patched, w.bad, w.refused = false, false, false, false, false
	if err := w.read(request); err != nil {
		w.fail(err)
		return
	}
	w.run()
}

// run gives transactions to the store until one is under way there, or none is left.
func (w *work) run() {
	for {
		if !w.s.o.Store.TryRecords(&w.recs) {
			w.tried = false
			w.s.o.Store.StartRecords(&w.recs, w)
			return
		}
		if !w.over() {
			return
		}
	}
}

var errTwice = errors.New("remote: a key is there twice")

// read reads the request, and fills the transaction.
func (w *work) read(request []byte) (err error) {
	w.keys = w.keys[:0]
	if w.kind != KindWrite {
		w.blind = w.kind == KindHash // it has no value read
		if w.keys, err = readKeys(request, w.kind, w.keys); err != nil {
			return err
		}
		return w.fill()
	}
	if err = readWriteRequest(request, &w.write); err != nil {
		return err
	}
	for i := range w.write.Records {
		w.keys = append(w.keys, w.write.Records[i].Key)
	}
	if err = w.fill(); err != nil {
		return err
	}
	for i := range w.write.Records {
		w.s.o.Observe(w.write.Records[i].Whole.Vector.Max())
	}
	return nil
}

func (w *work) mode() engine.Mode {
	switch {
	case w.kind == KindWrite:
		return replica.Write
	case w.blind:
		return replica.Blind
	}
	return replica.Read
}

// fill fills the transaction with the keys that are to be done.
func (w *work) fill() error {
	w.recs.Reset(w.s.o.Store, w.mode(), w)
	if w.part != all {
		w.recs.Key(w.keys[w.part])
		return nil
	}
	for i, k := range w.keys {
		if w.recs.Key(k) != i {
			return errTwice
		}
	}
	return nil
}

// Decide is part of replica.RecordStep.
func (w *work) Decide(r *replica.Records) {
	if w.part == all {
		w.begin()
	}
	switch w.kind {
	case KindWrite:
		if w.part != all {
			w.patch(r)
			return
		}
		w.decideWrite(r)
	case KindHash:
		for i := range r.Len() {
			h := r.Hash(i)
			if h == 0 { // then there is no record, or it is damaged
				_, err := r.Whole(i)
				w.bad = w.bad || err != nil
			}
			w.out = appendUint64(w.out, h)
		}
	case KindFetch:
		for i := range r.Len() {
			w.fetch(r, i)
		}
	}
}

// begin begins the answer.
func (w *work) begin() {
	w.out, w.full = begin(w.out[:0], w.kind), 0
	switch w.kind {
	case KindHash:
		w.out = appendBool(w.out, w.s.o.Current())
		fallthrough
	case KindFetch:
		w.out = appendCount(w.out, len(w.keys))
	}
}

// patch overwrites a damaged record.
func (w *work) patch(r *replica.Records) {
	if _, err := r.Whole(0); err != nil {
		r.Put(0, &w.write.Records[w.part].Whole)
		w.patched = true
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
	w.refused = false
	for i := 0; i < len(sent) && w.write.Conditional && !w.refused; i++ {
		w.refused = !w.held(r, i).Accepts(sent[i].Whole.Vector)
	}
	w.out = appendBool(w.out, w.refused)
	w.out = appendCount(w.out, len(sent))
	for i := range sent {
		after := w.held(r, i)
		if !w.refused {
			w.merged.SetMerged(after, &sent[i].Whole)
			if !sameVersion(&w.merged, after) {
				r.Put(i, &w.merged)
			}
			after = &w.merged
		}
		w.dots = after.Unseen(w.dots[:0], sent[i].Whole.Vector)
		w.out = appendHeld(w.out, w.dots, after.Vector, w.refused)
	}
}

// sameVersion says whether a and b differ at most in the bytes of expired values.
func sameVersion(a, b *record.Whole) bool {
	return slices.Equal(a.Vector, b.Vector) && slices.EqualFunc(a.Values, b.Values, func(x, y record.Value) bool { return x.Dot == y.Dot })
}

// fetchBytes is from where on an answer leaves records out.
const fetchBytes = 8 << 20

func (w *work) fetch(r *replica.Records, i int) {
	h, err := r.Whole(i)
	switch {
	case err != nil:
		w.out = append(w.out, damaged)
		w.s.o.Log.Debug("a damaged record was asked for", "slot", r.At(i).Slot, "err", err)
	case h.IsZero():
		w.out = append(w.out, absent)
	case w.full > 0 && w.full+valueBytes(h) > fetchBytes:
		w.out = append(w.out, leftOut)
	default:
		from := len(w.out)
		w.out = appendRecord(append(w.out, present), h)
		w.full += len(w.out) - from
	}
}

// Done is part of replica.RecordStep.
func (w *work) Done(*replica.Records) {
	if w.over() {
		w.run()
	}
}

// over takes in the end of a transaction. True: there is another one to be carried out.
func (w *work) over() (more bool) {
	err := w.recs.Err()
	w.pos = max(w.pos, w.recs.Pos())
	switch {
	case w.blind && (errors.Is(err, engine.ErrBroken) || errors.Is(err, engine.ErrDiskFull)):
		w.blind = false // writes are refused, but reads go on
		return w.fill() == nil
	case w.part == all && len(w.keys) > 1 && w.kind != KindHash && !w.redone && errors.Is(err, engine.ErrCorrupt):
		w.redone = true
		w.begin()
		return w.next()
	case w.part != all && err == nil && (w.part+1 < len(w.keys) || w.kind == KindWrite):
		return w.next()
	}
	w.part = all
	switch {
	case err != nil:
		w.fail(err)
	case w.bad:
		w.fail(engine.ErrCorrupt)
	case w.refused && w.patched:
		w.fail(errHalf)
	case w.pos == 0:
		w.reply(nil)
	case w.tried:
		w.s.wait(w, w.pos)
	default:
		w.s.o.Store.Await(w.pos, w.reply)
	}
	return false
}

// errHalf is the answer to a conditional write that was refused after some of it was
// stored in the place of what was damaged.
var errHalf = errors.New("remote: refused, but damaged records were overwritten")

// next goes on to the next key, or after the last to all.
func (w *work) next() bool {
	if w.part++; w.part == len(w.keys) {
		w.part = all
	}
	return w.fill() == nil // the keys have been there already
}

// fail answers that nothing was done. Of a write the asker learns it for certain, where it is.
func (w *work) fail(err error) {
	if w.kind != KindWrite || w.patched || !nothingDone(err) {
		w.reply(err)
		return
	}
	w.out = appendNotStored(w.out[:0], err)
	w.reply(nil)
}

// nothingDone says of an error, from before or of a transaction, that nothing of it is
// stored, nor will be after a restart. A log that has broken may have part of it.
func nothingDone(err error) bool {
	for _, certain := range []error{errMessage, errTwice, engine.ErrTooLarge, engine.ErrFull, engine.ErrDiskFull, engine.ErrClosed, engine.ErrCorrupt} {
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
	empty(&w.merged)
	w.recs.Trim()
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
