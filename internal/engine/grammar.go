package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// The matchers that the index takes:
//
//	matcher  = and { "||" and } .
//	and      = unit { "&&" unit } .
//	unit     = "(" matcher ")" | atom .
//	atom     = operand "==" operand
//	         | link "(" "r." FIELD "," "p." FIELD [ "," "r.dom" ] ")"
//	         | "keyMatch" "(" "r." FIELD "," "p." FIELD ")" .
//	operand  = "r." FIELD | "p." FIELD | TEXT .
//	link     = "g" | "g2" | … as the model defines them, two or three fields .
//	TEXT     = a letter or "*", then letters, digits and _ : * / -, in quotes .
//
// An equality compares two different sorts of operand. Some atom speaks of the
// row, or Casbin would not look at the rows at all. Casbin reads a dot, or what
// looks like a date, between quotes as something else; so TEXT has neither.

// An atom is one condition of a matcher on a request and a row.
type atom struct {
	kind atomKind
	link string // of a linked atom
	ask  int    // the field of the request, or -1
	row  int    // the field of the row, or -1
	text string // of the two that compare with a text
}

type atomKind uint8

const (
	linked   atomKind = iota // g(r.sub, p.sub, r.dom)
	matched                  // keyMatch(r.obj, p.obj)
	equal                    // r.act == p.act
	rowText                  // p.via == "any"
	asksText                 // r.sub == "root"
)

// A clause is met when any of its atoms is. A matcher is met when all of its
// clauses are.
type clause []atom

// The fields of a request.
const (
	askSub = iota
	askDom
	askObj
	askAct
)

var askFields = []string{"sub", "dom", "obj", "act"}

// Written out as clauses, a matcher can become much longer than it was.
const maxClauses, maxAtoms = 32, 16

// Compiles reports whether there is an index for m. Casbin itself answers for
// every other model, a thousand times slower.
func Compiles(m *model.Model) bool {
	_, err := compileMatcher(m)
	return err == nil
}

// compileMatcher returns m's matcher as clauses, or why the index cannot take
// the model.
func compileMatcher(m *model.Model) ([]clause, error) {
	switch m.Effect {
	case model.AllowOverride, model.DenyOverride, AllowUnlessDenied:
	default:
		return nil, fmt.Errorf("engine: effect %s: the order of rows decides", m.Effect)
	}
	p := parser{model: m, rest: m.Matcher}
	p.next()
	clauses := p.or()
	if p.err == nil && p.token != "" {
		p.fail("an operator")
	}
	if p.err != nil {
		return nil, p.err
	}
	if !slices.ContainsFunc(clauses, func(c clause) bool {
		return slices.ContainsFunc(c, func(a atom) bool { return a.row >= 0 })
	}) {
		return nil, fmt.Errorf("engine: matcher %q: it does not speak of the row", m.Matcher)
	}
	return clauses, nil
}

// AllowUnlessDenied is the effect of Casbin that allows whatever no row
// denies. [model.ReadModel] refuses it.
const AllowUnlessDenied = "!some(where (p.eft == deny))"

type parser struct {
	model       *model.Model
	token, rest string
	err         error
}

var tokenOf = regexp.MustCompile(`^(?:"[^"]*"|'[^']*'|[rp]\.[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*|==|&&|\|\||[(),]|.)`)

func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, " ")
	p.token = tokenOf.FindString(p.rest)
	p.rest = p.rest[len(p.token):]
	if p.token == "" && p.rest != "" {
		p.token = p.rest // a line break, which no model has
	}
}

func (p *parser) fail(want string) {
	if p.err == nil {
		p.err = fmt.Errorf("engine: matcher: %.40q before %.40q: want %s", p.token, p.rest, want)
	}
}

func (p *parser) take(token string) {
	if p.token != token {
		p.fail(token)
		return
	}
	p.next()
}

func (p *parser) or() []clause {
	all := p.and()
	for p.err == nil && p.token == "||" {
		p.next()
		all = p.either(all, p.and())
	}
	return all
}

func (p *parser) and() []clause {
	all := p.unit()
	for p.err == nil && p.token == "&&" {
		p.next()
		all = append(all, p.unit()...)
		p.limit(all)
	}
	return all
}

// either spreads a disjunction over clauses: a and b, or c, is a or c, and b or c.
func (p *parser) either(one, other []clause) []clause {
	var all []clause
	for _, a := range one {
		for _, b := range other {
			all = append(all, slices.Concat(a, b))
			if p.limit(all); p.err != nil {
				return nil
			}
		}
	}
	return all
}

func (p *parser) limit(all []clause) {
	if p.err == nil && (len(all) > maxClauses || len(all) > 0 && len(all[len(all)-1]) > maxAtoms) {
		p.err = fmt.Errorf("engine: matcher: as clauses it is too long: want at most %d of %d conditions", maxClauses, maxAtoms)
	}
}

func (p *parser) unit() []clause {
	if p.err != nil {
		return nil
	}
	if p.token == "(" {
		p.next()
		all := p.or()
		p.take(")")
		return all
	}
	if strings.HasPrefix(p.rest, "(") {
		return []clause{{p.call()}}
	}
	return []clause{{p.equality()}}
}

func (p *parser) call() atom {
	name := p.token
	fields, link := p.model.Links[name]
	a := atom{kind: linked, link: name}
	switch {
	case link && (fields == 2 || fields == 3):
	case name == "keyMatch":
		a.kind, a.link, fields = matched, "", 2
	default:
		p.fail("keyMatch or a link of two or three fields")
		return a
	}
	p.next()
	p.take("(")
	a.ask = p.field("r.", askFields)
	p.take(",")
	a.row = p.field("p.", p.model.Fields)
	if fields == 3 {
		p.take(",")
		p.take("r.dom")
	}
	p.take(")")
	return a
}

func (p *parser) field(prefix string, fields []string) int {
	name, found := strings.CutPrefix(p.token, prefix)
	i := slices.Index(fields, name)
	if !found || i < 0 {
		p.fail("a field of " + prefix)
	}
	p.next()
	return i
}

func (p *parser) equality() atom {
	a := atom{ask: -1, row: -1}
	texts := 0
	for i := range 2 {
		if i == 1 {
			p.take("==")
		}
		switch {
		case strings.HasPrefix(p.token, "r.") && a.ask < 0:
			a.ask = p.field("r.", askFields)
		case strings.HasPrefix(p.token, "p.") && a.row < 0:
			a.row = p.field("p.", p.model.Fields)
		case plainText.MatchString(p.token) && texts == 0:
			a.text = p.token[1 : len(p.token)-1]
			texts++
			p.next()
		default:
			p.fail("a field, or a plain text in quotes")
			return a
		}
	}
	switch {
	case texts == 0:
		a.kind = equal
	case a.ask < 0:
		a.kind = rowText
	default:
		a.kind = asksText
	}
	return a
}

var plainText = regexp.MustCompile(`^(?:"[A-Za-z*][A-Za-z0-9_:*/-]*"|'[A-Za-z*][A-Za-z0-9_:*/-]*')$`)
