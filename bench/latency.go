package main

import (
	"context"
	"fmt"
	"time"
)

// percentiles that the latency workload tells of.
func percentiles() []float64 { return []float64{50, 99, 99.9, 99.99, 100} }

func percentileName(p float64) string {
	if p == 100 {
		return "GET max"
	}
	return fmt.Sprintf("GET p%g", p)
}

const (
	setsAnswered = "SETs answered"
	getsAnswered = "GETs answered"
)

// latency measures GETs that arrive at a fixed rate while SETs arrive at
// another, with many keys resident. The client shares the cores with the server,
// as everywhere here: see what it used.
func latency(ctx context.Context, b *bench, rounds int) ([]row, error) {
	k := keyspace{n: b.opt.resident, size: b.opt.size}
	if have := memInfo("MemAvailable"); have < int64(k.n)*needed {
		return nil, fmt.Errorf("%d MB are free, %d keys may take %d: lower -resident", have>>20, k.n, int64(k.n)*needed>>20)
	}
	peer, own := b.redisServer(), b.rldbs()
	points := collection{}
	notes := map[string][]string{}
	what := fmt.Sprintf("GETs under %d SETs/s", b.opt.setRate)
	err := inTurn(ctx, rounds, append(own[:len(own):len(own)], peer), func(round int, s subject) error {
		b.logf("round %d: %s, %d keys", round, s.name, k.n)
		return b.with(ctx, s, func(srv *server) error {
			if err := k.load(ctx, srv.addr); err != nil {
				return err
			}
			r, ok, err := b.observe(ctx, what, srv, func() (reading, error) { return b.underLoad(ctx, srv.addr, k) })
			if err != nil {
				return err
			}
			if ok {
				points.add(round, s.name, r)
				notes[s.name] = append(notes[s.name], r.notes...)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, list := range notes {
		for _, note := range list {
			b.logf("%s", note)
		}
	}
	return latencyRows(points, notes, own, peer), nil
}

func latencyRows(points collection, notes map[string][]string, own []subject, peer subject) []row {
	var rows []row
	for _, s := range own {
		for _, p := range percentiles() {
			var want target
			if p == 99.99 {
				want = target{ratioAtMost, 1.5}
			}
			rows = append(rows, points.row(percentileName(p), "ms", s.name, peer.name, want))
		}
		for _, name := range []string{setsAnswered, getsAnswered} {
			rows = append(rows, points.row(name, "/s", s.name, peer.name, target{}))
		}
		last := &rows[len(rows)-2]
		for _, who := range []string{s.name, peer.name} {
			if len(notes[who]) > 0 {
				last.Notes = append(last.Notes, who+" does not keep up")
			}
		}
	}
	return rows
}

// underLoad runs both schedules against a server that holds k.
func (b *bench) underLoad(ctx context.Context, addr string, k keyspace) (reading, error) {
	start := time.Now().Add(200 * time.Millisecond)
	warm, end := start.Add(b.opt.warmUp), start.Add(b.opt.warmUp+b.opt.seconds)
	sets, err := newSetLoad(addr, k, newSchedule(start, float64(b.opt.setRate)/setBatch, end.Sub(start)))
	if err != nil {
		return reading{}, err
	}
	defer closeAll(sets.clients)
	gets, err := newGetLoad(addr, k, newSchedule(start, float64(b.opt.getRate), end.Sub(start)))
	if err != nil {
		return reading{}, err
	}
	defer closeAll(gets.clients)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 2)
	for name, run := range map[string]func(context.Context) error{"SETs": sets.run, "GETs": gets.run} {
		go func() {
			err := run(ctx)
			if err != nil {
				done <- fmt.Errorf("%s: %w", name, err)
				cancel()
				return
			}
			done <- nil
		}()
	}
	_ = pause(ctx, time.Until(warm)) // cut short by a failure, which comes below
	setsBefore, getsBefore := sets.answered.Load(), gets.answered.Load()
	_ = pause(ctx, time.Until(end))
	setRate := float64(sets.answered.Load()-setsBefore) / b.opt.seconds.Seconds()
	getRate := float64(gets.answered.Load()-getsBefore) / b.opt.seconds.Seconds()
	for range 2 {
		if err := <-done; err != nil {
			return reading{}, err
		}
	}
	return b.latencyReading(setRate, getRate, gets.samples(b.opt.warmUp), float64(sets.answered.Load()+gets.answered.Load())), nil
}

func (b *bench) latencyReading(setRate, getRate float64, samples []int64, ops float64) reading {
	r := reading{values: map[string]float64{setsAnswered: setRate, getsAnswered: getRate}, ops: ops}
	for _, p := range percentiles() {
		r.values[percentileName(p)] = float64(percentile(samples, p)) / float64(time.Millisecond)
	}
	if setRate < 0.99*float64(b.opt.setRate) {
		r.notes = append(r.notes, fmt.Sprintf("%d SETs/s could not be sustained beside this client: %.0f were answered", b.opt.setRate, setRate))
	}
	return r
}
