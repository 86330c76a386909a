package reach

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// maxRoles is how many roles fit a set.
const maxRoles = 64

// An explorer knows who may hand out what in every sort of world.
type explorer struct {
	pack        *model.Pack
	permissions []model.Permission
	roles       []string // the profiles that can be held, and model.Assigned
	holders     []world.Holder
	position    map[uint64]int // of a set of roles in holders

	traits []model.Trait  // those that handing out depends on
	worlds []world.Domain // the dossiers with any of them
	grants []*grid        // by role: handing it out
	invite *grid
	grids  map[model.Permission]*grid
}

func newExplorer(p *model.Pack) (*explorer, error) {
	x := &explorer{pack: p, permissions: world.Permissions(p), position: map[uint64]int{}, grids: map[model.Permission]*grid{}}
	for _, e := range p.Catalog.Profiles {
		if e.Place != 0 {
			x.roles = append(x.roles, e.Profile.String())
		}
	}
	x.roles = append(x.roles, model.Assigned)
	if n := len(x.roles); n > maxRoles {
		return nil, fmt.Errorf("%d profiles, want at most %d", n-1, maxRoles-1)
	}
	x.sets()
	permissions := []model.Permission{model.InviteMember}
	for _, role := range x.roles {
		permissions = append(permissions, handing(role))
	}
	for _, perm := range permissions {
		x.traits = append(x.traits, world.Unreleased(world.Traits(p, perm))...)
	}
	var err error
	if x.worlds, err = world.Domains(model.AtDossier, x.traits); err != nil {
		return nil, err
	}
	for _, perm := range permissions {
		g, err := x.grid(perm)
		if err != nil {
			return nil, err
		}
		x.grants = append(x.grants, g)
	}
	x.invite, x.grants = x.grants[0], x.grants[1:]
	return x, nil
}

// handing is the permission that it takes to hand out a role.
func handing(role string) model.Permission {
	if p, err := model.ParseProfile(role); err == nil {
		return model.GrantOf(p)
	}
	return model.AssignDossier
}

func (x *explorer) bit(role string) int { return slices.Index(x.roles, role) }

// sets makes a holder of every set of roles that somebody may have in one
// place: up to two, and what one begins with besides.
func (x *explorer) sets() {
	add := func(bits ...int) {
		var set uint64
		var h world.Holder
		for _, b := range bits {
			if set&(1<<b) == 0 {
				set |= 1 << b
				h = append(h, x.roles[b])
			}
		}
		if _, found := x.position[set]; !found {
			x.position[set] = len(x.holders)
			x.holders = append(x.holders, h)
		}
	}
	add()
	assigned := x.bit(model.Assigned)
	for i := range x.roles {
		for j := range x.roles {
			add(i, j)
			add(i, j, assigned)
		}
	}
}

// gives returns what who can hand out in a world.
func (x *explorer) gives(who crowd, i int) crowd {
	var all crowd
	for bit, role := range x.roles {
		place := model.AtDossier
		if p, err := model.ParseProfile(role); err == nil {
			e, _ := x.pack.Catalog.Profile(p)
			place = e.Place
		}
		for where := range places {
			if place&placeOf(where) != 0 && x.grants[bit].allowed(who, where, i) {
				all.add(token{bit, where})
			}
		}
	}
	return all
}

func placeOf(w Where) model.Place {
	if w == InTenant {
		return model.AtTenant
	}
	return model.AtDossier
}

// A grid is the answers about one permission, in every sort of dossier and in
// its tenant.
type grid struct {
	*explorer
	permission model.Permission
	place      model.Place
	domains    []world.Domain // the dossiers
	worldOf    []int          // for each, the one of worlds that it is a case of
	// By holder and domain.
	tenant, dossier [][]bool
}

// grid returns the answers about perm, which it asks for once.
func (x *explorer) grid(perm model.Permission) (*grid, error) {
	if g := x.grids[perm]; g != nil {
		return g, nil
	}
	g := &grid{explorer: x, permission: perm}
	x.grids[perm] = g
	e, _ := x.pack.Catalog.Permission(perm)
	g.place = e.Place
	var err error
	g.domains, err = world.Domains(model.AtDossier, slices.Concat(x.traits, world.Unreleased(world.Traits(x.pack, perm))))
	if err != nil {
		return nil, err
	}
	var tenants []world.Domain
	for _, d := range g.domains {
		t := world.Domain{Place: model.AtTenant, Traits: []model.Trait{model.TraitTenant}}
		for _, trait := range d.Traits {
			if world.OfTenant(trait) {
				t.Traits = append(t.Traits, trait)
			}
		}
		tenants = append(tenants, t)
		g.worldOf = append(g.worldOf, slices.IndexFunc(x.worlds, func(w world.Domain) bool { return x.sameWorld(w, d) }))
	}
	if g.place&model.AtTenant != 0 {
		if g.tenant, err = world.Ask(world.Ours, x.pack, perm, tenants, x.holders); err != nil {
			return nil, err
		}
	}
	if g.place&model.AtDossier != 0 {
		g.dossier, err = world.Ask(world.Ours, x.pack, perm, g.domains, x.holders)
	}
	return g, err
}

// sameWorld reports whether handing out goes alike in two dossiers.
func (x *explorer) sameWorld(a, b world.Domain) bool {
	return !slices.ContainsFunc(x.traits, func(t model.Trait) bool { return a.Has(t) != b.Has(t) })
}

// allowed reports whether who may in the i-th sort of world.
func (g *grid) allowed(who crowd, where Where, i int) bool {
	if g.place&placeOf(where) == 0 {
		return false
	}
	at := g.position[who.at(where)]
	if where == InTenant {
		return g.tenant[at][i]
	}
	return g.dossier[at][i]
}
