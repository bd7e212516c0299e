package command

import (
	"strconv"
	"strings"
)

// canonical brings a script into a form in which scripts that do the same thing
// in the same way are the same text, however they are written: without comments
// and semicolons, one space between tokens, one kind of quotes, commands in
// lower case, local variables named by their order, no parentheses around a
// whole condition. calls are the lines of its redis.call, in order.
//
// ok is false for what is no text that any known script could be: the tokens
// known here are those that the known scripts use.
func canonical(script []byte) (text string, calls []int, ok bool) {
	tokens, ok := luaTokens(string(script))
	if !ok {
		return "", nil, false
	}
	tokens = withoutOuterParentheses(tokens)
	locals := map[string]string{}
	var b strings.Builder
	for i, t := range tokens {
		word := t.text
		switch {
		case t.quoted:
			if calledWith(tokens, i) {
				word = strings.ToLower(word)
			}
			word = "'" + word + "'"
		case i > 0 && tokens[i-1].is("local"):
			if locals[word] == "" {
				locals[word] = "@" + strconv.Itoa(len(locals)) // no name that Lua allows
			}
			word = locals[word]
		case locals[word] != "" && !tokens[i-1].is("."):
			word = locals[word]
		}
		if calledWith(tokens, i+1) {
			calls = append(calls, t.line)
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String(), calls, true
}

type luaToken struct {
	text   string
	quoted bool
	line   int
}

func (t *luaToken) is(word string) bool { return !t.quoted && t.text == word }

// calledWith says whether token i is the first argument of redis.call.
func calledWith(tokens []luaToken, i int) bool {
	return i >= 4 && tokens[i-1].is("(") && tokens[i-2].is("call") && tokens[i-3].is(".") && tokens[i-4].is("redis")
}

// withoutOuterParentheses drops those around the whole condition of an if.
func withoutOuterParentheses(tokens []luaToken) []luaToken {
	out := tokens[:0:0]
	closing := -1 // of the pair being dropped
	for i := range tokens {
		switch {
		case i == closing:
			continue
		case i > 0 && tokens[i].is("(") && (tokens[i-1].is("if") || tokens[i-1].is("elseif")):
			if end := closedAt(tokens, i); end >= 0 && end+1 < len(tokens) && tokens[end+1].is("then") {
				closing = end
				continue
			}
		}
		out = append(out, tokens[i])
	}
	return out
}

// closedAt is where the parenthesis at i is closed, or -1.
func closedAt(tokens []luaToken, i int) int {
	depth := 0
	for ; i < len(tokens); i++ {
		switch {
		case tokens[i].is("("):
			depth++
		case tokens[i].is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// luaTokens cuts a script into tokens, without comments and semicolons.
func luaTokens(s string) (tokens []luaToken, ok bool) {
	line := 1
	for i := 0; i < len(s); {
		from := i
		switch ch := s[i]; {
		case ch == '\n':
			line++
			i++
			continue
		case ch == ' ' || ch == '\t' || ch == '\r' || ch == ';':
			i++
			continue
		case strings.HasPrefix(s[i:], "--"):
			if strings.HasPrefix(s[i:], "--[") {
				return nil, false // may be a comment of several lines
			}
			for i < len(s) && s[i] != '\n' {
				i++
			}
			continue
		case ch == '\'' || ch == '"':
			n := strings.IndexByte(s[i+1:], ch)
			if n < 0 || strings.ContainsAny(s[i+1:i+1+n], "\\\n'\"") {
				return nil, false
			}
			tokens = append(tokens, luaToken{s[i+1 : i+1+n], true, line})
			i += n + 2
			continue
		case isLuaWord(ch):
			for i < len(s) && isLuaWord(s[i]) {
				i++
			}
		case strings.HasPrefix(s[i:], "==") || strings.HasPrefix(s[i:], "~="):
			i += 2
		case strings.IndexByte("()[].,=<+-", ch) >= 0:
			i++
		default:
			return nil, false
		}
		tokens = append(tokens, luaToken{s[from:i], false, line})
	}
	return tokens, true
}

func isLuaWord(ch byte) bool {
	return ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || ch == '_'
}
