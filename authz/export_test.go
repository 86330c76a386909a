package authz

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Known tells what az has in memory: how many tenants, and the revision of one.
func Known(az *Authz, t model.TenantID) (tenants int, revision uint64) {
	tenants = int(az.cache.slots.size.Load())
	if st := az.cache.known(t); st != nil {
		revision = st.head.Revision
	}
	return tenants, revision
}

// PublishAgain publishes the state that az has of t as it was, after f.
func PublishAgain(az *Authz, t model.TenantID, f func()) {
	old, since := az.cache.known(t), now()
	f()
	az.cache.publish(context.Background(), old, since)
}

// A Slot is a tenant in memory, whose states are told apart by their revisions.
type Slot struct{ slot slot }

// Put makes a state of a revision the newest, as of asked.
func (s *Slot) Put(revision uint64, asked int64) {
	s.slot.put(&state{head: store.Head{Revision: revision}}, asked)
}

// Current returns the revision of the state that a check goes by, or 0.
func (s *Slot) Current(at int64, staleness time.Duration) uint64 {
	if st := s.slot.current(at, staleness); st != nil {
		return st.head.Revision
	}
	return 0
}

// Memberships remember where people are members.
type Memberships struct{ memberships memberships }

// Of returns the tenants of u as they are remembered, or as ask finds them.
func (m *Memberships) Of(u model.UserID, staleness time.Duration, ask func() ([]model.TenantID, error)) ([]model.TenantID, error) {
	return m.memberships.of(u, int64(staleness), ask)
}

// Widen returns s for a user who is a member of n more tenants, in which it is the same.
func Widen(s Scope, n int) Scope {
	g := s.groups[0]
	for i := range n {
		g.tenants = append(g.tenants[:len(g.tenants):len(g.tenants)], fmt.Sprint("t-", i))
	}
	s.groups = append([]group{g}, s.groups[1:]...)
	return s
}

// Listed is how many dossiers s names to begin with.
func Listed(s Scope) (n int) {
	for _, g := range s.groups {
		n += len(g.dossiers)
	}
	return n
}

// CanonicalPhone is canonicalPhone, and CanonicalEmail canonicalEmail.
var (
	CanonicalPhone = canonicalPhone
	CanonicalEmail = canonicalEmail
)

// Token makes a token for an invitation, as the mailing of it does.
func Token(ctx context.Context, az *Authz, id model.InvitationID) (token string, err error) {
	err = az.store.Query(ctx).Transaction(func(tx *gorm.DB) error {
		token, err = mint(tx, id.String(), az.now())
		return err
	})
	return token, err
}

// Replace puts the member u in the place of a person that t keeps.
func Replace(ctx context.Context, az *Authz, t model.TenantID, kept, u model.UserID) error {
	return az.write(ctx, System, t, "replace", func(c *change) error {
		if err := c.activate(u); err != nil {
			return err
		}
		c.add(c.membership(u))
		return c.replace(kept, u)
	})
}

// Send puts a message into the outbox, in a change of its own.
func Send(ctx context.Context, az *Authz, kind MessageKind, d model.Domain, subject string, user model.UserID, name, email, locale string) error {
	return az.write(ctx, System, d.Tenant(), "send", func(c *change) error {
		return c.send(message{kind: kind, domain: d, subject: subject, to: addressee{user, name, email, locale}})
	})
}

// Revoke revokes an invitation: its tokens first, which is the harder order.
func Revoke(ctx context.Context, az *Authz, t model.TenantID, invitation string) error {
	return az.write(ctx, System, t, "revoke", func(c *change) error {
		if err := c.db().Where("invitation = ?", invitation).Delete(&store.Token{}).Error; err != nil {
			return err
		}
		return c.db().Model(&store.Invitation{}).Where("id = ?", invitation).Update("state", store.Revoked).Error
	})
}

// Render writes a mail with the shipped templates.
func Render(kind MessageKind, locale string, c Content) (subject, text, html string, err error) {
	t, err := shippedTemplates()
	if err != nil {
		return "", "", "", err
	}
	return t.render(kind, locale, c)
}

// Kinds are the kinds of message, and Locales the languages of the templates.
var (
	Kinds   = kinds
	Locales = locales
)

// AcceptUnguarded is Accept without its guard: what the link is good for is
// read before the tenant is locked, and not again.
func AcceptUnguarded(ctx context.Context, az *Authz, token string, a Acceptance) (Invitation, error) {
	seen, err := follow(az.db(ctx), token, az.now(), az.terms)
	if err != nil {
		return Invitation{}, err
	}
	return az.accept(ctx, token, a, func(*change, string) (*link, error) { return seen, nil })
}

// AcceptUnlocked is Accept without the locks of the people that a link is about.
func AcceptUnlocked(ctx context.Context, az *Authz, token string, a Acceptance) (Invitation, error) {
	return az.accept(ctx, token, a, func(c *change, token string) (*link, error) {
		return follow(c.db(), token, c.at, c.az.terms)
	})
}

// RevokePending is revokePending, in a change of its own.
func RevokePending(ctx context.Context, az *Authz, canonical string, d model.Domain) error {
	return az.write(ctx, System, d.Tenant(), "test", func(c *change) error { return c.revokePending(canonical, d) })
}

// Verify makes another answer than Casbin's the one that checks are verified
// with.
func Verify(az *Authz, answer func(casbin bool) bool) {
	ask := az.verifier.ask
	az.verifier.ask = func(st *state, q engine.Request, at time.Time) (engine.Explanation, error) {
		x, err := ask(st, q, at)
		x.Allowed = answer(x.Allowed)
		return x, err
	}
}

// AskCasbin gives Casbin's answers to a request in the state that az has of the
// tenant: with the rows that concern it, and with all rows.
func AskCasbin(az *Authz, r Request, at time.Time) (few, all bool, err error) {
	st, q := az.cache.known(r.Domain.Tenant()), request(r.User, r.Domain, r.Permission)
	text, rows := st.pack.Model.Text, st.allRows()
	for answer, given := range map[*bool][]engine.Row{&few: sortRows(rows).of(q), &all: rows} {
		c, err := engine.NewCasbin(text, given)
		if err == nil {
			*answer, err = c.Enforce(q, at)
		}
		if err != nil {
			return false, false, err
		}
	}
	return few, all, nil
}

// ListInScope is what a Scope does under a model that it cannot compile, with a
// limit of its own.
func ListInScope(ctx context.Context, az *Authz, u model.UserID, p model.Permission, tenants []model.TenantID, limit int) error {
	var g group
	for _, t := range tenants {
		if err := az.list(ctx, u, p, t, limit, &g); err != nil {
			return err
		}
	}
	return nil
}

// Simplify is what a Scope makes of its conditions: conjunctions of atoms of
// rows, each row a sort, who and a name.
func Simplify(all [][][][3]string) [][][][3]string {
	var given []conjunction
	for _, atoms := range all {
		var c conjunction
		for _, rows := range atoms {
			a := atom{ptype: rows[0][0]}
			for _, r := range rows {
				a = a.or(atom{a.ptype, []fact{{r[1], r[2]}}})
			}
			c = append(c, a)
		}
		given = append(given, c)
	}
	var simple [][][][3]string
	for _, c := range simplify(given) {
		var atoms [][][3]string
		for _, a := range c {
			var rows [][3]string
			for _, f := range a.rows {
				rows = append(rows, [3]string{a.ptype, f.who, f.name})
			}
			atoms = append(atoms, rows)
		}
		simple = append(simple, atoms)
	}
	return simple
}
