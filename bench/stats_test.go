package main

import (
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	for name, c := range map[string]struct {
		in   []float64
		want summary
	}{
		"none":         {nil, summary{}},
		"one":          {[]float64{3}, summary{3, 3, 3, 1}},
		"odd":          {[]float64{9, 1, 5}, summary{5, 1, 9, 3}},
		"even":         {[]float64{4, 1, 2, 9}, summary{3, 1, 9, 4}},
		"negative too": {[]float64{-1, -3}, summary{-2, -3, -1, 2}},
	} {
		if got := summarize(c.in); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	in := []float64{3, 1, 2}
	summarize(in)
	if !slices.Equal(in, []float64{3, 1, 2}) {
		t.Errorf("summarize changed its argument: %v", in)
	}
}

func TestRatios(t *testing.T) {
	at := func(round int, v float64) point { return point{Round: round, Value: v} }
	for name, c := range map[string]struct {
		own, peer []point
		want      []float64
	}{
		"paired by round":         {[]point{at(1, 10), at(2, 30)}, []point{at(2, 10), at(1, 5)}, []float64{2, 3}},
		"peer's round is lost":    {[]point{at(1, 10), at(2, 30)}, []point{at(2, 10)}, []float64{3}},
		"own round is lost":       {[]point{at(2, 30)}, []point{at(1, 1), at(2, 10)}, []float64{3}},
		"nothing to divide by":    {[]point{at(1, 10)}, []point{at(1, 0)}, nil},
		"negative peer, no sense": {[]point{at(1, 10)}, []point{at(1, -5)}, nil},
		"none":                    {nil, nil, nil},
	} {
		if got := ratios(c.own, c.peer); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, c := range []struct {
		in   []int64
		p    float64
		want int64
	}{
		{nil, 50, 0},
		{[]int64{7}, 0, 7},
		{[]int64{7}, 50, 7},
		{[]int64{7}, 100, 7},
		{[]int64{1, 2}, 50, 1},
		{[]int64{1, 2}, 50.1, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.9, 100},
		{hundred, 100, 100},
	} {
		if got := percentile(c.in, c.p); got != c.want {
			t.Errorf("p%g of %d samples is %d, want %d", c.p, len(c.in), got, c.want)
		}
	}
}

func TestSteady(t *testing.T) {
	flat := slices.Repeat([]int64{1_000_000}, settleWindow)
	almost := slices.Clone(flat)
	almost[3] = 1_001_000
	growing := slices.Clone(flat)
	growing[settleWindow-1] = 1_100_000
	for name, c := range map[string]struct {
		seen []int64
		want bool
	}{
		"too few":              {flat[1:], false},
		"flat":                 {flat, true},
		"within the band":      {almost, true},
		"still growing":        {growing, false},
		"grew before that":     {append([]int64{5, 90}, flat...), true},
		"shrinks at this time": {append(slices.Clone(flat[1:]), 900_000), false},
	} {
		if got := steady(c.seen); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
