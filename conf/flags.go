package conf

import "strings"

// flags is what the command line holds.
type flags struct {
	found
	file      string // the config file
	fileGiven bool   // --config is there, if only to say "none"
	ask       error  // ErrHelp, ErrVersion or nil
}

// parseFlags reads "--name value", "--name=value", and "--name" alone for a
// switch. A value may begin with one dash (a negative number), not with two: a
// forgotten value would eat the next flag.
func parseFlags(args []string) flags {
	var f flags
	afterSecret := false // a password with an unquoted space goes on in the next argument
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch arg {
		case "-h", "--help":
			f.ask = ErrHelp
			return f
		case "--version":
			f.ask = ErrVersion
			return f
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			shown := quote(arg)
			if afterSecret {
				shown = hidden
			}
			f.fault("argument "+shown, "is not a flag")
			continue
		}
		name, value, given := strings.Cut(arg, "=")
		if !given && len(args) > 0 && !strings.HasPrefix(args[0], "--") && args[0] != "-h" {
			value, given = args[0], true
			args = args[1:]
		}
		f.one(name, value, given)
		r := find(strings.TrimPrefix(name, "--"))
		afterSecret = r != nil && r.secret
	}
	return f
}

func (f *flags) one(name, value string, given bool) {
	source := "flag " + name
	key, long := strings.CutPrefix(name, "--")
	if long && key == "config" {
		switch {
		case f.fileGiven:
			f.fault(source, "is given twice")
		case !given:
			f.fault(source, "needs the name of a file")
		}
		f.file, f.fileGiven = value, true
		return
	}
	r := find(key)
	if !long || r == nil {
		f.fault("flag "+quote(name), "there is no such flag; --help lists them")
		return
	}
	if !given {
		if _, isSwitch := r.kind.(yesNo); !isSwitch {
			f.faults = append(f.faults, Fault{Source: source, Key: r.name, Reason: "needs a value", Allowed: r.kind.allowed()})
			return
		}
		value = "yes"
	}
	f.add(setting{r, source, value})
}
