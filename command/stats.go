package command

import (
	"math/bits"
	"sync"
	"time"
)

// sample is one command's outcome.
type sample struct {
	row      *row // nil: unknown command
	took     time.Duration
	code     string // of the error that was replied
	failed   bool   // executed, and replied an error
	rejected bool   // not executed

	hits, misses int32 // keys looked up
}

// stats sums up what was executed. Workers add a batch at a time.
type stats struct {
	mu     sync.Mutex // guards what follows
	rows   []rowStats
	errors map[string]int64 // by code; at most maxErrorCodes
	calls  int64
	failed int64
	hits   int64
	misses int64
}

// rowStats are one command's figures.
type rowStats struct {
	calls, failed, rejected int64
	time                    time.Duration
	hist                    *histogram
}

// maxErrorCodes bounds how many error codes are counted apart.
const maxErrorCodes = 128

func (s *stats) init(rows int) {
	s.rows = make([]rowStats, rows)
	s.errors = map[string]int64{}
}

func (s *stats) add(batch []sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		x := &batch[i]
		if x.code != "" {
			s.failed++
			if _, known := s.errors[x.code]; known || len(s.errors) < maxErrorCodes {
				s.errors[x.code]++
			}
		}
		if x.row == nil {
			continue
		}
		r := &s.rows[x.row.index]
		if x.rejected {
			r.rejected++
			continue
		}
		s.calls++
		s.hits += int64(x.hits)
		s.misses += int64(x.misses)
		r.calls++
		r.time += x.took
		if x.failed {
			r.failed++
		}
		if r.hist == nil {
			r.hist = new(histogram)
		}
		r.hist.add(x.took)
	}
}

// commands is how many were executed.
func (s *stats) commands() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// reset has all figures begin anew.
func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.rows)
	clear(s.errors)
	s.calls, s.failed, s.hits, s.misses = 0, 0, 0, 0
}

// named is one command's histogram.
type named struct {
	row  *row
	hist histogram
}

// histograms copies those of some commands, of which only those that were
// executed have one.
func (s *stats) histograms(rows []*row) []named {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []named
	for _, r := range rows {
		if h := s.rows[r.index].hist; h != nil {
			out = append(out, named{r, *h})
		}
	}
	return out
}

// histogram counts durations in buckets of growing width: eight to each power
// of two nanoseconds, so that a bucket is at most 12.5 % wide. 0 to 2^38 ns.
type histogram struct {
	count   int64
	sum     time.Duration
	buckets [36*8 + 8]int64
}

func (h *histogram) add(d time.Duration) {
	h.count++
	h.sum += d
	h.buckets[bucketOf(d)]++
}

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 8 {
		return int(n)
	}
	exp := bits.Len64(n) - 4 // n>>exp is in [8, 16)
	return min(8+exp*8+int(n>>exp-8), len(histogram{}.buckets)-1)
}

// upperBound is the greatest duration that bucket i counts.
func upperBound(i int) time.Duration {
	if i < 8 {
		return time.Duration(i)
	}
	exp := (i - 8) / 8
	return time.Duration((uint64((i-8)%8)+9)<<exp - 1)
}

// quantile is the upper bound of the bucket in which the q-th part of all
// durations lies, 0 < q <= 1.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(q * float64(h.count))
	var seen int64
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen >= max(rank, 1) {
			return upperBound(i)
		}
	}
	return 0
}

// upTo is how many durations are at most d, where d is some bucket's upper
// bound.
func (h *histogram) upTo(d time.Duration) int64 {
	var n int64
	for i := 0; i < len(h.buckets) && upperBound(i) <= d; i++ {
		n += h.buckets[i]
	}
	return n
}
