package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// shape is one way to run redis-benchmark.
type shape struct {
	test           string // SET, GET
	depth, threads int
}

func (s shape) String() string {
	name := fmt.Sprintf("%s -P %d", s.test, s.depth)
	if s.threads > 1 {
		name += fmt.Sprintf(" --threads %d", s.threads)
	}
	return name
}

// requests makes every run last about as long as one at depth 1. With threads
// redis-benchmark looks only every 250 ms whether it is done, and counts that
// time: such a run must be longer to be as exact.
func (s shape) requests(base int) int {
	factor := 1
	switch {
	case s.depth >= 64:
		factor = 10
	case s.depth >= 16:
		factor = 6
	case s.depth >= 4:
		factor = 3
	}
	if s.threads > 1 {
		factor *= 2
	}
	return base * factor
}

// redisBenchmark runs redis-benchmark once and gives requests a second.
func (b *bench) redisBenchmark(ctx context.Context, port int, s shape) (reading, error) {
	return b.redisBenchmarkOver(ctx, port, s, b.opt.keyspace)
}

// redisBenchmarkOver does so on a number of keys.
func (b *bench) redisBenchmarkOver(ctx context.Context, port int, s shape, keys int) (reading, error) {
	var more []string
	if s.threads > 1 {
		more = []string{"--threads", strconv.Itoa(s.threads)}
	}
	return b.runRedisBenchmark(ctx, port, s, s.requests(b.opt.requests), keys, more)
}

// drawn is the number of keys that redis-benchmark --cluster draws from: as many
// for each slot.
func (b *bench) drawn() int { return slots * max(1, b.opt.clusterKeys/slots) }

// clusterBenchmark runs redis-benchmark --cluster. It takes a thread a primary.
func (b *bench) clusterBenchmark(ctx context.Context, port int, s shape, n int) (reading, error) {
	return b.runRedisBenchmark(ctx, port, s, n, b.drawn()/slots, []string{"--cluster"})
}

func (b *bench) runRedisBenchmark(ctx context.Context, port int, s shape, n, keys int, more []string) (reading, error) {
	args := append([]string{
		"-h", "127.0.0.1", "-p", strconv.Itoa(port), "--csv", "-t", strings.ToLower(s.test), "-n", strconv.Itoa(n),
		"-c", strconv.Itoa(b.opt.clients), "-P", strconv.Itoa(s.depth), "-d", strconv.Itoa(b.opt.size), "-r", strconv.Itoa(keys),
	}, more...)
	cmd := exec.CommandContext(ctx, b.client, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return reading{}, fmt.Errorf("redis-benchmark %s: %w: %.500s", s, err, stderr.String())
	}
	rates, err := parseRates(string(out))
	if err != nil {
		return reading{}, err
	}
	rate, ok := rates[s.test]
	if !ok {
		return reading{}, fmt.Errorf("redis-benchmark does not tell of %s: %.500q", s.test, out)
	}
	return reading{values: map[string]float64{s.String(): rate}, ops: float64(n)}, nil
}

// parseRates reads requests a second by test from the output of redis-benchmark
// --csv. What stands between (warnings, progress) is passed over.
func parseRates(text string) (map[string]float64, error) {
	rates := map[string]float64{}
	column := 1
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if !strings.HasPrefix(line, `"`) {
			continue
		}
		fields, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(fields) < 2 {
			continue
		}
		if fields[0] == "test" {
			for i, name := range fields {
				if name == "rps" {
					column = i
				}
			}
			continue
		}
		if column >= len(fields) {
			continue
		}
		rate, err := strconv.ParseFloat(fields[column], 64)
		if err != nil || rate <= 0 {
			return nil, fmt.Errorf("redis-benchmark gave the rate %q", fields[column])
		}
		// "MSET (10 keys)" and the like go by their first word.
		name, _, _ := strings.Cut(fields[0], " ")
		rates[name] = rate
	}
	if len(rates) == 0 {
		return nil, fmt.Errorf("redis-benchmark gave no rates: %.500q", text)
	}
	return rates, nil
}
