package authz

import (
	"context"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// AddAddress gives a person one more address, not yet verified. Who may
// [Authz.EditPerson] may.
func (az *Authz) AddAddress(ctx context.Context, by Actor, u model.UserID, email string) error {
	return az.writePerson(ctx, by, u, "add address", func(c *change) error {
		return c.addAddress(u, email, time.Time{})
	})
}

// VerifyAddress records that the address is the person's. Another person with
// the same address verified is an [ErrConflict]. Only [System] may.
func (az *Authz) VerifyAddress(ctx context.Context, by Actor, u model.UserID, email string) error {
	return az.writePerson(ctx, by, u, "verify address", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		row, err := c.address(u, email)
		if err != nil {
			return err
		}
		if row.VerifiedAt != 0 {
			return errUnchanged
		}
		return c.verify(row, c.at)
	})
}

// RemoveAddress takes an address away. Who may [Authz.EditPerson] may. While an
// invitation to a verified address can be accepted in a tenant that the person is known
// in, it is [ErrConflict]: accepted, declined or revoked, it is the person's, and ends
// with the membership; without the address it would be some newcomer's.
func (az *Authz) RemoveAddress(ctx context.Context, by Actor, u model.UserID, email string) error {
	return az.writePerson(ctx, by, u, "remove address", func(c *change) error {
		row, err := c.address(u, email)
		if err != nil {
			return err
		}
		if err := c.unawaited(row); err != nil {
			return err
		}
		return c.db().Where("person = ? AND canonical = ?", u, row.Canonical).Delete(&store.Address{}).Error
	})
}

// unawaited refuses an address by which alone a tenant knows that a pending
// invitation is for one of its people. It locks no tenant: an invitation that is
// made at this moment may as well have been made after. One that needs renewal is no
// way in, and cannot be declined either: whoever sends it again decides anew.
func (c *change) unawaited(row store.Address) error {
	if row.VerifiedAt == 0 {
		return nil
	}
	var n int64
	err := acceptable(c.db(), c.at).Where("canonical = ?", row.Canonical).Where("person IS NULL OR person <> ?", row.Person).
		Where("tenant IN (SELECT tenant FROM volmacht_members WHERE person = ?)", row.Person).Count(&n).Error
	if err == nil && n > 0 {
		err = fmt.Errorf("an invitation waits at the address: accept or decline it first: %w", ErrConflict)
	}
	return err
}

func (c *change) addAddress(u model.UserID, email string, verified time.Time) error {
	return c.putAddress(u, Address{Email: email, Verified: verified})
}

// putAddress adds an address to those that a person has.
func (c *change) putAddress(u model.UserID, a Address) error {
	canonical, err := canonicalEmail(a.Email)
	if err != nil {
		return err
	}
	row := store.Address{Person: u, Canonical: canonical, Typed: a.Email, Label: a.Label, AddedAt: store.At(c.at)}
	if err := c.db().Create(&row).Error; err != nil {
		return store.Translate(err)
	}
	if a.Verified.IsZero() {
		return nil
	}
	return c.verify(row, a.Verified)
}

// verify records that an address is the person's, who has an account from then on.
func (c *change) verify(row store.Address, at time.Time) error {
	err := c.db().Model(&store.Address{}).Where("person = ? AND canonical = ?", row.Person, row.Canonical).
		Update("verified_at", store.At(at)).Error
	if err != nil {
		return store.Translate(err)
	}
	return c.release(row.Person)
}

// label changes what a person calls an address, if it is one of theirs.
func (c *change) label(u model.UserID, a Address) error {
	canonical, err := canonicalEmail(a.Email)
	if err != nil {
		return err
	}
	return c.db().Model(&store.Address{}).Where("person = ? AND canonical = ?", u, canonical).Update("label", a.Label).Error
}

func (c *change) address(u model.UserID, email string) (store.Address, error) {
	canonical, err := canonicalEmail(email)
	if err != nil {
		return store.Address{}, err
	}
	var row store.Address
	err = c.db().Where("person = ? AND canonical = ?", u, canonical).Take(&row).Error
	return row, notFound(store.Translate(err), "address of person %v", u)
}

// PersonByAddress finds whose verified address it is, and so who signs in with
// it. An address that nobody has verified is [ErrNotFound], whoever claims it. It
// takes no actor: it is for the host's own sign-in. Whoever asks learns whether an
// address has an account here, so do not pass the answer on.
func (az *Authz) PersonByAddress(ctx context.Context, email string) (Person, error) {
	found, err := az.personByAddress(ctx, email)
	if err != nil {
		return Person{}, fmt.Errorf("authz: person by address: %w", err)
	}
	return found, nil
}

func (az *Authz) personByAddress(ctx context.Context, email string) (Person, error) {
	if err := az.ready(); err != nil {
		return Person{}, err
	}
	canonical, err := canonicalEmail(email)
	if err != nil {
		return Person{}, err
	}
	var row store.Address
	db := az.db(ctx)
	if err := db.Where("verified_key = ?", canonical).Take(&row).Error; err != nil {
		return Person{}, notFound(store.Translate(err), "verified address")
	}
	return loadPerson(db, row.Person)
}
