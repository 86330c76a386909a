package authz

import (
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Kept people. A contact who is new to a tenant gets a person of their own, which
// that tenant keeps: it is no account, nobody signs in as it, and no other tenant
// can reach it. Whether the address belongs to somebody with an account is neither
// asked nor told. When an invitation to it is accepted, the person becomes the
// account, or the account that accepts takes its place; see settleLogin.

// keeps reports whether u is a person that the tenant keeps. If so, it is locked:
// until this change ends, no address of it is verified and makes it an account. Who
// only looks locks nobody.
func (c *change) keeps(u model.UserID) (bool, error) {
	p, err := c.keeper(u)
	if err != nil || p != c.tenant {
		return false, err // an account is never kept again
	}
	if c.tx.looks {
		return true, nil
	}
	if _, err := c.store().Lock(store.PersonStream(u)); err != nil {
		return false, notFound(err, "person %v", u)
	}
	p, err = c.keeper(u)
	return err == nil && p == c.tenant, err
}

// keeper returns the tenant that keeps u, or the zero ID for an account.
func (c *change) keeper(u model.UserID) (model.TenantID, error) {
	var row store.Person
	err := c.db().Select("id", "keeper").Where("id = ?", u).Take(&row).Error
	return row.Keeper, notFound(store.Translate(err), "person %v", u)
}

// lockAccount takes a person for this change who is new to the tenant. One whom
// another tenant keeps is that tenant's alone.
func (c *change) lockAccount(u model.UserID) error {
	if _, err := c.store().Lock(store.PersonStream(u)); err != nil {
		return notFound(err, "person %v", u)
	}
	keeper, err := c.keeper(u)
	if err == nil && !keeper.IsZero() {
		err = fmt.Errorf("person %v: %w", u, ErrNotFound)
	}
	return err
}

// keep makes a person that the tenant keeps.
func (c *change) keep(p Person) error {
	if _, err := c.store().Create(store.PersonStream(p.ID)); err != nil {
		return fmt.Errorf("person %v: %w", p.ID, err)
	}
	row := p.row()
	row.Keeper, row.CreatedAt = c.tenant, store.At(c.at)
	return c.db().Create(&row).Error
}

// release makes a person that is kept an account like any other.
func (c *change) release(u model.UserID) error {
	return c.db().Model(&store.Person{}).Where("id = ? AND keeper IS NOT NULL", u).Update("keeper", nil).Error
}

// keptAddress makes the addresses of a person that the tenant keeps follow those
// at which it is a contact; those of an account are the account's own.
func (c *change) keptAddress(u model.UserID, a ContactAddress) error {
	if kept, err := c.keeps(u); err != nil || !kept {
		return err
	}
	if _, err := c.address(u, a.Email); !errors.Is(err, ErrNotFound) {
		return err
	}
	return c.putAddress(u, Address{Email: a.Email, Label: a.Label})
}

// dropKeptAddress takes an address from a person that the tenant keeps, once it
// is no contact at it any more.
func (c *change) dropKeptAddress(u model.UserID, canonical string) error {
	if kept, err := c.keeps(u); err != nil || !kept {
		return err
	}
	var n int64
	err := c.db().Model(&store.Contact{}).Where("person = ? AND canonical = ?", u, canonical).Count(&n).Error
	if err != nil || n > 0 {
		return err
	}
	return c.db().Where("person = ? AND canonical = ?", u, canonical).Delete(&store.Address{}).Error
}

// dropUnreached ends the membership of somebody who was known only as a contact
// and is one nowhere any more, unless an invitation that names u waits which the
// actor could not revoke. Of what others offer at addresses of u, what the actor could
// revoke is moot.
func (c *change) dropUnreached(u model.UserID) error {
	m, err := c.member(u)
	if err != nil || m.State != store.Invited {
		return err
	}
	var n int64
	err = c.db().Model(&store.Contact{}).Where("tenant = ? AND person = ?", c.tenant, u).Count(&n).Error
	if err != nil || n > 0 {
		return err
	}
	waiting, err := c.pendingOf(u)
	if err != nil {
		return err
	}
	for _, row := range waiting {
		if row.Person != u {
			continue
		}
		if err := c.overInvitation(row); errors.Is(err, ErrDenied) {
			return nil // somebody else invited u to more
		} else if err != nil {
			return err
		}
	}
	for _, row := range waiting {
		if row.Person == u {
			err = c.revoke(row)
		} else {
			err = c.mootOwn(row)
		}
		if err != nil {
			return err
		}
	}
	return c.endMembership(u)
}

// endMembership deletes a membership whose rows are gone, with what hangs on it,
// and a person that only this tenant knows.
func (c *change) endMembership(u model.UserID) error {
	c.ended = append(c.ended, c.membership(u))
	for _, table := range []any{&store.Preference{}, &store.Contact{}, &store.Member{}} {
		if err := c.db().Where("tenant = ? AND person = ?", c.tenant, u).Delete(table).Error; err != nil {
			return err
		}
	}
	if kept, err := c.keeps(u); err != nil || !kept {
		return err
	}
	if err := c.db().Model(&store.Invitation{}).Where("person = ?", u).Update("person", nil).Error; err != nil {
		return err
	}
	return c.erase(u)
}

// erase deletes a person that is kept and that nothing refers to any more. Its
// stream stays, so that nobody can be made under its ID again.
func (c *change) erase(u model.UserID) error {
	if err := c.db().Where("person = ?", u).Delete(&store.Address{}).Error; err != nil {
		return err
	}
	return c.db().Where("id = ?", u).Delete(&store.Person{}).Error
}
