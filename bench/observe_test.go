package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
)

func TestObserve(t *testing.T) {
	srv := &server{subject: subject{name: "self"}, cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	never, always := limits{others: 1e6, steal: 1e6}, limits{others: -1e6, steal: -1e6}
	for name, c := range map[string]struct {
		opt              options
		ok               bool
		marked           bool
		discarded, calls int
	}{
		"quiet":                {options{limits: never, repeats: 5}, true, false, 0, 1},
		"disturbed, no repeat": {options{limits: always}, false, false, 1, 1},
		"disturbed and kept":   {options{limits: always, keep: true, repeats: 5}, true, true, 0, 1},
	} {
		b := &bench{opt: c.opt, out: io.Discard}
		calls := 0
		r, ok, err := b.observe(context.Background(), "it", srv, func() (reading, error) {
			calls++
			return reading{}, nil
		})
		if err != nil || ok != c.ok || (r.disturbed != "") != c.marked || len(b.report.Discarded) != c.discarded || calls != c.calls {
			t.Errorf("%s: %+v, %v, %v, %d discarded, %d calls", name, r, ok, err, len(b.report.Discarded), calls)
		}
	}
}

func TestCollection(t *testing.T) {
	c := collection{}
	c.add(1, "rldb", reading{values: map[string]float64{"rate": 10, "other": 1}})
	c.add(1, "peer", reading{values: map[string]float64{"rate": 5}, disturbed: "noise"})
	c.add(2, "rldb", reading{values: map[string]float64{"rate": 30}})
	r := c.row("rate", "u", "rldb", "peer", target{ratioAtLeast, 2})
	r.conclude()
	if r.Verdict != "ok" || r.Ratio != (summary{2, 2, 2, 1}) || r.OwnFigure.Median != 20 || len(r.Notes) != 1 {
		t.Errorf("%+v", r)
	}
}
