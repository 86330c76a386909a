package engine

import (
	"fmt"
	"time"

	"github.com/volmacht/volmacht/model"
)

// maxChain is how many links Casbin follows from a name before it gives up.
const maxChain = 10

// An index answers for the standard model: it follows only the links that
// start from the request, where Casbin tries every p row.
type index struct {
	policies []policy
	roles    map[string][]link // g: who holds what, where
	traits   map[string][]link // g2: what is true of a domain
	parts    map[string][]link // g3: what an object is part of
}

type policy struct {
	sub, via, dom, obj, act string
	deny                    bool
	row                     model.Rule
}

// A link is a g, g2 or g3 row, filed under its first field.
type link struct {
	to, domain  string // domain is a keyMatch pattern, in g rows only
	from, until int64  // unix microseconds; 0 is no bound
	row         model.Rule
}

func newIndex(rows []Row) (*index, error) {
	x := &index{
		roles:  make(map[string][]link),
		traits: make(map[string][]link),
		parts:  make(map[string][]link),
	}
	for _, r := range rows {
		l := link{to: r.V[1], from: micros(r.From), until: micros(r.Until), row: r.Rule}
		switch r.PType {
		case "p":
			if err := x.addPolicy(r); err != nil {
				return nil, err
			}
		case "g":
			l.domain = r.V[2]
			x.roles[r.V[0]] = append(x.roles[r.V[0]], l)
		case "g2":
			x.traits[r.V[0]] = append(x.traits[r.V[0]], l)
		case "g3":
			x.parts[r.V[0]] = append(x.parts[r.V[0]], l)
		default:
			return nil, fmt.Errorf("engine: %v: want p, g, g2 or g3", r.Rule)
		}
	}
	return x, nil
}

func (x *index) addPolicy(r Row) error {
	p := policy{sub: r.V[0], via: r.V[1], dom: r.V[2], obj: r.V[3], act: r.V[4], row: r.Rule}
	switch r.V[5] {
	case "allow":
	case "deny":
		p.deny = true
	default:
		return fmt.Errorf("engine: %v: effect %q: want allow or deny", r.Rule, r.V[5])
	}
	if !r.From.IsZero() || !r.Until.IsZero() {
		return fmt.Errorf("engine: %v: a p row has no start and no end", r.Rule)
	}
	x.policies = append(x.policies, p)
	return nil
}

// A closure is what can be reached from a name: each name with the link by
// which it was first reached, in order of reaching.
type closure []step

type step struct {
	name string
	by   link
	prev int // the step that by starts from; -1 at the start
}

func (c closure) find(name string) int {
	for i := range c {
		if c[i].name == name {
			return i
		}
	}
	return -1
}

func (c closure) has(name string) bool { return c.find(name) >= 0 }

// path returns the rows that lead to name, the first link first.
func (c closure) path(name string) []model.Rule {
	var rows []model.Rule
	for i := c.find(name); i >= 0 && c[i].prev >= 0; i = c[i].prev {
		rows = append([]model.Rule{c[i].by.row}, rows...)
	}
	return rows
}

// follow walks links from the names in start, as far as Casbin does.
func follow(links map[string][]link, domain string, at int64, start ...string) closure {
	var c closure
	for _, name := range start {
		c = append(c, step{name: name, prev: -1})
	}
	for depth, done := 0, 0; depth < maxChain && done < len(c); depth++ {
		for level := len(c); done < level; done++ {
			for _, l := range links[c[done].name] {
				if l.holds(domain, at) && !c.has(l.to) {
					c = append(c, step{l.to, l, done})
				}
			}
		}
	}
	return c
}

func (l *link) holds(domain string, at int64) bool {
	return (l.from == 0 || l.from <= at) && (l.until == 0 || at < l.until) &&
		(l.domain == "" || keyMatch(domain, l.domain))
}

// keyMatch is Casbin's: a '*' in the pattern stands for everything after it.
func keyMatch(key, pattern string) bool {
	for i := range len(pattern) {
		if pattern[i] == '*' {
			return len(key) >= i && key[:i] == pattern[:i]
		}
	}
	return key == pattern
}

// A question is a request with everything that can be reached from it.
type question struct {
	roles, traits, parts closure
	act                  string
}

func (x *index) ask(q Request, at time.Time, also ...string) (question, error) {
	if err := q.check(); err != nil {
		return question{}, err
	}
	t := micros(at)
	return question{
		roles:  follow(x.roles, q.Domain, t, append([]string{q.Subject}, also...)...),
		traits: follow(x.traits, "", t, q.Domain),
		parts:  follow(x.parts, "", t, q.Object),
		act:    q.Action,
	}, nil
}

// speaks reports whether p is about what q asks for.
func (q *question) speaks(p *policy) bool {
	return (p.act == "*" || p.act == q.act) && (p.obj == "*" || q.parts.has(p.obj))
}

// gap returns which conditions of p q does not meet.
func (q *question) gap(p *policy) Gap {
	g := Gap{Rule: p.row}
	if !q.roles.has(p.sub) {
		g.Role = p.sub
	}
	if p.via != model.Any && !q.roles.has(p.via) {
		g.Via = p.via
	}
	if p.dom != model.Any && !q.traits.has(p.dom) {
		g.Trait = p.dom
	}
	return g
}

func (g Gap) closed() bool { return g.Role == "" && g.Via == "" && g.Trait == "" }

// decide returns the p row that decides: a deny before an allow, nil when
// there is neither.
func (x *index) decide(q question) *policy {
	var allow *policy
	for i := range x.policies {
		p := &x.policies[i]
		if !q.speaks(p) || !q.gap(p).closed() {
			continue
		}
		if p.deny {
			return p
		}
		if allow == nil {
			allow = p
		}
	}
	return allow
}

func (x *index) Enforce(q Request, at time.Time) (bool, error) {
	asked, err := x.ask(q, at)
	if err != nil {
		return false, err
	}
	p := x.decide(asked)
	return p != nil && !p.deny, nil
}

func (x *index) EnforceAs(q Request, role string, at time.Time) (bool, error) {
	asked, err := x.ask(q, at, role)
	if err != nil {
		return false, err
	}
	p := x.decide(asked)
	return p != nil && !p.deny, nil
}

func (x *index) Explain(q Request, at time.Time) (Explanation, error) {
	asked, err := x.ask(q, at)
	if err != nil {
		return Explanation{}, err
	}
	if p := x.decide(asked); p != nil {
		return Explanation{Allowed: !p.deny, Rows: asked.because(p)}, nil
	}
	var e Explanation
	for i := range x.policies {
		if p := &x.policies[i]; !p.deny && asked.speaks(p) {
			e.Gaps = append(e.Gaps, asked.gap(p))
		}
	}
	return e, nil
}

// because returns p and the rows by which it applies, each once.
func (q *question) because(p *policy) []model.Rule {
	rows := []model.Rule{p.row}
	seen := make(map[model.Rule]bool)
	for _, path := range [][]model.Rule{
		q.roles.path(p.sub), q.roles.path(p.via), q.traits.path(p.dom), q.parts.path(p.obj),
	} {
		for _, r := range path {
			if !seen[r] {
				seen[r] = true
				rows = append(rows, r)
			}
		}
	}
	return rows
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
