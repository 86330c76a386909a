package model

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Model is what the rows of a policy mean: a Casbin model with one
// definition of each sort.
type Model struct {
	Text   string         // the whole model, tidied: what Casbin is to read
	Fields []string       // the fields of a p row, such as sub, via, dom, obj, act, eft
	Links  map[string]int // the number of fields, two or three, of the rows g, g2 and so on
	// Effect says how the rules that match make an answer. It is one of those of
	// Casbin that allow nothing unless a rule does.
	Effect  string
	Matcher string // when a rule matches
}

// The effects of a [Model].
const (
	AllowOverride = "some(where (p.eft == allow))"
	DenyOverride  = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
	FirstMatch    = "priority(p.eft) || deny" // goes by the order of rules
)

// request is what authz asks.
const request = "sub, dom, obj, act"

// Field returns the position of the named field in a p row, or -1.
func (m *Model) Field(name string) int { return slices.Index(m.Fields, name) }

// sections are those of a model.conf, in order, with the keys each may have.
var sections = []struct {
	name string
	keys []string
}{
	{"request_definition", []string{"r"}},
	{"policy_definition", []string{"p"}},
	{"role_definition", []string{"g", "g2", "g3", "g4", "g5", "g6"}},
	{"policy_effect", []string{"e"}},
	{"matchers", []string{"m"}},
}

// blanks is how a model defines links of n fields: "_, _".
func blanks(n int) string { return strings.TrimSuffix(strings.Repeat("_, ", n), ", ") }

// maxDefinition is what Casbin reads of a line; the rest it leaves out.
const maxDefinition = 4000

// A definition is one line "key = value" of a model.conf.
type definition struct {
	value string
	line  int
}

// ReadModel reads a model.conf. The error is [Faults].
func ReadModel(file string, text []byte) (*Model, error) {
	m, _, err := readModel(file, text)
	return m, err
}

func readModel(file string, text []byte) (*Model, map[string]definition, error) {
	c := &collector{file: file}
	defs := readDefinitions(text, c)
	m := &Model{Links: map[string]int{}}
	checks := map[string]func(definition, *collector){
		"r": setRequest, "p": m.setFields, "e": m.setEffect, "m": m.setMatcher,
	}
	for _, s := range sections { // p before m, which speaks of its fields
		missing := ""
		for i, key := range s.keys {
			d, found := defs[key]
			switch {
			case !found && i == 0:
				c.add(0, 0, "no %s in [%s]", key, s.name)
			case !found:
				missing = cmp.Or(missing, key)
			case missing != "":
				c.add(d.line, 0, "%s without %s: Casbin reads no further than the first that is missing", key, missing)
			case checks[key] != nil:
				checks[key](d, c)
			default:
				m.setLink(key, d, c)
			}
		}
	}
	if err := c.err(); err != nil {
		return nil, nil, err
	}
	m.Text = m.render()
	return m, defs, nil
}

// readDefinitions reads the lines of an ini file with the known sections and
// keys, by key.
func readDefinitions(text []byte, c *collector) map[string]definition {
	defs := map[string]definition{}
	lineOf := map[string]int{}
	var section string
	var keys []string
	for l := range readLines(text, c) {
		s := strings.Trim(l.text, " ")
		if name, found := strings.CutPrefix(s, "["); found && strings.HasSuffix(name, "]") {
			section, keys = strings.TrimSuffix(name, "]"), nil
			for _, known := range sections {
				if known.name == section {
					keys = known.keys
				}
			}
			if keys == nil {
				c.add(l.number, 0, "section [%.80s]: want one of request_definition, policy_definition, role_definition, policy_effect, matchers", section)
			}
			if first, found := lineOf[section]; found {
				c.add(l.number, 0, "section [%.80s] is already on line %d", section, first)
			}
			lineOf[section] = l.number
			continue
		}
		key, value, found := strings.Cut(s, "=")
		key, value = strings.Trim(key, " "), strings.Trim(value, " ")
		switch first := defs[key]; {
		case !found || value == "":
			c.add(l.number, 0, "%.80q: want key = value, on one line", s)
		case len(s) > maxDefinition:
			c.add(l.number, 0, "the definition is %d bytes long, want at most %d", len(s), maxDefinition)
		case strings.ContainsAny(s, "#;\\"):
			// Casbin cuts the line at the first two, even between quotes, and
			// goes on to the next line at the last.
			c.add(l.number, 0, "%.80q: want no #, ; or \\ in a definition; a comment wants a line of its own", s)
		case section == "":
			c.add(l.number, 0, "%.80q stands before the first section", s)
		case first.line > 0:
			c.add(l.number, 0, "%s is already on line %d", key, first.line)
		case keys != nil && !slices.Contains(keys, key):
			c.add(l.number, 0, "%.80q in [%s]: want %s", key, section, strings.Join(keys, ", "))
		default:
			defs[key] = definition{value, l.number}
		}
	}
	return defs
}

