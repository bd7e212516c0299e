package membership

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/rldb/rldb/ring"
)

// Bounds of what is decoded. What is beyond them is refused as a whole.
const (
	maxEntries = 2048    // of a state, those that have left included
	maxText    = 255     // bytes of a text
	maxTokens  = 1024    // of a member
	maxReports = 1024    // of a member
	maxCounter = 1 << 62 // of versions and epochs, so that they can always grow
	maxMessage = 8 << 20 // bytes
)

var errMalformed = errors.New("malformed")

// format is the first byte of every message.
const format = 1

// kind is what a message is.
type kind byte

const (
	kindState  kind = 1 // entries: some, or all
	kindDigest kind = 2 // the digest of all entries; whoever has another answers with its state
)

// message is what members send each other. As bytes: format, kind, sender (20),
// cluster (20); then for a digest 8 bytes, for a state appendState's; CRC-32C of
// all that (4).
type message struct {
	kind    kind
	sender  ring.ID
	cluster ring.ID
	digest  uint64
	state   state
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (m message) encode() []byte {
	b := []byte{format, byte(m.kind)}
	b = append(b, m.sender[:]...)
	b = append(b, m.cluster[:]...)
	switch m.kind {
	case kindDigest:
		b = binary.BigEndian.AppendUint64(b, m.digest)
	case kindState:
		b = appendState(b, m.state)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeMessage(b []byte) (message, error) {
	if len(b) < 4 || len(b) > maxMessage {
		return message{}, fmt.Errorf("%w: a message of %d bytes", errMalformed, len(b))
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return message{}, fmt.Errorf("%w: wrong checksum", errMalformed)
	}
	d := decoder{b: body}
	if f := d.byte(); d.err == nil && f != format {
		return message{}, fmt.Errorf("%w: format %d, not %d", errMalformed, f, format)
	}
	m := message{kind: kind(d.byte()), sender: d.id(), cluster: d.id()}
	switch m.kind {
	case kindDigest:
		m.digest = d.uint64()
	case kindState:
		m.state = d.state()
	default:
		d.fail("kind %d", m.kind)
	}
	return m, d.end()
}

// digest sums a state up: equal states have equal digests, others do so by chance
// only (1 in 2^64). It is no proof against forgers.
func (s state) digest() uint64 {
	b := appendState(nil, s)
	return uint64(crc32.ChecksumIEEE(b))<<32 | uint64(crc32.Checksum(b, castagnoli))
}

func appendState(b []byte, s state) []byte {
	b = binary.AppendUvarint(b, s.epoch)
	ids := s.ids()
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = append(b, id[:]...)
		b = appendEntry(b, s.entries[id])
	}
	return b
}

func appendEntry(b []byte, e entry) []byte {
	b = append(b, byte(e.place.status))
	if e.place.status == Left {
		return b
	}
	b = binary.AppendUvarint(b, e.place.version)
	b = appendTokens(b, e.place)
	b = binary.AppendUvarint(b, e.own.version)
	b = appendOwn(b, e.own)
	b = binary.AppendUvarint(b, e.reports.version)
	return appendReports(b, e.reports)
}

func appendTokens(b []byte, p place) []byte {
	b = binary.AppendUvarint(b, uint64(len(p.tokens)))
	for _, t := range p.tokens {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	return b
}

func appendOwn(b []byte, o own) []byte {
	s := o.self
	for _, text := range []string{s.Version, s.Host, s.Hostname, s.Peer, s.Gossip, s.Zone} {
		b = appendText(b, text)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(s.Port))
	b = binary.BigEndian.AppendUint16(b, uint16(s.TLSPort))
	b = binary.BigEndian.AppendUint16(b, uint16(s.Weight))
	if o.draining {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendReports(b []byte, r reports) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.on)))
	for _, one := range r.on {
		b = append(b, one.id[:]...)
		b = binary.AppendUvarint(b, one.raised)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), maxText)]
	return append(append(b, byte(len(s))), s...)
}

// decoder cuts values off b. Its first error stays, and all that follow are zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(text string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: "+text, append([]any{errMalformed}, args...)...)
	}
	d.b = nil
}

// end is the error of the whole, one if something is left over.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	return d.err
}

func (d *decoder) take(n int) []byte {
	if len(d.b) < n {
		d.fail("cut short")
		return make([]byte, n)
	}
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) byte() byte     { return d.take(1)[0] }
func (d *decoder) uint16() int    { return int(binary.BigEndian.Uint16(d.take(2))) }
func (d *decoder) uint64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }
func (d *decoder) text() string   { return string(d.take(int(d.byte()))) }
func (d *decoder) id() ring.ID    { return ring.ID(d.take(len(ring.ID{}))) }

// count is a number of things, counter one that grows.
func (d *decoder) count(most int) int {
	n := d.counter()
	if n > uint64(most) {
		d.fail("%d of at most %d", n, most)
		return 0
	}
	return int(n)
}

func (d *decoder) counter() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n >= maxCounter {
		d.fail("not a number")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) state() state {
	s := newState()
	s.epoch = d.counter()
	var last ring.ID
	for i := range d.count(maxEntries) {
		id := d.id()
		if d.err != nil {
			break
		}
		if id.IsZero() || i > 0 && last.Compare(id) >= 0 {
			d.fail("entries are not in order")
			break
		}
		last = id
		s.entries[id] = d.entry()
	}
	return s
}

func (d *decoder) entry() entry {
	status := Status(d.byte())
	if status == Left {
		return entry{place: place{status: Left}}
	}
	if status < Joining || status > Left {
		d.fail("status %d", status)
	}
	e := entry{place: place{status: status, version: d.counter()}}
	for range d.count(maxTokens) {
		e.place.tokens = append(e.place.tokens, ring.Token(d.uint64()))
	}
	e.own.version = d.counter()
	s := &e.own.self
	for _, text := range []*string{&s.Version, &s.Host, &s.Hostname, &s.Peer, &s.Gossip, &s.Zone} {
		*text = d.text()
	}
	s.Port, s.TLSPort, s.Weight = d.uint16(), d.uint16(), d.uint16()
	switch d.byte() {
	case 0:
	case 1:
		e.own.draining = true
	default:
		d.fail("a flag that is neither 0 nor 1")
	}
	e.reports.version = d.counter()
	for i := range d.count(maxReports) {
		one := report{d.id(), d.counter()}
		if i > 0 && e.reports.on[i-1].id.Compare(one.id) >= 0 {
			d.fail("reports are not in order")
			break
		}
		e.reports.on = append(e.reports.on, one)
	}
	return e
}
