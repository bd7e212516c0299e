package main

import (
	"context"
	"fmt"
	"slices"
)

// How a subject of the cluster workload is used. What is measured with WAIT is
// filed as a peer of its own.
const (
	besideWaitEach = ", WAIT 1 after each SET"
	besideWaitLast = ", WAIT 1 after each pipeline"
)

// clusters measures three nodes beside a Redis Cluster, with redis-benchmark
// and with a load of this program that can also send WAIT.
func clusters(ctx context.Context, b *bench, rounds int) ([]row, error) {
	olric, err := b.olric(ctx)
	if err != nil {
		return nil, err
	}
	t := clusterSeries{
		own: b.rldbClusters(), peer: b.redisCluster(0), points: collection{}, notes: map[pointsOf][]string{},
		keys: newClusterKeys(keyspace{n: b.opt.clusterKeys, size: b.opt.size}),
	}
	everyone := append(slices.Clone(t.own), t.peer)
	if olric != "" {
		t.olric = olricCluster(olric)
		everyone = append(everyone, t.olric)
	} else {
		b.logf("Olric is left out: -olric says where its server is, or has it built")
	}
	var rows []row
	for _, depth := range b.opt.depths {
		for round := 1; round <= rounds; round++ {
			for _, s := range everyone {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				b.logf("depth %d, round %d: %s", depth, round, s.name)
				err := b.withCluster(ctx, s, func(c *cluster) error { return t.measure(ctx, b, c, depth, round) })
				if err != nil {
					return nil, fmt.Errorf("depth %d, round %d, %s: %w", depth, round, s.name, err)
				}
			}
		}
		rows = append(rows, t.rows(b, depth)...)
	}
	return rows, nil
}

// clusterSeries is the subjects of one run of the workload, and what they gave.
type clusterSeries struct {
	own    []clusterSubject
	peer   clusterSubject
	olric  clusterSubject // without a name if it is left out
	keys   *clusterKeys
	points collection
	notes  map[pointsOf][]string
}

// clusterRun is a load that this program sends.
type clusterRun struct {
	what string
	wait waiting
}

// name is that of the row.
func (r clusterRun) name(depth int) string { return fmt.Sprintf("%s, depth %d", r.what, depth) }

// filed is the name of the subject that the run is filed under.
func (r clusterRun) filed(subject string) string {
	switch r.wait {
	case waitEach:
		return subject + besideWaitEach
	case waitAtTheEnd:
		return subject + besideWaitLast
	}
	return subject
}

// whats are the loads, as -tests and their sum.
func (b *bench) whats() []string {
	var all []string
	for _, test := range b.opt.tests {
		if test == loadSet || test == loadGet {
			all = append(all, test)
		}
	}
	if len(all) == 2 {
		all = append(all, loadBoth)
	}
	return all
}

// runs are what is sent to a subject. At depth 1 the end of a pipeline is the
// end of each SET.
func (t *clusterSeries) runs(b *bench, subject string, depth int) []clusterRun {
	var all []clusterRun
	for _, what := range b.whats() {
		all = append(all, clusterRun{what, noWait})
		if subject != t.peer.name || what == loadGet {
			continue
		}
		all = append(all, clusterRun{what, waitEach})
		if depth > 1 {
			all = append(all, clusterRun{what, waitAtTheEnd})
		}
	}
	return all
}

// measure is one round of one subject at one depth.
func (t *clusterSeries) measure(ctx context.Context, b *bench, c *cluster, depth, round int) error {
	addrs := c.addrs()[:c.primaries]
	if c.speaks.mapped {
		if err := t.withRedisBenchmark(ctx, b, c, depth, round); err != nil {
			return err
		}
	}
	if err := t.keys.load(ctx, c.speaks, addrs); err != nil {
		return err
	}
	for _, run := range t.runs(b, c.name, depth) {
		load := &clusterLoad{
			speaks: c.speaks, what: run.what, wait: run.wait, depth: depth, connections: b.opt.clients, keys: t.keys,
		}
		name, filed := run.name(depth), run.filed(c.name)
		r, ok, err := b.observeAll(ctx, name, filed, c.pids(), func() (reading, error) {
			rate, all, err := load.run(ctx, addrs, b.opt.clusterWarm, b.opt.clusterTime)
			if err != nil {
				return reading{}, err
			}
			said, err := all.verdict()
			r := reading{values: map[string]float64{name: rate}, ops: float64(all.done)}
			if said != "" {
				r.notes = []string{filed + ": " + said}
			}
			return r, err
		})
		if err != nil {
			return fmt.Errorf("%s, %s: %w", name, filed, err)
		}
		t.file(round, filed, r, ok)
	}
	return nil
}

// file adds what a run gave, unless it was disturbed.
func (t *clusterSeries) file(round int, subject string, r reading, ok bool) {
	if !ok {
		return
	}
	t.points.add(round, subject, r)
	for name := range r.values {
		key := pointsOf{name, subject}
		t.notes[key] = append(t.notes[key], r.notes...)
	}
}

// withRedisBenchmark measures with redis-benchmark --cluster, after it has set
// nearly all keys that it can draw.
func (t *clusterSeries) withRedisBenchmark(ctx context.Context, b *bench, c *cluster, depth, round int) error {
	port := c.nodes[0].port
	if _, err := b.clusterBenchmark(ctx, port, shape{test: loadSet, depth: 64}, 5*b.drawn()); err != nil {
		return err
	}
	for _, test := range b.opt.tests {
		s := shape{test: test, depth: depth, threads: 1}
		r, ok, err := b.observeAll(ctx, s.String(), c.name, c.pids(), func() (reading, error) {
			return b.clusterBenchmark(ctx, port, s, 2*s.requests(b.opt.requests)) // it has threads: see requests
		})
		if err != nil {
			return err
		}
		t.file(round, c.name, r, ok)
	}
	return nil
}

// rows are those of one depth.
func (t *clusterSeries) rows(b *bench, depth int) []row {
	var all []row
	for _, s := range t.own {
		for _, test := range b.opt.tests {
			name := shape{test: test, depth: depth, threads: 1}.String()
			all = append(all, t.row(name, s.name, t.peer.name, clusterTarget(depth, t.peer.name)))
		}
		for _, run := range t.runs(b, t.peer.name, depth) {
			peer := run.filed(t.peer.name)
			all = append(all, t.row(run.name(depth), s.name, peer, clusterTarget(depth, peer)))
		}
		if t.olric.name == "" {
			continue
		}
		for _, run := range t.runs(b, t.olric.name, depth) {
			all = append(all, t.row(run.name(depth), s.name, t.olric.name, clusterTarget(depth, t.olric.name)))
		}
	}
	return all
}

func (t *clusterSeries) row(name, subject, peer string, want target) row {
	r := t.points.row(name, "req/s", subject, peer, want)
	r.Notes = slices.Concat(t.notes[pointsOf{name, subject}], t.notes[pointsOf{name, peer}])
	return r
}

// clusterTarget is what DESIGN 14 asks for.
func clusterTarget(depth int, peer string) target {
	switch {
	case depth != 1 && depth != 16:
		return target{}
	case peer == olricName:
		return target{ratioAtLeast, 5}
	case peer == redisClusterName+besideWaitEach:
		return target{ratioAtLeast, 2}
	case peer == redisClusterName:
		return target{ratioAtLeast, 0.6}
	}
	return target{}
}
