package command

import (
	"maps"
	"time"
)

// Snapshot is what a Server can tell of itself at one moment, for metrics.
// Counts begin anew at CONFIG RESETSTAT.
type Snapshot struct {
	Version      string // rldb's own
	RedisVersion string // what clients are told
	Engine       string
	Uptime       time.Duration
	Commands     []CommandFigures // those that were called or refused, by name
	Steps        []time.Duration  // what CommandFigures.Steps count up to
	Errors       map[string]int64 // error replies by code
	Hits, Misses int64            // keys that were asked for, there or not
	Channels     int              // of pub/sub, with subscribers
	Patterns     int
	UsedMemory   int64 // what maxmemory is held against
	PeakMemory   int64
	MaxMemory    int64 // 0: no limit
	Process      ProcessFigures
}

// CommandFigures are one command's. Calls are those that were executed, of which
// Failed replied an error; Rejected were not executed.
type CommandFigures struct {
	Name                    string
	Calls, Failed, Rejected int64
	Time                    time.Duration // all calls together
	Steps                   []int64       // calls that took at most as long as each of Snapshot.Steps
}

// ProcessFigures are the operating system's.
type ProcessFigures struct {
	Resident  int64 // bytes of memory; 0: unknown
	CPUUser   time.Duration
	CPUSystem time.Duration
}

// Snapshot returns the figures as they are now.
func (s *Server) Snapshot() Snapshot {
	x := Snapshot{
		Version:      s.opt.Version,
		RedisVersion: s.Settings().RedisVersion,
		Engine:       s.opt.Engine,
		Uptime:       time.Since(s.started),
		UsedMemory:   s.usedMemory(),
		MaxMemory:    s.Settings().MaxMemory,
	}
	for exp := firstStep; exp <= lastStep; exp += 2 {
		x.Steps = append(x.Steps, 1<<exp-1)
	}
	x.PeakMemory = s.admin.rates.seen(x.UsedMemory)
	x.Channels, x.Patterns = s.hub.counts()
	x.Process.Resident = residentBytes()
	x.Process.CPUUser, x.Process.CPUSystem = cpuTime()

	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	x.Errors, x.Hits, x.Misses = maps.Clone(s.stats.errors), s.stats.hits, s.stats.misses
	s.table.eachRow(func(r *row) {
		if f := &s.stats.rows[r.index]; f.calls+f.rejected > 0 {
			x.Commands = append(x.Commands, CommandFigures{Name: r.full, Calls: f.calls, Failed: f.failed,
				Rejected: f.rejected, Time: f.time, Steps: f.hist.upToEach(x.Steps)})
		}
	})
	return x
}

// The steps of a command's durations: each four times as wide as the one before,
// from a microsecond to 17 seconds. They end where buckets of the histogram do,
// so that they count exactly what they say.
const (
	firstStep = 10 // 2^10 ns, less one
	lastStep  = 34
)

func (h *histogram) upToEach(steps []time.Duration) []int64 {
	counts := make([]int64, len(steps))
	for i, s := range steps {
		if h != nil {
			counts[i] = h.upTo(s)
		}
	}
	return counts
}
