package authz

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
)

// A policy is all rows of one state, made ready on first use for Casbin to be
// built from.
type policy struct {
	of     *state
	casbin func(engine.Request) (*engine.Casbin, error)
}

// maxPolicies is how many tenants' policies are kept. Each is some times as
// large as the state it is made from.
const maxPolicies = 32

// casbin asks Casbin, with the rows of the state.
func (v *verifier) casbin(st *state, q engine.Request, at time.Time) (engine.Explanation, error) {
	c, err := v.policy(st).casbin(q)
	if err != nil {
		return engine.Explanation{}, err
	}
	return c.Explain(q, at)
}

// policy returns the one of the state. That of an older state of the tenant
// makes way for it, as does any other one when there are too many.
func (v *verifier) policy(st *state) *policy {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.policies[st.tenant]; p != nil && p.of == st {
		return p
	}
	p := st.policy()
	v.policies[st.tenant] = p
	for t := range v.policies {
		if len(v.policies) <= maxPolicies {
			break
		}
		if t != st.tenant {
			delete(v.policies, t)
		}
	}
	return p
}

func (s *state) policy() *policy {
	text := s.pack.Model.Text
	if !engine.IsStandard(s.pack.Model) {
		all := sync.OnceValues(func() (*engine.Casbin, error) { return engine.NewCasbin(text, s.allRows()) })
		return &policy{s, func(engine.Request) (*engine.Casbin, error) { return all() }}
	}
	sorted := sync.OnceValue(func() concerns { return sortRows(s.allRows()) })
	return &policy{s, func(q engine.Request) (*engine.Casbin, error) { return engine.NewCasbin(text, sorted().of(q)) }}
}

// allRows returns the rows of the pack and of the tenant. It asks the index for
// nothing but to read out what it has, so as not to lose again a row that a check
// has missed.
func (s *state) allRows() []engine.Row {
	rows := make([]engine.Row, len(s.pack.Rules), len(s.pack.Rules)+s.rows.Len())
	for i, r := range s.pack.Rules {
		rows[i] = engine.Row{Rule: r}
	}
	return slices.AppendSeq(rows, s.rows.Rows())
}

// concerns are rows by what they concern: p rows every request, and links those
// that come by their first field.
//
// The model of the shipped packs asks for links in three ways: from the subject,
// in the domain of the request; from the domain; from the object. Casbin follows
// them from there, and in g those that are given in that very domain or in a
// pattern, which has a *. So all others can be left out, and the answer is the
// same. With all rows Casbin takes time by the square of the domains.
type concerns struct {
	all   []engine.Row
	links map[string][]engine.Row
}

func sortRows(rows []engine.Row) concerns {
	c := concerns{links: make(map[string][]engine.Row)}
	for _, r := range rows {
		if r.PType == "p" {
			c.all = append(c.all, r)
		} else {
			c.links[r.V[0]] = append(c.links[r.V[0]], r)
		}
	}
	return c
}

// of returns the rows that concern a request.
func (c concerns) of(q engine.Request) []engine.Row {
	rows := slices.Clone(c.all)
	names := []string{q.Subject, q.Domain, q.Object}
	seen := make(map[string]bool)
	for i := 0; i < len(names); i++ {
		if seen[names[i]] {
			continue
		}
		seen[names[i]] = true
		for _, r := range c.links[names[i]] {
			if r.PType == "g" && r.V[2] != q.Domain && !strings.Contains(r.V[2], "*") {
				continue
			}
			rows, names = append(rows, r), append(names, r.V[1])
		}
	}
	return rows
}
