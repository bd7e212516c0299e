package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A frame is a header and a payload:
//
//	4 bytes  length of the payload
//	1 byte   format: 1
//	1 byte   kind
//	2 bytes  zero
//	8 bytes  number of the call, chosen by who calls
//	4 bytes  CRC-32C of the header up to here and of the payload
//
// All numbers are big-endian.
const (
	frameFormat = 1
	headerSize  = 20
	crcAt       = headerSize - 4
)

// kind is what a frame is for.
type kind byte

const (
	kindCall    kind = 1 + iota
	kindAnswer       // the payload is the handler's result
	kindFailure      // the payload is the text of the handler's error
	kindBusy         // the call was not handed to the handler
	kindPing
	kindPong
	kindEnd // the first that is none
)

type frame struct {
	kind    kind
	id      uint64
	payload []byte
}

var errFrame = errors.New("peer: malformed frame")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame computes the checksum where the frame lies then: of an array on the
// stack it would make one on the heap.
func appendFrame(dst []byte, f frame) []byte {
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.payload)))
	dst = append(dst, frameFormat, byte(f.kind), 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, f.id)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, f.payload...)
	h := dst[from:]
	binary.BigEndian.PutUint32(h[crcAt:], frameSum(h, h[headerSize:]))
	return dst
}

func frameSum(header, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, header[:crcAt])
	return crc32.Update(sum, castagnoli, payload)
}

const (
	// firstPart is how much memory a frame gets before its bytes have come: a
	// promised length alone takes no more.
	firstPart = 64 << 10
	// Payloads of at most smallPayload share memory of slabSize: who keeps one of
	// them keeps that.
	smallPayload = 1 << 10
	slabSize     = 16 << 10
	// readBuffer is how much is read ahead.
	readBuffer = 64 << 10
)

// frameReader reads the frames of one connection.
type frameReader struct {
	r     *bufio.Reader
	limit int    // bytes of a payload
	slab  []byte // what is left for small payloads
}

func newFrameReader(r io.Reader, limit int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, readBuffer), limit: limit}
}

// next reads the next frame. The payload is the caller's to keep.
func (fr *frameReader) next() (frame, error) {
	h, err := fr.r.Peek(headerSize)
	if err != nil {
		if len(h) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(h)
	f := frame{kind: kind(h[5]), id: binary.BigEndian.Uint64(h[8:])}
	switch {
	case h[4] != frameFormat:
		return frame{}, fmt.Errorf("%w: format %d", errFrame, h[4])
	case f.kind < kindCall || f.kind >= kindEnd:
		return frame{}, fmt.Errorf("%w: kind %d", errFrame, f.kind)
	case h[6] != 0 || h[7] != 0:
		return frame{}, fmt.Errorf("%w: reserved bytes are set", errFrame)
	case uint64(size) > uint64(fr.limit):
		return frame{}, fmt.Errorf("%w: %d bytes, of at most %d", errFrame, size, fr.limit)
	}
	want := binary.BigEndian.Uint32(h[crcAt:])
	sum := crc32.Update(0, castagnoli, h[:crcAt]) // before h is overwritten by what comes
	fr.r.Discard(headerSize)
	if f.payload, err = fr.payload(int(size)); err != nil {
		return frame{}, err
	}
	if want != crc32.Update(sum, castagnoli, f.payload) {
		return frame{}, fmt.Errorf("%w: checksum does not match", errFrame)
	}
	return f, nil
}

// buffered says whether a whole frame has arrived already, so that next will not wait.
func (fr *frameReader) buffered() bool {
	n := fr.r.Buffered()
	if n < headerSize {
		return false
	}
	h, err := fr.r.Peek(headerSize)
	return err == nil && uint64(n-headerSize) >= uint64(binary.BigEndian.Uint32(h))
}

func (fr *frameReader) payload(size int) ([]byte, error) {
	if size > smallPayload {
		return readPayload(fr.r, size)
	}
	if len(fr.slab) < size {
		fr.slab = make([]byte, slabSize)
	}
	p := fr.slab[:size:size]
	fr.slab = fr.slab[size:]
	return p, readAll(fr.r, p)
}

// readAll fills p, in the middle of a frame.
func readAll(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if errors.Is(err, io.EOF) && len(p) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// readPayload reads size bytes into memory that grows as they come.
func readPayload(r io.Reader, size int) ([]byte, error) {
	p := make([]byte, min(size, firstPart))
	for at := 0; ; {
		if err := readAll(r, p[at:]); err != nil {
			return nil, err
		}
		if at = len(p); at == size {
			return p, nil
		}
		p = append(p, make([]byte, min(size-at, at))...)
	}
}
