package bitcask

import "encoding/binary"

// origins notes where the values that a merge copies came from, in the order in
// which they were copied: a byte or two for each. It is written once, then read
// once.
type origins struct {
	skips  []byte // bytes between the last value copied and this one, as uvarints
	counts []int  // values, by segment of the run
	last   int64  // end of the last value of the segment
	seg    int    // while reading: index of the segment
	taken  int    // and how many of its values were taken
}

// begin says that the values of the run's next segment follow.
func (o *origins) begin() {
	o.counts = append(o.counts, 0)
	o.last = headerSize
}

// add notes a value.
func (o *origins) add(off, end int64) {
	o.skips = binary.AppendUvarint(o.skips, uint64(off-o.last))
	o.counts[len(o.counts)-1]++
	o.last = end
}

// rewind begins the reading.
func (o *origins) rewind() { o.seg, o.taken, o.last = 0, 0, headerSize }

// next gives the next value, whose entry has size bytes: the index of its
// segment in the run, and its offset there.
func (o *origins) next(size int64) (seg int, off int64, ok bool) {
	for o.seg < len(o.counts) && o.taken == o.counts[o.seg] {
		o.seg, o.taken, o.last = o.seg+1, 0, headerSize
	}
	skip, n := binary.Uvarint(o.skips)
	if o.seg == len(o.counts) || n <= 0 {
		return 0, 0, false
	}
	o.skips = o.skips[n:]
	o.taken++
	off = o.last + int64(skip)
	o.last = off + size
	return o.seg, off, true
}
