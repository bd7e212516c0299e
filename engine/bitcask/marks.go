package bitcask

import "sync"

// marks says which values of a segment are dead: overwritten, deleted, or
// dropped. Merging copies what is not marked, without asking the index.
//
// There is a bit for every markGrain bytes of the segment, set for the grain in
// which the entry begins. No two values' entries begin in one grain, as each is
// longer than that.
//
// A mark is set when the log has what made the value dead, with the slot locked:
// so whoever finds one, and then makes the log durable, has made that durable.
type marks struct {
	mu    sync.Mutex // guards the rest; a leaf
	pages []*markPage
	used  int64 // bytes
	gone  bool  // the segment was removed: nobody needs marks any more
}

const (
	markGrain = 32
	pageWords = 512
	pageSpan  = pageWords * 64 * markGrain // bytes of a segment: 1 MiB
	markBytes = pageWords * 8
)

// markPage is the marks of a pageSpan. A page is there from its first mark on.
type markPage [pageWords]uint64

// at gives the place of the mark for an offset.
func markAt(off int64) (page, word int, bit uint64) {
	page = int(off / pageSpan)
	grain := uint(off % pageSpan / markGrain)
	return page, int(grain / 64), 1 << (grain % 64)
}

// set marks the entry at off, and says how many bytes of memory that took.
func (m *marks) set(off int64) (grown int64) {
	page, word, bit := markAt(off)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return 0
	}
	for page >= len(m.pages) {
		m.pages = append(m.pages, nil)
		grown += 8
	}
	if m.pages[page] == nil {
		m.pages[page] = new(markPage)
		grown += markBytes
	}
	m.pages[page][word] |= bit
	m.used += grown
	return grown
}

// unset takes the mark of an entry back, which is what loading a segment twice
// needs.
func (m *marks) unset(off int64) {
	page, word, bit := markAt(off)
	m.mu.Lock()
	defer m.mu.Unlock()
	if page < len(m.pages) && m.pages[page] != nil {
		m.pages[page][word] &^= bit
	}
}

// has reports whether the entry at off is marked.
func (m *marks) has(off int64) bool {
	page, word, bit := markAt(off)
	m.mu.Lock()
	defer m.mu.Unlock()
	return page < len(m.pages) && m.pages[page] != nil && m.pages[page][word]&bit != 0
}

// drop forgets all marks, and says how much memory that gave back.
func (m *marks) drop() (freed int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	freed, m.used, m.pages, m.gone = m.used, 0, nil, true
	return freed
}
