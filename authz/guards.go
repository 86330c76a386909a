package authz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// What no change may do, whoever is allowed to make it.

// keepRequired refuses a change that takes a required profile from the last
// one who has it and can sign in.
func (c *change) keepRequired() error {
	if c.before == nil || !c.before.open() || !slices.ContainsFunc(c.removed, c.throughout) {
		return nil
	}
	after, err := c.after()
	if err != nil || !after.open() { // the tenant itself is closed
		return err
	}
	for _, entry := range c.catalog().Profiles {
		if !entry.Required {
			continue
		}
		have := after.lasting(entry.Profile, c.at)
		lost := slices.DeleteFunc(c.before.lasting(entry.Profile, c.at), func(u model.UserID) bool { return slices.Contains(have, u) })
		mattered, err := c.canSignIn(lost)
		if err != nil {
			return err
		}
		if !mattered {
			continue
		}
		left, err := c.canSignIn(have)
		if err != nil {
			return err
		}
		if !left {
			return fmt.Errorf("nobody would be left with the profile %v: %w", entry.Profile, ErrConflict)
		}
	}
	return nil
}

// canSignIn reports whether one of users has an account: a person that the tenant keeps
// has none.
func (c *change) canSignIn(users []model.UserID) (bool, error) {
	for some := range slices.Chunk(users, batch) {
		var n int64
		err := c.db().Model(&store.Person{}).Where("id IN ? AND keeper IS NULL", some).Count(&n).Error
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// throughout reports whether a row gives more than membership in all of the
// tenant, as a required profile does.
func (c *change) throughout(r store.Row) bool {
	return r.Rule.PType == "g" && r.Rule.V[2] == model.Everywhere(c.tenant) && r.Rule.V[1] != model.Member.String()
}

// opened is the state before the change as it would be with everything that is
// set aside back in force: what is closed today may be open tomorrow.
func (c *change) opened() (*state, error) {
	shelved, err := c.store().Shelved(c.tenant)
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
				if err := c.mayGrantAll(c.before, home, c.before.profiles(u, home)); err != nil {
					return err
				}
				if err := c.mayGrantAll(c.before, d, c.before.profiles(u, d)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// noTie refuses to give users a profile p in d that something may be denied to, unless
// the actor could hand out all that they hold there and throughout the tenant in st,
// where what is closed may be open.
// Whether they lose anything by it now does not matter: what it denies may depend on
// a switch, which others turn later.
func (c *change) noTie(st *state, users []model.UserID, p model.Profile, d model.Domain) error {
	if c.by.system || !c.before.denies(p) {
		return nil
	}
	domains := []model.Domain{model.TenantDomain(c.tenant)}
	if d.IsDossier() {
		domains = append(domains, d)
	}
	for _, u := range users {
		for _, in := range domains {
			err := c.mayGrantAll(st, in, st.profiles(u, in))
			if refused(err) {
				return fmt.Errorf("profile %v can tie down who has it, and user %v holds what %v may not give: %w", p, u, c.by, ErrDenied)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// noTieToCome refuses to give a team such a profile unless the actor may also say who
// is in the team: whoever is put there later, by somebody who thinks nothing of it, is
// tied down by the actor.
func (c *change) noTieToCome(who model.Subject, p model.Profile) error {
	if _, ok := who.Team(); !ok || c.by.system || !c.before.denies(p) {
		return nil
	}
	err := c.require(model.TenantDomain(c.tenant), model.EditTenant)
	if refused(err) {
		return fmt.Errorf("profile %v can tie down who has it, and %v may not say who is in %v: %w", p, c.by, who, ErrDenied)
	}
	return err
}

// differs returns a permission that u has in d in the one state and not in the
// other, or none.
func (c *change) differs(one, other *state, u model.UserID, d model.Domain, at time.Time) (model.Permission, error) {
	if err := c.ctx.Err(); err != nil {
		return model.Permission{}, err
	}
	clock := func() time.Time { return at }
	has, _, err := one.allowed(u, d, clock)
	if err != nil {
		return model.Permission{}, err
	}
	lacks, _, err := other.allowed(u, d, clock)
	if err != nil {
		return model.Permission{}, err
	}
	lacks = slices.Clone(lacks)
	for i := range lacks {
		lacks[i] = has[i] &^ lacks[i]
	}
	for p := range c.before.pack.permissions(d, lacks) {
		return p, nil
	}
	return model.Permission{}, nil
}

// fits refuses a model whose links have no room for the rows that tenants are
// made of. The fields of p rows are the author's to choose: what depends on them
// asks the model where they are, and is strict with a model that does not tell.
func fits(p *model.Pack) error {
	for key, want := range map[string]int{"g": 3, "g2": 2} {
		if n, defined := p.Model.Links[key]; defined && n != want {
			return fmt.Errorf("pack %s: %s = %s: want %d fields, as the rows of tenants have: %w",
				p.Name, key, strings.TrimSuffix(strings.Repeat("_, ", n), ", "), want, ErrInvalid)
		}
	}
	return nil
}

// denies reports whether something may be denied to somebody because of holding
// p. That is so of any profile when only Casbin knows what the model makes of it.
func (s *state) denies(p model.Profile) bool {
	roles, known := s.pack.policy.Roles()
	if !known {
		return true
	}
	held, eft := s.contained(p), s.pack.Model.Field("eft")
	return eft >= 0 && slices.ContainsFunc(s.pack.Rules, func(r model.Rule) bool {
		return r.PType == "p" && r.V[eft] == "deny" && slices.ContainsFunc(roles, func(i int) bool { return held[r.V[i]] })
	})
}

// dormant reports whether everything that p gives waits for the vendor, who
// has not activated it here or not released it. Of a model other than that of
// the shipped packs nobody can tell, and nothing is.
func (s *state) dormant(p model.Profile) bool {
	m := s.pack.Model
	if !engine.IsReordered(m) {
		return false
	}
	sub, via, dom, eft := m.Field("sub"), m.Field("via"), m.Field("dom"), m.Field("eft")
	held := s.contained(p)
	for _, r := range s.pack.Rules {
		if r.PType != "p" || !held[r.V[sub]] && !held[r.V[via]] || r.V[eft] == "deny" {
			continue
		}
		t, err := model.ParseTrait(r.V[dom])
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
