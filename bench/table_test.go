package main

import (
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for in, want := range map[float64]string{
		0: "0.00", 0.954: "0.95", 9.994: "9.99", 9.996: "10.0", 104.25: "104.2", 999.94: "999.9", 999.96: "1,000",
		1234.5: "1,234", 12345678: "12,345,678", -1234567: "-1,234,567", -0.5: "-0.50",
	} {
		if got := number(in); got != want {
			t.Errorf("%v is shown as %q, want %q", in, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	of := func(median float64) summary { return summary{Median: median, Rounds: 1} }
	for _, c := range []struct {
		target     target
		own, ratio summary
		want       string
	}{
		{target{}, of(1), of(1), ""},
		{target{ratioAtLeast, 1.5}, of(1), of(1.6), "ok"},
		{target{ratioAtLeast, 1.5}, of(1), of(1.5), "ok"},
		{target{ratioAtLeast, 1.5}, of(1), of(1.4), "short"},
		{target{ratioAtLeast, 1.5}, of(1), summary{}, "not measured"},
		{target{ratioAtMost, 0.75}, of(1), of(0.75), "ok"},
		{target{ratioAtMost, 0.75}, of(1), of(0.76), "short"},
		{target{ratioAtMost, 0.75}, of(1), summary{}, "not measured"},
		{target{ownAtMost, 150}, of(149), summary{}, "ok"},
		{target{ownAtMost, 150}, of(151), of(0.1), "short"},
		{target{ownAtMost, 150}, summary{}, of(1), "not measured"},
		{target{ownNeverAbove, 0}, summary{Rounds: 3}, of(1), "ok"},
		{target{ownNeverAbove, 0}, summary{Max: 1, Rounds: 3}, of(1), "short"},
		{target{ownNeverAbove, 0}, summary{}, of(1), "not measured"},
	} {
		if got := c.target.verdict(c.own, c.ratio); got != c.want {
			t.Errorf("%v with own %g and ratio %g: %q, want %q", c.target, c.own.Median, c.ratio.Median, got, c.want)
		}
	}
}

// concluded makes a row of two rounds.
func concluded(name, subject string, want target, own, peer [2]float64, disturbed string) row {
	r := row{Workload: "throughput", Name: name, Unit: "req/s", Subject: subject, Peer: "redis-server", Target: want}
	for i := range own {
		r.Own = append(r.Own, point{Round: i + 1, Value: own[i], ServerCPU: 8, ClientCPU: 9, Disturbed: disturbed})
		r.Beside = append(r.Beside, point{Round: i + 1, Value: peer[i], ServerCPU: 10, ClientCPU: 11})
	}
	r.conclude()
	return r
}

func TestRowsTable(t *testing.T) {
	fast := concluded("SET -P 16", "rldb", target{ratioAtLeast, 1.5}, [2]float64{300_000, 310_000}, [2]float64{100_000, 155_000}, "")
	slow := concluded("GET -P 1", "rldb", target{ratioAtLeast, 0.95}, [2]float64{90, 90}, [2]float64{100, 100}, "noise")
	none := row{Workload: "throughput", Name: "GET -P 64", Unit: "req/s", Subject: "rldb", Peer: "redis-server", Target: target{ratioAtLeast, 2}, Notes: []string{"why"}}
	none.conclude()
	plain := row{Workload: "memory", Name: "x", Unit: "MB", Subject: "rldb", Peer: "redis-server", Own: []point{{Round: 1, Value: 2}}}
	plain.conclude()
	other := fast
	other.Subject = "rldb --io-threads 2"
	elsewhere := plain
	elsewhere.Peer = "Olric"
	for name, c := range map[string]struct {
		rows []row
		want string
	}{
		"none": {nil, "(nothing was measured)"},
		"one subject": {[]row{fast, slow, none}, `
throughput   unit     rldb  redis-server  ratio    min–max  target                server CPU s/M  peer's  client CPU s/M  peer's
SET -P 16   req/s  305,000       127,500   2.50  2.00–3.00  ≥ 1.50            ok            8.00   10.00            9.00   11.00
GET -P 1    req/s     90.0         100.0   0.90  0.90–0.90  ≥ 0.95         short            8.00   10.00            9.00   11.00  disturbed
GET -P 64   req/s        -             -      -             ≥ 2.00  not measured                                                  why
`},
		"two subjects": {[]row{fast, other}, `
throughput                       unit  subject  redis-server  ratio    min–max  target      server CPU s/M  peer's  client CPU s/M  peer's
SET -P 16, rldb                 req/s  305,000       127,500   2.50  2.00–3.00  ≥ 1.50  ok            8.00   10.00            9.00   11.00
SET -P 16, rldb --io-threads 2  req/s  305,000       127,500   2.50  2.00–3.00  ≥ 1.50  ok            8.00   10.00            9.00   11.00
`},
		"two peers": {[]row{plain, elsewhere}, `
memory                  unit  rldb  peer  ratio
x, beside redis-server    MB  2.00     -      -
x, beside Olric           MB  2.00     -      -
`},
		"unused columns are left out": {[]row{plain}, `
memory  unit  rldb  redis-server  ratio
x         MB  2.00             -      -
`},
	} {
		if got := rowsTable(c.rows); got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
