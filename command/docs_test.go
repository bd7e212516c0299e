package command

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// dumpArguments shows a tree of arguments on one line: name:kind=TOKEN?*+{…}
func dumpArguments(args []argument) string {
	words := make([]string, len(args))
	for i, a := range args {
		s := a.name + ":" + a.kind
		if a.token != "" {
			s += "=" + a.token
		}
		for _, f := range a.flagWords() {
			s += map[string]string{"optional": "?", "multiple": "*", "multiple_token": "+"}[f]
		}
		if len(a.args) > 0 {
			s += "{" + dumpArguments(a.args) + "}"
		}
		words[i] = s
	}
	return strings.Join(words, " ")
}

func TestSyntax(t *testing.T) {
	for _, tc := range []struct{ syntax, tree, usage string }{
		{"", "", ""},
		{"key", "key:key", "<key>"},
		{"key value", "key:key value:string", "<key> <value>"},
		{"key...", "key:key*", "<key> [<key> ...]"},
		{"[section...]", "section:string?*", "[<section> [<section> ...]]"},
		{"source:key destination:key [REPLACE]", "source:key destination:key replace:pure-token=REPLACE?", "<source> <destination> [REPLACE]"},
		{"data{key value}...", "data:block*{key:key value:string}", "<key> <value> [<key> <value> ...]"},
		{"key value [condition(NX|XX)] [GET] [expiration(EX=seconds:integer|KEEPTTL)]",
			"key:key value:string condition:oneof?{nx:pure-token=NX xx:pure-token=XX} get:pure-token=GET? " +
				"expiration:oneof?{seconds:integer=EX keepttl:pure-token=KEEPTTL}",
			"<key> <value> [NX|XX] [GET] [EX <seconds>|KEEPTTL]"},
		{"[FILTERBY=filterby(MODULE=name|PATTERN=pattern:pattern)]",
			"filterby:oneof=FILTERBY?{name:string=MODULE pattern:pattern=PATTERN}", "[FILTERBY (MODULE <name>|PATTERN <pattern>)]"},
		{"[GET=pattern:pattern...+]", "pattern:pattern=GET?*+", "[GET <pattern> [GET <pattern> ...]]"},
		{"[ARGS=arg...]", "arg:string=ARGS?*", "[ARGS <arg> [<arg> ...]]"},
		{"[target{TO host port:integer [FORCE]}]", "target:block?{to:pure-token=TO host:string port:integer force:pure-token=FORCE?}",
			"[TO <host> <port> [FORCE]]"},
		{"[LIMIT offset:integer count:integer]", "limit:block?{limit:pure-token=LIMIT offset:integer count:integer}",
			"[LIMIT <offset> <count>]"},
		{"[key]...", "key:key?*", "[<key> [<key> ...]]"},
		{"switch(a{x y}|b)", "switch:oneof{a:block{x:string y:string} b:string}", "(<x> <y>|<b>)"},
		{"increment:double at:unix-time", "increment:double at:unix-time", "<increment> <at>"},
	} {
		args, err := parseSyntax(tc.syntax)
		if err != nil {
			t.Errorf("%q: %v", tc.syntax, err)
			continue
		}
		if got := dumpArguments(args); got != tc.tree {
			t.Errorf("%q\n got %s\nwant %s", tc.syntax, got, tc.tree)
		}
		if got := usage(args); got != tc.usage {
			t.Errorf("%q is used as %s, want %s", tc.syntax, got, tc.usage)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, bad := range []string{
		" ", "key ", " key", "key  value", "[key", "key]", "a(b", "a(b|)", "a(|b)", "a{b", "a{}", "a:b:c", "key:nosuch", "key:",
		"EX=", "=a", "a=b", "...", "[]", "key...+", "a b}", "EX=1:integer)",
	} {
		if args, err := parseSyntax(bad); err == nil {
			t.Errorf("accepted %q as %s", bad, dumpArguments(args))
		}
	}
}

// genArgument makes a tree and the text for it, by the grammar.
func genArgument(t *rapid.T, depth int) (argument, string) {
	word := rapid.StringMatching(`[a-z][a-z0-9-]{0,5}`)
	a := argument{name: word.Draw(t, "name"), kind: "string"}
	if a.name == "key" {
		a.kind = "key"
	}
	text := ""
	if rapid.Bool().Draw(t, "token") {
		a.token = strings.ToUpper(word.Draw(t, "token's name"))
		text = a.token
		if rapid.Bool().Draw(t, "pure") {
			a.name, a.kind = strings.ToLower(a.token), "pure-token"
		} else {
			text += "="
		}
	}
	if a.kind != "pure-token" {
		text += a.name
		top := 1
		if depth > 0 {
			top = 3
		}
		switch rapid.IntRange(0, top).Draw(t, "kind") {
		case 1:
			a.kind = rapid.SampledFrom(strings.Fields("string integer double key pattern unix-time")).Draw(t, "type")
			text += ":" + a.kind
		case 2:
			inner := ""
			a.kind = "oneof"
			a.args, inner = genArguments(t, depth-1, "|")
			text += "(" + inner + ")"
		case 3:
			inner := ""
			a.kind = "block"
			a.args, inner = genArguments(t, depth-1, " ")
			text += "{" + inner + "}"
		}
	}
	if a.multiple = rapid.Bool().Draw(t, "multiple"); a.multiple {
		text += "..."
		if a.multipleToken = a.token != "" && rapid.Bool().Draw(t, "with its token"); a.multipleToken {
			text += "+"
		}
	}
	if a.optional = rapid.Bool().Draw(t, "optional"); a.optional {
		text = "[" + text + "]"
	}
	return a, text
}

func genArguments(t *rapid.T, depth int, sep string) ([]argument, string) {
	n := rapid.IntRange(1, 3).Draw(t, "arguments")
	args, texts := make([]argument, n), make([]string, n)
	for i := range args {
		args[i], texts[i] = genArgument(t, depth)
	}
	return args, strings.Join(texts, sep)
}

// TestSyntaxRoundTrip: whatever tree the grammar can write is read as that tree.
func TestSyntaxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, text := genArguments(t, 2, " ")
		got, err := parseSyntax(text)
		if err != nil {
			t.Fatal(err)
		}
		if dumpArguments(got) != dumpArguments(want) {
			t.Fatalf("%q\n got %s\nwant %s", text, dumpArguments(got), dumpArguments(want))
		}
	})
}

// TestSyntaxNeverPanics: no text brings the parser down.
func TestSyntaxNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z=:.+ \[\](){}|]{0,20}`).Draw(t, "text")
		args, err := parseSyntax(text)
		if err == nil {
			_ = fmt.Sprint(usage(args))
		}
	})
}
