package main

import (
	"context"
	"time"
)

// reading is what one run gave.
type reading struct {
	values map[string]float64 // by the name of the row
	ops    float64            // operations, for CPU an operation
	notes  []string

	usage     usage
	disturbed string // why, if it was and is kept nevertheless
}

// observe calls f until a run of it was not disturbed, and false if none was.
func (b *bench) observe(ctx context.Context, what string, srv *server, f func() (reading, error)) (reading, bool, error) {
	return b.observeAll(ctx, what, srv.name, []int{srv.pid()}, f)
}

// observeAll is observe of a subject that is several processes.
func (b *bench) observeAll(ctx context.Context, what, subject string, pids []int, f func() (reading, error)) (reading, bool, error) {
	for attempt := 0; ; attempt++ {
		before, err := now(pids...)
		if err != nil {
			return reading{}, false, err
		}
		r, err := f()
		if err != nil {
			return r, false, err
		}
		after, err := now(pids...)
		if err != nil {
			return r, false, err
		}
		r.usage = after.since(before)
		why := r.usage.disturbed(b.opt.limits)
		if why == "" || b.opt.keep {
			r.disturbed = why
			return r, true, nil
		}
		b.report.Discarded = append(b.report.Discarded, discarded{What: what, Subject: subject, Why: why})
		if attempt >= b.opt.repeats {
			b.logf("%s, %s: disturbed again (%s); this round is left out", what, subject, why)
			return r, false, nil
		}
		b.logf("%s, %s: disturbed (%s); once more", what, subject, why)
		if err := pause(ctx, time.Duration(attempt+1)*time.Second); err != nil {
			return r, false, err
		}
	}
}

// pause waits, unless the run is interrupted.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// collection gathers the points of a workload.
type collection map[pointsOf][]point

type pointsOf struct{ name, subject string }

// point is one round's figure of one subject.
type point struct {
	Round     int     `json:"round"`
	Value     float64 `json:"value"`
	ServerCPU float64 `json:"server_cpu_s_per_million,omitempty"`
	ClientCPU float64 `json:"client_cpu_s_per_million,omitempty"`
	Disturbed string  `json:"disturbed,omitempty"`
}

// add files what one run gave.
func (c collection) add(round int, subject string, r reading) {
	for name, v := range r.values {
		key := pointsOf{name, subject}
		c[key] = append(c[key], point{
			Round: round, Value: v, Disturbed: r.disturbed,
			ServerCPU: perMillion(r.usage.server, r.ops), ClientCPU: perMillion(r.usage.client, r.ops),
		})
	}
}

// row makes the row of one subject beside its peer.
func (c collection) row(name, unit, subject, peer string, want target) row {
	return row{
		Name: name, Unit: unit, Subject: subject, Peer: peer, Target: want,
		Own: c[pointsOf{name, subject}], Beside: c[pointsOf{name, peer}],
	}
}
