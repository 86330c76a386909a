// Package packdiff tells which answers change when one pack takes the place
// of another: for whom a policy decides, not how its text differs.
//
//	changes, err := packdiff.Packs(old, new)                    // for every holder of a profile
//	people, err := packdiff.Tenant(old, new, rows, time.Now())  // for the people of one tenant
//
// A permission that a pack does not declare is allowed to nobody by it, so
// that what a new pack drops is a loss.
package packdiff

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// A Change is an answer that is another one in the new pack: who holds Profile
// gains or loses Permission, asked in a tenant or on a dossier.
type Change struct {
	Gain    bool
	Profile model.Profile
	// With is a second profile that one must hold besides, for what changes
	// for the holders of neither profile alone; else it is zero.
	With       model.Profile
	Permission model.Permission
	Place      model.Place  // AtTenant or AtDossier
	When       []world.When // any of these; never empty, and an empty When is always
}

// Where says in words what Place and When say.
func (c Change) Where() string {
	where := "on a dossier"
	if c.Place == model.AtTenant {
		where = "in a tenant"
	}
	if when := world.Any(c.When); when != "" {
		where += ", " + when
	}
	return where
}

// Packs returns every answer that differs, gains first, holders of one profile
// before those of two, then in the order of the catalogs.
//
// It goes through every sort of domain and all who hold one profile or two,
// with an assignment or without. For the model of the shipped packs there is
// nothing more to find, as long as the second field of a p row is "any" or
// "assigned": a row that allows and a row that denies speak of one profile
// each.
func Packs(old, new *model.Pack) ([]Change, error) {
	d := &differ{old: old, new: new}
	d.profiles = d.holdable()
	permissions := union(world.Permissions(old), world.Permissions(new))
	for _, perm := range permissions {
		if d.same(perm) {
			continue
		}
		for _, place := range []model.Place{model.AtTenant, model.AtDossier} {
			if err := d.compare(perm, place); err != nil {
				return nil, fmt.Errorf("packdiff: %v: %w", perm, err)
			}
		}
	}
	rank := func(c Change) (r [5]int) {
		if !c.Gain {
			r[0] = 1
		}
		r[1], r[2] = slices.Index(d.profiles, c.With), slices.Index(d.profiles, c.Profile) // With is -1 for one profile
		r[3], r[4] = slices.Index(permissions, c.Permission), int(c.Place)
		return r
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		ra, rb := rank(a), rank(b)
		return slices.Compare(ra[:], rb[:])
	})
	return d.changes, nil
}

func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

type differ struct {
	old, new *model.Pack
	profiles []model.Profile // those one can hold, and member
	changes  []Change
}

// holdable returns the profiles that somebody can hold in either pack. Every
// member holds what member gives, so that a change of it is one of everybody's
// and comes first.
func (d *differ) holdable() []model.Profile {
	all := []model.Profile{model.Member}
	for _, p := range []*model.Pack{d.old, d.new} {
		for _, e := range p.Catalog.Profiles {
			if e.Place != 0 && !slices.Contains(all, e.Profile) {
				all = append(all, e.Profile)
			}
		}
	}
	return all
}

// same reports whether nothing that an answer about perm depends on differs.
func (d *differ) same(perm model.Permission) bool {
	return placeOf(d.old, perm) == placeOf(d.new, perm) &&
		d.old.Model.Text == d.new.Model.Text &&
		sameRules(speaking(d.old, perm), speaking(d.new, perm), d.old.Model.Effect == model.FirstMatch) &&
		samePlaces(d.old.Catalog, d.new.Catalog)
}

// speaking returns the rules of p that can matter to perm.
func speaking(p *model.Pack, perm model.Permission) []model.Rule {
	var rules []model.Rule
	for _, i := range world.Rows(p, perm) {
		rules = append(rules, p.Rules[i])
	}
	for _, r := range p.Rules {
		if r.PType == "g" || r.PType == "g2" || r.PType == "g3" && !world.Standard(p) {
			rules = append(rules, r)
		}
	}
	return rules
}

func sameRules(a, b []model.Rule, inOrder bool) bool {
	if inOrder {
		return slices.Equal(a, b)
	}
	in := map[model.Rule]bool{}
	for _, r := range a {
		in[r] = true
	}
	return len(a) == len(b) && !slices.ContainsFunc(b, func(r model.Rule) bool { return !in[r] })
}

