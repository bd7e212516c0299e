package conf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestDefaults(t *testing.T) {
	c := load(t, sources("", ""))
	if c.Port != 6379 || c.MaxClients != 10000 || !c.ProtectedMode || c.Engine != "bitcask" || c.Fsync != "everysec" ||
		c.ProtoMaxBulkLen != 512<<20 || c.MaxInline != 64<<10 || c.MaxArgs != 1<<20 || c.RedisVersion != "7.2.4" {
		t.Errorf("defaults are wrong: %+v", c)
	}
	if got := texts(c)["bind"]; got != "127.0.0.1" {
		t.Errorf("bind = %q", got)
	}
	if c.Level() != slog.LevelInfo {
		t.Errorf("Level = %v", c.Level())
	}
}

func TestPrecedence(t *testing.T) {
	src := sources("--config /etc/rldb.json --timeout=3", `{"port": 1, "timeout": 1, "maxclients": 1, "tls-cert-file": "c", "tls-key": "k", "tls-port": 9}`)
	src.Environ = []string{"HOME=/", "RLDB_TIMEOUT=2", "RLDB_MAXCLIENTS=2", "RLDB_TLS_KEY_FILE=k2"}
	c := load(t, src)
	got := []any{c.Port, c.MaxClients, int(c.Timeout.Seconds()), c.TLSCert, c.TLSKey, c.TCPBacklog, c.File}
	want := []any{1, 2, 3, "c", "k2", 511, "/etc/rldb.json"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("file, environment, flag: %v, want %v", got, want)
	}
}

