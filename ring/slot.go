package ring

import "bytes"

// Slots is the number of slots: the unit of ownership, transfer, digest and
// scan. The number and the mapping are Redis Cluster's, so that its clients
// compute the same slots.
const Slots = 16384

// Slot is the slot of a key: CRC16/XMODEM of the key, or of its hash tag (the
// bytes between the first '{' and the next '}', if there is at least one),
// modulo Slots.
func Slot(key []byte) uint16 {
	if i := bytes.IndexByte(key, '{'); i >= 0 {
		if n := bytes.IndexByte(key[i+1:], '}'); n > 0 {
			key = key[i+1 : i+1+n]
		}
	}
	return crc16(key) % Slots
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected.
// It takes four bytes a step, whose look-ups do not wait for each other
// (Kounavis & Berry, "A Systematic Approach to Building High Performance
// Software-Based CRC Generators", 2005, section 3: slicing-by-4).
func crc16(b []byte) uint16 {
	var crc uint16
	for len(b) >= 4 {
		crc = crcTables[3][byte(crc>>8)^b[0]] ^ crcTables[2][byte(crc)^b[1]] ^
			crcTables[1][b[2]] ^ crcTables[0][b[3]]
		b = b[4:]
	}
	for _, c := range b {
		crc = crc<<8 ^ crcTables[0][byte(crc>>8)^c]
	}
	return crc
}

// crcTables[i] holds the CRC of each byte followed by i zero bytes.
var crcTables = func() (t [4][256]uint16) {
	for i := range t[0] {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		t[0][i] = crc
	}
	for k := 1; k < len(t); k++ {
		for i := range t[k] {
			crc := t[k-1][i]
			t[k][i] = crc<<8 ^ t[0][byte(crc>>8)]
		}
	}
	return t
}()
