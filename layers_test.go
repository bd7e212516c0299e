package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rldb/rldb"

// layers is the direction in which data flows (ARCHITECTURE.md): the packages
// of this module that each package may import, and why not more. A package that
// is not listed may import none.
var layers = map[string]struct {
	may []string
	why string
}{
	"":                        {[]string{"conf", "command", "resp", "metrics", "replication/replica", "engine", "engine/memory", "engine/bitcask", "engine/lsm", "record", "membership", "ring", "replication/peer", "replication/quorum", "replication/coordinator", "replication/remote", "replication/repair"}, "main wires everything"},
	"conf":                    {[]string{"glob"}, "the configuration knows nothing of what it configures: main hands its values on"},
	"glob":                    {nil, "pure"},
	"resp":                    {nil, "the front end must not know what commands mean or where data is stored"},
	"command":                 {[]string{"glob", "resp", "replication/replica", "replication/coordinator", "engine", "record", "ring"}, "commands must not know wire bytes, peers or the configuration"},
	"metrics":                 {nil, "metrics see the node through small interfaces of their own"},
	"replication/replica":     {[]string{"engine", "record", "ring"}, "a replica must not know quorums or commands"},
	"replication/peer":        {nil, "peers carry bytes and must not know what they mean"},
	"replication/quorum":      {[]string{"record", "ring"}, "quorums decide: they must not know sockets, engines or the replica's code"},
	"replication/coordinator": {[]string{"engine", "record", "replication/quorum", "replication/replica", "ring"}, "a coordinator must not know sockets or bytes of frames"},
	"replication/remote":      {[]string{"engine", "record", "replication/coordinator", "replication/replica", "ring"}, "what nodes ask of each other must not know sockets"},
	"replication/repair":      {[]string{"engine", "record", "replication/coordinator", "replication/quorum", "replication/remote", "replication/replica", "ring"}, "repair must not know sockets or commands"},
	"record":                  {nil, "records are pure"},
	"ring":                    {nil, "the ring is pure"},
	"membership":              {[]string{"ring"}, "membership must not know keys, commands or peer frames"},
	"engine":                  {nil, "engines must not know what entries mean"},
	"engine/memory":           {[]string{"engine"}, "engines must not know what entries mean"},
	"engine/lsm":              {[]string{"engine"}, "engines must not know what entries mean"},
	"engine/bitcask":          {[]string{"engine", "engine/memory"}, "engines must not know what entries mean; bitcask's index is a memory engine of places"},
	"engine/enginetest":       {[]string{"engine"}, "engines must not know what entries mean"},
	"integration":             {nil, "integration tests drive the real binary from outside"},
	"bench":                   {nil, "benchmarks drive real binaries from outside"},
	"bench/loops/goroutine":   {[]string{"bench/loops/shards"}, "a subject to measure shares nothing with rldb"},
	"bench/loops/redcon":      {[]string{"bench/loops/shards"}, "a subject to measure shares nothing with rldb"},
	"bench/loops/shards":      {nil, "a subject to measure shares nothing with rldb"},
}

// only restricts who may import what is foreign.
var only = map[string][]string{
	"github.com/tidwall/redcon": {"resp", "bench/loops/redcon"},
	// bench has it as the client whose clusters it disturbs: how long users are without
	// writes depends on what their client does.
	"github.com/redis/go-redis/v9":         {"", "integration", "bench"},
	"golang.org/x/sys/unix":                {"resp", "engine/memory", "engine/bitcask", "engine/lsm", "integration"},
	"github.com/spaolacci/murmur3":         {"engine", "record", "ring"},
	"github.com/hashicorp/memberlist":      {"membership"},
	"github.com/cockroachdb/pebble/v2":     {"engine/lsm"},
	module + "/engine/memory":              {"", "command", "replication/coordinator", "replication/remote", "replication/repair", "replication/replica", "engine/bitcask"},
	module + "/conf":                       {""},
	"github.com/prometheus/client_golang/": {},
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		checkLayer(t, p)
	}
	if seen < 5 {
		t.Fatalf("only %d packages were found", seen)
	}
}

func checkLayer(t *testing.T, p goPackage) {
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
	layer, known := layers[name]
	if !known {
		t.Errorf("package %q has no place in layers_test.go: say what it may import, and why not more", name)
	}
	for _, imp := range p.Imports {
		own := strings.TrimPrefix(imp, module+"/")
		if own != imp && !slices.Contains(layer.may, own) {
			t.Errorf("%q imports %q: %s", name, own, layer.why)
		}
	}
	for path, who := range only {
		all := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		if path != p.ImportPath && slices.Contains(all, path) && !slices.Contains(who, name) {
			t.Errorf("%q imports %s: only %q may", name, path, who)
		}
	}
}
