package main

import (
	"context"
	"math"
	"time"
)

// schedule is a fixed arrival rate: arrival i is due at a time that does not
// depend on how the earlier ones fared. Latency counts from that time, so that
// a stall is seen by every request that should have been made during it.
type schedule struct {
	start time.Time
	rate  float64 // arrivals a second
	n     int
}

// newSchedule is the arrivals of a rate during a time.
func newSchedule(start time.Time, rate float64, d time.Duration) schedule {
	return schedule{start: start, rate: rate, n: int(math.Ceil(rate * d.Seconds()))}
}

func (s schedule) due(i int) time.Time {
	return s.start.Add(time.Duration(float64(i) / s.rate * float64(time.Second)))
}

// end is when the arrival after the last would be due.
func (s schedule) end() time.Time { return s.due(s.n) }

// run calls send at every arrival's time, at once for those that are overdue,
// until it fails.
func (s schedule) run(ctx context.Context, send func(i int) error) error {
	for i := range s.n {
		if err := ctx.Err(); err != nil {
			return err
		}
		waitUntil(s.due(i))
		if err := send(i); err != nil {
			return err
		}
	}
	return nil
}
