package conf

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fileNode is a node that was started with a config file of that content.
func fileNode(t *testing.T, content string, args ...string) (*Live, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rldb.json")
	if err := os.WriteFile(name, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return NewLive(load(t, diskSources(name, args...)), Disk()), name
}

func diskSources(name string, args ...string) Sources {
	return Sources{Args: append([]string{"--config", name}, args...), ReadFile: os.ReadFile}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRewrite(t *testing.T) {
	tests := []struct {
		name, before string
		pairs        [][2]string
		want         string
	}{
		{"nothing changed", "{ }", nil, "{ }"},
		{"a fixed key is not stored", "{}", [][2]string{{"save", ""}}, "{}"},
		{"an empty object", "{}\n", [][2]string{{"timeout", "5"}, {"maxclients", "7"}},
			"{\n  \"maxclients\": 7,\n  \"timeout\": 5\n}\n"},
		{"one value in its place", "{\n  \"port\" : 1,\n\n  \"timeout\" :  9  ,\n  \"maxclients\": 3\n}\n", [][2]string{{"timeout", "5"}},
			"{\n  \"port\" : 1,\n\n  \"timeout\" :  5  ,\n  \"maxclients\": 3\n}\n"},
		{"added as the last one stands", "{\n\t\"port\": 1,\n\t\"timeout\": 9\n}", [][2]string{{"maxmemory", "1kb"}},
			"{\n\t\"port\": 1,\n\t\"timeout\": 9,\n\t\"maxmemory\": 1024\n}"},
		{"all in one line", `{"port": 1, "timeout": 9}`, [][2]string{{"maxmemory", "1"}, {"timeout", "2"}},
			`{"port": 1, "timeout": 2, "maxmemory": 1}`},
		{"the JSON type suits the key", "{}", [][2]string{{"protected-mode", "NO"}, {"requirepass", `1"<é`}, {"maxmemory-clients", "5%"}, {"log-level", "DEBUG"}},
			"{\n  \"log-level\": \"debug\",\n  \"maxmemory-clients\": \"5%\",\n  \"protected-mode\": false,\n  \"requirepass\": \"1\\\"<é\"\n}"},
	}
	for _, tt := range tests {
		l, name := fileNode(t, tt.before)
		if err := l.Set(tt.pairs); err != nil {
			t.Fatal(err)
		}
		if err := l.Rewrite(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := content(t, name); got != tt.want {
			t.Errorf("%s: the file is\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		if again := load(t, diskSources(name)); !reflect.DeepEqual(again, l.Config()) {
			t.Errorf("%s: the file gives %+v, want %+v", tt.name, again, l.Config())
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: the permissions are %v (%v)", tt.name, info.Mode(), err)
		}
		if list, _ := os.ReadDir(filepath.Dir(name)); len(list) != 1 {
			t.Errorf("%s: a temporary file is left", tt.name)
		}
	}
}

// What a flag or the environment said is not the file's business.
func TestRewriteLeavesFlagsOut(t *testing.T) {
	l, name := fileNode(t, `{"timeout": 1}`, "--maxclients", "5")
	if err := errors.Join(l.Set([][2]string{{"timeout", "2"}}), l.Rewrite()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, name); got != `{"timeout": 2}` {
		t.Errorf("the file is %s", got)
	}
}

// What was written once is not written over a later edit by hand.
func TestRewriteOnlyOnce(t *testing.T) {
	l, name := fileNode(t, `{"timeout": 1}`)
	if err := errors.Join(l.Set([][2]string{{"timeout", "2"}}), l.Rewrite()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(`{"timeout": 3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Set([][2]string{{"maxclients", "7"}}), l.Rewrite()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, name); got != `{"timeout": 3, "maxclients": 7}` && got != `{"timeout": 3,"maxclients": 7}` {
		t.Errorf("the file is %s", got)
	}
}

func TestRewriteFaults(t *testing.T) {
	l := live(t, "")
	if err := l.Rewrite(); err == nil || err.Error() != "The server is running without a config file" {
		t.Errorf("without a file: %v", err)
	}

	const prefix = "Rewriting config file: "
	broken := errors.New("disk full")
	tests := []struct{ file, pass, want string }{
		{`{"timeout": 1`, "x", prefix + "line 1: not JSON: unexpected end of JSON input"},
		{"{\"timeout\": 1,\n\"timeout\": 2}", "x", prefix + "line 2: timeout is there twice, before on line 1"},
		{"{}", "\xff", prefix + "the value of requirepass is not UTF-8, and a JSON file cannot hold it"},
		{"{}", "x", prefix + "disk full"},
	}
	for _, tt := range tests {
		c := *load(t, sources("", ""))
		c.File = "rldb.json"
		fail := true
		l := NewLive(&c, Files{
			Read: func(string) ([]byte, error) { return []byte(tt.file), nil },
			Replace: func(string, []byte) error {
				if fail {
					return broken
				}
				return nil
			},
		})
		if err := l.Set([][2]string{{"timeout", "5"}, {"requirepass", tt.pass}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Rewrite(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.file, err, tt.want)
		}
		if len(l.mu.changed) != 2 {
			t.Errorf("%s: a failed rewrite forgot what to write", tt.file)
		}
		fail = false
		if err := l.Rewrite(); tt.want == prefix+"disk full" && (err != nil || len(l.mu.changed) != 0) {
			t.Errorf("the second attempt: %v, left %v", err, l.mu.changed)
		}
	}
}

func TestReplaceFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	link, target := filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := errors.Join(os.WriteFile(target, []byte("a"), 0o600), os.Symlink("target", link), replaceFile(link, []byte("b"))); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode().IsRegular() || content(t, target) != "b" {
		t.Errorf("the link is %v (%v), the target holds %q", info.Mode(), err, content(t, target))
	}
	if err := replaceFile(filepath.Join(dir, "no", "such"), nil); err == nil {
		t.Error("a missing folder is no fault")
	}
}

// drawSettings gives some keys values that they take.
func drawSettings(t *rapid.T) map[string]string {
	size := rapid.StringMatching(`[1-9][0-9]{0,3}(mb|gb|m|g)`)
	drawn := map[string]string{}
	draw := func(key string, g *rapid.Generator[string]) {
		if rapid.Bool().Draw(t, key+"?") {
			drawn[key] = g.Draw(t, key)
		}
	}
	draw("maxclients", rapid.StringMatching(`[1-9][0-9]{0,5}`))
	draw("timeout", rapid.StringMatching(`[1-9][0-9]{0,5}`))
	draw("slowlog-log-slower-than", rapid.SampledFrom([]string{"-1", "0", "5"}))
	draw("protected-mode", rapid.SampledFrom([]string{"yes", "no"}))
	draw("requirepass", rapid.String())
	draw("maxmemory", size)
	draw("proto-max-bulk-len", rapid.StringMatching(`[2-9](mb|gb)`))
	draw("maxmemory-clients", rapid.SampledFrom([]string{"auto", "0", "7%", "5mb"}))
	draw("client-output-buffer-limit", rapid.StringMatching(`(normal|pubsub) [0-9]{1,3}mb [0-9]{1,3} [1-9][0-9]?`))
	draw("log-level", rapid.SampledFrom([]string{"debug", "info", "warn", "error"}))
	return drawn
}

// Set then Rewrite then Load gives the config that was set, whatever the file
// held before.
func TestFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := []byte(rapid.SampledFrom([]string{
			"{}", "{\n}\n", `{"port":7}`, `{ "timeout" : 1 , "log-level":"warn"}`,
			"\n{\n  \"maxmemory\": \"3mb\",\n  \"bind\": [\"::1\",\n \"127.0.0.1\"] }",
		}).Draw(t, "file"))
		src := Sources{
			Args:     []string{"--config", "rldb.json"},
			ReadFile: func(string) ([]byte, error) { return file, nil },
		}
		c, err := Load(src)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLive(c, Files{
			Read:    src.ReadFile,
			Replace: func(_ string, data []byte) error { file = data; return nil },
		})
		for range 2 {
			var pairs [][2]string
			for key, text := range drawSettings(t) {
				pairs = append(pairs, [2]string{key, text})
			}
			if err := errors.Join(l.Set(pairs), l.Rewrite()); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Load(src)
		if err != nil {
			t.Fatalf("the file does not load any more: %v\n%s", err, file)
		}
		if !reflect.DeepEqual(again, l.Config()) {
			t.Fatalf("the file gives\n%+v, want\n%+v\n%s", again, l.Config(), file)
		}
	})
}

// Whatever a file holds, it gives a config or a fault that names the file and
// a line, never a panic; and a file that can be read can be rewritten.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"port": 1, "bind": ["*"]}`, `{"port": -1}`, `{"a": [[[{}]]]}`, `[1]`, `{"port":1,"port":2}`, `{"requirepass":"\ud800"}`,
		"\xef\xbb\xbf{}", `{"timeout" :1e9}`, `{"p\u006frt": 6}`, `null`, `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := parseFile("f", data)
		for _, fault := range found.faults {
			if !strings.HasPrefix(fault.Source, "f:") || fault.Reason == "" {
				t.Errorf("a fault without a place: %+v", fault)
			}
		}
		_, err := Load(Sources{Args: []string{"--config", "f"}, ReadFile: func(string) ([]byte, error) { return data, nil }})
		if err != nil {
			return
		}
		out, err := edit(data, map[string]string{"timeout": "77", "log-level": "warn"})
		if err != nil {
			t.Fatalf("a file that loads cannot be rewritten: %v", err)
		}
		c, err := Load(Sources{Args: []string{"--config", "f"}, ReadFile: func(string) ([]byte, error) { return out, nil }})
		if err != nil || texts(c)["timeout"] != "77" || c.LogLevel != "warn" {
			t.Fatalf("rewritten to %q: %v", out, err)
		}
	})
}
