package conf

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestClusterKinds(t *testing.T) {
	for _, c := range []struct{ key, text, want, fault string }{
		{"advertise", "", "", ""},
		{"advertise", "10.0.0.1", "10.0.0.1", ""},
		{"advertise", "10.0.0.1:7000", "10.0.0.1:7000", ""},
		{"advertise", "db-1.example.org:7000", "db-1.example.org:7000", ""},
		{"advertise", "::1", "::1", ""},
		{"advertise", "[::1]:7000", "[::1]:7000", ""},
		{"advertise", "0.0.0.0", "", "others cannot reach"},
		{"advertise", "[::]:1", "", "others cannot reach"},
		{"advertise", "a b", "", "is not an address"},
		{"advertise", "host:0", "", "must be between 1 and 65535"},
		{"advertise", "host:x", "", "couldn't be parsed"},
		{"advertise", "1.2.3", "", "is not an address"},
		{"join", "", "", ""},
		{"join", "a:1,b:2 [::1]:3", "a:1 b:2 [::1]:3", ""},
		{"join", "a", "", "has no port"},
		{"join", "a:1 a:1", "", "is there twice"},
		{"join", strings.Repeat("a:1,", 101), "", "more than 100"},
		{"cluster-name", "", "", "must not be empty"},
		{"cluster-name", "two words", "", "letters"},
		{"cluster-name", strings.Repeat("n", 65), "", "longer"},
		{"zone", "rack-1.b", "rack-1.b", ""},
		{"zone", "rack 1", "", "letters"},
		{"weight", "0", "", "between 1 and 100"},
		{"sloppy", "no", "no", ""},
		{"sloppy", "perhaps", "", "must be"},
		{"n", "17", "", "between 1 and 16"},
		{"cluster-node-timeout", "49", "", "between 50 and 60000"},
	} {
		var cfg Config
		r := find(c.key)
		err := r.kind.set(&cfg, c.text)
		switch {
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s %q: error %v, want %q", c.key, c.text, err, c.fault)
		case c.fault == "" && (err != nil || r.kind.text(&cfg) != c.want):
			t.Errorf("%s %q: %q, %v, want %q", c.key, c.text, r.kind.text(&cfg), err, c.want)
		}
	}
}

func TestClusterClashes(t *testing.T) {
	for args, want := range map[string][]string{
		"--cluster":          nil,
		"--cluster --port 0": nil,
		"--cluster --port 60000 --peer-port 1 --gossip-port 2":        nil,
		"--cluster --port 60000":                                      {"70000", "80000"},
		"--cluster --r 4 --w 5":                                       {"r: ", "w: "},
		"--cluster --port 4000 --metrics-port 14000":                  {"is the same port as"},
		"--cluster --peer-port 5 --gossip-port 5":                     {"is the same port as peer-port"},
		"--join a:1 --cluster-secret x":                               {"join: ", "cluster-secret: "},
		"--cluster --bind= --unixsocket /s":                           {"needs an address to listen on"},
		"--cluster --tls-cluster":                                     {"needs tls-cert, tls-key and tls-ca"},
		"--cluster --tls-cluster --tls-cert a --tls-key b --tls-ca c": nil,
	} {
		_, err := Load(sources(args, ""))
		if len(want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", args, err)
			}
			continue
		}
		lines := faults(t, sources(args, ""))
		for _, part := range want {
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, strings.TrimSuffix(part, ": ")) }) {
				t.Errorf("%s: no fault has %q in %q", args, part, lines)
			}
		}
	}
}

func TestPeerPorts(t *testing.T) {
	for args, want := range map[string][2]int{
		"--cluster --port 4001":                 {14001, 24001},
		"--cluster --port 4001 --peer-port 7":   {7, 24001},
		"--cluster --port 4001 --gossip-port 7": {14001, 7},
		"--cluster --port 0":                    {0, 0},
		"--cluster --port 0 --peer-port 7":      {7, 0},
	} {
		c := load(t, sources(args, ""))
		if peer, gossip := c.PeerPorts(c.clientPort()); [2]int{peer, gossip} != want {
			t.Errorf("%s: %d and %d, want %v", args, peer, gossip, want)
		}
	}
}

// The samples are loaded as they are, and differ only in what names the node.
func TestClusterSamples(t *testing.T) {
	for i, name := range []string{"cluster_node_1.json", "cluster_node_2.json", "cluster_node_3.json"} {
		c, err := Load(Sources{Args: []string{"--config", name}, ReadFile: os.ReadFile})
		if err != nil {
			t.Fatal(err)
		}
		if c.Port != 4001+i || !c.Cluster || c.N != 3 || c.R != 2 || c.W != 2 || !strings.HasSuffix(c.Dir, name[len("cluster_"):len(name)-len(".json")]) {
			t.Errorf("%s gave %+v", name, c)
		}
	}
}
