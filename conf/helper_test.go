package conf

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// sources has the given command line and nothing else. file, if there is one,
// is found as /etc/rldb.json.
func sources(args string, file string) Sources {
	return Sources{
		Args: strings.Fields(args),
		Dir:  "/srv",
		ReadFile: func(name string) ([]byte, error) {
			if name != "/etc/rldb.json" {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(file), nil
		},
	}
}

func load(t *testing.T, src Sources) *Config {
	t.Helper()
	c, err := Load(src)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// faults is what is wrong with the sources, one line each.
func faults(t *testing.T, src Sources) []string {
	t.Helper()
	c, err := Load(src)
	var all Faults
	if !errors.As(err, &all) || c != nil {
		t.Fatalf("Load gave %v and %v, want no config and Faults", c, err)
	}
	return strings.Split(all.Error(), "\n")
}

// texts is the config as CONFIG GET * shows it.
func texts(c *Config) map[string]string {
	all := map[string]string{}
	for r := range rows {
		all[r.name] = r.kind.text(c)
	}
	return all
}
