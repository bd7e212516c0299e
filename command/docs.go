package command

import (
	"fmt"
	"strings"
)

// The words behind a command's name are written in row.syntax, in this grammar:
//
//	syntax = item { " " item }
//	item   = ( "[" syntax "]" | arg ) [ "..." | "...+" ]
//	arg    = TOKEN | TOKEN "=" value | value
//	value  = name | name ":" type | name "(" item { "|" item } ")" | name "{" syntax "}"
//
// A TOKEN begins with an upper-case letter and is sent as it stands; TOKEN=value
// is a value that follows its token. Brackets make what is in them optional, and
// several items in one pair of brackets a block. Parentheses are one of several,
// braces a block. "..." may be repeated, "...+" together with its token.
//
// Types are string, integer, double, key, pattern and unix-time; without one a
// value is a string, except that the name "key" is a key.

// argument is one node of the tree that COMMAND DOCS shows.
type argument struct {
	name  string
	kind  string // a type, pure-token, oneof or block
	token string
	args  []argument // of oneof and block

	optional, multiple, multipleToken bool
}

// parseSyntax reads a row's syntax.
func parseSyntax(text string) ([]argument, error) {
	p := syntaxParser{text: text}
	if text == "" {
		return nil, nil
	}
	args, err := p.syntax()
	if err == nil && p.pos < len(text) {
		err = p.fault("does not belong here")
	}
	return args, err
}

type syntaxParser struct {
	text string
	pos  int
}

func (p *syntaxParser) fault(what string) error {
	return fmt.Errorf("syntax %q: at %q: %s", p.text, p.text[p.pos:], what)
}

// accept moves past s if it comes next.
func (p *syntaxParser) accept(s string) bool {
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *syntaxParser) syntax() ([]argument, error) {
	var args []argument
	for {
		a, err := p.item()
		if err != nil {
			return nil, err
		}
		if args = append(args, a); !p.accept(" ") {
			return args, nil
		}
	}
}

func (p *syntaxParser) item() (argument, error) {
	var a argument
	var err error
	if p.accept("[") {
		a, err = p.optional()
	} else {
		a, err = p.arg()
	}
	if err != nil {
		return a, err
	}
	if p.accept("...") {
		a.multiple = true
		a.multipleToken = p.accept("+")
		if a.multipleToken && a.token == "" {
			return a, p.fault("only what has a token can repeat it")
		}
	}
	return a, nil
}

func (p *syntaxParser) optional() (argument, error) {
	args, err := p.syntax()
	if err != nil {
		return argument{}, err
	}
	if !p.accept("]") {
		return argument{}, p.fault("] is missing")
	}
	a := args[0]
	if len(args) > 1 {
		a = argument{name: args[0].name, kind: "block", args: args}
	}
	a.optional = true
	return a, nil
}

func (p *syntaxParser) arg() (argument, error) {
	word := p.word()
	if word == "" {
		return argument{}, p.fault("a name or token is missing")
	}
	if word[0] < 'A' || word[0] > 'Z' {
		return p.value(word)
	}
	if !p.accept("=") {
		return argument{name: strings.ToLower(word), kind: "pure-token", token: word}, nil
	}
	name := p.word()
	if name == "" {
		return argument{}, p.fault("a name is missing")
	}
	a, err := p.value(name)
	a.token = word
	return a, err
}

// word is a name or a token.
func (p *syntaxParser) word() string {
	from := p.pos
	for p.pos < len(p.text) && isWordByte(p.text[p.pos]) {
		p.pos++
	}
	return p.text[from:p.pos]
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '/'
}

func (p *syntaxParser) value(name string) (argument, error) {
	a := argument{name: name, kind: "string"}
	if name == "key" {
		a.kind = "key"
	}
	var err error
	switch {
	case p.accept(":"):
		a.kind = p.word()
		if !strings.Contains(" string integer double key pattern unix-time ", " "+a.kind+" ") {
			err = p.fault("no such type")
		}
	case p.accept("("):
		a.kind = "oneof"
		a.args, err = p.choices()
	case p.accept("{"):
		a.kind = "block"
		if a.args, err = p.syntax(); err == nil && !p.accept("}") {
			err = p.fault("} is missing")
		}
	}
	return a, err
}

func (p *syntaxParser) choices() ([]argument, error) {
	var args []argument
	for {
		a, err := p.item()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		if p.accept(")") {
			return args, nil
		}
		if !p.accept("|") {
			return nil, p.fault("| or ) is missing")
		}
	}
}

// usage shows arguments to people, as HELP does.
func usage(args []argument) string {
	words := make([]string, len(args))
	for i := range args {
		words[i] = args[i].usage()
	}
	return strings.Join(words, " ")
}

func (a *argument) usage() string {
	var s string
	switch a.kind {
	case "pure-token":
		s = a.token
	case "oneof":
		words := make([]string, len(a.args))
		for i := range a.args {
			words[i] = a.args[i].usage()
		}
		if s = strings.Join(words, "|"); !a.optional || a.token != "" {
			s = "(" + s + ")"
		}
	case "block":
		s = usage(a.args)
	default:
		s = "<" + a.name + ">"
	}
	if a.kind != "pure-token" && a.token != "" {
		if a.multiple && !a.multipleToken {
			s += " [" + s + " ...]"
		}
		s = a.token + " " + s
	}
	if a.multiple && (a.token == "" || a.multipleToken) {
		s += " [" + s + " ...]"
	}
	if a.optional {
		s = "[" + s + "]"
	}
	return s
}
