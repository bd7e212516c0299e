package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"time"
)

// options is what the command line asks for.
type options struct {
	args      []string          // as given
	settings  map[string]string // every flag's value
	workloads []string          // none means all
	results   string
	rounds    int // 0 leaves it to the workload
	rldb      string
	rldbArgs  [][]string // one rldb each
	limits    limits
	repeats   int
	keep      bool

	requests int
	depths   []int
	threads  []int
	tests    []string
	clients  int
	size     int
	keyspace int

	keys []int

	resident int
	setRate  int
	getRate  int
	seconds  time.Duration
	warmUp   time.Duration

	connections int

	durableKeys int
	diskDir     string

	clusterKeys int
	clusterTime time.Duration
	clusterWarm time.Duration
	olric       string

	nodeTimeouts []int
	gapEvery     time.Duration
	gapPause     time.Duration
	gapMost      time.Duration
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{args: args}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	quick := fs.Bool("quick", false, "small numbers everywhere: proves that it runs, measures little; other flags still hold")
	generalFlags(fs, &o)
	throughputFlags(fs, &o)
	residentFlags(fs, &o)
	clusterFlags(fs, &o)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "Usage: go run ./bench [flags] [workload ...]\n\nWorkloads (all, unless named):")
		for _, w := range workloads() {
			fmt.Fprintf(stderr, "  %-12s %s (%d rounds)\n", w.name, w.about, w.rounds)
		}
		fmt.Fprintln(stderr, "\nFlags:")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		if err := setQuick(fs); err != nil {
			return o, err
		}
	}
	o.workloads, o.settings = fs.Args(), map[string]string{}
	fs.VisitAll(func(f *flag.Flag) { o.settings[f.Name] = f.Value.String() })
	if len(o.rldbArgs) == 0 {
		o.rldbArgs = [][]string{nil}
	}
	err := o.check()
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	return o, err
}

func generalFlags(fs *flag.FlagSet, o *options) {
	fs.StringVar(&o.results, "results", "bench/results", "write the JSON below this `folder`")
	fs.IntVar(&o.rounds, "rounds", 0, "rounds of every workload; 0 leaves each its own number")
	fs.StringVar(&o.rldb, "rldb", "", "measure this `binary` instead of building one")
	fs.Var((*argLists)(&o.rldbArgs), "rldb-args", "further `arguments` of rldb, as in \"--io-threads 2\"; given again, it measures one rldb more")
	fs.Float64Var(&o.limits.others, "max-others", 0.10, "a run is disturbed when other processes use more than this many `cores`")
	fs.Float64Var(&o.limits.steal, "max-steal", 0.04, "a run is disturbed when more than this many `cores` are stolen")
	fs.IntVar(&o.repeats, "repeats", 5, "repeat a disturbed run this often at most; then the round is left out")
	fs.BoolVar(&o.keep, "keep-disturbed", false, "report disturbed runs, marked, instead of repeating them")
}

func throughputFlags(fs *flag.FlagSet, o *options) {
	fs.IntVar(&o.requests, "n", 300_000, "throughput, loops, cluster: requests of redis-benchmark at depth 1 (deeper and --threads runs make more, to last as long)")
	o.depths, o.threads, o.tests = []int{1, 16, 64}, []int{1, 2}, []string{"SET", "GET"}
	fs.Var((*intList)(&o.depths), "depths", "throughput, durable, fsync, loops, cluster: pipeline depths")
	fs.Var((*intList)(&o.threads), "threads", "throughput: threads of redis-benchmark")
	fs.Var((*nameList)(&o.tests), "tests", "throughput, durable, fsync, loops: tests of redis-benchmark")
	fs.IntVar(&o.clients, "clients", 50, "throughput, loops, cluster: connections")
	fs.IntVar(&o.size, "d", 64, "bytes a value, in every workload")
	fs.IntVar(&o.keyspace, "r", 1_000_000, "throughput, loops: number of keys; all are there before the first request")
}

