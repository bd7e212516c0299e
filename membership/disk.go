package membership

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rldb/rldb/ring"
)

// fileName is the member map's file in the data directory.
const fileName = "cluster.state"

const fileMagic = "rldbmem1"

// snapshot is what a node keeps: who it is, which cluster it is in (zero: none),
// and the member map. As a file: magic, flags, self (20), cluster (20), name, the
// state, CRC-32C of all that.
type snapshot struct {
	self    ring.ID
	cluster ring.ID
	name    string
	parted  bool
	state   state
}

func (s snapshot) encode() []byte {
	b := []byte(fileMagic)
	flags := byte(0)
	if s.parted {
		flags = 1
	}
	b = append(b, flags)
	b = append(b, s.self[:]...)
	b = append(b, s.cluster[:]...)
	b = appendText(b, s.name)
	b = appendState(b, s.state)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeSnapshot(b []byte) (snapshot, error) {
	if len(b) < len(fileMagic)+4 || string(b[:len(fileMagic)]) != fileMagic {
		return snapshot{}, fmt.Errorf("%w: not a member map of this version", errMalformed)
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return snapshot{}, fmt.Errorf("%w: wrong checksum", errMalformed)
	}
	d := decoder{b: body[len(fileMagic):]}
	flags := d.byte()
	if flags > 1 {
		d.fail("flags %d", flags)
	}
	s := snapshot{parted: flags == 1, self: d.id(), cluster: d.id(), name: d.text(), state: d.state()}
	if s.self.IsZero() {
		d.fail("no ID")
	}
	return s, d.end()
}

// load reads the snapshot of a directory; false if there is none.
func load(dir string) (snapshot, bool, error) {
	path := filepath.Join(dir, fileName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return snapshot{}, false, nil
	}
	if err != nil {
		return snapshot{}, false, err
	}
	s, err := decodeSnapshot(b)
	if err != nil {
		return snapshot{}, false, fmt.Errorf("the member map %s: %w", path, err)
	}
	return s, true, nil
}

// save replaces the snapshot of a directory, atomically and durably.
func save(dir string, b []byte) error {
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
