package conf

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The faults' texts are redis-server 7.0.15's, except where a row says ours.
func TestKinds(t *testing.T) {
	const (
		integer = "argument couldn't be parsed into an integer"
		memory  = "argument must be a memory value"
		share   = "argument must be a memory or percent value"
		yesNo   = "argument must be 'yes' or 'no'"
		octal   = "argument couldn't be parsed as an octal number"
		words   = "Wrong number of arguments in buffer limit configuration."
		limit   = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		rest    = " slave 268435456 67108864 60 pubsub 33554432 8388608 60"
	)
	tests := []struct{ key, text, want, fault string }{
		{"port", "0", "0", ""},
		{"port", "65535", "65535", ""},
		{"port", "65536", "", "argument must be between 0 and 65535 inclusive"},
		{"port", "", "", integer},
		{"port", "+1", "", integer},
		{"port", "01", "", integer},
		{"port", "-0", "", integer},
		{"port", " 1", "", integer},
		{"port", "1e3", "", integer},
		{"port", "99999999999999999999", "", integer},
		{"maxclients", "0", "", "argument must be between 1 and 4294967295 inclusive"},
		{"slowlog-max-len", "-1", "", "argument must be between 0 and 9223372036854775807 inclusive"},

		{"timeout", "7", "7", ""},
		{"timeout", "-1", "", "argument must be between 0 and 2147483647 inclusive"},
		{"slowlog-log-slower-than", "-1", "-1", ""},
		{"slowlog-log-slower-than", "-2", "", "argument must be between -1 and 9223372036854775807 inclusive"}, // ours ends earlier

		{"maxmemory", "5", "5", ""},
		{"maxmemory", "5B", "5", ""},
		{"maxmemory", "1k", "1000", ""},
		{"maxmemory", "1KB", "1024", ""},
		{"maxmemory", "2m", "2000000", ""},
		{"maxmemory", "2mb", "2097152", ""},
		{"maxmemory", "3g", "3000000000", ""},
		{"maxmemory", "3gb", "3221225472", ""},
		{"maxmemory", "1.5gb", "", memory},
		{"maxmemory", "5 mb", "", memory},
		{"maxmemory", "10kk", "", memory},
		{"maxmemory", "10%", "", memory},
		{"maxmemory", "-1", "", memory},
		{"maxmemory", "", "", memory},             // ours: Redis takes it for 0
		{"maxmemory", "kb", "", memory},           // ours: the same
		{"maxmemory", "9999999999gb", "", memory}, // ours: Redis wraps around
		{"proto-max-bulk-len", "10", "", "argument must be between 1048576 and 9223372036854775807 inclusive"},

		{"maxmemory-clients", "auto", "auto", ""}, // ours
		{"maxmemory-clients", "0", "0", ""},
		{"maxmemory-clients", "1gb", "1073741824", ""},
		{"maxmemory-clients", "10%", "10%", ""},
		{"maxmemory-clients", "0%", "0", ""},
		{"maxmemory-clients", "101%", "", "percentage argument must be less or equal to 100"},
		{"maxmemory-clients", "-1", "", share},
		{"maxmemory-clients", "abc%", "", share},

		{"protected-mode", "NO", "no", ""},
		{"protected-mode", "maybe", "", yesNo},
		{"protected-mode", "", "", yesNo},

		{"unixsocketperm", "700", "700", ""},
		{"unixsocketperm", "999", "", octal},
		{"unixsocketperm", "1000", "", octal},

		{"log-level", "WARN", "warn", ""},
		{"log-level", "loud", "", "argument(s) must be one of the following: debug, info, warn, error"},
		{"maxmemory-policy", "allkeys-lru", "", "argument(s) must be one of the following: noeviction"},
		{"redis-version", "7.4.0", "7.4.0", ""},
		{"redis-version", "7.4", "", "argument must be a version"},
		{"redis-version", "7.4.x", "", "argument must be a version"},
		{"unixsocket", "a\x00b", "", "a path cannot contain a zero byte"},

		{"bind", "127.0.0.1", "127.0.0.1", ""},
		{"bind", "10.0.0.1,-::1  localhost", "10.0.0.1 -::1 localhost", ""},
		{"bind", "* -::*", "* -::*", ""},
		{"bind", "", "", ""},
		{"bind", "fe80::1%eth0", "fe80::1%eth0", ""},
		{"bind", "127.0.0.1:6379", "", `"127.0.0.1:6379" is not an address`},
		{"bind", "256.0.0.1", "", `"256.0.0.1" is not an address`},
		{"bind", "a b a", "", `"a" is there twice`},
		{"bind", strings.Repeat("x ", 17), "", "Too many bind addresses specified."},

		{"client-output-buffer-limit", "", "normal 1073741824 0 0" + rest, ""},
		{"client-output-buffer-limit", "NORMAL 1kb 2 3", "normal 1024 2 3" + rest, ""},
		{"client-output-buffer-limit", "pubsub 1 2 3 replica 4 5 6", "normal 1073741824 0 0 slave 4 5 6 pubsub 1 2 3", ""},
		{"client-output-buffer-limit", "normal 0", "", words},
		{"client-output-buffer-limit", "master 0 0 0", "", "Invalid client class specified in buffer limit configuration."},
		{"client-output-buffer-limit", "normal a 0 0", "", limit},
		{"client-output-buffer-limit", "normal 1mb 1kb -1", "", limit},

		{"save", "", "", ""},
		{"save", "60 1", "", "argument must be '': there are no snapshots"},
		{"databases", "1", "1", ""},
		{"databases", "16", "", "can't set immutable config"},
	}
	for _, tt := range tests {
		c := *load(t, sources("", ""))
		before := c
		r := find(tt.key)
		err := r.kind.set(&c, tt.text)
		switch {
		case tt.fault != "" && (err == nil || err.Error() != tt.fault):
			t.Errorf("%s %q: fault %v, want %s", tt.key, tt.text, err, tt.fault)
		case tt.fault != "" && !reflect.DeepEqual(c, before):
			t.Errorf("%s %q: the fault left a change", tt.key, tt.text)
		case tt.fault == "" && (err != nil || r.kind.text(&c) != tt.want):
			t.Errorf("%s %q: %q and %v, want %q", tt.key, tt.text, r.kind.text(&c), err, tt.want)
		}
	}
}

