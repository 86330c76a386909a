package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// functions are those of plain casbin/v2, by how many arguments they take; 0
// is any number. (github.com/casbin/casbin/v2/model/function.go; eval is one of
// the enforcer's own.)
var functions = map[string]int{
	"keyMatch": 2, "keyGet": 2, "keyMatch2": 2, "keyGet2": 3, "keyMatch3": 2, "keyGet3": 3,
	"keyMatch4": 2, "keyMatch5": 2, "regexMatch": 2, "ipMatch": 2, "globMatch": 2, "eval": 1,
}

// undefined reports names in the matcher that Casbin would find only when it
// decides, or, behind a condition that is seldom met, much later.
func (l *linter) undefined() {
	m, line := l.pack.Model, l.pack.ModelLine("m")
	list := tokens(m.Matcher)
	faults := len(l.findings)
	for i, t := range list {
		switch t.kind {
		case 'f':
			want, known := functions[t.text]
			if n, link := m.Links[t.text]; link {
				want, known = n, true
			}
			got := arguments(list[i:])
			switch {
			case !known && strings.Contains(t.text, "."):
				l.foundAt(model.ModelFile, line, "m: %s is no function", t.text)
			case !known:
				l.foundAt(model.ModelFile, line, "m: plain Casbin has no function %s%s", t.text, didYouMean(t.text, maps.Keys(functions)))
			case want != got:
				l.foundAt(model.ModelFile, line, "m: %s has %d arguments, want %d", t.text, got, want)
			}
		case 'a':
			object, _, _ := strings.Cut(t.text, ".")
			switch {
			case (object == "r" || object == "p") && strings.Count(t.text, ".") == 1: // the reader knows them
			case t.text == "true", t.text == "false", t.text == "in":
			default:
				l.foundAt(model.ModelFile, line, "m: %s is not defined: a text wants quotes", t.text)
			}
		}
	}
	if len(l.findings) > faults || engine.Compiles(m) {
		return
	}
	if err := try(m); err != nil {
		l.foundAt(model.ModelFile, line, "m: Casbin cannot decide by it: %v", err)
	}
}

func didYouMean(name string, known func(func(string) bool)) string {
	if near := model.Nearest(name, known, len(name)/3); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// evaluated finds the fields that hold a condition of their own.
var evaluated = regexp.MustCompile(`eval\(\s*p\.(\w+)\s*\)`)

// try has Casbin decide by m, with a row, links and a request of ordinary words
// that meet most matchers, so that little of m is left out.
func try(m *model.Model) error {
	var rules []string
	for _, found := range evaluated.FindAllStringSubmatch(m.Matcher, -1) {
		rules = append(rules, found[1])
	}
	fields := make([]string, len(m.Fields))
	for i, f := range m.Fields {
		fields[i] = "x"
		switch {
		case f == "eft":
			fields[i] = "allow"
		case slices.Contains(rules, f):
			fields[i] = "true" // a text that is an expression
		}
	}
	rows := []engine.Row{{Rule: model.NewRule("p", fields...)}}
	for key, n := range m.Links {
		link := []string{"x/", "x"}
		if n == 3 {
			link = []string{"user:x", "x", "*"}
		}
		rows = append(rows, engine.Row{Rule: model.NewRule(key, link...)})
	}
	e, err := engine.NewCasbin(m.Text, rows)
	if err == nil {
		_, err = e.Enforce(engine.Request{Subject: "user:x", Domain: "x/", Object: "x", Action: "x"}, time.Unix(0, 0))
	}
	return err
}

// unanchored reports a matcher that can be met by somebody who has no role of
// the row in the domain of the request, or in a domain that the row is not
// about. It goes by the shape of the matcher alone.
func (l *linter) unanchored() {
	m, line := l.pack.Model, l.pack.ModelLine("m")
	e := parse(tokens(m.Matcher))
	anchored := func(atom []token) bool {
		for key, n := range m.Links {
			if n == 3 && join(atom) == key+"(r.sub,p.sub,r.dom)" {
				return true
			}
		}
		return false
	}
	if e.canBe(true, anchored) {
		l.foundAt(model.ModelFile, line, "m: it can be met without g(r.sub, p.sub, r.dom): who holds a profile in one tenant, or none at all, is let into others")
		return
	}
	if m.Field("dom") < 0 {
		return // no row is about some domains only
	}
	compared := false
	e.atoms(func(atom []token) { compared = compared || speaks(atom, "p.dom") && speaks(atom, "r.dom") })
	if !compared || e.canBe(true, func(atom []token) bool { return speaks(atom, "p.dom") }) {
		l.foundAt(model.ModelFile, line, "m: it can be met without comparing r.dom with p.dom: a row about some domains holds in others")
	}
}

func speaks(atom []token, name string) bool {
	return slices.ContainsFunc(atom, func(t token) bool { return t.text == name })
}

func (e expr) atoms(yield func([]token)) {
	if e.op == "" {
		yield(e.atom)
	}
	for _, p := range e.parts {
		p.atoms(yield)
	}
}

// slowMatcher reports a model that Casbin itself must answer for, or that is
// not the one of the shipped packs.
func (l *linter) slowMatcher() {
	if slices.ContainsFunc(l.findings, func(f Finding) bool { return f.File == model.ModelFile }) {
		return // it will change anyway
	}
	switch m := l.pack.Model; {
	case !engine.Compiles(m):
		l.foundAt(model.ModelFile, l.pack.ModelLine("m"),
			"the index cannot compile this model: Casbin answers, which takes a thousand times as long, and nothing is known about rows that decide nothing")
	case !engine.IsStandard(m):
		l.foundAt(model.ModelFile, l.pack.ModelLine("m"),
			"this is not the model of the shipped packs: the index answers, but nothing is known about rows that decide nothing")
	}
}
