package ring

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// ID names a member, or a cluster. As text it is 40 hex characters, the form
// that Redis gives its node IDs.
type ID [20]byte

// NewID makes an ID that nobody else has.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // it never fails: the runtime ends the program if the system has no randomness
	return id
}

// ParseID reads the 40 hex characters that String gives. Upper case is read too.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fmt.Errorf("an ID has %d hex characters, not %d", 2*len(id), len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("an ID has hex characters only: %w", err)
	}
	return id, nil
}

// String gives 40 lower-case hex characters.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short gives the first 8 characters of String, for messages to people.
func (id ID) Short() string { return hex.EncodeToString(id[:4]) }

// Compare orders IDs by their bytes, as bytes.Compare does.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// IsZero is true for the ID of nobody.
func (id ID) IsZero() bool { return id == ID{} }
