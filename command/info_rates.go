package command

import (
	"sync"
	"sync/atomic"
	"time"
)

// rates tells how much was done lately. It needs no goroutine: the worker that
// ends a batch looks at the totals if rateEvery has passed since somebody did,
// before its own batch is added to them. A time in which no batch ends is one
// in which nothing happened, so that nothing is missed.
type rates struct {
	due    atomic.Int64 // Unix ns: when to look again
	peak   atomic.Int64 // the most memory that was seen
	excess atomic.Int64 // bytes an entry takes beyond its live ones: see entryCost

	mu    sync.Mutex // guards what follows
	ring  [rateMoments]moment
	taken int // moments noted; the latest is ring[(taken-1)%rateMoments]
}

const (
	rateEvery   = 100 * time.Millisecond
	rateWindow  = 1600 * time.Millisecond
	rateMoments = int(rateWindow/rateEvery) + 1
)

// moment is where the totals stood at a time.
type moment struct {
	at       time.Time
	commands int64
	in, out  int64
}

// observe is called by a worker with the time at which its batch ended.
func (a *adminState) observe(s *Server, now time.Time) {
	ns, due := now.UnixNano(), a.rates.due.Load()
	if ns < due || !a.rates.due.CompareAndSwap(due, ns+int64(rateEvery)) {
		return
	}
	a.rates.seen(s.usedMemory())
	a.rates.excess.Store(excessOf(s.store.Stats()))
	a.rates.note(s.moment(now))
}

func (s *Server) moment(now time.Time) moment {
	n := s.front.Counters()
	return moment{at: now, commands: s.stats.commands(), in: n.In, out: n.Out}
}

// seen keeps the highest memory use, and returns it.
func (r *rates) seen(used int64) int64 {
	for {
		peak := r.peak.Load()
		if used <= peak {
			return peak
		}
		if r.peak.CompareAndSwap(peak, used) {
			return used
		}
	}
}

func (r *rates) note(m moment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.taken%rateMoments] = m
	r.taken++
}

func (r *rates) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = 0
}

// rate is what happened each second of the window that ends with now.
func (r *rates) rate(now moment) (commands, in, out float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, span := r.begin(now.at)
	if from == nil {
		return 0, 0, 0
	}
	per := func(a, b int64) float64 { return max(0, float64(b-a)/span.Seconds()) }
	return per(from.commands, now.commands), per(from.in, now.in), per(from.out, now.out)
}

// begin is the first moment of the window, and the time that the growth since
// then is to be divided by: where moments follow each other without a gap, the
// time since that one, otherwise the whole window, most of which was idle.
func (r *rates) begin(now time.Time) (*moment, time.Duration) {
	for i := max(0, r.taken-rateMoments); i < r.taken; i++ {
		m := &r.ring[i%rateMoments]
		age := now.Sub(m.at)
		if age > rateWindow {
			continue
		}
		if before := i - 1; before >= max(0, r.taken-rateMoments) &&
			m.at.Sub(r.ring[before%rateMoments].at) < 2*rateEvery {
			return m, age
		}
		return m, rateWindow
	}
	return nil, 0
}