func TestConfigFileByEnvironment(t *testing.T) {
	src := sources("", `{"port": 7}`)
	src.Environ = []string{"RLDB_CONFIG=rldb.json"}
	src.Dir = "/etc"
	if c := load(t, src); c.Port != 7 || c.File != "/etc/rldb.json" {
		t.Errorf("port %d from %q", c.Port, c.File)
	}
	src.Args = []string{"--config", ""}
	if c := load(t, src); c.Port != 6379 || c.File != "" {
		t.Errorf("port %d from %q, want no file", c.Port, c.File)
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		args []string
		key  string
		want string
	}{
		{[]string{"--port", "7000"}, "port", "7000"},
		{[]string{"--port=7000"}, "port", "7000"},
		{[]string{"--slowlog-log-slower-than", "-1"}, "slowlog-log-slower-than", "-1"},
		{[]string{"--protected-mode", "no"}, "protected-mode", "no"},
		{[]string{"--protected-mode", "--port", "1"}, "protected-mode", "yes"},
		{[]string{"--protected-mode"}, "protected-mode", "yes"},
		{[]string{"--requirepass=--x=y"}, "requirepass", "--x=y"},
		{[]string{"--requirepass", ""}, "requirepass", ""},
		{[]string{"--save", "", "--appendonly", "yes"}, "appendonly", "yes"},
		{[]string{"--appendonly", "no", "--engine", "memory"}, "appendonly", "no"},
		{[]string{"--appendfsync", "always"}, "fsync", "always"},
	}
	for _, tt := range tests {
		if got := texts(load(t, Sources{Args: tt.args}))[tt.key]; got != tt.want {
			t.Errorf("%q: %s = %q, want %q", tt.args, tt.key, got, tt.want)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]error{
		"--help": ErrHelp, "--bogus --port x -h": ErrHelp, "--protected-mode -h": ErrHelp,
		"--version": ErrVersion, "--version --help": ErrVersion,
	} {
		if c, err := Load(sources(args, "")); c != nil || !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", args, err, want)
		}
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	src := sources("--config /etc/rldb.json --port 70000 --nope 1 --hz=20 stray --timeout --requirepass a b --maxclients 1 --maxclients 2 -p 1 --tls-cert x --metrics-port 4 --tls-port 4",
		`{
  "timeout": -1,
  "maxmemory": "lots", "port": 1,
  "requirepass": 12345,
  "colour": "red",
  "port": 2,
  "log-level": null,
  "bind": [1]
}`)
	src.Environ = []string{"RLDB_MAXCLIENT=5", "RLDB_PROTECTED_MODE=maybe"}
	want := []string{
		`/etc/rldb.json:5: "colour": there is no such key`,
		`/etc/rldb.json:4: requirepass (hidden): the value must be in quotes`,
		`/etc/rldb.json:6: port: is given twice, before as /etc/rldb.json:3: port`,
		`/etc/rldb.json:7: log-level "null": a key takes no object and no null (allowed: debug | info | warn | error)`,
		`/etc/rldb.json:8: bind "[1]": the list must hold strings alone`,
		`/etc/rldb.json:2: timeout "-1": argument must be between 0 and 2147483647 inclusive`,
		`/etc/rldb.json:3: maxmemory "lots": argument must be a memory value (allowed: bytes;`,
		`environment RLDB_MAXCLIENT: there is no such setting`,
		`environment RLDB_PROTECTED_MODE "maybe": argument must be 'yes' or 'no' (allowed: yes or no)`,
		`flag "--nope": there is no such flag`,
		`argument "stray": is not a flag`,
		`flag --timeout: needs a value (allowed: a whole number from 0, in seconds)`,
		`argument (hidden): is not a flag`,
		`flag --maxclients: is given twice`,
		`flag "-p": there is no such flag`,
		`flag --port "70000": argument must be between 0 and 65535 inclusive (allowed: a whole number from 0 to 65535)`,
		`flag --hz "20": argument must be '10': background work is not driven`,
		`flag --tls-cert: a certificate needs its private key: give tls-key`,
		`flag --metrics-port: is the same port as tls-port`,
	}
	got := faults(t, src)
	for _, prefix := range want {
		n := 0
		for _, line := range got {
			if strings.HasPrefix(line, prefix) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d faults begin with %s", n, prefix)
		}
	}
	if len(got) != len(want) || t.Failed() {
		t.Errorf("%d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
}

func TestClashes(t *testing.T) {
	long := strings.Repeat("x", 200)
	tests := []struct{ args, want string }{
		{"--bind=", "flag --bind: there is nothing to listen on"},
		{"--bind= --unixsocket s --tls-port 1 --tls-cert c --tls-key k", "flag --tls-port: a TLS port needs an address"},
		{"--unixsocket " + long, "flag --unixsocket: the path is longer"},
		{"--tls-port 1 --tls-key k", "flag --tls-key: a private key needs its certificate"},
		{"--tls-port 1", "flag --tls-port: a TLS port needs tls-cert and tls-key"},
		{"--tls-cert c --tls-key k", "flag --tls-cert: has no effect without tls-port"},
		{"--tls-ca c", "flag --tls-ca: has no effect without tls-port"},
		{"--tls-port 6379 --tls-cert c --tls-key k", "flag --tls-port: is the same port as port"},
		{"--metrics-port 6379", "flag --metrics-port: is the same port as port"},
		{"--port 9 --metrics-port 9", "flag --metrics-port: is the same port as port"},
		// A key with a fault of its own is not blamed for others.
		{"--tls-port x --tls-cert c --tls-key k", `flag --tls-port "x": argument couldn't`},
	}
	for _, tt := range tests {
		if got := faults(t, sources(tt.args, "")); len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestServesPlain(t *testing.T) {
	for args, want := range map[string]bool{
		"":                       true,
		"--port 0":               true,
		"--bind= --unixsocket s": false,
		"--port 0 --tls-port 1 --tls-cert c --tls-key k": false,
		"--port 2 --tls-port 1 --tls-cert c --tls-key k": true,
	} {
		if got := load(t, sources(args, "")).ServesPlain(); got != want {
			t.Errorf("%s: ServesPlain = %v", args, got)
		}
	}
}

func TestMissingFile(t *testing.T) {
	want := `flag --config "nope.json": open /srv/nope.json: file does not exist`
	if got := faults(t, sources("--config nope.json", "")); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBrokenFiles(t *testing.T) {
	tests := []struct{ file, want string }{
		{"", "/etc/rldb.json:1: not JSON: unexpected end"},
		{"{\n\"port\": 1,\n}", "/etc/rldb.json:3: not JSON: invalid character '}'"},
		{"[]", "/etc/rldb.json:1: not a JSON object"},
		{"null", "/etc/rldb.json:1: not a JSON object"},
		{"{} {}", "/etc/rldb.json:1: not JSON: invalid character '{' after"},
		{"{\"requirepass\": \"\xff\"}", "/etc/rldb.json:1: the file is not UTF-8"},
		{"{" + strings.Repeat(" ", largestFile) + "}", "/etc/rldb.json:1: the file is larger than 1mb"},
		{`{"Port": 1}`, `/etc/rldb.json:1: "Port": there is no such key`},
		{`{"tls-ca": "a", "tls-ca-cert-file": "b"}`, `/etc/rldb.json:1: tls-ca-cert-file: is given twice, before as /etc/rldb.json:1: tls-ca`},
		{`{"port": {"a": 1}}`, `/etc/rldb.json:1: port "{\"a\": 1}": a key takes no object`},
		{`{"port": true}`, `/etc/rldb.json:1: port "true": true and false are for switches`},
		{`{"engine": ["memory"]}`, `/etc/rldb.json:1: engine "[\"memory\"]": the key does not take a list`},
		{`{"engine": "rocksdb"}`, `/etc/rldb.json:1: engine "rocksdb": argument(s) must be one of the following: memory, bitcask, lsm`},
		{`{"appendonly": "no"}`, `/etc/rldb.json:1: appendonly "no": argument must be 'yes': it follows from the engine`},
		{`{"dir": ""}`, `/etc/rldb.json:1: dir "": argument must be a path`},
		{`{"requirepass": true}`, `/etc/rldb.json:1: requirepass (hidden): true and false`},
	}
	for _, tt := range tests {
		got := faults(t, sources("--config /etc/rldb.json", tt.file))
		if !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%.40q: %q, want %q", tt.file, got, tt.want)
		}
	}
}

// A service called rldb makes Kubernetes set these in every pod beside it.
func TestOtherVariables(t *testing.T) {
	src := sources("", "")
	src.Environ = []string{
		"RLDB_PORT=tcp://10.0.0.1:6379", "RLDB_PORT_6379_TCP=tcp://10.0.0.1:6379", "RLDB_PORT_6379_TCP_ADDR=10.0.0.1",
		"RLDB_SERVICE_HOST=10.0.0.1", "RLDB_SERVICE_PORT=6379", "RLDB_TEST_SEED=1", "OTHER=x", "nothing",
	}
	if c := load(t, src); c.Port != 6379 {
		t.Errorf("port = %d", c.Port)
	}
}

func TestSampleFile(t *testing.T) {
	c := load(t, Sources{Args: []string{"--config", "standalone.json"}, ReadFile: os.ReadFile})
	if c.Port != 6379 || len(c.Bind) != 2 || c.ClientOutputBufferLimit.Normal.Hard != 1<<30 {
		t.Errorf("standalone.json gave %+v", c)
	}
}

func TestHelpHasEveryKey(t *testing.T) {
	help := Help()
	for r := range rows {
		name := "  --" + r.name
		if r.isFixed() {
			name = "  " + r.name + "\n"
		}
		if !strings.Contains(help, name) || r.doc == "" || !strings.Contains(help, r.doc) || !strings.Contains(help, r.def) {
			t.Errorf("the help lacks %s or what it is", r.name)
		}
	}
	for _, part := range []string{"--config FILE", "--port (default 6379)", "--maxclients (default 10000, live)", "takes yes or no", "--tls-cert, --tls-cert-file (no default)"} {
		if !strings.Contains(help, part) {
			t.Errorf("the help lacks %q", part)
		}
	}
}

func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for r := range rows {
		for _, name := range []string{r.name, r.alias} {
			if name != "" && (seen[name] || name != strings.ToLower(name)) {
				t.Errorf("%s is there twice, or not in lower case", name)
			}
			seen[name] = true
		}
		if isOthers(envName(r.name), "x") || envName(r.name) == envFile {
			t.Errorf("%s cannot be set by %s", r.name, envName(r.name))
		}
	}
	for _, key := range []string{
		"save", "appendonly", "databases", "maxmemory", "maxmemory-policy", "maxclients", "timeout", "tcp-keepalive",
		"port", "bind", "dir", "appendfsync", "proto-max-bulk-len", "slowlog-log-slower-than", "slowlog-max-len", "cluster-enabled",
		"cluster-node-timeout", "requirepass", "notify-keyspace-events",
	} {
		if find(key) == nil {
			t.Errorf("clients ask for %s", key)
		}
	}
}

func TestSecretHidesItself(t *testing.T) {
	c := load(t, sources("--requirepass s3cret", ""))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("a", "config", c, "pass", c.Requirepass)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("a", "config", c, "pass", c.Requirepass)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb+verb, *c, c.Requirepass)
	}
	if strings.Contains(out, "s3cret") || strings.Contains(out, fmt.Sprintf("%x", "s3cret")) {
		t.Errorf("the password is in %s", out)
	}
	if string(c.Requirepass) != "s3cret" || Secret("").shown() != "" {
		t.Error("the password itself is gone")
	}
}