func setRequest(d definition, c *collector) {
	if list(d.value) != request {
		c.add(d.line, 0, "r = %.200s: want %s", d.value, request)
	}
}

// setLink takes the two sorts of links that Casbin follows.
func (m *Model) setLink(key string, d definition, c *collector) {
	n := strings.Count(d.value, ",") + 1
	if n != 2 && n != 3 || list(d.value) != blanks(n) {
		c.add(d.line, 0, "%s = %.200s: want %s, or %s for links in a domain", key, d.value, blanks(2), blanks(3))
		n = 2 // whatever else there is to say
	}
	m.Links[key] = n
}

// list tidies the blanks of a list with commas.
func list(s string) string {
	parts := strings.Split(s, ",")
	for i, p := range parts {
		parts[i] = strings.Trim(p, " ")
	}
	return strings.Join(parts, ", ")
}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (m *Model) setFields(d definition, c *collector) {
	m.Fields = strings.Split(list(d.value), ", ")
	if n := len(m.Fields); n > len(Rule{}.V) {
		c.add(d.line, 0, "p has %d fields: casbin_rule has room for %d", n, len(Rule{}.V))
	}
	for i, f := range m.Fields {
		if !fieldName.MatchString(f) {
			c.add(d.line, 0, "p: field %.80q: want a lower-case name", f)
		} else if m.Field(f) != i {
			c.add(d.line, 0, "p: field %s is given twice", f)
		}
	}
	for _, f := range []string{"obj", "act"} {
		if m.Field(f) < 0 {
			c.add(d.line, 0, "p has no field %s", f)
		}
	}
}

func (m *Model) setEffect(d definition, c *collector) {
	tight := strings.ReplaceAll(d.value, " ", "")
	for _, e := range []string{AllowOverride, DenyOverride, FirstMatch} {
		if tight == strings.ReplaceAll(e, " ", "") {
			m.Effect = e // spelled as Casbin compares it
			return
		}
	}
	c.add(d.line, 0, "e = %.200s: want %s, or %s, or %s", d.value, AllowOverride, DenyOverride, FirstMatch)
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	reference = regexp.MustCompile(`\b([rp][0-9]*)\.([A-Za-z_][A-Za-z0-9_]*)`)
	linkCall  = regexp.MustCompile(`\b(g[0-9]*)\(`)
)

// setMatcher checks that the matcher speaks of things that are defined. Whether
// it is a sound expression is for the engine to say.
func (m *Model) setMatcher(d definition, c *collector) {
	m.Matcher = d.value
	code := quoted.ReplaceAllString(d.value, `""`)
	if i := strings.IndexFunc(code, func(r rune) bool { return r > '~' }); i >= 0 {
		c.add(d.line, 0, "m: want ASCII, except between quotes")
	}
	for _, ref := range reference.FindAllStringSubmatch(code, -1) {
		known := ref[1] == "r" && slices.Contains(strings.Split(request, ", "), ref[2]) ||
			ref[1] == "p" && m.Field(ref[2]) >= 0
		if !known {
			c.addAs(CheckUndefined, d.line, 0, "m: %.80s is not defined", ref[0])
		}
	}
	for _, call := range linkCall.FindAllStringSubmatch(code, -1) {
		if _, known := m.Links[call[1]]; !known {
			c.addAs(CheckUndefined, d.line, 0, "m: %.80s is not defined", call[1])
		}
	}
	if strings.Count(code, "(") != strings.Count(code, ")") {
		c.add(d.line, 0, "m: the parentheses do not match")
	}
}

func (m *Model) render() string {
	values := map[string]string{"r": request, "p": strings.Join(m.Fields, ", "), "e": m.Effect, "m": m.Matcher}
	for key, n := range m.Links {
		values[key] = blanks(n)
	}
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", s.name)
		for _, key := range s.keys {
			if values[key] != "" {
				fmt.Fprintf(&b, "%s = %s\n", key, values[key])
			}
		}
	}
	return b.String()
}
