package conf

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/glob"
)

// Live is the config of a running node. All methods are safe to call from any
// goroutine; reading takes no lock.
type Live struct {
	files   Files
	current atomic.Pointer[Config]

	mu struct {
		sync.Mutex
		onChange []func(old, new *Config)
		// changed holds what CONFIG SET changed since the file was last
		// written: the key's name and its text.
		changed map[string]string
	}
	// setting is held while the config is changed, also while a guard waits for
	// a disk. It is taken before mu.
	setting sync.Mutex
	guard   func(old, new *Config) error // set before any change

	// rewriting is held over file I/O. Nothing but Rewrite takes it, and
	// Rewrite holds mu only before and after that.
	rewriting sync.Mutex
}

// NewLive begins with c, which must not be changed any more. files is how
// [Live.Rewrite] reaches the config file.
func NewLive(c *Config, files Files) *Live {
	l := &Live{files: files}
	l.current.Store(c)
	l.mu.changed = map[string]string{}
	return l
}

// Config is the config as it is now. It is a snapshot: it does not change, and
// must not be changed.
func (l *Live) Config() *Config { return l.current.Load() }

// OnChange has f called after each [Live.Set] that succeeded, one call at a
// time and in the order of the changes. f runs while other changes wait, so it
// should only pass the news on; it must not call Set or OnChange.
func (l *Live) OnChange(f func(old, new *Config)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.onChange = append(l.mu.onChange, f)
}

// Guard has f called before a change that waits for a disk takes effect, one call
// at a time. An error of it refuses the change. It is called before any change,
// once.
func (l *Live) Guard(f func(old, new *Config) error) { l.guard = f }

// Get lists the keys and values that one of the patterns matches, in the
// table's order, as CONFIG GET does: without regard to case, each key once, a
// key with two names under both. A pattern that is just a name is answered in
// the caller's spelling.
func (l *Live) Get(patterns ...string) [][2]string {
	c := l.Config()
	var found [][2]string
	for r := range rows {
		for _, name := range []string{r.name, r.alias} {
			if name == "" {
				continue
			}
			if shown, ok := matchAny(patterns, name); ok {
				found = append(found, [2]string{shown, r.kind.text(c)})
			}
		}
	}
	return found
}

// matchAny reports whether a pattern matches name, and how to show the name.
func matchAny(patterns []string, name string) (string, bool) {
	for _, p := range patterns {
		if strings.EqualFold(p, name) {
			return p, true
		}
		if glob.MatchFold([]byte(p), []byte(name)) {
			return name, true
		}
	}
	return "", false
}

// Set changes all the pairs of key and text, or none. It may wait for a disk. The
// error's text is what CONFIG SET answers after "-ERR ".
func (l *Live) Set(pairs [][2]string) error {
	l.setting.Lock()
	defer l.setting.Unlock()
	targets, next, err := l.prepare(pairs)
	if err != nil {
		return err
	}
	if r := waiting(targets); r != nil && l.guard != nil {
		if err := l.guard(l.Config(), next); err != nil {
			return setError(r.name, err.Error())
		}
	}
	l.apply(targets, next)
	return nil
}

// TrySet is Set if that need not wait. False means that nothing has happened.
func (l *Live) TrySet(pairs [][2]string) (done bool, err error) {
	if !l.setting.TryLock() {
		return false, nil
	}
	defer l.setting.Unlock()
	targets, next, err := l.prepare(pairs)
	if err != nil {
		return true, err
	}
	if waiting(targets) != nil && l.guard != nil {
		return false, nil
	}
	l.apply(targets, next)
	return true, nil
}

// prepare gives the config that the pairs make of the present one.
func (l *Live) prepare(pairs [][2]string) ([]*row, *Config, error) {
	targets, err := settable(pairs)
	if err != nil {
		return nil, nil, err
	}
	next := *l.Config() // the fields that are slices are replaced, never written into
	for i, r := range targets {
		if err := r.kind.set(&next, pairs[i][1]); err != nil {
			return nil, nil, setError(r.name, err.Error())
		}
	}
	return targets, &next, fitting(&next, targets)
}

// waiting is a key whose change waits for a disk, or nil.
func waiting(targets []*row) *row {
	for _, r := range targets {
		if r.waits {
			return r
		}
	}
	return nil
}

// apply makes a config the present one, with setting held.
func (l *Live) apply(targets []*row, next *Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.Config()
	l.current.Store(next)
	for _, r := range targets {
		if !r.isFixed() {
			l.mu.changed[r.name] = r.kind.text(next)
		}
	}
	for _, f := range l.mu.onChange {
		f(old, next)
	}
}

// settable looks the keys up. As in Redis, all names are judged before any
// value is.
func settable(pairs [][2]string) ([]*row, error) {
	targets := make([]*row, 0, len(pairs))
	for _, pair := range pairs {
		r := find(strings.ToLower(pair[0]))
		switch {
		case r == nil:
			return nil, fmt.Errorf("Unknown option or number of arguments for CONFIG SET - '%s'", pair[0])
		case !r.live:
			return nil, setError(pair[0], errImmutable.Error())
		}
		for _, before := range targets {
			if before == r {
				return nil, setError(pair[0], "duplicate parameter")
			}
		}
		targets = append(targets, r)
	}
	return targets, nil
}

// fitting checks the keys of next together.
func fitting(next *Config, targets []*row) error {
	for _, clash := range clashes(next) {
		for _, key := range clash.keys {
			for _, r := range targets {
				if r.name == key {
					return setError(r.name, clash.reason)
				}
			}
		}
	}
	return nil
}

func setError(key, why string) error {
	return fmt.Errorf("CONFIG SET failed (possibly related to argument '%s') - %s", key, why)
}