// What CONFIG GET shows, CONFIG SET takes back, for every key and any value.
func TestTextIsTakenBack(t *testing.T) {
	values := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`-?[0-9]{1,5}(|k|mb|gb|%)`),
		rapid.StringMatching(`(normal|replica|pubsub) [0-9]{1,3}(mb|) [0-9]{1,3} [0-9]{1,3}`),
		rapid.SampledFrom([]string{"yes", "no", "auto", "*", "-::1 a.b", "debug", "1.2.3", "json"}),
	)
	base := load(t, sources("", ""))
	rapid.Check(t, func(t *rapid.T) {
		text := values.Draw(t, "text")
		for r := range rows {
			c, again := *base, *base
			if r.kind.set(&c, text) != nil {
				continue
			}
			if err := r.kind.set(&again, r.kind.text(&c)); err != nil || !reflect.DeepEqual(c, again) {
				// An address list keeps its words, and nothing else differs.
				t.Fatalf("%s %q became %q, which became %q (%v)", r.name, text, r.kind.text(&c), r.kind.text(&again), err)
			}
		}
	})
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1kb", 5 << 20: "5mb", 3 << 30: "3gb", 1000: "1000"} {
		if got := sizeText(n); got != want {
			t.Errorf("sizeText(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestBindAddress(t *testing.T) {
	c := load(t, Sources{Args: []string{"--bind", "* -::* -10.0.0.1 ::1"}})
	want := []BindAddress{
		{"*", "tcp4", "", false},
		{"-::*", "tcp6", "", true},
		{"-10.0.0.1", "tcp", "10.0.0.1", true},
		{"::1", "tcp", "::1", false},
	}
	if !reflect.DeepEqual(c.Bind, want) {
		t.Errorf("Bind = %+v, want %+v", c.Bind, want)
	}
}

func TestUnits(t *testing.T) {
	c := load(t, sources("--timeout 5 --slowlog-log-slower-than 7 --latency-monitor-threshold 9 --unixsocketperm 640", ""))
	if c.Timeout != 5*time.Second || c.SlowlogLogSlowerThan != 7 ||
		c.LatencyMonitorThreshold != 9 || c.UnixSocketPerm != 0o640 {
		t.Errorf("units are wrong: %+v", c)
	}
}
