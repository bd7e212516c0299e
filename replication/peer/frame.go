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

func appendFrame(dst []byte, f frame) []byte {
	var h [headerSize]byte
	binary.BigEndian.PutUint32(h[0:], uint32(len(f.payload)))
	h[4], h[5] = frameFormat, byte(f.kind)
	binary.BigEndian.PutUint64(h[8:], f.id)
	binary.BigEndian.PutUint32(h[crcAt:], frameSum(h[:], f.payload))
	dst = append(dst, h[:]...)
	return append(dst, f.payload...)
}

func frameSum(header, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, header[:crcAt])
	return crc32.Update(sum, castagnoli, payload)
}

// firstPart is how much memory a frame gets before its bytes have come: a promised
// length alone takes no more.
const firstPart = 64 << 10

// readFrame reads the next frame, whose payload may have limit bytes. The payload
// is the caller's to keep.
func readFrame(r *bufio.Reader, limit int) (frame, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(h[0:])
	f := frame{kind: kind(h[5]), id: binary.BigEndian.Uint64(h[8:])}
	switch {
	case h[4] != frameFormat:
		return frame{}, fmt.Errorf("%w: format %d", errFrame, h[4])
	case f.kind < kindCall || f.kind >= kindEnd:
		return frame{}, fmt.Errorf("%w: kind %d", errFrame, f.kind)
	case h[6] != 0 || h[7] != 0:
		return frame{}, fmt.Errorf("%w: reserved bytes are set", errFrame)
	case uint64(size) > uint64(limit):
		return frame{}, fmt.Errorf("%w: %d bytes, of at most %d", errFrame, size, limit)
	}
	var err error
	if f.payload, err = readPayload(r, int(size)); err != nil {
		return frame{}, err
	}
	if binary.BigEndian.Uint32(h[crcAt:]) != frameSum(h[:], f.payload) {
		return frame{}, fmt.Errorf("%w: checksum does not match", errFrame)
	}
	return f, nil
}

// readPayload reads size bytes into memory that grows as they come.
func readPayload(r io.Reader, size int) ([]byte, error) {
	p := make([]byte, min(size, firstPart))
	for at := 0; at < size; {
		n, err := io.ReadFull(r, p[at:])
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		at += n
		if at < size {
			p = append(p, make([]byte, min(size-at, at))...)
		}
	}
	return p, nil
}
