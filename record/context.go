package record

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrContext is the answer to a context that is none.
var ErrContext = errors.New("record: not a context")

const (
	contextVersion = 1
	contextHead    = 1 + 4 // version, CRC-32C of the rest
	// maxContextHLC leaves room above a client's context: dots minted over it
	// must stay below maxHLC.
	maxContextHLC HLC = 1 << 63
	// MaxContext is the greatest length of a context that ParseContext reads:
	// some 3000 entries.
	MaxContext = 64 << 10
)

var contextCoding = base64.RawURLEncoding.Strict()

// Context is v as the opaque string that clients are given and give back.
func (v Vector) Context() string {
	b := make([]byte, contextHead, contextHead+len(v)*dotLen)
	b[0] = contextVersion
	for _, d := range v {
		b = appendDot(b, d)
	}
	binary.LittleEndian.PutUint32(b[1:], crc32.Checksum(b[contextHead:], castagnoli))
	return contextCoding.EncodeToString(b)
}

// ParseContext reads what Context gave. Everything else is ErrContext.
func ParseContext(s string) (Vector, error) {
	if len(s) > MaxContext {
		return nil, ErrContext
	}
	b, err := contextCoding.DecodeString(s)
	if err != nil || len(b) < contextHead || b[0] != contextVersion || (len(b)-contextHead)%dotLen != 0 {
		return nil, ErrContext
	}
	if crc32.Checksum(b[contextHead:], castagnoli) != binary.LittleEndian.Uint32(b[1:]) {
		return nil, ErrContext
	}
	v, _, ok := decodeVector(nil, b[contextHead:], (len(b)-contextHead)/dotLen)
	if !ok || v.Max() > maxContextHLC {
		return nil, ErrContext
	}
	return v, nil
}
