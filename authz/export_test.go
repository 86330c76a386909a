package authz

import (
	"context"
	"errors"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Known tells what az has in memory: how many tenants, and the revision of one.
func Known(az *Authz, t model.TenantID) (tenants int, revision uint64) {
	az.cache.mu.RLock()
	tenants = len(az.cache.slots)
	az.cache.mu.RUnlock()
	if st := az.cache.known(t); st != nil {
		revision = st.head.Revision
	}
	return tenants, revision
}

// PublishAgain publishes the state that az has of t as it was, after f.
func PublishAgain(az *Authz, t model.TenantID, f func()) {
	old, since := az.cache.known(t), now()
	f()
	az.cache.publish(old, since)
}

// CanonicalPhone is canonicalPhone.
var CanonicalPhone = canonicalPhone

// Accept accepts, as u or, when that is zero, as the person it names, the
// invitation that waits for an address, as its link would. It stands in for the
// invitations and goes when they come.
func Accept(ctx context.Context, az *Authz, t model.TenantID, email string, u model.UserID) error {
	return az.write(ctx, System, t, "accept", func(c *change) error {
		canonical, err := canonicalEmail(email)
		if err != nil {
			return err
		}
		var inv store.Invitation
		err = c.db().Where("tenant = ? AND canonical = ? AND state = ? AND expires_at > ?", t, canonical, store.Pending, store.At(c.at)).
			Order("invited_at DESC").Take(&inv).Error
		if errors.Is(store.Translate(err), ErrNotFound) {
			return ErrExpired
		}
		if err != nil {
			return err
		}
		if u.IsZero() {
			u = inv.Person
		}
		if _, err := c.member(u); errors.Is(err, ErrNotFound) {
			if err := c.enrol(u); err != nil {
				return err
			}
		}
		if err := c.admit(u); err != nil {
			return err
		}
		if _, err := c.address(u, email); errors.Is(err, ErrNotFound) {
			if err := c.addAddress(u, email, c.at); err != nil {
				return err
			}
		} else if err := c.verify(store.Address{Person: u, Canonical: canonical}, c.at); err != nil {
			return err
		}
		var grants []store.InvitedGrant
		if err := c.db().Where("invitation = ?", inv.ID).Find(&grants).Error; err != nil {
			return err
		}
		for _, g := range grants {
			in, err := contactDomain(store.Contact{Tenant: t, Dossier: g.Dossier})
			if err != nil {
				return err
			}
			if err := c.grant(Grant{Subject: model.UserSubject(u), Profile: g.Profile, Domain: in}); err != nil {
				return err
			}
		}
		done := map[string]any{"state": store.Accepted, "decided_by": model.UserSubject(u).String(), "decided_at": store.At(c.at)}
		if err := c.db().Model(&store.Invitation{}).Where("id = ?", inv.ID).Updates(done).Error; err != nil {
			return err
		}
		return c.settleLogin(&inv, u)
	})
}

// Replace puts the member u in the place of a person that t keeps.
func Replace(ctx context.Context, az *Authz, t model.TenantID, kept, u model.UserID) error {
	return az.write(ctx, System, t, "replace", func(c *change) error {
		if _, err := c.member(u); errors.Is(err, ErrNotFound) {
			if err := c.enrol(u); err != nil {
				return err
			}
			if err := c.admit(u); err != nil {
				return err
			}
		}
		return c.replace(kept, u)
	})
}
