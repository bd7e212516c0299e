package conf

import (
	"errors"
	"path/filepath"
	"slices"
)

// ErrHelp and ErrVersion are not faults: the arguments ask for [Help], or for
// the program's version, instead of a running node.
var (
	ErrHelp    = errors.New("conf: help was asked for")
	ErrVersion = errors.New("conf: the version was asked for")
)

// Sources is the outside that [Load] reads.
type Sources struct {
	Args     []string                          // command line without the program's name
	Environ  []string                          // "NAME=value", as os.Environ gives it
	ReadFile func(name string) ([]byte, error) // as os.ReadFile
	Memory   func() int64                      // bytes this process may use, 0 if unknown: [MachineMemory]; nil is unknown
	Dir      string                            // working directory, which a relative path of the config file is in
}

// Load puts the config together: defaults, then the file, then the
// environment, then the flags, each over the one before. The error is
// [ErrHelp], [ErrVersion] or all that is wrong as [Faults].
func Load(src Sources) (*Config, error) {
	flags := parseFlags(src.Args)
	if flags.ask != nil {
		return nil, flags.ask
	}
	env := parseEnv(src.Environ)

	l := newLoader(src)
	file, source := env.file, "environment "+envFile
	if flags.fileGiven {
		file, source = flags.file, "flag --config"
	}
	if file != "" {
		l.cfg.File = file
		if !filepath.IsAbs(file) && src.Dir != "" {
			l.cfg.File = filepath.Join(src.Dir, file)
		}
		if data, err := src.ReadFile(l.cfg.File); err != nil {
			l.fault(Fault{Source: source, Value: quote(file), Reason: err.Error()})
		} else {
			l.apply(parseFile(file, data))
		}
	}
	l.apply(env.found)
	l.apply(flags.found)
	l.check()
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	return &l.cfg, nil
}

// setting is a value that some source gives a key.
type setting struct {
	row    *row
	source string // as in [Fault]
	text   string
}

// found is what one source holds.
type found struct {
	settings []setting
	faults   []Fault
}

func (f *found) fault(source, reason string) {
	f.faults = append(f.faults, Fault{Source: source, Reason: reason})
}

// add takes a setting unless the source had one for the same key before.
func (f *found) add(s setting) {
	before := slices.IndexFunc(f.settings, func(b setting) bool { return b.row == s.row })
	if before >= 0 {
		f.faults = append(f.faults, Fault{
			Source: s.source, Key: s.row.name, Reason: "is given twice, before as " + f.settings[before].source,
		})
		return
	}
	f.settings = append(f.settings, s)
}

// loader builds a Config up, source by source.
type loader struct {
	cfg    Config
	from   map[string]string // key -> the source that set it last; none for a default
	bad    map[string]bool   // keys with a fault
	faults Faults
	facts  []setting // of fixed rows: what they are is known when all others are set
}

func newLoader(src Sources) *loader {
	l := &loader{from: map[string]string{}, bad: map[string]bool{}}
	l.cfg.WorkDir = src.Dir
	if src.Memory != nil {
		l.cfg.MachineMemory = src.Memory()
	}
	for r := range rows {
		if !r.isFixed() {
			l.set(setting{r, "default of " + r.name, r.def})
		}
	}
	clear(l.from)
	return l
}

func (l *loader) fault(f Fault) {
	l.faults = append(l.faults, f)
	l.bad[f.Key] = true
}

func (l *loader) apply(f found) {
	for _, fault := range f.faults {
		l.fault(fault)
	}
	for _, s := range f.settings {
		if s.row.isFixed() {
			l.facts = append(l.facts, s)
			continue
		}
		l.set(s)
	}
}

func (l *loader) set(s setting) {
	if err := s.row.kind.set(&l.cfg, s.text); err != nil {
		l.fault(Fault{
			Source: s.source, Key: s.row.name, Value: s.row.shown(s.text),
			Reason: err.Error(), Allowed: s.row.kind.allowed(),
		})
		return
	}
	l.from[s.row.name] = s.source
}

// check adds the faults of keys that do not fit together. A key that has a
// fault of its own did not take its value, so that nothing can be said about
// what goes with it.
func (l *loader) check() {
	for _, s := range l.facts {
		l.set(s)
	}
	for _, c := range clashes(&l.cfg) {
		if slices.ContainsFunc(c.keys, func(key string) bool { return l.bad[key] }) {
			continue
		}
		// Name the source of the first key that the user did set.
		source := c.keys[0]
		if i := slices.IndexFunc(c.keys, func(key string) bool { return l.from[key] != "" }); i >= 0 {
			source = l.from[c.keys[i]]
			if i > 0 {
				source += ": " + c.keys[0]
			}
		}
		l.fault(Fault{Source: source, Key: c.keys[0], Reason: c.reason})
	}
}
