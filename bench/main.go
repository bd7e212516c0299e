package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// workload is something that can be measured.
type workload struct {
	name, about string
	rounds      int // unless -rounds says otherwise
	run         func(ctx context.Context, b *bench, rounds int) ([]row, error)
}

func workloads() []workload {
	return []workload{
		{"throughput", "redis-benchmark SET and GET, by pipeline depth and client threads", 5, throughput},
		{"memory", "bytes a key beyond key and value, by number of keys", 1, memory},
		{"latency", "GET percentiles at a fixed arrival rate, under SETs at a fixed arrival rate", 3, latency},
		{"connections", "memory of idle connections", 1, connections},
		{"durable", "bitcask with many keys beside redis-server with AOF: start-up, memory, disk, rates", 1, durable},
		{"fsync", "redis-benchmark against bitcask beside redis-server with AOF, by fsync and pipeline depth", 3, fsyncs},
		{"cluster", "three nodes, N=3 R=2 W=2, beside Redis Cluster 3+3 without and with WAIT 1", 3, clusters},
		{"gap", "the longest time without a write, and writes lost, when a node is killed or paused", 3, gap},
		{"loops", "connection loops: rldb's, redcon's, a goroutine a connection", 3, loops},
	}
}

// bench is one run: what was asked for, where things are, what came out.
type bench struct {
	opt    options
	root   string // of the module
	dir    string // scratch, removed at the end
	rldb   string // the binary
	redis  string
	client string // redis-benchmark
	cli    string // redis-cli
	out    io.Writer
	report report
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	b := &bench{opt: opt, out: stdout}
	if err := b.prepare(ctx); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	defer os.RemoveAll(b.dir)
	if err := b.measure(ctx); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// prepare finds the tools, builds rldb and notes the machine's facts.
func (b *bench) prepare(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return errors.New("it reads /proc: run it on Linux")
	}
	var missing []string
	find := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			missing = append(missing, name)
		}
		return path
	}
	b.redis, b.client, b.cli = find("redis-server"), find("redis-benchmark"), find("redis-cli")
	find("go")
	if len(missing) > 0 {
		return fmt.Errorf("it needs %s in the PATH (Debian: apt-get install redis-server redis-tools; Go: https://go.dev/dl)", strings.Join(missing, ", "))
	}
	root, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	b.root = root
	if b.dir, err = os.MkdirTemp("", "rldb-bench-"); err != nil {
		return err
	}
	if b.rldb = b.opt.rldb; b.rldb == "" {
		if b.rldb, err = b.build(ctx, "."); err != nil {
			os.RemoveAll(b.dir)
			return err
		}
	}
	b.report = report{
		Started: time.Now().UTC(), Arguments: b.opt.args, Settings: b.opt.settings,
		Machine: machineFacts(ctx, b.root, b.redis),
	}
	return nil
}

// measure runs the chosen workloads and writes what each gave at once, so that
// an end in the middle loses nothing.
func (b *bench) measure(ctx context.Context) error {
	file := filepath.Join(b.opt.results, b.report.Started.Format("20060102T150405Z")+".json")
	if !filepath.IsAbs(file) {
		file = filepath.Join(b.root, file)
	}
	fmt.Fprintln(b.out, b.report.Machine)
	var failed []error
	for _, w := range workloads() {
		if len(b.opt.workloads) > 0 && !slices.Contains(b.opt.workloads, w.name) {
			continue
		}
		if err := b.measureOne(ctx, w); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", w.name, err))
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		b.report.Finished = time.Now().UTC()
		if err := b.report.write(file); err != nil {
			return err
		}
	}
	if n := len(b.report.Discarded); n > 0 {
		b.logf("%d disturbed runs were discarded", n)
	}
	b.logf("written to %s", file)
	return errors.Join(failed...)
}

// measureOne runs a workload and shows its table. One that fails does not keep
// the others from running.
func (b *bench) measureOne(ctx context.Context, w workload) error {
	rounds := w.rounds
	if b.opt.rounds > 0 {
		rounds = b.opt.rounds
	}
	b.logf("%s: %s", w.name, w.about)
	rows, err := w.run(ctx, b, rounds)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Workload = w.name
		rows[i].conclude()
	}
	b.report.Rows = append(b.report.Rows, rows...)
	fmt.Fprintf(b.out, "\n%s\n", rowsTable(rows))
	return nil
}

// logf tells what goes on, apart from the tables.
func (b *bench) logf(format string, args ...any) {
	fmt.Fprintf(b.out, "# "+format+"\n", args...)
}
