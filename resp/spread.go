package resp

import (
	"slices"
	"time"
)

// The epoll loops of a node are served by runners, goroutines that each have
// one loop or several. A runner more is a gain when those there are have more
// to do than they can, and a core is idle. It is a loss when there is none: the
// runners then take turns on a core with each other, or with the clients of a
// benchmark on the same machine; and each round of theirs is for fewer clients.
// So one more is tried where it may help, and stays if it does: see crew.

// usage is what was seen in one window of time.
type usage struct {
	busiest float64 // share of it, 0 to 1, that the busiest runner did not sleep
	cpu     float64 // cores' worth that this process used
	idle    float64 // cores' worth that the machine had to spare
	work    float64 // what was done: bytes received and sent, a second
}

const (
	// spreadWindow is how long a window is.
	spreadWindow = 100 * time.Millisecond
	// saturated is the share from which a runner has no time left, spareCore
	// what must be idle, in the mean of trialWindows, for one more to be tried:
	// a trial is not free. On two cores with the client, 0.25 are idle at
	// pipeline depth 16, where one more is a loss, and 0.5 at depth 64, where it
	// is a gain.
	saturated = 0.95
	spareCore = 0.35
	// One more is on trial for trialWindows, without the first: it stays if
	// worth times as much was done as in as many windows before.
	trialWindows = 4
	worth        = 1.05
	// One runner less follows after calmWindows in which the process used no
	// more than fewer runners could, and slack.
	calmWindows = 5
	slack       = 0.1
	// Where one more was not worth it, it is not tried again for a while, which
	// doubles each time up to a bound. In windows.
	firstHold = 50
	lastHold  = 600
)

// spreading decides how many runners serve. It is a plain value: windows go in,
// numbers come out.
type spreading struct {
	most   int // runners there are, at least 1
	active int // runners that serve
	calm   int // windows in a row in which fewer would have done
	wait   int // windows before one more may be tried
	hold   int // what wait was last set to

	recent [trialWindows]float64 // work of the last windows, the latest first
	idle   [trialWindows]float64 // cores idle in them
	trial  int                   // windows of a trial still to come; 0: there is none
	before float64               // work of a window before it
}

// next is how many runners are to serve after a window.
func (p *spreading) next(u usage) int {
	copy(p.recent[1:], p.recent[:])
	copy(p.idle[1:], p.idle[:])
	p.recent[0], p.idle[0] = u.work, u.idle
	p.wait = max(p.wait-1, 0)
	calm := p.active > 1 && u.cpu <= float64(p.active-1)+slack
	if !calm {
		p.calm = 0
	}
	switch {
	case p.trial > 0:
		if p.trial--; p.trial == 0 && mean(p.recent) < worth*p.before {
			p.active--
			p.hold = min(max(2*p.hold, firstHold), lastHold)
			p.wait = p.hold
		} else if p.trial == 0 {
			p.hold = 0
		}
	case calm:
		if p.calm++; p.calm == calmWindows {
			p.active--
			p.calm = 0
		}
	case p.active < p.most && p.wait == 0 && u.busiest >= saturated && mean(p.idle) >= spareCore && p.steady():
		p.before, p.trial = mean(p.recent), 1+trialWindows
		p.active++
	}
	return p.active
}

func mean(windows [trialWindows]float64) float64 {
	sum := 0.0
	for _, w := range windows {
		sum += w
	}
	return sum / trialWindows
}

// steady says whether the load has been there for as long as a trial takes, so
// that what comes can be compared with it.
func (p *spreading) steady() bool { return slices.Min(p.recent[:]) > mean(p.recent)/2 }
