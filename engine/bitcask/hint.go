package bitcask

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/rldb/rldb/engine"
)

// A hint file lists the entries of a segment without their values, in order.
// Its format, to the byte, is in DESIGN.md.

const (
	hintMagic  = "rldbhnt1"
	hintHead   = len(hintMagic) + 4 + 8 + 4
	hintEnd    = 16 // count of entries, size of the segment
	blockHead  = 8
	blockBytes = 64 << 10
	hintWindow = 1 << 20 // read at once
)

// errHint: the hint is not to be used. The segment itself is read instead.
var errHint = errors.New("bitcask: hint file")

// note is one entry of a hint.
type note struct {
	kind  kind
	slot  uint16
	off   int64
	value uint32
	key   []byte // meta and name of a put, name of a delete
}

func (n *note) end() int64 {
	h := head{kind: n.kind, name: uint32(len(n.name())), value: n.value}
	return n.off + h.size()
}

func (n *note) name() []byte {
	if n.kind == kindPut {
		return n.key[metaSize:]
	}
	return n.key
}

// hintWriter writes the hint of a segment.
type hintWriter struct {
	file  File
	seed  uint32
	block []byte // begins with room for its header
	last  int64  // end of the last entry
	count uint64
	size  int64     // of the file
	took  func(int) // learns of the bytes written; may be nil
	err   error
}

func newHintWriter(f File, s *segment, took func(int)) *hintWriter {
	w := &hintWriter{file: f, seed: s.crcSeed, last: headerSize, took: took}
	b := append([]byte(nil), hintMagic...)
	b = binary.LittleEndian.AppendUint32(b, s.number)
	b = binary.LittleEndian.AppendUint64(b, s.salt)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	w.write(b)
	w.block = make([]byte, blockHead, blockBytes)
	return w
}

func (w *hintWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.file.Write(b)
	w.size += int64(n)
	if w.took != nil {
		w.took(n)
	}
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
}

func (w *hintWriter) add(n *note) {
	b := binary.LittleEndian.AppendUint16(w.block, uint16(n.kind)<<kindBits|n.slot)
	b = binary.AppendUvarint(b, uint64(n.off-w.last))
	b = binary.AppendUvarint(b, uint64(len(n.key)))
	b = binary.AppendUvarint(b, uint64(n.value))
	w.block = append(b, n.key...)
	w.last = n.end()
	w.count++
	if len(w.block) >= blockBytes-1024 {
		w.flush()
	}
}

// flush ends a block.
func (w *hintWriter) flush() {
	payload := w.block[blockHead:]
	binary.LittleEndian.PutUint32(w.block, uint32(len(payload)))
	binary.LittleEndian.PutUint32(w.block[4:], crc32.Update(w.seed, castagnoli, payload))
	w.write(w.block)
	w.block = w.block[:blockHead]
}

// finish writes what says that the hint is complete, and makes it durable.
func (w *hintWriter) finish(dataSize int64) error {
	if len(w.block) > blockHead {
		w.flush()
	}
	b := binary.LittleEndian.AppendUint32(nil, 0)
	end := binary.LittleEndian.AppendUint64(nil, w.count)
	end = binary.LittleEndian.AppendUint64(end, uint64(dataSize))
	b = binary.LittleEndian.AppendUint32(b, crc32.Update(w.seed, castagnoli, end))
	w.write(append(b, end...))
	if w.err != nil {
		return w.err
	}
	return w.file.Sync()
}

// readHint gives each entry of a hint to apply, and some at a time to ahead, if
// that is not nil, before. If it fails with errHint some may have been given
// already, in order, from the first.
func readHint(f io.ReaderAt, size int64, s *segment, dataSize int64, ahead func([]note), apply func(*note) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), hintWindow)
	b := make([]byte, hintHead)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("%w: too short", errHint)
	}
	body, crc := b[:hintHead-4], binary.LittleEndian.Uint32(b[hintHead-4:])
	m := len(hintMagic)
	if string(b[:m]) != hintMagic || crc32.Checksum(body, castagnoli) != crc ||
		binary.LittleEndian.Uint32(b[m:]) != s.number || binary.LittleEndian.Uint64(b[m+4:]) != s.salt {
		return fmt.Errorf("%w: not of this segment", errHint)
	}
	p := hintParser{last: headerSize, dataSize: dataSize, ahead: ahead, apply: apply}
	var block []byte
	for left := size - int64(hintHead); ; {
		var head [blockHead]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return fmt.Errorf("%w: cut off", errHint)
		}
		n, crc := int64(binary.LittleEndian.Uint32(head[:])), binary.LittleEndian.Uint32(head[4:])
		end := n == 0
		if end {
			n = hintEnd
		}
		if left -= blockHead + n; left < 0 {
			return fmt.Errorf("%w: cut off", errHint)
		}
		if int64(cap(block)) < n {
			block = make([]byte, n)
		}
		block = block[:n]
		if _, err := io.ReadFull(r, block); err != nil || crc32.Update(s.crcSeed, castagnoli, block) != crc {
			return fmt.Errorf("%w: damaged block", errHint)
		}
		if end {
			if left != 0 || binary.LittleEndian.Uint64(block) != p.count || binary.LittleEndian.Uint64(block[8:]) != uint64(dataSize) {
				return fmt.Errorf("%w: incomplete", errHint)
			}
			return nil
		}
		if err := p.block(block); err != nil {
			return err
		}
	}
}

// hintParser takes blocks apart.
type hintParser struct {
	last     int64
	dataSize int64
	count    uint64
	ahead    func([]note)
	apply    func(*note) error
	notes    [lookAhead]note
}

// lookAhead is how many keys are looked up together.
const lookAhead = 16

func (p *hintParser) block(b []byte) error {
	for len(b) > 0 {
		notes := p.notes[:0]
		for len(b) > 0 && len(notes) < lookAhead {
			n, rest, ok := p.note(b)
			if !ok || n.end() > p.dataSize {
				return fmt.Errorf("%w: damaged entry", errHint)
			}
			p.last, b = n.end(), rest
			notes = append(notes, n)
		}
		if p.ahead != nil {
			p.ahead(notes)
		}
		for i := range notes {
			p.count++
			if err := p.apply(&notes[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *hintParser) note(b []byte) (n note, rest []byte, ok bool) {
	if len(b) < 2 {
		return n, nil, false
	}
	tag := binary.LittleEndian.Uint16(b)
	n.kind, n.slot = kind(tag>>kindBits), tag&(1<<kindBits-1)
	b = b[2:]
	var nums [3]uint64
	for i := range nums {
		v, w := binary.Uvarint(b)
		if w <= 0 || v > 1<<62 {
			return n, nil, false
		}
		nums[i], b = v, b[w:]
	}
	skip, key, value := nums[0], nums[1], nums[2]
	if skip > uint64(p.dataSize) || key > uint64(len(b)) || value > engine.MaxValue ||
		n.kind == kindPut && key < uint64(metaSize) || n.kind == kindBatch {
		return n, nil, false
	}
	n.off, n.value, n.key = p.last+int64(skip), uint32(value), b[:key]
	return n, b[key:], true
}
