package conf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// largestFile bounds a config file, in bytes.
const largestFile = 1 << 20

// document is a JSON object as its text: where each value is, so that one can
// be replaced and everything else stays as the user wrote it.
type document struct {
	data    []byte
	entries []entry
	end     int // offset of the closing brace
}

// entry is one key of a document.
type entry struct {
	key        string
	line       int // of the key, from 1
	start, end int // the value is data[start:end]
}

func (e entry) value(d *document) []byte { return d.data[e.start:e.end] }

// lineError is a fault of the whole document.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func lineOf(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n"))
}

// parseDocument finds the keys of the JSON object that data is. Keys may be
// there twice; that is for the caller to judge.
func parseDocument(data []byte) (*document, error) {
	if len(data) > largestFile {
		return nil, lineError{1, fmt.Errorf("the file is larger than %s", sizeText(largestFile))}
	}
	// The decoder would replace such bytes silently, in a password too.
	if !utf8.Valid(data) {
		return nil, lineError{1, errors.New("the file is not UTF-8")}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		line := lineOf(data, len(data))
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line = lineOf(data, int(syntax.Offset)-1)
		}
		return nil, lineError{line, fmt.Errorf("not JSON: %w", err)}
	}

	// From here on the text is known to be valid.
	d := &document{data: data}
	dec := json.NewDecoder(bytes.NewReader(data))
	if brace, err := dec.Token(); err != nil || brace != json.Delim('{') {
		return nil, lineError{lineOf(data, int(dec.InputOffset())), errors.New(`not a JSON object, {"port": 6379}`)}
	}
	line, counted := 1, 0 // lines up to there; counting anew for each key would be quadratic
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, lineError{line, err}
		}
		at := int(dec.InputOffset())
		line += bytes.Count(data[counted:at], []byte("\n"))
		counted = at
		e := entry{line: line}
		e.key, _ = key.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, lineError{e.line, err}
		}
		e.end = int(dec.InputOffset())
		e.start = e.end - len(value)
		d.entries = append(d.entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, lineError{lineOf(data, len(data)), err}
	}
	d.end = int(dec.InputOffset()) - 1
	return d, nil
}

// parseFile reads the config file of that name.
func parseFile(name string, data []byte) found {
	var f found
	d, err := parseDocument(data)
	if err != nil {
		var at lineError
		if errors.As(err, &at) {
			f.fault(fmt.Sprintf("%s:%d", name, at.line), at.err.Error())
		}
		return f
	}
	for _, e := range d.entries {
		r := find(e.key)
		if r == nil {
			f.fault(fmt.Sprintf("%s:%d: %s", name, e.line, quote(e.key)), "there is no such key; --help lists them")
			continue
		}
		source := fmt.Sprintf("%s:%d: %s", name, e.line, e.key)
		text, err := textOf(e.value(d), r.kind.shapes())
		if err != nil {
			f.faults = append(f.faults, Fault{
				Source: source, Key: r.name, Value: r.shown(string(e.value(d))),
				Reason: err.Error(), Allowed: r.kind.allowed(),
			})
			continue
		}
		f.add(setting{r, source, text})
	}
	return f
}

// textOf is the text that a JSON value stands for. A string always does; what
// else does, the key's kind says, so that no number or true ends up as a
// password.
func textOf(value []byte, take shape) (string, error) {
	var s string
	switch value[0] {
	case '"':
		err := json.Unmarshal(value, &s)
		return s, err
	case 't', 'f':
		if take&asBool == 0 {
			return "", errors.New("true and false are for switches")
		}
		if value[0] == 't' {
			return "yes", nil
		}
		return "no", nil
	case '[':
		if take&asArray == 0 {
			return "", errors.New("the key does not take a list")
		}
		var list []any
		if err := json.Unmarshal(value, &list); err != nil {
			return "", err
		}
		words := make([]string, len(list))
		for i, v := range list {
			word, ok := v.(string)
			if !ok {
				return "", errors.New("the list must hold strings alone")
			}
			words[i] = word
		}
		return strings.Join(words, " "), nil
	case '{', 'n':
		return "", errors.New("a key takes no object and no null")
	default:
		if take&asNumber == 0 {
			return "", errors.New("the value must be in quotes")
		}
		return string(value), nil
	}
}

// jsonOf is text as the JSON value that suits the shapes best; textOf takes it
// back.
func jsonOf(text string, suits shape) []byte {
	switch {
	case suits&asBool != 0 && text == "yes":
		return []byte("true")
	case suits&asBool != 0 && text == "no":
		return []byte("false")
	case suits&asNumber != 0:
		var n json.Number
		if json.Unmarshal([]byte(text), &n) == nil && n.String() == text {
			return []byte(text)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a person reads the file
	_ = enc.Encode(text)     // a string is always encoded
	return bytes.TrimSpace(b.Bytes())
}
