package authz

import (
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// What no change may do, whoever is allowed to make it.

// keepRequired refuses a change that takes a required profile from the last
// one who has it.
func (c *change) keepRequired() error {
	if c.before == nil || !c.before.open() || !slices.ContainsFunc(c.removed, c.throughout) {
		return nil
	}
	after, err := c.after()
	if err != nil || !after.open() { // the tenant itself is closed
		return err
	}
	for _, entry := range c.catalog().Profiles {
		p := entry.Profile
		if entry.Required && c.before.lasting(p, c.at) > 0 && after.lasting(p, c.at) == 0 {
			return fmt.Errorf("nobody would be left with the profile %v: %w", p, ErrConflict)
		}
	}
	return nil
}

// throughout reports whether a row gives more than membership in all of the
// tenant, as a required profile does.
func (c *change) throughout(r store.Row) bool {
	return r.Rule.PType == "g" && r.Rule.V[2] == model.Everywhere(c.tenant) && r.Rule.V[1] != model.Member.String()
}

// opened is the state before the change as it would be with everything that is
// set aside back in force: what is closed today may be open tomorrow.
func (c *change) opened() (*state, error) {
	shelved, err := c.tx.store.Shelved(c.tenant)
	if err != nil || len(shelved) == 0 {
		return c.before, err
	}
	return c.before.with(shelved, nil)
}

// noGain refuses a change by which its own actor comes to more in the given
// domains than it had, now, when a grant of its own begins or ends, or when
// what is closed opens.
func (c *change) noGain(domains ...model.Domain) error {
	if c.by.system {
		return nil
	}
	before, err := c.opened()
	if err != nil {
		return err
	}
	after, err := before.with(c.added, c.removed)
	if err != nil {
		return err
	}
	moments := slices.Concat([]time.Time{c.at}, before.edges(c.by.user, c.at), after.edges(c.by.user, c.at))
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range slices.CompactFunc(moments, time.Time.Equal) {
		for _, d := range domains {
			p, err := c.differs(after, before, c.by.user, d, at)
			if err != nil {
				return err
			}
			if !p.IsZero() {
				return fmt.Errorf("user %v would give itself %v in %v: %w", c.by.user, p, d, ErrDenied)
			}
		}
	}
	return nil
}

// noLoss refuses a change by which users lose what a deny takes from them, as
// giving somebody a capped profile does, unless the actor could hand out all
// that they hold: nobody ties down somebody stronger.
func (c *change) noLoss(users []model.UserID, domains ...model.Domain) error {
	if c.by.system {
		return nil
	}
	after, err := c.after()
	if err != nil {
		return err
	}
	moments := []time.Time{c.at}
	for _, r := range c.added {
		if r.From.After(c.at) {
			moments = append(moments, r.From)
		}
	}
	for _, u := range users {
		for _, d := range domains {
			for _, at := range moments {
				p, err := c.differs(c.before, after, u, d, at)
				if err != nil {
					return err
				}
				if p.IsZero() {
					continue
				}
				home := model.TenantDomain(c.tenant)
				if err := c.mayGrantAll(home, c.before.profiles(u, home)); err != nil {
					return err
				}
				if err := c.mayGrantAll(d, c.before.profiles(u, d)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// differs returns a permission that u has in d in the one state and not in the
// other, or none.
func (c *change) differs(one, other *state, u model.UserID, d model.Domain, at time.Time) (model.Permission, error) {
	if err := c.ctx.Err(); err != nil {
		return model.Permission{}, err
	}
	for _, p := range permissions(c.before.pack, d) {
		has, err := one.enforce(u, d, p, at)
		if err != nil {
			return model.Permission{}, err
		}
		if !has {
			continue
		}
		if has, err = other.enforce(u, d, p, at); err != nil || !has {
			return p, err
		}
	}
	return model.Permission{}, nil
}

// denies reports whether a row of the pack denies something to who holds p.
func (s *state) denies(p model.Profile) bool {
	held := s.contained(p)
	return slices.ContainsFunc(s.pack.Rules, func(r model.Rule) bool {
		return r.PType == "p" && slices.Contains(r.V[:], "deny") && held[r.V[0]]
	})
}

// dormant reports whether everything that p gives waits for the vendor, who
// has not activated it here or not released it.
func (s *state) dormant(p model.Profile) bool {
	held := s.contained(p)
	for _, r := range s.pack.Rules {
		if r.PType != "p" || !held[r.V[0]] && !held[r.V[1]] || slices.Contains(r.V[:], "deny") {
			continue
		}
		t, err := model.ParseTrait(r.V[2])
		if err != nil {
			return false // any
		}
		switch t.Kind() {
		case model.KindActivated:
			if s.has(model.TraitRule(model.TenantDomain(s.tenant), t)) {
				return false
			}
		case model.KindReleased:
			if slices.Contains(s.pack.Rules, model.NewRule("g2", "*", t.String())) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// contained returns p and the profiles that the pack puts in it.
func (s *state) contained(p model.Profile) map[string]bool {
	held := map[string]bool{p.String(): true}
	for grown := true; grown; {
		grown = false
		for _, r := range s.pack.Rules {
			if r.PType == "g" && held[r.V[0]] && !held[r.V[1]] {
				held[r.V[1]], grown = true, true
			}
		}
	}
	return held
}

// domainsOf returns where what who holds counts: the tenant, and the dossiers
// of its rows, or all of them when it holds something throughout the tenant.
func (s *state) domainsOf(who model.Subject) []model.Domain {
	domains := []model.Domain{model.TenantDomain(s.tenant)}
	for _, r := range s.find(heldBy(who)) {
		if r.Rule.V[2] == model.Everywhere(s.tenant) {
			return append(s.dossiers(), domains[0])
		}
		if d, err := model.ParseDomain(r.Rule.V[2]); err == nil && !slices.Contains(domains, d) {
			domains = append(domains, d)
		}
	}
	return domains
}
