package resp

import "time"

// The epoll loops of a node are served by runners, goroutines that each have
// one loop or several. A runner more is a gain when those there are have more
// to do than they can, and a core is idle. It is a loss when there is none: the
// runners then take turns on a core with each other, or with the clients of a
// benchmark on the same machine. So the number follows the load: see crew.

// usage is what was seen in one window of time.
type usage struct {
	busiest float64 // share of it, 0 to 1, that the busiest runner did not sleep
	cpu     float64 // cores' worth that this process used
	idle    float64 // cores' worth that the machine had to spare
}

const (
	// spreadWindow is how long a window is.
	spreadWindow = 100 * time.Millisecond
	// saturated is the share from which a runner has no time left, spareCore
	// what must be idle for one more to be worth it.
	saturated = 0.95
	spareCore = 0.15
	// One runner less follows after calmWindows in which the process used no
	// more than fewer runners could, and slack.
	calmWindows = 5
	slack       = 0.1
	// After that, a runner more is not tried for a while, which doubles each
	// time up to a bound: where it does not help it is seldom tried.
	firstHold = 10
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
}

// next is how many runners are to serve after a window.
func (p *spreading) next(u usage) int {
	p.wait = max(p.wait-1, 0)
	switch {
	case p.active < p.most && p.wait == 0 && u.busiest >= saturated && u.idle >= spareCore:
		p.active++
		p.calm = 0
	case p.active > 1 && u.cpu <= float64(p.active-1)+slack:
		if p.calm++; p.calm >= calmWindows {
			p.active--
			p.calm = 0
			p.hold = min(max(2*p.hold, firstHold), lastHold)
			p.wait = p.hold
		}
	default:
		p.calm = 0
	}
	return p.active
}
