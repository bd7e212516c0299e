package metrics

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

type fake Figures

func (f fake) Figures() Figures { return Figures(f) }

func node() Source {
	return fake{
		Version: "1.2.3", RedisVersion: "7.2.4", Engine: "memory", Uptime: 90 * time.Second,
		Steps: []time.Duration{1023, 4095},
		Commands: []Command{
			{Name: "config|get", Rejected: 1, Steps: []int64{0, 0}},
			{Name: "get", Calls: 10, Failed: 1, Time: 20 * time.Microsecond, Steps: []int64{4, 9}},
		},
		Errors: map[string]int64{"ERR": 2, `odd"\` + "\n": 1}, Hits: 6, Misses: 4,
		Connected: 3, ClientMemory: 4096, Accepted: 7, Rejected: 1, In: 100, Out: 200, Channels: 1, Patterns: 2,
		Keys: 5, Expiring: 2, Expired: 11, LiveBytes: 50, UsedBytes: 80, DiskBytes: 0, Own: []Own{{"slabs", 9}},
		UsedMemory: 4176, PeakMemory: 5000, MaxMemory: 0,
		Resident: 1 << 20, CPUUser: time.Second, CPUSystem: 250 * time.Millisecond,
		Replication: &Replication{
			NoQuorum: 1, ClusterDown: 2, ReadRepairs: 3, Remints: 4, Retries: 5, Fallbacks: 6, SiblingsMade: 7, SiblingsDropped: 8,
			Hints: 9, HintsDelivered: 10, HintsDropped: 11, Rounds: 12, Pulled: 13, Pushed: 14, Unequal: 15, Stuck: 16, CatchingUp: true,
			Peers: []Peer{{"ab", 2 * time.Millisecond}},
		},
	}
}

func get(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(node()).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestHTTP(t *testing.T) {
	for _, tc := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/healthz", 200, "ok"},
		{"GET", "/", 404, "404 page not found\n"},
		{"POST", "/metrics", 405, "Method Not Allowed\n"},
		{"POST", "/healthz", 405, "Method Not Allowed\n"},
	} {
		r, body := get(t, tc.method, tc.path)
		if r.StatusCode != tc.status || body != tc.body {
			t.Errorf("%s %s: %d %q", tc.method, tc.path, r.StatusCode, body)
		}
	}
	r, _ := get(t, "GET", "/metrics")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("/metrics: %d %v", r.StatusCode, r.Header)
	}
}

func TestFigures(t *testing.T) {
	_, body := get(t, "GET", "/metrics")
	families, err := parse(body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, s := range f.samples {
			got[s.name+s.labels] = s.value
		}
	}
	for series, want := range map[string]float64{
		`rldb_commands_total{cmd="get"}`:                                 10,
		`rldb_commands_total{cmd="config|get"}`:                          0,
		`rldb_commands_failed_total{cmd="get"}`:                          1,
		`rldb_commands_rejected_total{cmd="config|get"}`:                 1,
		`rldb_command_duration_seconds_bucket{cmd="get",le="1.023e-06"}`: 4,
		`rldb_command_duration_seconds_bucket{cmd="get",le="4.095e-06"}`: 9,
		`rldb_command_duration_seconds_bucket{cmd="get",le="+Inf"}`:      10,
		`rldb_command_duration_seconds_sum{cmd="get"}`:                   20e-6,
		`rldb_command_duration_seconds_count{cmd="get"}`:                 10,
		`rldb_error_replies_total{code="ERR"}`:                           2,
		`rldb_error_replies_total{code="odd\"\\\n"}`:                     1,
		`rldb_keyspace_hits_total`:                                       6,
		`rldb_keyspace_misses_total`:                                     4,
		`rldb_connected_clients`:                                         3,
		`rldb_connections_total`:                                         7,
		`rldb_connections_rejected_total`:                                1,
		`rldb_network_receive_bytes_total`:                               100,
		`rldb_network_transmit_bytes_total`:                              200,
		`rldb_client_memory_bytes`:                                       4096,
		`rldb_pubsub_channels`:                                           1,
		`rldb_pubsub_patterns`:                                           2,
		`rldb_keys`:                                                      5,
		`rldb_keys_expiring`:                                             2,
		`rldb_expired_keys_total`:                                        11,
		`rldb_engine_live_bytes`:                                         50,
		`rldb_engine_used_bytes`:                                         80,
		`rldb_engine_disk_bytes`:                                         0,
		`rldb_engine_figure{name="slabs"}`:                               9,
		`rldb_memory_used_bytes`:                                         4176,
		`rldb_memory_peak_bytes`:                                         5000,
		`rldb_memory_max_bytes`:                                          0,
		`rldb_process_resident_bytes`:                                    1 << 20,
		`rldb_process_cpu_seconds_total{mode="user"}`:                    1,
		`rldb_process_cpu_seconds_total{mode="system"}`:                  0.25,
		`rldb_uptime_seconds`:                                            90,
		`rldb_quorum_failures_total{code="NOQUORUM"}`:                    1,
		`rldb_quorum_failures_total{code="CLUSTERDOWN"}`:                 2,
		`rldb_read_repairs_total`:                                        3,
		`rldb_write_remints_total`:                                       4,
		`rldb_conditional_retries_total`:                                 5,
		`rldb_fallback_writes_total`:                                     6,
		`rldb_siblings_made_total`:                                       7,
		`rldb_siblings_dropped_total`:                                    8,
		`rldb_hints`:                                                     9,
		`rldb_hints_delivered_total`:                                     10,
		`rldb_hints_dropped_total`:                                       11,
		`rldb_repair_rounds_total`:                                       12,
		`rldb_repair_records_pulled_total`:                               13,
		`rldb_repair_records_pushed_total`:                               14,
		`rldb_repair_slots_unequal_total`:                                15,
		`rldb_repair_records_stuck_total`:                                16,
		`rldb_catching_up`:                                               1,
		`rldb_peer_round_trip_seconds{member="ab"}`:                      0.002,
	} {
		if value, ok := got[series]; !ok || value != want {
			t.Errorf("%s is %v, there: %v; want %v", series, value, ok, want)
		}
	}
}

// TestFormat holds the page to the text format's rules, and the names to
// Prometheus's conventions.
func TestFormat(t *testing.T) {
	_, body := get(t, "GET", "/metrics")
	families, err := parse(body)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		if !strings.HasPrefix(name, "rldb_") || f.help == "" {
			t.Errorf("family %s, help %q", name, f.help)
		}
		if strings.HasSuffix(name, "_total") != (f.kind == "counter") {
			t.Errorf("family %s is a %s", name, f.kind)
		}
		if len(f.samples) == 0 {
			t.Errorf("family %s has no samples", name)
		}
		for _, s := range f.samples {
			if err := f.fits(name, s); err != nil {
				t.Error(err)
			}
		}
		if f.kind == "histogram" {
			if err := f.cumulative(); err != nil {
				t.Errorf("family %s: %v", name, err)
			}
		}
	}
}

// TestParserIsStrict makes sure that the test above can fail.
func TestParserIsStrict(t *testing.T) {
	for _, bad := range []string{
		"a 1\n",
		"# HELP a b\n# TYPE a gauge\na 1",
		"# HELP a b\na 1\n",
		"# TYPE a gauge\na 1\n",
		"# HELP a b\n# TYPE a thing\na 1\n",
		"# HELP a b\n# TYPE a gauge\nb 1\n",
		"# HELP a b\n# TYPE a gauge\na one\n",
		"# HELP a b\n# TYPE a gauge\na 1\na 2\n",
		"# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na{x=\"y\"} 1\n",
		"# HELP a b\n# TYPE a gauge\na{x=y} 1\n",
		"# HELP a b\n# TYPE a gauge\na{x=\"y} 1\n",
		"# HELP a b\n# TYPE a gauge\na{x=\"\\q\"} 1\n",
		"# HELP a b\n# TYPE a gauge\na{x=\"y\",x=\"z\"} 1\n",
		"# HELP a b\n# TYPE a gauge\na{} 1\n",
		"# HELP a b\n# TYPE a gauge\n\na 1\n",
		"# HELP a b\n# TYPE a gauge\na  1\n",
		"# HELP 1a b\n# TYPE 1a gauge\n1a 1\n",
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

type family struct {
	help, kind string
	samples    []sample
}

type sample struct {
	name   string
	labels string // as they stand
	value  float64
	le     string
	rest   string // the labels but le
}

var (
	nameRule   = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	sampleRule = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}].*\})? (\S+)$`)
	labelRule  = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)`)
)

// parse reads a page, strictly.
func parse(text string) (map[string]*family, error) {
	families := map[string]*family{}
	seen := map[string]bool{}
	if !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("the last line has no end")
	}
	var current string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			if i++; i == len(lines) {
				return nil, fmt.Errorf("%q has no TYPE", line)
			}
			kind, ok := strings.CutPrefix(lines[i], "# TYPE "+name+" ")
			if !ok || !slices.Contains([]string{"counter", "gauge", "histogram"}, kind) {
				return nil, fmt.Errorf("%q after %q", lines[i], line)
			}
			if families[name] != nil || !nameRule.MatchString(name) {
				return nil, fmt.Errorf("family %q is doubled, or no name", name)
			}
			families[name], current = &family{help: help, kind: kind}, name
			continue
		}
		s, err := parseSample(line)
		if err != nil {
			return nil, err
		}
		if current == "" || s.name != current && !strings.HasPrefix(s.name, current+"_") {
			return nil, fmt.Errorf("%q stands in family %q", line, current)
		}
		if seen[s.name+s.labels] {
			return nil, fmt.Errorf("%q stands twice", s.name+s.labels)
		}
		seen[s.name+s.labels] = true
		families[current].samples = append(families[current].samples, s)
	}
	return families, nil
}

func parseSample(line string) (sample, error) {
	m := sampleRule.FindStringSubmatch(line)
	if m == nil {
		return sample{}, fmt.Errorf("%q is no sample", line)
	}
	value, err := strconv.ParseFloat(m[3], 64)
	if err != nil {
		return sample{}, fmt.Errorf("%q: %v", line, err)
	}
	s := sample{name: m[1], labels: m[2], value: value}
	names := map[string]bool{}
	for rest := strings.TrimSuffix(strings.TrimPrefix(m[2], "{"), "}"); rest != ""; {
		l := labelRule.FindStringSubmatch(rest)
		if l == nil || names[l[1]] {
			return sample{}, fmt.Errorf("%q: labels %q", line, rest)
		}
		names[l[1]] = true
		if l[1] == "le" {
			s.le = l[2]
		} else {
			s.rest += l[0]
		}
		rest = rest[len(l[0]):]
	}
	return s, nil
}

// fits says what is wrong with a sample's name and value in its family.
func (f *family) fits(name string, s sample) error {
	suffix := strings.TrimPrefix(s.name, name)
	allowed := []string{""}
	if f.kind == "histogram" {
		allowed = []string{"_bucket", "_sum", "_count"}
	}
	switch {
	case !slices.Contains(allowed, suffix):
		return fmt.Errorf("%s in the %s %s", s.name, f.kind, name)
	case (suffix == "_bucket") != (s.le != ""):
		return fmt.Errorf("%s%s: le", s.name, s.labels)
	case math.IsNaN(s.value) || f.kind != "gauge" && s.value < 0:
		return fmt.Errorf("%s%s is %v", s.name, s.labels, s.value)
	}
	return nil
}

// cumulative checks each histogram: buckets rise, the last is +Inf and the count.
func (f *family) cumulative() error {
	last := map[string]sample{}
	counts := map[string]float64{}
	for _, s := range f.samples {
		key := strings.TrimSuffix(s.rest, ",")
		switch {
		case strings.HasSuffix(s.name, "_bucket"):
			if before, ok := last[key]; ok {
				a, _ := strconv.ParseFloat(before.le, 64)
				b, err := strconv.ParseFloat(s.le, 64)
				if err != nil || b <= a || s.value < before.value {
					return fmt.Errorf("%s after %s", s.labels, before.labels)
				}
			}
			last[key] = s
		case strings.HasSuffix(s.name, "_count"):
			counts[key] = s.value
		}
	}
	for key, s := range last {
		if s.le != "+Inf" || s.value != counts[key] {
			return fmt.Errorf("%s ends with le=%s %v, count %v", key, s.le, s.value, counts[key])
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(last)), slices.Sorted(maps.Keys(counts))) {
		return fmt.Errorf("buckets of %d series, counts of %d", len(last), len(counts))
	}
	return nil
}
