package memory

// cell refers to one entry: 32 bits of its key's hash, then its ref. The zero
// cell is empty.
type cell uint64

const cellBytes = 8

func newCell(hash uint32, r ref) cell { return cell(hash)<<32 | cell(r) }

func (c cell) hash() uint32 { return uint32(c >> 32) }
func (c cell) ref() ref     { return ref(c) }

// table is a hash table whose cells are in order: linear probing from a home
// that rises with the hash, where a new cell pushes the greater ones to the
// right. So a scan is a walk, and a lookup that meets a greater hash has its
// answer. Nothing wraps around: the last `spill` cells are nobody's home.
//
// Invariants: hashes never descend; no cell is left of its home; no empty cell
// lies between a cell and its home.
type table []cell

// spill is how many cells at the end of a table take what is pushed beyond the
// last home. Small tables have a single home: they are plain sorted arrays.
const spill = 16

// home is where the probe for a hash begins.
func (t table) home(hash uint32) int {
	if len(t) <= spill {
		return 0
	}
	return int(uint64(hash) * uint64(len(t)-spill) >> 32)
}

// run finds the cells with a hash: t[lo:hi]. If there are none, lo = hi is
// where one belongs.
func (t table) run(hash uint32) (lo, hi int) {
	lo = t.home(hash)
	for lo < len(t) && t[lo] != 0 && t[lo].hash() < hash {
		lo++
	}
	hi = lo
	for hi < len(t) && t[hi] != 0 && t[hi].hash() == hash {
		hi++
	}
	return lo, hi
}

// insert puts c at i, where run or a search within it has found that c
// belongs, and reports how many cells it pushed to the right. It is false, and
// nothing has changed, if there is no room.
func (t table) insert(i int, c cell) (pushed int, ok bool) {
	j := i
	for j < len(t) && t[j] != 0 {
		j++
	}
	if j == len(t) {
		return 0, false
	}
	copy(t[i+1:j+1], t[i:j])
	t[i] = c
	return j - i, true
}

// remove empties cell i, pulls those cells back that it kept from their homes,
// and reports how many.
func (t table) remove(i int) (pulled int) {
	j := i + 1
	for j < len(t) && t[j] != 0 && t.home(t[j].hash()) < j {
		j++
	}
	copy(t[i:j-1], t[i+1:j])
	t[j-1] = 0
	return j - 1 - i
}

// spread fills the empty table t with cells, which are in order. It is false if
// they do not fit; t is then of no use.
func (t table) spread(cells []cell) bool {
	next := 0
	for _, c := range cells {
		at := max(next, t.home(c.hash()))
		if at >= len(t) {
			return false
		}
		t[at] = c
		next = at + 1
	}
	return true
}

// fill is how many cells a table of a capacity takes before it grows. Runs, and
// with them the cost of an insert, grow with the square of 1/(1-load): eleven
// twelfths is where that begins to show.
func fill(capacity int) int { return capacity - capacity/12 }

// roomy is the capacity to begin with for n cells.
func roomy(n int) int { return min(n+n/8+1, maxTable) }
