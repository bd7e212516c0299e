package resp

import "github.com/tidwall/redcon"

// maxAhead is how many commands of a pipeline are parsed before the first of
// them is executed.
const maxAhead = 16

// keepArgs is the largest array of arguments that a window keeps.
const keepArgs = 1024

// window holds the commands at the front of a session's input that were parsed
// ahead of their execution, so that the worker can have the memory that they
// will need fetched while it still executes those before them. A carrier has
// one for all its sessions: it is filled and emptied within one turn.
type window struct {
	cmds [maxAhead][][]byte // arguments; cmds[:n] are valid
	ends [maxAhead]int      // where in the input each command ends
	n    int
	used int // bytes of input that were understood, the empty commands after the last one included
}

// fill parses what is at the front of b: at least one command if it is whole.
// A command that is wrong is an error only if it is the first; else the window
// ends before it.
func (w *window) fill(s *Session, b []byte, lim *Limits) error {
	w.n, w.used = 0, 0
	most := maxAhead
	if !s.trusted {
		most = 1 // what it may send may change with each command
	}
	for w.n < most && w.used < len(b) {
		n, err := s.scan.next(b[w.used:], lim, s.trusted)
		if err == nil && n == 0 {
			return nil
		}
		var args [][]byte
		if err == nil && !s.scan.empty(b[w.used:w.used+n]) {
			args, err = parse(b[w.used:w.used+n], w.cmds[w.n][:0])
		}
		s.scan.reset()
		if err != nil {
			clear(w.cmds[w.n][:cap(w.cmds[w.n])])
			if w.n > 0 {
				err = nil
			}
			return err
		}
		w.used += n
		if len(args) > 0 {
			if scribble {
				args = lend(args)
			}
			w.cmds[w.n], w.ends[w.n] = args, w.used
			w.n++
		}
	}
	return nil
}

// drop forgets the arguments, which would keep an input buffer alive, and the
// memory for a great many of them.
func (w *window) drop() {
	for i, args := range w.cmds[:w.n] {
		clear(args)
		if cap(args) > keepArgs {
			w.cmds[i] = nil
		}
	}
	w.n = 0
}

// parse splits one whole command, which the scanner has passed, into words.
func parse(raw []byte, argv [][]byte) ([][]byte, error) {
	if raw[0] == '*' {
		_, args, _, _, err := redcon.ReadNextCommand(raw, argv)
		if err != nil { // the scanner and redcon disagree: a bug, but no harm
			return nil, protocolError(err.Error())
		}
		return args, nil
	}
	args, ok := splitInline(raw, argv)
	if !ok {
		return nil, errUnbalanced
	}
	return args, nil
}

// lend copies arguments for scribbling: see race_on.go.
func lend(args [][]byte) [][]byte {
	lent := make([][]byte, len(args))
	for i, a := range args {
		lent[i] = append(make([]byte, 0, len(a)), a...)
	}
	return lent
}
