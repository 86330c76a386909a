package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Grant gives a profile to a user or a team: on one dossier, or, when Domain
// is a tenant, throughout that tenant.
type Grant struct {
	Subject model.Subject
	Profile model.Profile
	Domain  model.Domain

	// From and Until bound it in time, to the microsecond: it holds from From
	// until just before Until. Zero is no bound.
	From, Until time.Time
}

// Grant hands out a profile. It takes "profile:NAME grant" in the domain. No user
// may grant a profile to themselves, or to a team that they are in. A profile that
// something may be denied to, now or when the domain is switched otherwise, goes to
// nobody who holds there, or throughout the tenant, what the actor may not grant; to a
// team it takes "tenant edit" besides, as to say who is in it does.
// Granting a profile that is held already changes at most its times.
func (az *Authz) Grant(ctx context.Context, by Actor, g Grant) error {
	return az.write(ctx, by, g.Domain.Tenant(), "grant", func(c *change) error {
		if err := c.grant(g); err != nil {
			return err
		}
		if len(c.added) == 0 {
			return errUnchanged
		}
		return nil
	})
}

// grant is [Authz.Grant] within a larger change.
func (c *change) grant(g Grant) error {
	before := len(c.added)
	if err := c.grantTo(g); err != nil || len(c.added) == before {
		return err
	}
	if err := c.noTieToCome(g.Subject, g.Profile); err != nil {
		return err
	}
	st := c.before
	if _, ok := g.Subject.Team(); ok && st.denies(g.Profile) { // who is deactivated may be back
		var err error
		if st, err = c.opened(); err != nil {
			return err
		}
	}
	return c.noTie(st, st.usersOf(g.Subject), g.Profile, g.Domain)
}

// grantTo is grant to somebody who asks for it: it may tie them down later.
func (c *change) grantTo(g Grant) error {
	if err := c.overGrant(g.Subject, g.Profile, g.Domain); err != nil {
		return err
	}
	from, until := g.From.UTC().Truncate(time.Microsecond), g.Until.UTC().Truncate(time.Microsecond)
	if !g.Until.IsZero() && (!from.Before(until) || !c.at.Before(until)) {
		return fmt.Errorf("grant ends at %v, before it begins or in the past: %w", until, ErrInvalid)
	}
	rule := model.GrantRule(g.Subject, g.Profile, g.Domain)
	if old, held := c.before.rows.Find(rule); held {
		if old.From.Equal(from) && old.Until.Equal(until) {
			return nil
		}
		c.remove(rule)
	}
	c.addRow(store.Row{Rule: rule, From: from, Until: until})
	if !c.before.denies(g.Profile) {
		return nil
	}
	domains := []model.Domain{g.Domain}
	if !g.Domain.IsDossier() {
		domains = append(domains, c.before.dossiers()...)
	}
	return c.noLoss(c.before.usersOf(g.Subject), domains...)
}

// Withdraw takes a profile back. It takes what [Authz.Grant] takes.
func (az *Authz) Withdraw(ctx context.Context, by Actor, from model.Subject, p model.Profile, in model.Domain) error {
	return az.write(ctx, by, in.Tenant(), "withdraw", func(c *change) error { return c.withdraw(from, p, in) })
}

// withdraw is [Authz.Withdraw] within a larger change.
func (c *change) withdraw(from model.Subject, p model.Profile, in model.Domain) error {
	rule := model.GrantRule(from, p, in)
	// The system may take back what an older pack declared.
	if _, declared := c.catalog().Profile(p); declared || !c.by.system || !c.before.has(rule) {
		if err := c.overGrant(from, p, in); err != nil {
			return err
		}
	}
	if !c.before.has(rule) {
		return fmt.Errorf("profile %v of %v in %v: %w", p, from, in, ErrNotFound)
	}
	c.remove(rule)
	return nil
}

// overGrant refuses an actor who may not give or take profile p of who in d,
// and what cannot be held there at all.
func (c *change) overGrant(who model.Subject, p model.Profile, d model.Domain) error {
	if err := c.overProfile(p, d); err != nil {
		return err
	}
	c.detail["subject"], c.detail["profile"], c.detail["domain"] = who.String(), p.String(), d.String()
	return c.overSubject(who)
}

// overProfile refuses an actor who may not give or take profile p in d, and a
// profile that nobody can be given there.
func (c *change) overProfile(p model.Profile, d model.Domain) error {
	if err := c.holdable(p, d); err != nil {
		return err
	}
	if err := c.require(d, model.GrantOf(p)); err != nil {
		return err
	}
	return c.openDomain(d)
}

// holdable refuses a profile that nobody can be given in d.
func (c *change) holdable(p model.Profile, d model.Domain) error {
	entry, ok := c.catalog().Profile(p)
	if p.IsZero() || !ok || entry.Place == 0 {
		return c.undeclaredProfile(p)
	}
	if entry.Place&placeOf(d) == 0 {
		return fmt.Errorf("profile %v is held in a %v, not in %v: %w", p, entry.Place, d, ErrInvalid)
	}
	return nil
}

// overSubject refuses a subject that is not in the tenant, that is the actor,
// or that the actor is in.
func (c *change) overSubject(who model.Subject) error {
	if u, ok := who.User(); ok {
		if c.by.is(u) {
			return fmt.Errorf("user %v cannot change its own profiles: %w", u, ErrDenied)
		}
		if hasRule(c.added, c.membership(u)) {
			return nil // joining in this very change
		}
		return c.activeMember(u)
	}
	team, ok := who.Team()
	if !ok {
		return fmt.Errorf("subject is not set: %w", ErrInvalid)
	}
	if !c.by.system && slices.Contains(c.before.teamsOf(c.by.user), who) {
		return fmt.Errorf("user %v cannot change the profiles of %v, which it is in: %w", c.by.user, who, ErrDenied)
	}
	_, err := c.team(team)
	return err
}

// A Held is a profile that somebody holds.
type Held struct {
	Grant
	By string // who granted it, as the ledger writes actors
	At time.Time
}

// Grants lists the profiles that are held directly in a domain, by users and
// by teams, in the order of the subject's name. It takes "member view".
func (az *Authz) Grants(ctx context.Context, by Actor, in model.Domain) ([]Held, error) {
	return read(ctx, az, by, in, model.ViewMember, "grants", func(q *query) ([]Held, error) {
		domain := in.String()
		if !in.IsDossier() {
			domain = model.Everywhere(in.Tenant())
		}
		var rows []store.CasbinRule // who granted is not in memory
		err := q.db.Where("tenant = ? AND ptype = ? AND v2 = ?", in.Tenant().String(), "g", domain).Order("v0, v1").Find(&rows).Error
		if err != nil {
			return nil, err
		}
		var held []Held
		for _, row := range rows {
			r, err := row.Row()
			if err != nil {
				return nil, err
			}
			who, err := model.ParseSubject(r.Rule.V[0])
			if err != nil {
				return nil, err
			}
			p, err := model.ParseProfile(r.Rule.V[1])
			if err != nil || p == model.Member || r.Rule != model.GrantRule(who, p, in) {
				continue // a link of another sort
			}
			held = append(held, Held{Grant{who, p, in, r.From, r.Until}, r.GrantedBy, r.GrantedAt})
		}
		return held, nil
	})
}
