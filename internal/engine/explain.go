package engine

import (
	"slices"
	"time"

	"github.com/volmacht/volmacht/model"
)

// Enforce implements [Engine].
func (s *Snapshot) Enforce(q Request, at time.Time) (bool, error) {
	if err := q.check(); err != nil {
		return false, err
	}
	if s.casbin != nil {
		c, err := s.casbin.of(s)
		if err != nil {
			return false, err
		}
		return c.Enforce(q, at)
	}
	return s.Decide(KeyOf(q.Subject), KeyOf(q.Domain), s.policy.Question(q.Object, q.Action), func() time.Time { return at })
}

// EnforceAs implements [Engine].
func (s *Snapshot) EnforceAs(q Request, role string, at time.Time) (bool, error) {
	if err := q.check(); err != nil {
		return false, err
	}
	if s.casbin != nil {
		c, err := s.casbin.of(s)
		if err != nil {
			return false, err
		}
		return c.EnforceAs(q, role, at)
	}
	also := asRow(s.policy.model, q, role)
	_, allowed := s.read(q, micros(at), &also).decides()
	return allowed, nil
}

// asRow is the row that gives the subject of q a role.
func asRow(m *model.Model, q Request, role string) model.Rule {
	if m.Links["g"] == 2 {
		return model.NewRule("g", q.Subject, role)
	}
	return model.NewRule("g", q.Subject, role, q.Domain)
}

// Explain implements [Engine]. It walks the links of the request and keeps the
// rows that it comes by.
func (s *Snapshot) Explain(q Request, at time.Time) (Explanation, error) {
	if err := q.check(); err != nil {
		return Explanation{}, err
	}
	if s.casbin != nil {
		c, err := s.casbin.of(s)
		if err != nil {
			return Explanation{}, err
		}
		return c.Explain(q, at)
	}
	r := s.read(q, micros(at), nil)
	row, allowed := r.decides()
	x := Explanation{Allowed: allowed}
	switch {
	case row >= 0 && r.policy.rows[row].V[0] != "": // or Casbin's row of empty fields
		x.Rows = r.because(row)
	case row < 0 && !allowed:
		x.Gaps = r.gaps()
	}
	return x, nil
}

// because returns p row i and the rows by which it applies, each once.
func (r *reading) because(i int) []model.Rule {
	p := r.policy
	rows := []model.Rule{p.rows[i]}
	for c := range p.clauses {
		if has1(p.clauses[c].always, i) {
			continue
		}
		for _, t := range p.clauses[c].terms {
			if !has1(r.bits[t.source][t.offset:], i) {
				continue
			}
			for _, by := range r.reached[t.source].path(r.value(t, i)) {
				if !slices.Contains(rows, by) {
					rows = append(rows, by)
				}
			}
			break
		}
	}
	return rows
}

// value returns the name that p row i asks a link to by a term, or "".
func (r *reading) value(t term, i int) string {
	src := &r.policy.sources[t.source]
	if src.atomKind != linked {
		return ""
	}
	return r.policy.rows[i].V[r.policy.graphs[src.graph].asked[t.offset/r.policy.words]]
}

// gaps returns what each row that would allow is short of, of those that speak
// of the object and the action.
func (r *reading) gaps() []Gap {
	var gaps []Gap
rows:
	for i, row := range r.policy.rows {
		if !has1(r.policy.allow, i) || row.V[0] == "" {
			continue
		}
		g := Gap{Rule: row}
		for j := range r.policy.clauses {
			c := &r.policy.clauses[j]
			if r.meets(c, i) {
				continue
			}
			if c.static {
				continue rows
			}
			r.lack(&g, c, i)
		}
		gaps = append(gaps, g)
	}
	return gaps
}

// lack notes in g the first thing that would meet a clause.
func (r *reading) lack(g *Gap, c *condition, i int) {
	p := r.policy
	for _, t := range c.terms {
		src := &p.sources[t.source]
		text := r.value(t, i)
		switch {
		case src.atomKind == linked && src.ask == askSub && p.graphs[src.graph].asked[t.offset/p.words] == p.model.Field("sub"):
			g.Role = text
		case src.atomKind == linked && src.ask == askSub:
			g.Via = text
		case src.atomKind == linked && src.ask == askDom:
			g.Trait = text
		case src.ask == askSub:
			g.Role = p.rows[i].V[max(p.model.Field("sub"), 0)]
		case src.ask == askDom:
			g.Trait = p.rows[i].V[max(p.model.Field("dom"), 0)]
		default:
			continue
		}
		return
	}
}