func residentFlags(fs *flag.FlagSet, o *options) {
	o.keys = []int{10_000, 100_000, 1_000_000, 10_000_000}
	fs.Var((*intList)(&o.keys), "keys", "memory: numbers of keys")
	fs.IntVar(&o.resident, "resident", 10_000_000, "latency: number of keys")
	fs.IntVar(&o.setRate, "set-rate", 150_000, "latency: SETs a second")
	fs.IntVar(&o.getRate, "get-rate", 10_000, "latency: GETs a second")
	fs.DurationVar(&o.seconds, "time", 30*time.Second, "latency: how long is measured")
	fs.DurationVar(&o.warmUp, "warm-up", 3*time.Second, "latency: how long the load runs before that")
	fs.IntVar(&o.connections, "connections", 10_000, "connections: how many")
	fs.IntVar(&o.durableKeys, "durable-keys", 10_000_000, "durable: number of keys")
	fs.StringVar(&o.diskDir, "disk", "", "durable, fsync: keep the data below this `folder`, on the disk to be measured; empty is the system's for temporary files")
}

func clusterFlags(fs *flag.FlagSet, o *options) {
	fs.IntVar(&o.clusterKeys, "cluster-keys", 100_000, "cluster: number of keys; all are there before the first request")
	fs.DurationVar(&o.clusterTime, "cluster-time", 5*time.Second, "cluster: how long a load of this program is measured")
	fs.DurationVar(&o.clusterWarm, "cluster-warm-up", time.Second, "cluster: how long it runs before that")
	fs.StringVar(&o.olric, "olric", "", "cluster: measure this `binary` of olric-server too; \"build\" fetches and builds "+olricVersion)
	o.nodeTimeouts = []int{15_000, 2000}
	fs.Var((*intList)(&o.nodeTimeouts), "node-timeouts", "gap: cluster-node-timeout of Redis Cluster, in ms; one peer each")
	fs.DurationVar(&o.gapEvery, "gap-every", time.Millisecond, "gap: each of 8 workers writes this often at most")
	fs.DurationVar(&o.gapPause, "gap-pause", 10*time.Second, "gap: a paused node is paused this long at least, and until its keys are written again")
	fs.DurationVar(&o.gapMost, "gap-most", 90*time.Second, "gap: how long is waited at most until they are")
}

// setQuick gives small numbers to the flags that were not given.
func setQuick(fs *flag.FlagSet) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{
		"rounds": "2", "n": "20000", "r": "100000", "keys": "10000,100000",
		"resident": "100000", "set-rate": "20000", "get-rate": "5000", "time": "2s", "warm-up": "500ms",
		"connections": "1000", "durable-keys": "100000", "repeats": "1",
		"cluster-keys": "20000", "cluster-time": "1s", "cluster-warm-up": "200ms",
		"node-timeouts": "2000", "gap-pause": "3s", "gap-most": "30s",
	} {
		if given[name] {
			continue
		}
		if err := fs.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (o options) check() error {
	known := map[string]bool{}
	for _, w := range workloads() {
		known[w.name] = true
	}
	for _, name := range o.workloads {
		if !known[name] {
			return fmt.Errorf("no workload is called %q (-h lists them)", name)
		}
	}
	positive := map[string][]int{
		"n": {o.requests}, "d": {o.size}, "r": {o.keyspace}, "clients": {o.clients}, "depths": o.depths, "threads": o.threads,
		"keys": o.keys, "resident": {o.resident}, "set-rate": {o.setRate}, "get-rate": {o.getRate},
		"time": {int(o.seconds)}, "connections": {o.connections}, "durable-keys": {o.durableKeys},
		"cluster-keys": {o.clusterKeys}, "cluster-time": {int(o.clusterTime)}, "node-timeouts": o.nodeTimeouts,
		"gap-every": {int(o.gapEvery)}, "gap-pause": {int(o.gapPause)}, "gap-most": {int(o.gapMost)},
	}
	for name, values := range positive {
		if slices.Min(values) < 1 {
			return fmt.Errorf("-%s takes numbers above 0", name)
		}
	}
	return nil
}
