package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// errNoFile has Redis's text.
var errNoFile = errors.New("The server is running without a config file")

// Rewrite writes what [Live.Set] changed into the file that the config came
// from, and leaves everything else in it as it is. The error's text is what
// CONFIG REWRITE answers after "-ERR ".
func (l *Live) Rewrite() error {
	l.rewriting.Lock()
	defer l.rewriting.Unlock()
	name := l.Config().File
	if name == "" {
		return errNoFile
	}
	l.mu.Lock()
	changed := maps.Clone(l.mu.changed)
	l.mu.Unlock()
	if len(changed) == 0 {
		return nil
	}

	data, err := l.files.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte("{}\n"), nil
	}
	if err == nil {
		data, err = edit(data, changed)
	}
	if err == nil {
		err = l.files.Replace(name, data)
	}
	if err != nil {
		return fmt.Errorf("Rewriting config file: %w", err)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	for key, text := range changed {
		if l.mu.changed[key] == text { // not set again meanwhile
			delete(l.mu.changed, key)
		}
	}
	return nil
}

// change is a piece of text to put in the place of data[start:end].
type change struct {
	start, end int
	text       []byte
}

// edit is the document data with the changed keys set. Only the values that
// change are touched; keys that were not there are added at the end.
func edit(data []byte, changed map[string]string) ([]byte, error) {
	d, err := parseDocument(data)
	if err != nil {
		return nil, err
	}
	values := map[string][]byte{} // key -> the JSON to write, until it is placed
	for key, text := range changed {
		if values[key], err = storable(find(key), text); err != nil {
			return nil, err
		}
	}

	var changes []change
	lines := map[*row]int{}
	for _, e := range d.entries {
		r := find(e.key)
		if r == nil {
			continue // not ours to judge here, nor to lose
		}
		if before := lines[r]; before != 0 {
			return nil, lineError{e.line, fmt.Errorf("%s is there twice, before on line %d", r.name, before)}
		}
		lines[r] = e.line
		if value, ok := values[r.name]; ok {
			changes = append(changes, change{e.start, e.end, value})
			delete(values, r.name)
		}
	}
	if len(values) > 0 {
		changes = append(changes, d.adding(values))
	}

	var out bytes.Buffer
	done := 0
	for _, c := range changes {
		out.Write(data[done:c.start])
		out.Write(c.text)
		done = c.end
	}
	out.Write(data[done:])
	return out.Bytes(), nil
}

// adding is the change that puts new keys after the last one, each set apart
// as that one is.
func (d *document) adding(values map[string][]byte) change {
	var text bytes.Buffer
	last := len(d.entries) - 1
	gap := []byte("\n  ")
	if last >= 0 {
		gap = d.gapBefore(last)
	}
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 || last >= 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, "%s%q: %s", gap, key, values[key])
	}
	if last >= 0 {
		at := d.entries[last].end
		return change{at, at, text.Bytes()}
	}
	text.WriteByte('\n')
	return change{bytes.IndexByte(d.data, '{') + 1, d.end, text.Bytes()}
}

// gapBefore is the space in front of a key: mostly a line break and some
// spaces.
func (d *document) gapBefore(i int) []byte {
	from := bytes.IndexByte(d.data, '{') + 1
	if i > 0 {
		from = d.entries[i-1].end
	}
	gap := d.data[from:]
	gap = gap[:bytes.IndexByte(gap, '"')]
	if comma := bytes.IndexByte(gap, ','); comma >= 0 {
		gap = gap[comma+1:]
	}
	return gap
}

// storable is the JSON value that gives the key this text again. A text that is
// not UTF-8, which is fine for a password on the wire, has none.
func storable(r *row, text string) ([]byte, error) {
	value := jsonOf(text, r.kind.shapes())
	if back, err := textOf(value, r.kind.shapes()); err != nil || back != text {
		return nil, fmt.Errorf("the value of %s is not UTF-8, and a JSON file cannot hold it", r.name)
	}
	return value, nil
}
