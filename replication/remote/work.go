package remote

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// work is a request for records of the store. It is used again.
//
// It is one transaction, but for hashes: those are had without values, so that one of 0 may
// be that of a damaged record. Where there may be such, those keys are looked at once more.
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

	blind   bool            // a hash that is asked for as a write that changes nothing
	tried   bool            // so far on the goroutine that brought it
	refused bool            // a conditional write that was not covered
	pos     engine.Position // of all of its transactions
	doubt   []int           // keys whose hash is 0, while some records are damaged
	looked  bool            // these are being looked at
	bad     bool            // one of them is damaged
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
	w.kind, w.answer, w.tried, w.pos = kind, answer, true, 0
	w.blind, w.looked, w.bad, w.doubt = false, false, false, w.doubt[:0]
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
	for i := range w.write.Checks {
		w.keys = append(w.keys, w.write.Checks[i].Key)
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
	if w.looked {
		for _, i := range w.doubt {
			w.recs.Key(w.keys[i])
		}
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
	switch {
	case w.kind == KindWrite:
		w.decideWrite(r)
	case w.kind == KindFetch:
		w.decideFetch(r)
	case w.looked:
		w.look(r)
	default:
		w.decideHash(r)
	}
}

func (w *work) decideHash(r *replica.Records) {
	w.doubt = w.doubt[:0]
	w.out = appendBool(begin(w.out[:0], w.kind), w.s.o.Current())
	w.out = appendCount(w.out, r.Len())
	some := w.s.o.Store.Counters().Damaged > 0 // in the keys' turn: none of them is healed meanwhile
	for i := range r.Len() {
		h := r.Hash(i)
		if h == 0 && some {
			w.doubt = append(w.doubt, i)
		}
		w.out = appendUint64(w.out, h)
	}
}

// look finds out whether the records in doubt are damaged, and what their hashes are now.
func (w *work) look(r *replica.Records) {
	hashes := w.out[len(w.out)-8*len(w.keys):]
	for n, i := range w.doubt {
		_, err := r.Whole(n)
		w.bad = w.bad || err != nil
		binary.LittleEndian.PutUint64(hashes[8*i:], r.Hash(n))
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
	w.out, w.refused = begin(w.out[:0], w.kind), false
	for i := 0; i < len(sent) && w.write.Conditional && !w.refused; i++ {
		w.refused = !w.held(r, i).Accepts(sent[i].Whole.Vector)
	}
	for i := 0; i < len(w.write.Checks) && !w.refused; i++ {
		w.refused = !w.held(r, len(sent)+i).Accepts(w.write.Checks[i].Vector)
	}
	w.out = appendBool(w.out, w.refused)
	w.out = appendCount(w.out, len(sent))
	for i := range sent {
		after := w.held(r, i)
		known := after.Vector.Covers(sent[i].Whole.Vector)
		if !w.refused {
			w.merged.SetMerged(after, &sent[i].Whole)
			if !sameVersion(&w.merged, after) {
				r.Put(i, &w.merged)
			}
			after = &w.merged
		}
		w.dots = after.Unseen(w.dots[:0], sent[i].Whole.Vector)
		w.out = appendHeld(w.out, w.dots, known, after.Vector, w.refused)
	}
}

// sameVersion says whether a and b differ at most in the bytes of expired values.
func sameVersion(a, b *record.Whole) bool {
	return slices.Equal(a.Vector, b.Vector) && slices.EqualFunc(a.Values, b.Values, func(x, y record.Value) bool { return x.Dot == y.Dot })
}

// fetchBytes is from where on an answer leaves records out.
const fetchBytes = 8 << 20

func (w *work) decideFetch(r *replica.Records) {
	w.out = appendCount(begin(w.out[:0], w.kind), r.Len())
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
	case err == nil && len(w.doubt) > 0 && !w.looked:
		w.blind, w.looked = false, true
		return w.fill() == nil
	case err != nil:
		w.fail(err)
	case w.bad:
		w.fail(engine.ErrCorrupt)
	case w.pos == 0:
		w.reply(nil)
	case w.tried:
		w.s.wait(w, w.pos)
	default:
		w.s.o.Store.Await(w.pos, w.reply)
	}
	return false
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
	if len(w.keys) > keepKeys || len(w.write.Records) > keepKeys || cap(w.out) > keepAnswer || cap(w.dots) > keepDots || cap(w.doubt) > keepKeys {
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
	clear(w.write.Checks)
	w.write.Records, w.write.Checks, w.keys = w.write.Records[:0], w.write.Checks[:0], w.keys[:0]
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
