package remote

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// canned is a transport with one answer for all.
type canned struct {
	answer []byte
	err    error
	sent   int
}

func (c *canned) Start(_ ring.ID, _ []byte, done func([]byte, error)) {
	c.sent++
	done(c.answer, c.err)
}

// asked is how every call of a client ends.
func asked(c *Client) map[string]error {
	ends := map[string]error{}
	keys := keysOf("a", "b")
	w := &coordinator.WriteRequest{}
	for _, k := range keys {
		w.Records = append(w.Records, coordinator.Entry{Key: k, Whole: value(dot(1, 1), "x")})
	}
	c.Write(ring.ID{}, w, func(a coordinator.WriteAnswer, err error) { ends["write"] = err })
	c.Hash(ring.ID{}, keys, func(a coordinator.HashAnswer, err error) { ends["hash"] = err })
	c.Fetch(ring.ID{}, keys, func(a []record.Whole, err error) { ends["fetch"] = err })
	c.Standing(ring.ID{}, func(_ Standing, err error) { ends["standing"] = err })
	c.Digests(ring.ID{}, []uint16{1}, func(_ []uint64, err error) { ends["digests"] = err })
	c.Page(ring.ID{}, 1, 0, 10, func(_ []replica.Listed, _ uint64, _ bool, err error) { ends["page"] = err })
	c.Publish(ring.ID{}, nil, nil, func(err error) { ends["publish"] = err })
	return ends
}

func TestClientErrors(t *testing.T) {
	const calls = 7
	certain := func(err error) bool { return errors.Is(err, errUnsent) }
	for name, c := range map[string]struct {
		transport *canned
		certain   func(error) bool
		want      bool
	}{
		"not sent":                  {&canned{err: fmt.Errorf("link: %w", errUnsent)}, certain, true},
		"broken":                    {&canned{err: errors.New("broken")}, certain, false},
		"not sent, nobody says so":  {&canned{err: errUnsent}, nil, false},
		"no answer at all":          {&canned{answer: nil}, certain, false},
		"another version's answer":  {&canned{answer: []byte{KindWrite, 2, 0, 2, 0, 0}}, certain, false},
		"an answer to other things": {&canned{answer: appendCount(append(begin(nil, KindWrite), stored), 3)}, certain, false},
	} {
		ends := asked(NewClient(c.transport, c.certain))
		if len(ends) != calls || c.transport.sent != calls {
			t.Errorf("%s: %d calls ended, %d were sent", name, len(ends), c.transport.sent)
		}
		for call, err := range ends {
			if err == nil || errors.Is(err, coordinator.ErrNotApplied) != c.want {
				t.Errorf("%s: %s ended with %v", name, call, err)
			}
			if c.transport.err != nil && !errors.Is(err, c.transport.err) {
				t.Errorf("%s: %s does not say why: %v", name, call, err)
			}
		}
	}
}

// What cannot be asked is not sent.
func TestClientRefuses(t *testing.T) {
	tr := &canned{}
	c := NewClient(tr, nil)
	wrong := func(err error) {
		t.Helper()
		if !errors.Is(err, coordinator.ErrNotApplied) {
			t.Errorf("error %v", err)
		}
	}
	many := make([]engine.Key, MaxKeys+1)
	for _, keys := range [][]engine.Key{nil, many} {
		c.Hash(ring.ID{}, keys, func(_ coordinator.HashAnswer, err error) { wrong(err) })
		c.Fetch(ring.ID{}, keys, func(_ []record.Whole, err error) { wrong(err) })
	}
	c.Write(ring.ID{}, &coordinator.WriteRequest{}, func(_ coordinator.WriteAnswer, err error) { wrong(err) })
	c.Write(ring.ID{}, &coordinator.WriteRequest{Records: make([]coordinator.Entry, 1)}, func(_ coordinator.WriteAnswer, err error) { wrong(err) })
	if tr.sent != 0 {
		t.Errorf("%d requests were sent", tr.sent)
	}
}

// Nothing comes with an error but what a Damaged says.
func TestErrorsComeAlone(t *testing.T) {
	tr := &canned{answer: appendCount(append(begin(nil, KindHash), 1), 1)}
	c := NewClient(tr, nil)
	c.Hash(ring.ID{}, keysOf("a"), func(a coordinator.HashAnswer, err error) {
		if err == nil || a.Current {
			t.Errorf("a hash: %+v, %v", a, err)
		}
	})
	w := value(dot(1, 1), "x")
	tr.answer = appendRecord(append(appendCount(begin(nil, KindFetch), 2), present), &w)
	c.Fetch(ring.ID{}, keysOf("a", "b"), func(a []record.Whole, err error) {
		if err == nil || a != nil {
			t.Errorf("a fetch: %+v, %v", a, err)
		}
	})
	tr.answer = append(appendCount(begin(nil, KindFetch), 2), leftOut, leftOut)
	c.Fetch(ring.ID{}, keysOf("a", "b"), func(a []record.Whole, err error) {
		if err == nil || a != nil {
			t.Errorf("a fetch of which all was left out: %+v, %v", a, err)
		}
	})
}

// BenchmarkWrite is one write of one record of 64 bytes, from a client to a server in
// memory.
func BenchmarkWrite(b *testing.B) {
	n := newNode(b)
	d := &direct{server: n.server}
	d.answer = func(answer []byte, err error) {
		d.kept = append(d.kept[:0], answer...)
		d.done(d.kept, err)
	}
	c := NewClient(d, nil)
	w := &coordinator.WriteRequest{Records: []coordinator.Entry{{Key: replica.KeyOf([]byte("key"))}}}
	v := record.NewValue(make([]byte, 64), 0)
	done := func(a coordinator.WriteAnswer, err error) {
		if err != nil || a.Refused {
			b.Error(a, err)
		}
	}
	vector, values := make(record.Vector, 1), make([]record.Value, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v.Dot = dot(1, record.HLC(i+1))
		vector[0], values[0] = v.Dot, v
		w.Records[0].Whole = record.Whole{Vector: vector, Values: values}
		c.Write(ring.ID{}, w, done)
	}
}

// direct is a transport that takes one call at a time to a server.
type direct struct {
	server *Server
	answer func([]byte, error)
	done   func([]byte, error)
	sent   []byte
	kept   []byte
}

func (d *direct) Start(from ring.ID, request []byte, done func([]byte, error)) {
	d.sent = append(d.sent[:0], request...)
	d.done = done
	d.server.Handle(from, d.sent, d.answer)
	d.server.Idle()
}
