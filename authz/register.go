package authz

import (
	"context"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Registration is a company that comes into being with its first user.
type Registration struct {
	Tenant Tenant

	// Person is the founder. With User set, the founder is somebody who is
	// known already, and Person is left zero.
	Person Person
	User   model.UserID

	// Account writes the host's own rows, such as credentials, in the same
	// transaction: see [Acceptance]. Nil: nothing.
	Account Account
}

// A Registered is what [Authz.Register] made.
type Registered struct {
	Tenant Tenant
	Person Person
}

// Register makes a tenant and its founder, an active member with the profiles
// that the pack's catalog gives to a founder, all together. Only [System] may.
// A pack whose catalog names no founder is an [ErrInvalid].
func (az *Authz) Register(ctx context.Context, by Actor, r Registration) (Registered, error) {
	const action = "register"
	if !r.User.IsZero() && (r.Person.FirstName+r.Person.LastName != "" || !r.Person.ID.IsZero()) {
		return Registered{}, az.refuse(action, fmt.Errorf("user %v is known: want no person besides: %w", r.User, ErrInvalid))
	}
	if r.Tenant.ID.IsZero() {
		r.Tenant.ID = model.NewTenantID()
	}
	if !r.User.IsZero() {
		r.Person.ID = r.User
	} else if r.Person.ID.IsZero() {
		r.Person.ID = model.NewUserID()
	}
	var made Registered
	err := az.Transaction(ctx, func(tx *Tx) error {
		made = Registered{Tenant: r.Tenant}
		if r.User.IsZero() {
			if _, err := tx.AddPerson(ctx, by, r.Person); err != nil {
				return err
			}
		}
		if err := tx.found(ctx, by, action, &made.Tenant, r.Person.ID); err != nil {
			return err
		}
		var err error
		if made.Person, err = tx.person(ctx, by, r.Person.ID); err != nil || r.Account == nil {
			return err
		}
		return r.Account(ctx, tx, made.Person)
	})
	if err != nil {
		return Registered{}, err
	}
	return made, nil
}

// found makes a tenant with u as its founder.
func (az *Authz) found(ctx context.Context, by Actor, action string, t *Tenant, u model.UserID) error {
	return az.record(ctx, by, store.TenantStream(t.ID), action, func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if err := c.lockAccount(u); err != nil {
			return err
		}
		if err := c.createTenant(t); err != nil {
			return err
		}
		profiles := c.catalog().Founders()
		if len(profiles) == 0 {
			return fmt.Errorf("the catalog of the pack %s gives nothing to a founder: mark a profile with the word founder: %w", c.before.pack.Name, ErrInvalid)
		}
		home, who := model.TenantDomain(t.ID), model.UserSubject(u)
		c.add(model.GrantRule(who, model.Member, home))
		for _, p := range profiles {
			c.add(model.GrantRule(who, p, home))
		}
		c.detail["user"] = u.String()
		return c.db().Create(&store.Member{Tenant: t.ID, Person: u, State: store.Active, Since: store.At(c.at)}).Error
	})
}
