package main

import (
	"math"
	"slices"
)

// summary is what is told of several rounds.
type summary struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

func summarize(values []float64) summary {
	if len(values) == 0 {
		return summary{}
	}
	s := slices.Sorted(slices.Values(values))
	middle := len(s) / 2
	median := s[middle]
	if len(s)%2 == 0 {
		median = (s[middle-1] + s[middle]) / 2
	}
	return summary{Median: median, Min: s[0], Max: s[len(s)-1], Rounds: len(s)}
}

// summarizePoints summarizes one field of the points.
func summarizePoints(points []point, field func(point) float64) summary {
	var values []float64
	for _, p := range points {
		values = append(values, field(p))
	}
	return summarize(values)
}

// ratios divides own by peer in every round that has both.
func ratios(own, peer []point) []float64 {
	byRound := map[int]float64{}
	for _, p := range peer {
		byRound[p.Round] = p.Value
	}
	var out []float64
	for _, p := range own {
		if v, ok := byRound[p.Round]; ok && v > 0 {
			out = append(out, p.Value/v)
		}
	}
	return out
}

// percentile is the smallest sample that at least p percent of all do not
// exceed. sorted is in ascending order.
func percentile(sorted []int64, p float64) int64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