func samePlaces(a, b *model.Catalog) bool {
	for _, c := range [][2]*model.Catalog{{a, b}, {b, a}} {
		for _, e := range c[0].Profiles {
			if other, found := c[1].Profile(e.Profile); !found || other.Place != e.Place {
				return false
			}
		}
	}
	return true
}

// placeOf returns where p declares perm to be asked.
func placeOf(p *model.Pack, perm model.Permission) model.Place {
	e, _ := p.Catalog.Permission(perm)
	return e.Place
}

// compare adds the changes of one permission at one place.
func (d *differ) compare(perm model.Permission, place model.Place) error {
	if (placeOf(d.old, perm)|placeOf(d.new, perm))&place == 0 {
		return nil
	}
	traits := world.Unreleased(union(world.Traits(d.old, perm), world.Traits(d.new, perm)))
	domains, err := world.Domains(place, traits)
	if err != nil {
		return err
	}
	holders, position := d.holders(d.pairs(perm))
	t := table{domains: domains}
	for i, p := range []*model.Pack{d.old, d.new} {
		if placeOf(p, perm)&place == 0 {
			continue // asked nowhere: allowed to nobody
		}
		if t.answers[i], err = world.Ask(world.Ours, p, perm, domains, holders); err != nil {
			return err
		}
	}
	for who, at := range position {
		c := Change{Profile: who[0], Permission: perm, Place: place}
		less := []int{position[pair{model.Member, model.Member}]}
		if who[0] != who[1] {
			c.With = who[1]
			less = append(less, position[pair{who[0], who[0]}], position[pair{who[1], who[1]}])
		}
		for _, c.Gain = range []bool{true, false} {
			if c.When = t.changed(at, less, c.Gain); c.When != nil {
				d.changes = append(d.changes, c)
			}
		}
	}
	return nil
}

// pairs reports whether who holds two profiles can see another change than who
// holds one of them: only when one can take away what the other gives, or both
// together give what neither does.
func (d *differ) pairs(perm model.Permission) bool {
	for _, p := range []*model.Pack{d.old, d.new} {
		via, eft := p.Model.Field("via"), p.Model.Field("eft")
		for _, i := range world.Rows(p, perm) {
			v := p.Rules[i].V
			if !world.Standard(p) || v[eft] == "deny" || v[via] != model.Any && v[via] != model.Assigned {
				return true
			}
		}
	}
	return false
}

// A pair is two profiles, or one twice.
type pair [2]model.Profile

// holders returns who holds each of the profiles, or each pair of them, once
// without and then with an assignment, and the position of the former.
func (d *differ) holders(pairs bool) (all []world.Holder, position map[pair]int) {
	position = map[pair]int{}
	for i, first := range d.profiles {
		for j, second := range d.profiles[i:] {
			if j > 0 && (i == 0 || !pairs) {
				break // everybody is a member
			}
			h := world.Holder{first.String()}
			if j > 0 {
				h = append(h, second.String())
			}
			position[pair{first, second}] = len(all)
			all = append(all, h, append(slices.Clone(h), model.Assigned))
		}
	}
	return all, position
}

// A table is the answers of the old and the new pack about one permission.
type table struct {
	domains []world.Domain
	answers [2][][]bool // nil when the pack does not declare the permission there
}

// differs reports whether the answer to holder becomes gain.
func (t *table) differs(holder, domain int, gain bool) bool {
	allowed := func(pack int) bool { return t.answers[pack] != nil && t.answers[pack][holder][domain] }
	return allowed(0) != gain && allowed(1) == gain
}

// changed returns when the answer to holder becomes gain, if somewhere it does
// so for none of less, of whom that is said already.
func (t *table) changed(holder int, less []int, gain bool) []world.When {
	return world.Simplify(t.domains, func(i int, assigned bool) world.Answer {
		link := 0
		if assigned {
			link = 1
		}
		if !t.differs(holder+link, i, gain) {
			return world.No
		}
		if slices.ContainsFunc(less, func(h int) bool { return h != holder && t.differs(h+link, i, gain) }) {
			return world.Either
		}
		return world.Yes
	})
}
