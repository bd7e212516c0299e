package main

import (
	"fmt"
	"slices"
)

// target is what DESIGN 14 asks for.
type target struct {
	Kind  targetKind `json:"kind,omitempty"`
	Value float64    `json:"value,omitempty"`
}

type targetKind string

const (
	noTarget     targetKind = ""
	ratioAtLeast targetKind = "ratio at least"
	ratioAtMost  targetKind = "ratio at most"
	ownAtMost    targetKind = "own at most"
	// ownNeverAbove holds every round against the value, not their median.
	ownNeverAbove targetKind = "own never above"
)

// row is one line of the table: one figure of a subject beside its peer's.
type row struct {
	Workload string   `json:"workload"`
	Name     string   `json:"name"`
	Unit     string   `json:"unit"`
	Subject  string   `json:"subject"`
	Peer     string   `json:"peer"`
	Target   target   `json:"target"`
	Own      []point  `json:"subject_rounds"`
	Beside   []point  `json:"peer_rounds"`
	Notes    []string `json:"notes,omitempty"`

	// What conclude makes of the above.
	OwnFigure    summary `json:"subject_figure"`
	BesideFigure summary `json:"peer_figure"`
	Ratio        summary `json:"ratio"`
	Verdict      string  `json:"verdict,omitempty"`
}

func (r *row) conclude() {
	value := func(p point) float64 { return p.Value }
	r.OwnFigure, r.BesideFigure = summarizePoints(r.Own, value), summarizePoints(r.Beside, value)
	r.Ratio = summarize(ratios(r.Own, r.Beside))
	r.Verdict = r.Target.verdict(r.OwnFigure, r.Ratio)
	disturbed := func(p point) bool { return p.Disturbed != "" }
	if slices.ContainsFunc(r.Own, disturbed) || slices.ContainsFunc(r.Beside, disturbed) {
		r.Notes = append(r.Notes, "disturbed")
	}
}

// verdict holds the medians against the target.
func (t target) verdict(own, ratio summary) string {
	held, met := ratio, false
	switch t.Kind {
	case noTarget:
		return ""
	case ratioAtLeast:
		met = ratio.Median >= t.Value
	case ratioAtMost:
		met = ratio.Median <= t.Value
	case ownAtMost:
		held, met = own, own.Median <= t.Value
	case ownNeverAbove:
		held, met = own, own.Max <= t.Value
	}
	switch {
	case held.Rounds == 0:
		return "not measured"
	case met:
		return "ok"
	}
	return "short"
}

func (t target) String() string {
	switch t.Kind {
	case ratioAtLeast:
		return fmt.Sprintf("≥ %.2f", t.Value)
	case ratioAtMost:
		return fmt.Sprintf("≤ %.2f", t.Value)
	case ownAtMost:
		return fmt.Sprintf("own ≤ %g", t.Value)
	case ownNeverAbove:
		return fmt.Sprintf("all own ≤ %g", t.Value)
	}
	return ""
}
