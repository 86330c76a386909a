package authz

import (
	"context"

	"gorm.io/gorm"

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
