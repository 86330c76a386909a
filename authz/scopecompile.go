package authz

import (
	"maps"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// A residual is what is left to ask of an open dossier when all is known that
// is the same for every dossier of a tenant: one of allow holds, none of deny.
type residual struct{ allow, deny []conjunction }

// A conjunction holds when all of its atoms do; an empty one always does.
type conjunction []atom

// An atom holds when one of the rows of its sort is there for the dossier: a
// g row of who with the name, or a g2 row with the name.
type atom struct {
	ptype string
	rows  []fact // in order, without repeats
}

type fact struct{ who, name string } // who is empty for a g2 row

// compile returns what is left of a permission for u, and the IDs of the
// dossiers that come into question if they are few, or none. The model is that
// of the shipped packs.
func (s *state) compile(u model.UserID, p model.Permission, at time.Time) (left residual, few []string) {
	p = p.For(u)
	c := s.compiler(u, at)
	objects := reach(map[string]int{p.Object(): 0}, linked(s.pack.Rules, "g3"))
	for _, r := range s.pack.Rules {
		if _, speaks := objects[r.V[3]]; r.PType != "p" || !speaks && r.V[3] != model.Everything ||
			r.V[4] != model.Everything && r.V[4] != p.Action() {
			continue
		}
		all, possible := c.row(r)
		switch {
		case !possible:
		case r.V[5] == "allow":
			left.allow = append(left.allow, all)
		default:
			left.deny = append(left.deny, all)
		}
	}
	left.allow, left.deny = simplify(left.allow), simplify(left.deny)
	if len(left.allow) == 0 || len(left.deny) > 0 && len(left.deny[0]) == 0 {
		return residual{}, nil
	}
	return left, c.few(left)
}

// few returns the IDs of the dossiers on which something is held that every way
// to be allowed asks for, unless they are many.
func (c compiler) few(left residual) []string {
	const many = 100
	ids := make(map[string]bool)
	for _, all := range left.allow {
		i := slices.IndexFunc(all, func(a atom) bool { return a.ptype == "g" })
		if i < 0 {
			return nil
		}
		for _, f := range all[i].rows {
			for _, id := range c.where[f] {
				if ids[id] = true; len(ids) > many {
					return nil
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// A compiler knows what is the same for every dossier of the tenant, and which
// rows give u something on single ones.
type compiler struct {
	wide   map[string]int          // the roles held throughout
	traits map[string]int          // what is true throughout
	single map[fact]map[string]int // the roles reached by what is held on a dossier
	where  map[fact][]string       // the dossiers on which it is
}

func (s *state) compiler(u model.UserID, at time.Time) compiler {
	everywhere, who := model.Everywhere(s.tenant), model.UserSubject(u).String()
	var throughout, single []model.Rule
	for _, r := range s.holdingsOf(u, at) {
		if r.V[2] == everywhere {
			throughout = append(throughout, r)
		} else {
			single = append(single, r)
		}
	}
	roles := linked(slices.Concat(throughout, s.pack.Rules), "g")
	c := compiler{wide: reach(map[string]int{who: 0}, roles), single: make(map[fact]map[string]int), where: make(map[fact][]string)}
	for _, r := range single {
		f := fact{r.V[0], r.V[1]}
		depth, ok := c.wide[f.who]
		d, err := model.ParseDomain(r.V[2])
		if !ok || depth == maxChain || err != nil || !d.IsDossier() {
			continue
		}
		if c.where[f] = append(c.where[f], d.Dossier().String()); c.single[f] == nil {
			c.single[f] = reach(map[string]int{f.name: depth + 1}, roles)
		}
	}
	rules := slices.Concat(s.inForce("g2", at, everywhere), s.pack.Rules)
	// Every open dossier is one link away from everywhere.
	c.traits = reach(map[string]int{everywhere: 1}, linked(rules, "g2"))
	c.traits[model.TraitDossier.String()] = 1
	return c
}

// row returns what a p row asks of a dossier. It is not possible when no
// dossier of the tenant has it.
func (c compiler) row(r model.Rule) (all conjunction, possible bool) {
	roles := []string{r.V[0]}
	if r.V[1] != model.Any {
		roles = append(roles, r.V[1])
	}
	for _, role := range roles {
		if _, held := c.wide[role]; held {
			continue
		}
		a := atom{ptype: "g"}
		for f, reached := range c.single {
			if _, ok := reached[role]; ok {
				a.rows = append(a.rows, f)
			}
		}
		if len(a.rows) == 0 {
			return nil, false
		}
		slices.SortFunc(a.rows, fact.compare)
		all = append(all, a)
	}
	if _, everywhere := c.traits[r.V[2]]; everywhere || r.V[2] == model.Any {
		return all, true
	}
	if t, err := model.ParseTrait(r.V[2]); err != nil || !ofDossiers(t) {
		return nil, false
	}
	return append(all, atom{"g2", []fact{{name: r.V[2]}}}), true
}

// ofDossiers reports whether a dossier has the trait by a row of its own.
func ofDossiers(t model.Trait) bool {
	switch t.Kind() {
	case model.KindPlain:
		return t != model.TraitTenant
	case model.KindConfiguration, model.KindModule:
		return true
	}
	return false
}

// compiles reports whether the rows of the pack say all that there is to
// compile, as they do where the tenant has no p rows of its own.
func (s *state) compiles() bool {
	return engine.IsStandard(s.pack.Model) && s.rows.Policy() == s.pack.policy
}
