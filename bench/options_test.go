package main

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		see  func(options) any
		want any
	}{
		"defaults":              {nil, func(o options) any { return []any{o.rounds, o.requests, o.resident, o.tests} }, []any{0, 300_000, 10_000_000, []string{"SET", "GET"}}},
		"one plain rldb":        {nil, func(o options) any { return o.rldbArgs }, [][]string{nil}},
		"two rldbs":             {[]string{"-rldb-args", "--io-threads 1", "-rldb-args", ""}, func(o options) any { return o.rldbArgs }, [][]string{{"--io-threads", "1"}, {}}},
		"workloads":             {[]string{"-quick", "memory", "loops"}, func(o options) any { return o.workloads }, []string{"memory", "loops"}},
		"lists":                 {[]string{"-depths", "4", "-keys", "5,6", "-tests", "incr,set"}, func(o options) any { return []any{o.depths, o.keys, o.tests} }, []any{[]int{4}, []int{5, 6}, []string{"INCR", "SET"}}},
		"quick":                 {[]string{"-quick"}, func(o options) any { return []int{o.requests, o.rounds} }, []int{20_000, 2}},
		"quick, but not in all": {[]string{"-quick", "-n", "5"}, func(o options) any { return []int{o.requests, o.rounds} }, []int{5, 2}},
		"settings are kept":     {[]string{"-quick", "-d", "16"}, func(o options) any { return o.settings["d"] + " " + o.settings["keys"] }, "16 10000,100000"},
	} {
		o, err := parseOptions(c.args, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := c.see(o); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, args := range [][]string{{"nonsense"}, {"-n", "0"}, {"-depths", ""}, {"-depths", "1,x"}, {"-keys", "1,-1"}, {"-time", "0s"}, {"-what"}} {
		var said bytes.Buffer
		if _, err := parseOptions(args, &said); err == nil || said.Len() == 0 {
			t.Errorf("%q: error %v, said %q", args, err, said.String())
		}
	}
}

func TestRunSaysWhatItNeeds(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, said bytes.Buffer
	if code := run(context.Background(), nil, &out, &said); code != 1 {
		t.Errorf("it ended with %d", code)
	}
	for _, want := range []string{"redis-server", "redis-benchmark", "apt-get install"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in %q", want, said.String())
		}
	}
}
