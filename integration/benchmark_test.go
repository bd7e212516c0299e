package integration

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestRedisBenchmark runs redis-benchmark as people do; what it measures is no
// matter here.
func TestRedisBenchmark(t *testing.T) {
	p := startSubject(t, options{})
	n := "2000"
	if soak() {
		n = "200000"
	}
	for _, depth := range []string{"1", "16", "64"} {
		for _, threads := range []string{"", "2"} {
			t.Run(fmt.Sprintf("P=%s threads=%s", depth, threads), func(t *testing.T) {
				args := []string{"-p", p.port(), "-t", "ping,set,get,incr,mset", "-n", n, "-P", depth, "-d", "64", "-r", "1000", "--csv"}
				if threads != "" {
					args = append(args, "--threads", threads)
				}
				benchmark(t, args)
			})
		}
	}
	t.Run("keep alive off", func(t *testing.T) {
		out, errs, err := tool(t, nil, "redis-benchmark", "-p", p.port(), "-t", "get", "-n", "300", "-k", "0", "-q")
		if err != nil || !strings.Contains(out, "GET: ") {
			t.Errorf("%v\n%s%s", err, out, errs)
		}
	})
}

// benchmark runs redis-benchmark --csv and checks its table.
func benchmark(t *testing.T, args []string) {
	t.Helper()
	out, errs, err := tool(t, nil, "redis-benchmark", args...)
	if err != nil || errs != "" || strings.Contains(out, "WARNING") {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{"test", "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"}
	if len(rows) != len(want) {
		t.Fatalf("%d rows instead of %d:\n%s", len(rows), len(want), out)
	}
	for i, row := range rows {
		if row[0] != want[i] {
			t.Errorf("row %d is of %s instead of %s", i, row[0], want[i])
		}
		if rate, err := strconv.ParseFloat(row[1], 64); i > 0 && (err != nil || rate <= 0) {
			t.Errorf("%s: %q requests per second", row[0], row[1])
		}
	}
}
