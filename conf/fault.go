package conf

import (
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with the settings.
type Fault struct {
	Source  string // where it was set, as the user wrote it: "flag --port", "environment RLDB_PORT", "/etc/rldb.json:3: port"
	Key     string // the key's name; "" if the fault is about none
	Value   string // the bad value in quotes; "" if there is none
	Reason  string // what is wrong with it
	Allowed string // what would be right; "" where Reason says it
}

func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Value != "" {
		b.WriteString(" " + f.Value)
	}
	b.WriteString(": " + f.Reason)
	if f.Allowed != "" {
		b.WriteString(" (allowed: " + f.Allowed + ")")
	}
	return b.String()
}

// Faults is all that is wrong, in the order of the sources. As an error it is
// one line a fault.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// longestShown bounds how much of a bad value a fault repeats, in bytes.
const longestShown = 80

func quote(value string) string {
	if len(value) > longestShown {
		return strconv.Quote(value[:longestShown]) + "..."
	}
	return strconv.Quote(value)
}

// shown is how a fault may show a value of r.
func (r *row) shown(value string) string {
	if r.secret {
		return hidden
	}
	return quote(value)
}

// clash is a fault of several keys together.
type clash struct {
	keys   []string // the first is the one to name
	reason string
}
