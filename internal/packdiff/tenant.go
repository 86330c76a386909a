package packdiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// A PersonChange is a permission that one person gains or loses.
type PersonChange struct {
	Gain       bool
	User       model.UserID
	Permission model.Permission
	Domains    []model.Domain // in order; never empty
}

// Tenant returns what the people of a tenant gain and lose, gains first, then
// by person. rows are those of the tenant; a row that does not hold at the
// given time counts for nothing.
func Tenant(old, new *model.Pack, rows []engine.Row, at time.Time) ([]PersonChange, error) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r engine.Row) bool {
		return !r.From.IsZero() && at.Before(r.From) || !r.Until.IsZero() && !at.Before(r.Until)
	})
	t := &tenantDiffer{
		differ: differ{old: old, new: new}, at: at,
		links: map[string][]model.Rule{}, known: map[string][]delta{},
	}
	for i, p := range []*model.Pack{old, new} {
		e, err := engine.New(p.Model, p.Rules, rows)
		if err != nil {
			return nil, fmt.Errorf("packdiff: %w", err)
		}
		t.engines[i] = e
	}
	for _, perm := range union(world.Permissions(old), world.Permissions(new)) {
		if !t.same(perm) {
			t.permissions = append(t.permissions, perm)
		}
	}
	if len(t.permissions) == 0 {
		return nil, nil
	}
	return t.people(rows)
}

// A delta is a permission gained or lost.
type delta struct {
	gain       bool
	permission model.Permission
}

type tenantDiffer struct {
	differ
	permissions []model.Permission // those about which an answer may differ
	engines     [2]engine.Engine
	at          time.Time
	links       map[string][]model.Rule // g and g2 rows by their first field
	known       map[string][]delta      // by roles and traits
}

func (t *tenantDiffer) people(rows []engine.Row) ([]PersonChange, error) {
	var domains []model.Domain
	var users []model.UserID
	for _, r := range rows {
		from := r.V[0]
		if t.links[from] == nil {
			if d, err := model.ParseDomain(from); err == nil {
				domains = append(domains, d)
			}
			if who, err := model.ParseSubject(from); err == nil {
				if u, ok := who.User(); ok {
					users = append(users, u)
				}
			}
		}
		t.links[from] = append(t.links[from], r.Rule)
	}
	slices.SortFunc(domains, func(a, b model.Domain) int { return cmp.Compare(a.String(), b.String()) })
	slices.SortFunc(users, func(a, b model.UserID) int { return cmp.Compare(a.String(), b.String()) })
	sorts := make([]string, len(domains))
	for i, d := range domains {
		sorts[i] = strings.Join(t.traitsOf(d.String()), ",")
	}
	var all []PersonChange
	for _, u := range users {
		mine := map[delta]int{} // positions in all
		for i, d := range domains {
			deltas, err := t.deltas(u, d, sorts[i])
			if err != nil {
				return nil, err
			}
			for _, x := range deltas {
				at, found := mine[x]
				if !found {
					at = len(all)
					mine[x] = at
					all = append(all, PersonChange{Gain: x.gain, User: u, Permission: x.permission})
				}
				all[at].Domains = append(all[at].Domains, d)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b PersonChange) int {
		switch {
		case a.Gain == b.Gain:
			return 0
		case a.Gain:
			return -1
		}
		return 1
	})
	return all, nil
}

// traitsOf returns what is true of d, by itself and as a part of its tenant.
func (t *tenantDiffer) traitsOf(d string) []string {
	return t.reached(d, "/", func(model.Rule) bool { return true })
}

// rolesIn returns what who holds in d, by itself and through teams.
func (t *tenantDiffer) rolesIn(who, d string) []string {
	return t.reached(who, ":", func(r model.Rule) bool { return covers(r.V[2], d) })
}

// reached follows the links that hold, and returns what they lead to in order,
// without the names that have stop in them: those that only link.
func (t *tenantDiffer) reached(start, stop string, holds func(model.Rule) bool) []string {
	all := []string{start}
	for i := 0; i < len(all); i++ {
		for _, r := range t.links[all[i]] {
			if holds(r) && !slices.Contains(all, r.V[1]) {
				all = append(all, r.V[1])
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return strings.Contains(s, stop) })
	slices.Sort(all)
	return all
}

// covers reports whether a row for pattern holds in d, as Casbin's keyMatch
// says.
func covers(pattern, d string) bool {
	prefix, _, star := strings.Cut(pattern, "*")
	return pattern == d || star && strings.HasPrefix(d, prefix)
}

// deltas returns what changes for u in d. Under the model of the shipped packs
// that is the same for everybody with the same roles in domains with the same
// traits.
func (t *tenantDiffer) deltas(u model.UserID, d model.Domain, sort string) ([]delta, error) {
	who := model.UserSubject(u).String()
	key := strings.Join(t.rolesIn(who, d.String()), ",") + "/" + sort
	if !world.Standard(t.old) || !world.Standard(t.new) {
		key = who + "/" + d.String()
	}
	if known, found := t.known[key]; found {
		return known, nil
	}
	place := model.AtTenant
	if d.IsDossier() {
		place = model.AtDossier
	}
	deltas := []delta{}
	for _, perm := range t.permissions {
		var got [2]bool
		for i, p := range []*model.Pack{t.old, t.new} {
			if placeOf(p, perm)&place == 0 {
				continue
			}
			var err error
			got[i], err = t.engines[i].Enforce(engine.Request{Subject: who, Domain: d.String(), Object: perm.Object(), Action: perm.Action()}, t.at)
			if err != nil {
				return nil, fmt.Errorf("packdiff: %w", err)
			}
		}
		if got[0] != got[1] {
			deltas = append(deltas, delta{got[1], perm})
		}
	}
	t.known[key] = deltas
	return deltas, nil
}
