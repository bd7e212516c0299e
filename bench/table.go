package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rowsTable shows rows as a table. Rows of several subjects, or beside several
// peers, name them.
func rowsTable(rows []row) string {
	if len(rows) == 0 {
		return "(nothing was measured)"
	}
	subject, peer := rows[0].Subject, rows[0].Peer
	several, peers := false, false
	for _, r := range rows {
		several = several || r.Subject != subject
		peers = peers || r.Peer != peer
	}
	if several {
		subject = "subject"
	}
	if peers {
		peer = "peer"
	}
	lines := [][]string{{
		rows[0].Workload, "unit", subject, peer, "ratio", "min–max", "target", "",
		"server CPU s/M", "peer's", "client CPU s/M", "peer's", "",
	}}
	for _, r := range rows {
		name := r.Name
		if several {
			name += ", " + r.Subject
		}
		if peers {
			name += ", beside " + r.Peer
		}
		lines = append(lines, append([]string{name}, r.cells()...))
	}
	return align(lines)
}

// cells are a row's columns after its name.
func (r row) cells() []string {
	ratio, spread := "-", ""
	if r.Ratio.Rounds > 0 {
		ratio = fmt.Sprintf("%.2f", r.Ratio.Median)
		spread = fmt.Sprintf("%.2f–%.2f", r.Ratio.Min, r.Ratio.Max)
	}
	cpu := func(points []point, field func(point) float64) string {
		s := summarizePoints(points, field)
		if s.Max == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", s.Median)
	}
	server, client := func(p point) float64 { return p.ServerCPU }, func(p point) float64 { return p.ClientCPU }
	return []string{
		r.Unit, figure(r.OwnFigure), figure(r.BesideFigure), ratio, spread, r.Target.String(), r.Verdict,
		cpu(r.Own, server), cpu(r.Beside, server), cpu(r.Own, client), cpu(r.Beside, client),
		strings.Join(r.Notes, "; "),
	}
}

func figure(s summary) string {
	if s.Rounds == 0 {
		return "-"
	}
	return number(s.Median)
}

// number shows three digits at least, and thousands apart.
func number(v float64) string {
	switch {
	case v < 0:
		return "-" + number(-v)
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 999.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return out.String()
}

// align pads the columns: the first and the last stand to the left, the others
// to the right. Columns that are empty below the heading are left out.
func align(lines [][]string) string {
	width := make([]int, len(lines[0]))
	used := make([]bool, len(lines[0]))
	for n, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
			used[i] = used[i] || n > 0 && cell != ""
		}
	}
	var out strings.Builder
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			if !used[i] {
				continue
			}
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch i {
			case 0:
				text.WriteString(cell + space)
			case len(line) - 1:
				text.WriteString("  " + cell)
			default:
				text.WriteString("  " + space + cell)
			}
		}
		out.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return out.String()
}
