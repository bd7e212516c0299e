package main

import (
	"maps"
	"strings"
	"testing"
)

func TestParseRates(t *testing.T) {
	const head = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms"` + "\n"
	for name, c := range map[string]struct {
		in    string
		want  map[string]float64
		fails string
	}{
		"7.0":                  {in: head + `"SET","425531.94","1.485","0.456","1.423"` + "\n" + `"GET","400000.00","1","1","1"` + "\n", want: map[string]float64{"SET": 425531.94, "GET": 400000}},
		"before 6.2, no head":  {in: `"SET","1000.50"` + "\n", want: map[string]float64{"SET": 1000.5}},
		"rps in another place": {in: `"test","p50","rps"` + "\n" + `"SET","1","2000"` + "\n", want: map[string]float64{"SET": 2000}},
		"a warning first":      {in: "WARNING: Could not fetch server CONFIG\n" + head + `"SET","9","1","1","1"` + "\n", want: map[string]float64{"SET": 9}},
		"progress in a line":   {in: head + "SET: rps=0.0 (overall: nan)\r\r" + `"SET","9","1","1","1"` + "\r\n", want: map[string]float64{"SET": 9}},
		"a name of two words":  {in: `"MSET (10 keys)","7"` + "\n", want: map[string]float64{"MSET": 7}},
		"a torn line":          {in: `"GET","8"` + "\n" + `"SET","9`, want: map[string]float64{"GET": 8}},
		"nothing":              {in: "", fails: "no rates"},
		"only the head":        {in: head, fails: "no rates"},
		"not a number":         {in: `"SET","nan?"`, fails: "nan?"},
		"no rate at all":       {in: `"SET","0.00"`, fails: "0.00"},
	} {
		got, err := parseRates(c.in)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error %v, want one of %q", name, err, c.fails)
			}
		case err != nil || !maps.Equal(got, c.want):
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		shape    shape
		name     string
		requests int
		target   float64
	}{
		{shape{"SET", 1, 1}, "SET -P 1", 100, 0.95},
		{shape{"SET", 4, 1}, "SET -P 4", 300, 0},
		{shape{"GET", 16, 1}, "GET -P 16", 600, 1.5},
		{shape{"GET", 64, 1}, "GET -P 64", 1000, 2},
		{shape{"GET", 1, 2}, "GET -P 1 --threads 2", 200, 1.2},
		{shape{"SET", 16, 2}, "SET -P 16 --threads 2", 1200, 1.7},
		{shape{"SET", 64, 2}, "SET -P 64 --threads 2", 2000, 2.4},
		{shape{"SET", 64, 4}, "SET -P 64 --threads 4", 2000, 0},
	} {
		if got := c.shape.String(); got != c.name {
			t.Errorf("%+v is called %q, want %q", c.shape, got, c.name)
		}
		if got := c.shape.requests(100); got != c.requests {
			t.Errorf("%s makes %d requests, want %d", c.name, got, c.requests)
		}
		if got := throughputTarget(c.shape).Value; got != c.target {
			t.Errorf("%s has the target %g, want %g", c.name, got, c.target)
		}
	}
}
