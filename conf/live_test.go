package conf

import (
	"errors"
	"reflect"
	"sync"
	"testing"
)

func live(t *testing.T, args string) *Live {
	t.Helper()
	return NewLive(load(t, sources(args, "")), Files{})
}

func TestGet(t *testing.T) {
	l := live(t, "--maxmemory 1mb --requirepass pw")
	tests := []struct {
		patterns []string
		want     [][2]string
	}{
		{[]string{"port"}, [][2]string{{"port", "6379"}}},
		{[]string{"nope", ""}, nil},
		{nil, nil},
		{[]string{"MAXCLIENTS"}, [][2]string{{"MAXCLIENTS", "10000"}}},
		{[]string{"MaxC*", "maxclients"}, [][2]string{{"maxclients", "10000"}}},
		{[]string{"slowlog-*", "save"}, [][2]string{{"slowlog-log-slower-than", "10000"}, {"slowlog-max-len", "128"}, {"save", ""}}},
		{[]string{"max[mc]*"}, [][2]string{{"maxclients", "10000"}, {"maxmemory-clients", "auto"}, {"maxmemory", "1048576"}, {"maxmemory-policy", "noeviction"}}},
		{[]string{"tls-ca*"}, [][2]string{{"tls-ca", ""}, {"tls-ca-cert-file", ""}}},
		{[]string{"requirepass"}, [][2]string{{"requirepass", "pw"}}},
		{[]string{"dir"}, [][2]string{{"dir", "/srv/data"}}},
		{[]string{"*fsync"}, [][2]string{{"fsync", "everysec"}, {"appendfsync", "everysec"}}},
		{[]string{"client-output*"}, [][2]string{{"client-output-buffer-limit",
			"normal 1073741824 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}}},
	}
	for _, tt := range tests {
		if got := l.Get(tt.patterns...); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Get(%q) = %q, want %q", tt.patterns, got, tt.want)
		}
	}
	n := 0
	for r := range rows {
		if n++; r.alias != "" {
			n++
		}
	}
	if got := l.Get("*"); len(got) != n {
		t.Errorf("Get(*) has %d keys, want %d", len(got), n)
	}
}

func TestSet(t *testing.T) {
	const related = "CONFIG SET failed (possibly related to argument "
	tests := []struct {
		pairs [][2]string
		want  string
	}{
		{[][2]string{{"maxclients", "5"}}, ""},
		{[][2]string{{"MaxClients", "5"}, {"timeout", "9"}}, ""},
		{[][2]string{{"save", ""}, {"appendonly", "yes"}}, ""},
		{[][2]string{{"tls-cert-file", "x"}}, related + "'tls-cert-file') - can't set immutable config"},
		{[][2]string{{"foo", "1"}}, "Unknown option or number of arguments for CONFIG SET - 'foo'"},
		{[][2]string{{"", "1"}}, "Unknown option or number of arguments for CONFIG SET - ''"},
		{[][2]string{{"maxclients", "5"}, {"maxmemory", "x"}, {"foo", "1"}}, "Unknown option or number of arguments for CONFIG SET - 'foo'"},
		{[][2]string{{"databases", "1"}, {"foo", "1"}}, related + "'databases') - can't set immutable config"},
		{[][2]string{{"port", "1"}}, related + "'port') - can't set immutable config"},
		{[][2]string{{"maxclients", "x"}, {"port", "1"}}, related + "'port') - can't set immutable config"},
		{[][2]string{{"maxclients", "5"}, {"MAXCLIENTS", "6"}}, related + "'MAXCLIENTS') - duplicate parameter"},
		{[][2]string{{"timeout", "9"}, {"maxclients", "0"}}, related + "'maxclients') - argument must be between 1 and 4294967295 inclusive"},
		{[][2]string{{"appendonly", "no"}}, related + "'appendonly') - argument must be 'yes': it follows from the engine, of which bitcask and lsm keep a log and memory keeps none"},
	}
	for _, tt := range tests {
		l := live(t, "")
		before, calls := l.Config(), 0
		l.OnChange(func(old, new *Config) {
			if calls++; old != before || new != l.Config() || old == new {
				t.Errorf("Set(%q): the subscriber saw other configs", tt.pairs)
			}
		})
		err := l.Set(tt.pairs)
		if tt.want != "" {
			if err == nil || err.Error() != tt.want || l.Config() != before || calls != 0 {
				t.Errorf("Set(%q): %v after %d calls, want %s and no change", tt.pairs, err, calls, tt.want)
			}
			continue
		}
		if err != nil || calls != 1 {
			t.Errorf("Set(%q): %v, %d calls", tt.pairs, err, calls)
		}
		for _, pair := range tt.pairs {
			if got := l.Get(pair[0]); got[0][1] != pair[1] {
				t.Errorf("Set(%q), then %q", tt.pairs, got)
			}
		}
	}
}

func TestSnapshotsStay(t *testing.T) {
	l := live(t, "--bind 127.0.0.1,::1")
	old := l.Config()
	copied := *old
	if err := l.Set([][2]string{{"client-output-buffer-limit", "pubsub 1 2 3"}, {"maxmemory-clients", "5%"}}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*old, copied) || reflect.DeepEqual(*l.Config(), copied) {
		t.Error("Set wrote into the snapshot that was handed out before")
	}
}

// A reader sees both keys of a pair of a change, or none: they are always
// equal. Subscribers see a chain.
func TestSetIsAtomic(t *testing.T) {
	l := live(t, "--maxclients 1 --slowlog-max-len 1")
	last := l.Config()
	l.OnChange(func(old, new *Config) {
		if old != last {
			t.Error("a change does not begin where the one before ended")
		}
		last = new
	})
	var all sync.WaitGroup
	for _, n := range []string{"2", "3"} {
		all.Go(func() {
			for range 200 {
				if err := l.Set([][2]string{{"maxclients", n}, {"slowlog-max-len", n}}); err != nil {
					t.Error(err)
				}
				_ = l.Set([][2]string{{"maxclients", "9"}, {"slowlog-max-len", "x"}})
			}
		})
		all.Go(func() {
			for range 2000 {
				if c := l.Config(); c.MaxClients != c.SlowlogMaxLen {
					t.Errorf("half a change: %d and %d", c.MaxClients, c.SlowlogMaxLen)
				}
			}
		})
	}
	all.Wait()
}

func TestClientMemory(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		args    string
		machine int64
		want    int64
	}{
		{"", 0, gib},
		{"", gib / 2, gib},
		{"", 64 * gib, 16 * gib},
		{"--maxmemory-clients 0", gib, 0},
		{"--maxmemory-clients 7kb", gib, 7 << 10},
		{"--maxmemory-clients 10% --maxmemory 1000", gib, 100},
		{"--maxmemory-clients 50%", 8 * gib, 4 * gib / 100 * 100},
		{"--maxmemory-clients 100%", 0, gib / 100 * 100},
		{"--maxmemory-clients 1% --maxmemory 5", gib, 1},
	}
	for _, tt := range tests {
		src := sources(tt.args, "")
		src.Memory = func() int64 { return tt.machine }
		got := load(t, src).ClientMemory()
		if diff := got - tt.want; diff < -100 || diff > 100 || (got == 0) != (tt.want == 0) {
			t.Errorf("%q with %d bytes: %d, want %d", tt.args, tt.machine, got, tt.want)
		}
	}
}

// A change that waits for a disk is asked of the guard first, which may refuse it;
// one that must not wait is not made while another does.
func TestGuard(t *testing.T) {
	l := live(t, "")
	pairs := [][2]string{{"maxclients", "7"}, {"appendfsync", "always"}}
	asked, answer := make(chan *Config), make(chan error)
	l.Guard(func(old, new *Config) error {
		if old != l.Config() || old.Fsync == new.Fsync {
			t.Errorf("the guard was asked for %q to %q", old.Fsync, new.Fsync)
		}
		asked <- new
		return <-answer
	})
	set := make(chan error)
	for _, refusal := range []error{errors.New("no luck"), nil} {
		if done, err := l.TrySet(pairs); done || err != nil {
			t.Fatalf("TrySet: %v, %v", done, err)
		}
		go func() { set <- l.Set(pairs) }()
		if next := <-asked; next.Fsync != "always" || l.Config().Fsync != "everysec" || l.Config().MaxClients != 10000 {
			t.Errorf("the guard was asked for %q, at a time when there was %q", next.Fsync, l.Config().Fsync)
		}
		if done, err := l.TrySet([][2]string{{"maxclients", "8"}}); done || err != nil {
			t.Errorf("TrySet while another change waits: %v, %v", done, err)
		}
		answer <- refusal
		err := <-set
		if c := l.Config(); refusal == nil && (err != nil || c.Fsync != "always" || c.MaxClients != 7) {
			t.Errorf("Set: %v; then %q, %d", err, c.Fsync, c.MaxClients)
		}
		if refusal != nil && (err == nil || err.Error() !=
			"CONFIG SET failed (possibly related to argument 'fsync') - no luck" || l.Config().MaxClients != 10000) {
			t.Errorf("Set: %v; then %d", err, l.Config().MaxClients)
		}
	}
	if done, err := l.TrySet([][2]string{{"maxclients", "8"}}); !done || err != nil || l.Config().MaxClients != 8 {
		t.Errorf("TrySet: %v, %v", done, err)
	}
	if done, err := l.TrySet([][2]string{{"fsync", "sometimes"}}); !done || err == nil {
		t.Errorf("TrySet of nonsense: %v, %v", done, err)
	}
}
