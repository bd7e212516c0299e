package main

import (
	"strings"
	"testing"
	"time"
)

func TestDisturbed(t *testing.T) {
	l := limits{others: 0.1, steal: 0.05}
	for name, c := range map[string]struct {
		usage usage
		want  string // part of the reason, nothing for a quiet run
	}{
		"quiet":                    {usage{wall: time.Second, server: time.Second, client: time.Second}, ""},
		"others just at the limit": {usage{wall: 10 * time.Second, others: time.Second + 2*tick}, ""},
		"others above it":          {usage{wall: 10 * time.Second, others: time.Second + 3*tick, most: "gopls"}, `0.10 cores, most of all "gopls"`},
		"a short run, two ticks":   {usage{wall: 10 * time.Millisecond, others: 2 * tick, steal: 2 * tick}, ""},
		"steal at the limit":       {usage{wall: 10 * time.Second, steal: 500*time.Millisecond + 2*tick}, ""},
		"steal above it":           {usage{wall: 10 * time.Second, steal: time.Second}, "0.10 cores were stolen"},
	} {
		got := c.usage.disturbed(l)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSince(t *testing.T) {
	const s = time.Second
	at := time.Unix(1000, 0)
	before := moment{at: at, all: cpuTimes{busy: 100 * s, steal: s}, server: 5 * s, client: 3 * s, others: map[int]process{
		7: {name: "shell", own: s, children: 10 * s},
		8: {name: "compile", parent: 7, own: 4 * s},
	}}
	after := moment{at: at.Add(4 * s), all: cpuTimes{busy: 107 * s, steal: 2 * s}, server: 8 * s, client: 5 * s}
	for name, c := range map[string]struct {
		others map[int]process
		sum    time.Duration
		most   string
	}{
		"all idle: what remains of busy counts": {before.others, 2 * s, ""},
		"a child ended after one second more": {
			map[int]process{7: {name: "shell", own: s, children: 15 * s}}, 2 * s, ""},
		"a child came and went": {
			map[int]process{7: {name: "shell", own: s, children: 13 * s}, 8: {name: "compile", own: 7 * s}}, 6 * s, "compile"},
		"a new one": {
			map[int]process{7: {name: "shell", own: s + s/2, children: 10 * s}, 8: {name: "compile", own: 4 * s}, 9: {name: "vet", own: 3 * s}}, 3*s + s/2, "vet"},
		"one left without a trace": {map[int]process{7: {name: "shell", own: s, children: 10 * s}}, 2 * s, ""},
	} {
		after.others = c.others
		want := usage{wall: 4 * s, server: 3 * s, client: 2 * s, steal: s, others: c.sum, most: c.most}
		if got := after.since(before); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestPerMillion(t *testing.T) {
	for _, c := range []struct {
		used time.Duration
		ops  float64
		want float64
	}{
		{2 * time.Second, 1e6, 2},
		{time.Second, 250_000, 4},
		{time.Second, 0, 0},
	} {
		if got := perMillion(c.used, c.ops); got != c.want {
			t.Errorf("%v for %g operations is %g, want %g", c.used, c.ops, got, c.want)
		}
	}
}
