package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casbin/casbin/v2"
	casbinmodel "github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"
	"github.com/casbin/casbin/v2/util"

	"github.com/volmacht/volmacht/model"
)

// Casbin answers with an enforcer of casbin/v2. The enforcer is built from
// the rows on first use, and again whenever a row starts or ends; it is never
// edited, because a role manager with patterns loses rows that way.
type Casbin struct {
	text    string
	rows    []Row
	domains bool // g rows have one

	// A Casbin enforcer writes to its memos while it reads.
	mu          sync.Mutex
	enforcer    *casbin.Enforcer
	from, until time.Time // when enforcer is right; until is zero for ever
}

// NewCasbin returns the engine that asks Casbin, for any model whose request
// is sub, dom, obj, act. In g rows with a domain the domain is a keyMatch
// pattern.
func NewCasbin(text string, rows []Row) (*Casbin, error) {
	c := &Casbin{text: text, rows: rows}
	e, err := build(text, rows, nil)
	if err != nil {
		return nil, err
	}
	g := e.GetModel()["g"]["g"]
	c.domains = g != nil && strings.Count(g.Value, "_") > 2
	return c, nil
}

// A lazyCasbin is the Casbin of a snapshot without an index, made on first use.
type lazyCasbin struct {
	once   sync.Once
	casbin *Casbin
	err    error
}

func (l *lazyCasbin) of(s *Snapshot) (*Casbin, error) {
	l.once.Do(func() {
		rows := slices.Collect(s.Rows())
		rows = slices.DeleteFunc(rows, func(r Row) bool {
			_, link := s.policy.model.Links[r.PType]
			return !link // without a meaning, or among those of the policy
		})
		slices.SortFunc(rows, func(a, b Row) int { return a.Rule.Compare(b.Rule) })
		all := make([]Row, 0, len(s.policy.pack)+len(rows))
		for _, r := range s.policy.pack {
			all = append(all, Row{Rule: r})
		}
		l.casbin, l.err = NewCasbin(s.policy.model.Text, append(all, rows...))
	})
	return l.casbin, l.err
}

// build returns a fresh enforcer for the rows that hold at the given time, or
// for none but p rows when at is nil, which is enough to try the model.
func build(text string, rows []Row, at *time.Time) (*casbin.Enforcer, error) {
	m, err := casbinmodel.NewModelFromString(text)
	if err != nil {
		return nil, fmt.Errorf("engine: model: %w", err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("engine: model: %w", err)
	}
	for name, g := range m["g"] {
		if strings.Count(g.Value, "_") > 2 { // as many as there are fields
			e.AddNamedDomainMatchingFunc(name, "keyMatch", util.KeyMatch)
		}
	}
	for _, r := range rows {
		if at == nil && r.PType != "p" || at != nil && !r.live(*at) {
			continue
		}
		if err := persist.LoadPolicyArray(append([]string{r.PType}, r.Fields()...), m); err != nil {
			return nil, fmt.Errorf("engine: %v: %w", r.Rule, err)
		}
	}
	if err := e.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("engine: links: %w", err)
	}
	return e, nil
}

func (r *Row) live(at time.Time) bool {
	return (r.From.IsZero() || !at.Before(r.From)) && (r.Until.IsZero() || at.Before(r.Until))
}

// current returns the enforcer for the given time. The caller holds mu.
func (c *Casbin) current(at time.Time) (*casbin.Enforcer, error) {
	if c.enforcer != nil && !at.Before(c.from) && (c.until.IsZero() || at.Before(c.until)) {
		return c.enforcer, nil
	}
	e, err := build(c.text, c.rows, &at)
	if err != nil {
		return nil, err
	}
	c.enforcer, c.from, c.until = e, time.Time{}, time.Time{}
	for i := range c.rows {
		for _, edge := range []time.Time{c.rows[i].From, c.rows[i].Until} {
			switch {
			case edge.IsZero():
			case edge.After(at):
				if c.until.IsZero() || edge.Before(c.until) {
					c.until = edge
				}
			case edge.After(c.from):
				c.from = edge
			}
		}
	}
	return e, nil
}

// next returns when, after the given time, a row starts or ends.
func (c *Casbin) next(at time.Time) (first time.Time) {
	for i := range c.rows {
		for _, edge := range []time.Time{c.rows[i].From, c.rows[i].Until} {
			if edge.After(at) && (first.IsZero() || edge.Before(first)) {
				first = edge
			}
		}
	}
	return first
}

// Enforce implements [Engine].
func (c *Casbin) Enforce(q Request, at time.Time) (bool, error) {
	e, err := c.Explain(q, at)
	return e.Allowed, err
}

// Explain implements [Engine]. Casbin names one p row and no links.
func (c *Casbin) Explain(q Request, at time.Time) (Explanation, error) {
	if err := q.check(); err != nil {
		return Explanation{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, err := c.current(at)
	if err != nil {
		return Explanation{}, err
	}
	allowed, fields, err := e.EnforceEx(q.Subject, q.Domain, q.Object, q.Action)
	if err != nil {
		return Explanation{}, fmt.Errorf("engine: %v: %w", q, err)
	}
	x := Explanation{Allowed: allowed}
	if len(fields) > 0 {
		x.Rows = []model.Rule{model.NewRule("p", fields...)}
	}
	return x, nil
}

// EnforceAs implements [Engine].
func (c *Casbin) EnforceAs(q Request, role string, at time.Time) (bool, error) {
	if err := q.check(); err != nil {
		return false, err
	}
	as := model.NewRule("g", q.Subject, role, q.Domain)
	if !c.domains {
		as = model.NewRule("g", q.Subject, role)
	}
	e, err := build(c.text, append(slices.Clone(c.rows), Row{Rule: as}), &at)
	if err != nil {
		return false, err
	}
	ok, err := e.Enforce(q.Subject, q.Domain, q.Object, q.Action)
	if err != nil {
		return false, fmt.Errorf("engine: %v: %w", q, err)
	}
	return ok, nil
}
