package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

// fault is what happens to a node.
type fault string

const (
	faultKill  fault = "kill -9"
	faultPause fault = "pause"
)

// Figures of the gap workload, each a row for every fault and settings.
const (
	gapHurt   = "keys of the node"
	gapWriter = "any one of the clients"
	gapAll    = "all keys"
	gapLost   = "acknowledged writes lost"
	gapAcked  = "writes acknowledged"
	gapErrors = "errors"
)

// gap measures, with clients that write all the time, how long nothing is
// written when a node dies or hangs, and what is lost.
func gap(ctx context.Context, b *bench, rounds int) ([]row, error) {
	logging.Disable() // go-redis tells of every connection that fails
	own := b.rldbClusters()
	var peers []clusterSubject
	for _, ms := range b.opt.nodeTimeouts {
		peers = append(peers, b.redisCluster(ms))
	}
	points := collection{}
	notes := map[pointsOf][]string{}
	for round := 1; round <= rounds; round++ {
		for _, f := range []fault{faultKill, faultPause} {
			for _, settings := range gapSettings() {
				for _, s := range slices.Concat(own, peers) {
					b.logf("round %d, %s, %s: %s", round, f, settings.name, s.name)
					r, err := b.gapRun(ctx, s, f, settings)
					if err != nil {
						return nil, fmt.Errorf("round %d, %s, %s, %s: %w", round, f, settings.name, s.name, err)
					}
					points.add(round, s.name, r)
					key := pointsOf{gapName(f, settings, gapHurt), s.name}
					notes[key] = append(notes[key], r.notes...)
				}
			}
		}
	}
	return gapRows(points, notes, own, peers), nil
}

// gapName is the name of a row.
func gapName(f fault, s clientSettings, figure string) string {
	return fmt.Sprintf("%s, %s: %s", f, s.name, figure)
}

func gapRows(points collection, notes map[pointsOf][]string, own, peers []clusterSubject) []row {
	var rows []row
	for _, s := range own {
		for _, f := range []fault{faultKill, faultPause} {
			for _, settings := range gapSettings() {
				for _, figure := range []string{gapHurt, gapWriter, gapAll, gapLost, gapAcked, gapErrors} {
					for i, peer := range peers {
						want := gapTarget(f, settings, figure, i == 0)
						r := points.row(gapName(f, settings, figure), gapUnit(figure), s.name, peer.name, want)
						for _, who := range []string{s.name, peer.name} {
							r.Notes = append(r.Notes, notes[pointsOf{r.Name, who}]...)
						}
						rows = append(rows, r)
					}
				}
			}
		}
	}
	return rows
}

func gapUnit(figure string) string {
	switch figure {
	case gapHurt, gapWriter, gapAll:
		return "s"
	}
	return ""
}

// gapTarget is what DESIGN 14 asks for beside the first peer, and DESIGN 2.5
// beside the others.
func gapTarget(f fault, s clientSettings, figure string, first bool) target {
	defaults := s.name == gapSettings()[0].name
	switch {
	case figure == gapLost:
		return target{ownNeverAbove, 0}
	case figure != gapHurt:
		return target{}
	case f == faultKill && defaults && first:
		return target{ratioAtMost, 0.1}
	case f == faultKill && defaults:
		return target{ownNeverAbove, 1}
	case f == faultPause && !defaults:
		return target{ownNeverAbove, 3}
	}
	return target{}
}

// gapRun is one fault of one subject in a cluster of its own.
func (b *bench) gapRun(ctx context.Context, s clusterSubject, f fault, settings clientSettings) (reading, error) {
	var r reading
	err := b.withCluster(ctx, s, func(c *cluster) error {
		victim, m, err := c.victim()
		if err != nil {
			return err
		}
		var hurt [slots]bool
		for slot, addr := range m {
			hurt[slot] = addr == victim.addr
		}
		w := startWriters(ctx, c.addrs(), settings, &hurt, b.opt.size, b.opt.gapEvery)
		defer w.end()
		defer func() {
			if ctx.Err() != nil { // else a client may wait long for a node that is paused
				c.abandon()
			}
		}()
		from, again, err := b.strike(ctx, c, w, victim, f)
		if err != nil {
			return err
		}
		to := w.now()
		w.end()
		g := gapsOf(w.acks, from, to)
		lost, err := w.lost(ctx, c.addrs())
		if err != nil {
			return err
		}
		r = w.reading(g, lost, f, settings)
		if err := w.firstError(); err != nil {
			b.logf("the first of %d errors: %.200v", w.fails.Load(), err)
		}
		if !again {
			r.notes = append(r.notes, fmt.Sprintf("%s was not written again within %v", s.name, b.opt.gapMost))
		}
		return nil
	})
	return r, err
}

// reading is the figures of a run.
func (w *writers) reading(g gaps, lost int, f fault, s clientSettings) reading {
	acked := 0
	for _, acks := range w.acks {
		acked += len(acks)
	}
	r := reading{values: map[string]float64{}}
	for figure, v := range map[string]float64{
		gapHurt: g.hurt.Seconds(), gapWriter: g.writer.Seconds(), gapAll: g.all.Seconds(),
		gapLost: float64(lost), gapAcked: float64(acked), gapErrors: float64(w.fails.Load()),
	} {
		r.values[gapName(f, s, figure)] = v
	}
	return r
}

// gapAfter is how long is written on after a node was resumed.
const gapAfter = 3 * time.Second

var errNeverCalm = errors.New("the clients cannot write before anything fails")

// strike lets the writers write, has the node fail and waits until they write
// again. It gives the moment of the failure, and whether they do.
func (b *bench) strike(ctx context.Context, c *cluster, w *writers, victim *server, f fault) (from time.Duration, again bool, err error) {
	if well, err := w.waitCalm(ctx, b.opt.gapMost); err != nil || !well {
		return 0, false, errors.Join(err, errNeverCalm, w.firstError())
	}
	from = w.now()
	if f == faultKill {
		if err := c.kill(victim); err != nil {
			return from, false, err
		}
		again, err := w.waitCalm(ctx, b.opt.gapMost)
		return from, again, err
	}
	if err := victim.stopped(); err != nil {
		return from, false, err
	}
	again, err = w.waitCalm(ctx, b.opt.gapMost)
	if err == nil {
		err = pause(ctx, b.opt.gapPause-(w.now()-from))
	}
	if err := errors.Join(err, victim.resumed()); err != nil {
		return from, again, err
	}
	return from, again, pause(ctx, gapAfter)
}

func (w *writers) firstError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first
}
