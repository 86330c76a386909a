package lint

import (
	"regexp"
	"strings"
)

// A token is a word of a matcher.
type token struct {
	text string
	kind byte // 'a' a name, 'f' a function, 's' a text, 'n' a number, 'o' an operator or a bracket
}

var word = regexp.MustCompile(`^(?:"[^"]*"|'[^']*'|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|[0-9][0-9A-Za-z_.]*|&&|\|\||[=!<>]=|=~|!~|\*\*|<<|>>|\?\?|.)`)

// tokens splits a matcher.
func tokens(s string) []token {
	var list []token
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		t := token{text: word.FindString(s)}
		if t.text == "" { // a line break, which no model has
			return list
		}
		s = s[len(t.text):]
		switch c := t.text[0]; {
		case c == '"' || c == '\'':
			t.kind = 's'
		case c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z':
			t.kind = 'a'
			if strings.HasPrefix(strings.TrimLeft(s, " "), "(") && t.text != "in" {
				t.kind = 'f'
			}
		case '0' <= c && c <= '9':
			t.kind = 'n'
		default:
			t.kind = 'o'
		}
		list = append(list, t)
	}
	return list
}

// An expr is a matcher as far as and, or and not go. What lies between is an
// atom, of which it is only known what it speaks of.
type expr struct {
	op    string // "&&", "||", "!" or "" for an atom
	parts []expr
	atom  []token
}

// parse reads list. What it cannot follow, such as a ?: b, is an atom.
func parse(list []token) expr {
	if parts := split(list, "||"); len(parts) > 1 {
		return joined("||", parts)
	}
	if parts := split(list, "&&"); len(parts) > 1 {
		return joined("&&", parts)
	}
	if len(list) > 1 && list[0].text == "!" {
		return expr{op: "!", parts: []expr{parse(list[1:])}}
	}
	if len(list) > 2 && list[0].text == "(" && closing(list) == len(list)-1 {
		return parse(list[1 : len(list)-1])
	}
	return expr{atom: list}
}

func joined(op string, parts [][]token) expr {
	e := expr{op: op}
	for _, p := range parts {
		e.parts = append(e.parts, parse(p))
	}
	return e
}

// split cuts list at an operator that stands in no brackets. It does not cut a
// choice, which binds less than all others.
func split(list []token, op string) [][]token {
	var parts [][]token
	depth, start := 0, 0
	for i, t := range list {
		switch {
		case t.text == "(":
			depth++
		case t.text == ")":
			depth--
		case depth == 0 && op != "," && (t.text == "?" || t.text == "??") && t.kind == 'o':
			return nil
		case depth == 0 && t.text == op && t.kind == 'o':
			parts = append(parts, list[start:i])
			start = i + 1
		}
	}
	return append(parts, list[start:])
}

// closing returns where the bracket closes that list begins with.
func closing(list []token) int {
	depth := 0
	for i, t := range list {
		switch t.text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// canBe reports whether e can come out as want when every atom can come out
// either way, except that those which lost picks are false.
func (e expr) canBe(want bool, lost func(atom []token) bool) bool {
	switch e.op {
	case "":
		return !want || !lost(e.atom)
	case "!":
		return e.parts[0].canBe(!want, lost)
	}
	// An and is true when all are, and an or is false when all are.
	all := (e.op == "&&") == want
	for _, p := range e.parts {
		if p.canBe(want, lost) != all {
			return !all
		}
	}
	return all
}

// join returns what list says, without spaces.
func join(list []token) string {
	var b strings.Builder
	for _, t := range list {
		b.WriteString(t.text)
	}
	return b.String()
}

// arguments returns how many the call has that list begins with: a name, a
// bracket and so on.
func arguments(list []token) int {
	end := closing(list[1:])
	if end < 0 {
		return 0
	}
	inside := list[2 : 1+end]
	if len(inside) == 0 {
		return 0
	}
	return len(split(inside, ","))
}
