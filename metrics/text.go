package metrics

import (
	"bytes"
	"strconv"
	"strings"
)

// contentType is that of the text format that page writes.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// The types of metric families.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// page writes the text format of Prometheus: a family's help and type, then its
// samples, one a line.
type page struct{ bytes.Buffer }

// family begins a metric family: the samples that follow are its.
func (p *page) family(name, kind, help string) {
	p.WriteString("# HELP " + name + " " + escapeHelp.Replace(help) + "\n")
	p.WriteString("# TYPE " + name + " " + kind + "\n")
}

// sample writes a value with labels: names and values in turn.
func (p *page) sample(name string, value float64, labels ...string) {
	p.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		p.WriteString(sep + labels[i] + `="` + escapeLabel.Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 1 {
		p.WriteByte('}')
	}
	p.WriteString(" " + number(value) + "\n")
}

// one writes a family that has one sample without labels.
func (p *page) one(name, kind, help string, value float64) {
	p.family(name, kind, help)
	p.sample(name, value)
}

// number is a value as the format has it: +Inf, -Inf and NaN are its words.
func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
