package command

import "strings"

// keySpec says where some of a command's keys stand, and what becomes of them.
type keySpec struct {
	flags []string // "RO", "access", …
	index int      // the first one's place among the words; 0: not a fixed one

	// A range: last counts from index, or if negative from the end.
	last, step int
	// counted: the word at index says how many keys follow, step words apart.
	counted bool
}

// keySpecs are what row.access, the positions and the syntax say together.
//
// Where a command does different things to its keys, access has parts, divided
// by ";": each but the last is for one key, in the order of the words.
func (r *row) keySpecs() []keySpec {
	if r.first == 0 {
		return r.countedKeys()
	}
	parts := r.accessParts()
	specs := make([]keySpec, len(parts))
	for i, part := range parts {
		s := keySpec{flags: part, index: r.first + i*r.step, step: r.step}
		if i == len(parts)-1 {
			s.last = r.last
			if r.last > 0 {
				s.last -= s.index
			}
		}
		specs[i] = s
	}
	return specs
}

func (r *row) accessParts() [][]string {
	var parts [][]string
	for part := range strings.SplitSeq(r.access, ";") {
		parts = append(parts, strings.Fields(part))
	}
	return parts
}

// countedKeys is the spec of a command with a word "numkeys", such as EVAL.
func (r *row) countedKeys() []keySpec {
	if r.keys == nil {
		return nil
	}
	args, _ := parseSyntax(r.syntax)
	for i := range args {
		if args[i].name != "numkeys" {
			continue
		}
		s := keySpec{flags: r.accessParts()[0], index: 1 + i, counted: true, step: 1}
		if r.parent != nil {
			s.index++
		}
		if i+1 < len(args) && args[i+1].kind == "block" {
			s.step = len(args[i+1].args)
		}
		return []keySpec{s}
	}
	return nil
}

func (c *call) writeKeySpec(s *keySpec) {
	w := c.w
	w.Map(3)
	w.BulkString("flags")
	c.writeWords(s.flags)
	number := func(name string, n int) {
		w.BulkString(name)
		w.Int(int64(n))
	}
	w.BulkString("begin_search")
	w.Map(2)
	w.BulkString("type")
	w.BulkString("index")
	w.BulkString("spec")
	w.Map(1)
	number("index", s.index)
	w.BulkString("find_keys")
	w.Map(2)
	w.BulkString("type")
	if s.counted {
		w.BulkString("keynum")
		w.BulkString("spec")
		w.Map(3)
		number("keynumidx", 0)
		number("firstkey", 1)
		number("keystep", s.step)
		return
	}
	w.BulkString("range")
	w.BulkString("spec")
	w.Map(3)
	number("lastkey", s.last)
	number("keystep", s.step)
	number("limit", 0)
}

// keysOf finds the command that COMMAND GETKEYS asks about, and its keys'
// positions among its words. Where there are none the error is replied.
func (c *call) keysOf() (r *row, words [][]byte, pos []int, ok bool) {
	words = c.args[2:]
	r, known := c.srv.table.lookup(words)
	switch {
	case r == nil || !known:
		c.fail("ERR Invalid command specified")
	case !r.keyed() || strings.Contains(r.access, "not_key"):
		c.fail("ERR The command has no key arguments")
	case !r.arityOK(len(words)):
		c.fail("ERR Invalid number of arguments specified for command")
	default:
		pos, ok = r.keyPositions(words, nil)
		if (!ok || len(pos) == 0) && !r.has(noMandatoryKeys) {
			c.fail("ERR Invalid arguments specified for command")
			return nil, nil, nil, false
		}
		if !ok {
			pos = nil
		}
		return r, words, pos, true
	}
	return nil, nil, nil, false
}

func cmdCommandGetKeys(c *call) {
	_, words, pos, ok := c.keysOf()
	if !ok {
		return
	}
	c.w.Array(len(pos))
	for _, p := range pos {
		c.w.Bulk(words[p])
	}
}

func cmdCommandGetKeysAndFlags(c *call) {
	r, words, pos, ok := c.keysOf()
	if !ok {
		return
	}
	parts := r.accessParts()
	c.w.Array(len(pos))
	for i, p := range pos {
		c.w.Array(2)
		c.w.Bulk(words[p])
		c.writeWords(accessOf(r, words, parts[min(i, len(parts)-1)]))
	}
}

// accessOf narrows what a command may do to a key down to what these words
// make it do.
func accessOf(r *row, words [][]byte, access []string) []string {
	var flags []string
	varies := false
	for _, f := range access {
		if f == "variable_flags" {
			varies = true
		} else {
			flags = append(flags, f)
		}
	}
	if !varies {
		return flags
	}
	switch r.name {
	case "set":
		if !hasWord(words[3:], "GET") && !hasWord(words[3:], "IFEQ") && !hasWord(words[3:], "IFNE") &&
			!hasWord(words[3:], "IFDEQ") && !hasWord(words[3:], "IFDNE") {
			return []string{"OW", "update"}
		}
	case "bitfield":
		if !hasWord(words[2:], "SET") && !hasWord(words[2:], "INCRBY") {
			return []string{"RO", "access"}
		}
	}
	return flags
}

// hasWord says whether one of the words is word, which is in upper case.
func hasWord(words [][]byte, word string) bool {
	for _, w := range words {
		if equalFold(w, word) {
			return true
		}
	}
	return false
}
