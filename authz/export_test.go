package authz

import (
	"context"

	"gorm.io/gorm"

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

// Token makes a token for an invitation, as the mailing of it does.
func Token(ctx context.Context, az *Authz, id model.InvitationID) (token string, err error) {
	err = az.store.Query(ctx).Transaction(func(tx *gorm.DB) error {
		token, err = mint(tx, id.String(), az.now())
		return err
	})
	return token, err
}

// AcceptUnguarded is Accept without its guard: what the link is good for is
// read before the tenant is locked, and not again.
func AcceptUnguarded(ctx context.Context, az *Authz, token string, a Acceptance) (Invitation, error) {
	seen, err := follow(az.db(ctx), token, az.now(), az.terms)
	if err != nil {
		return Invitation{}, err
	}
	return az.accept(ctx, token, a, func(*change, string) (*link, error) { return seen, nil })
}

// RevokePending is revokePending, in a change of its own.
func RevokePending(ctx context.Context, az *Authz, canonical string, d model.Domain) error {
	return az.write(ctx, System, d.Tenant(), "test", func(c *change) error { return c.revokePending(canonical, d) })
}
