package main

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for in, want := range map[string]cpuTimes{
		"cpu  100 20 30 4000 5 6 7 8 0 0\ncpu0 1 2 3\n": {busy: 1500 * time.Millisecond, steal: 80 * time.Millisecond},
		"cpu  0 0 0 0 0 0 0 0":                          {},
	} {
		if got, err := parseStat(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu  a 0 0 0 0 0 0 0"} {
		if got, err := parseStat(in); err == nil {
			t.Errorf("%q gave %+v", in, got)
		}
	}
}

func TestParsePidStat(t *testing.T) {
	const rest = " S 12 1 1 0 -1 4194304 1 2 3 4 150 50 7 3 20 0 1 0 99 1000 200"
	want := process{parent: 12, own: 2 * time.Second, children: 100 * time.Millisecond}
	for in, name := range map[string]string{
		"41 (rldb)" + rest:          "rldb",
		"41 (a (b) c) d)" + rest:    "a (b) c) d",
		"41 (tmux: server)" + rest:  "tmux: server",
		"41 ()" + rest + " more 12": "",
	} {
		want.name = name
		if got, err := parsePidStat(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "41 rldb S 1", "41 (rldb) S 1 1", "41 )(" + rest, "41 (x) S p 1 1 0 -1 4194304 1 2 3 4 150 50 7 3 20"} {
		if got, err := parsePidStat(in); err == nil {
			t.Errorf("%q gave %+v", in, got)
		}
	}
}

func TestKilobytes(t *testing.T) {
	const text = "VmPeak:\t  200 kB\nVmRSS:\t  100 kB\nThreads:\t3\nEmpty:\n"
	for name, want := range map[string]int64{"VmRSS": 100 << 10, "VmPeak": 200 << 10, "Vm": 0, "Empty": 0, "VmSwap": 0} {
		if got := kilobytes(text, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
