// Package reach finds out how far the holders of a profile get by what a pack
// lets them hand out: a grant, an invitation with a profile, an assignment, and
// then whatever those can hand out in turn who got something.
//
//	all, err := reach.Pack(pack)
//	for _, r := range all {
//		for _, e := range r.Escalations { // nobody can read these off the rows of one profile
//			fmt.Println(r.Profile, e.Permission, e.Path)
//		}
//	}
//
// The rules are those of authz. To hand out a profile takes the permission
// "profile:NAME grant" where it is to be held, an assignment takes "dossier
// assign", and nobody gives anything to itself. But there are always other
// people, each a plain member to begin with, who play along: they can be given
// something, and give something back. What is true of the tenant and of its
// dossiers stays as it is.
package reach

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// A Reach is what somebody can come to who begins with one profile.
type Reach struct {
	Profile model.Profile
	Gives   []Role // it can give these to others by itself
	Back    []Role // it can come to hold these, with the help of others

	// Beyond are permissions that it does not have, but can bring about by
	// itself: somebody to whom it gives what it may give has them. A pack says
	// so in the rows of the profile itself, and mostly wants it: who hands out
	// the client's profile need be no client.
	Beyond []Permission
	// Escalations are permissions that neither it has nor anybody to whom it
	// gives something by itself: it takes others who hand out what it may not.
	Escalations []Permission
}

// Where is one of the places in a world of a tenant with two dossiers.
type Where uint8

// The places. Here is the dossier on which one begins, and any dossier for who
// begins with a profile in the tenant and no assignment.
const (
	InTenant Where = iota
	Here
	Elsewhere // on another dossier
	places
)

func (w Where) String() string {
	return [...]string{"in the tenant", "on the dossier", "on another dossier"}[w]
}

// A Role is a profile, or [model.Assigned], that somebody can hold.
type Role struct {
	Name  string
	Where Where
	When  []world.When // any of these, of the dossier and its tenant
}

// A Permission is something that somebody can come to be allowed, with one way
// to it.
type Permission struct {
	Permission model.Permission
	Where      Where
	When       []world.When // any of these, of the dossier and its tenant

	Path     []Step       // handing out, in order
	Who      string       // the person who has the permission after that
	Assigned bool         // in this example the first one begins assigned,
	Example  world.Domain // and this is the dossier
}

// Pack returns the reach of every profile that can be held, in the order of
// the catalog.
func Pack(p *model.Pack) ([]Reach, error) {
	x, err := newExplorer(p)
	if err != nil {
		return nil, fmt.Errorf("reach: %w", err)
	}
	var all []Reach
	for _, e := range p.Catalog.Profiles {
		if e.Place == 0 {
			continue
		}
		r, err := x.reach(e)
		if err != nil {
			return nil, fmt.Errorf("reach: %v: %w", e.Profile, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// A start is one of the ways to begin: with a profile, assigned to a dossier or
// not.
type start struct {
	circles  []*circle // by world
	assigned bool
}

func (x *explorer) reach(e model.ProfileEntry) (Reach, error) {
	r := Reach{Profile: e.Profile}
	q := x.begin(e)
	for where := range places {
		for bit, name := range x.roles {
			t := token{bit, where}
			gives := q.when(x.worlds, where, func(s *start, i int) bool { return s.circles[i].direct.has(t) })
			if gives != nil {
				r.Gives = append(r.Gives, Role{name, where, gives})
			}
			back := q.when(x.worlds, where, func(s *start, i int) bool { return s.circles[i].back.has(t) && !s.circles[i].own.has(t) })
			if back != nil {
				r.Back = append(r.Back, Role{name, where, back})
			}
		}
	}
	for _, perm := range x.permissions {
		g, err := x.grid(perm)
		if err != nil {
			return r, err
		}
		for where := range places {
			if found, ok := q.find(g, where, false); ok {
				r.Beyond = append(r.Beyond, found)
			}
			if found, ok := q.find(g, where, true); ok {
				r.Escalations = append(r.Escalations, found)
			}
		}
	}
	return r, nil
}

// starts are the ways to begin with one profile: not assigned, and assigned.
// They are one for a profile that is held on a dossier, which is not for those
// who are assigned.
type starts []*start

func (x *explorer) begin(e model.ProfileEntry) starts {
	where := Here
	if e.Place&model.AtTenant != 0 {
		where = InTenant
	}
	own := crowd{}.with(token{x.bit(e.Profile.String()), where})
	all := starts{{}}
	if where == InTenant {
		all = append(all, &start{assigned: true})
	}
	for _, s := range all {
		holds := own
		if s.assigned {
			holds.add(token{x.bit(model.Assigned), Here})
		}
		for w := range x.worlds {
			s.circles = append(s.circles, x.explore(holds, w))
		}
	}
	return all
}

// when returns the cases in which is says so of the i-th of dossiers. For who
// is not assigned the other dossier is like the first, so that only what being
// assigned adds to it is told.
func (q starts) when(dossiers []world.Domain, where Where, is func(s *start, i int) bool) []world.When {
	return world.Simplify(dossiers, func(i int, assigned bool) world.Answer {
		yes := is(q[0], i)
		if last := q[len(q)-1]; where == Elsewhere && last.assigned {
			yes = !yes && is(last, i)
		} else if assigned {
			yes = is(last, i)
		}
		if yes {
			return world.Yes
		}
		return world.No
	})
}

// find returns the permission of g if in some case it is beyond the profile,
// or an escalation.
func (q starts) find(g *grid, where Where, escalation bool) (Permission, bool) {
	is := func(s *start, i int) bool {
		c := s.circles[g.worldOf[i]]
		may := func(p person) bool { return g.allowed(p.holds, where, i) }
		switch {
		case g.allowed(c.own, where, i):
			return false
		case slices.ContainsFunc(c.directs, may):
			return !escalation
		default:
			return escalation && slices.ContainsFunc(c.all, may)
		}
	}
	found := Permission{Permission: g.permission, Where: where}
	if found.When = q.when(g.domains, where, is); found.When == nil {
		return found, false
	}
	for i := range g.domains {
		for _, s := range q {
			if is(s, i) {
				c := s.circles[g.worldOf[i]]
				at := slices.IndexFunc(c.all, func(p person) bool { return g.allowed(p.holds, where, i) })
				found.Path, found.Who = c.path(c.all[at])
				found.Assigned, found.Example = s.assigned, g.domains[i]
				return found, true
			}
		}
	}
	return found, false
}
