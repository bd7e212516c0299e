package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/rldb/rldb/replication/replica"
)

func infoRows() []row {
	return []row{{name: "info", arity: -1, flags: loading | stale, run: cmdInfo, group: "server", since: "1.0.0",
		complexity: "O(1); O(N) with N commands for the sections about commands.",
		summary:    "Shows facts and figures of the server.", syntax: "[section...]", cats: "dangerous"}}
}

// infoSection is one section of INFO.
type infoSection struct {
	name   string // in lower case, as clients ask for it
	title  string
	inside bool // shown to a client that does not ask for sections
	write  func(*infoWriter)
}

// infoSections are all sections, in the order in which they are shown.
func infoSections() []infoSection {
	return []infoSection{
		{"server", "Server", true, (*infoWriter).server},
		{"clients", "Clients", true, (*infoWriter).clients},
		{"memory", "Memory", true, (*infoWriter).memory},
		{"persistence", "Persistence", true, (*infoWriter).persistence},
		{"stats", "Stats", true, (*infoWriter).stats},
		{"replication", "Replication", true, (*infoWriter).replication},
		{"cpu", "CPU", true, (*infoWriter).cpu},
		{"modules", "Modules", true, func(*infoWriter) {}},
		{"commandstats", "Commandstats", false, (*infoWriter).commandStats},
		{"errorstats", "Errorstats", true, (*infoWriter).errorStats},
		{"latencystats", "Latencystats", false, (*infoWriter).latencyStats},
		{"cluster", "Cluster", true, (*infoWriter).cluster},
		{"keyspace", "Keyspace", true, (*infoWriter).keyspace},
	}
}

// infoWriter writes INFO's text. Lines end in CR LF: redis-cli --stat and
// others look for the CR.
type infoWriter struct {
	strings.Builder
	srv *Server
	now time.Time
	// view is nil where this node stands alone, and slots are those whose keys are
	// shown.
	view  *Topology
	slots *replica.SlotSet
}

func (w *infoWriter) line(name string, value any) { fmt.Fprintf(w, "%s:%v\r\n", name, value) }

// bytes writes a size, and again as people read it.
func (w *infoWriter) bytes(name string, n int64) {
	w.line(name, n)
	w.line(name+"_human", humanBytes(n))
}

// lines writes facts that are the same at all times.
func (w *infoWriter) lines(text string) {
	for line := range strings.FieldsSeq(text) {
		w.WriteString(line + "\r\n")
	}
}

func cmdInfo(c *call) {
	asked := map[string]bool{}
	for _, a := range c.args[1:] {
		asked[strings.ToLower(string(a[:min(len(a), 32)]))] = true
	}
	everything := asked["all"] || asked["everything"]
	usual := asked["default"] || len(c.args) == 1
	w := infoWriter{srv: c.srv, now: time.Now(), view: c.view, slots: c.slots()}
	for _, s := range infoSections() {
		if !everything && !asked[s.name] && (!usual || !s.inside) {
			continue
		}
		if w.Len() > 0 {
			w.WriteString("\r\n")
		}
		w.WriteString("# " + s.title + "\r\n")
		s.write(&w)
	}
	c.w.Verbatim("txt", w.String())
}

// humanBytes is a size as Redis shows it to people: 512B, 1.50K, 23.54G.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	f, units := float64(n)/1024, "KMGTP"
	for ; f >= 1024 && len(units) > 1; units = units[1:] {
		f /= 1024
	}
	return fmt.Sprintf("%.2f%c", f, units[0])
}

// setting is a configuration value, or otherwise if there is no such setting.
func (s *Server) setting(name, otherwise string) string {
	for _, pair := range s.config.Get(name) {
		if pair[0] == name {
			return pair[1]
		}
	}
	return otherwise
}
