package authz

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Person is somebody who can be a member of tenants. The host signs people
// in and keeps their credentials; its own user id can be the ID here.
type Person struct {
	ID        model.UserID // zero in AddPerson: a fresh one
	FirstName string
	LastName  string
	Locale    string // such as "nl"; optional
	Addresses []Address
}

// An Address is one e-mail address of a person.
type Address struct {
	Email    string    // as it was typed
	Verified time.Time // when the host saw that it is the person's; zero: not yet
}

func (p Person) check() error {
	for _, a := range p.Addresses {
		if !a.Verified.IsZero() && (a.Verified.Unix() < 1 || a.Verified.Year() > 9999) {
			return fmt.Errorf("e-mail address %q: verified at %v: %w", a.Email, a.Verified, ErrInvalid)
		}
	}
	if err := checkText("first name", p.FirstName, required, 200); err != nil {
		return err
	}
	if err := checkText("last name", p.LastName, required, 200); err != nil {
		return err
	}
	return checkText("locale", p.Locale, optional, 35)
}

// AddPerson makes a person known, a member of no tenant yet. A verified
// address can be one person's only. Only [System] may.
func (az *Authz) AddPerson(ctx context.Context, by Actor, p Person) (Person, error) {
	if p.ID.IsZero() {
		p.ID = model.NewUserID()
	}
	err := az.record(ctx, by, store.PersonStream(p.ID), "add person", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		if _, err := c.tx.store.Create(c.stream); err != nil {
			return fmt.Errorf("person %v: %w", p.ID, err)
		}
		err := c.db().Create(&store.Person{
			ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, CreatedAt: store.At(c.at),
		}).Error
		if err != nil {
			return err
		}
		for _, a := range p.Addresses {
			if err := c.addAddress(p.ID, a.Email, a.Verified); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

// EditPerson changes the names and the locale of the person p.ID; addresses
// have methods of their own. People may edit themselves where a tenant they
// are in gives them "self edit"; nobody but [System] edits somebody else.
func (az *Authz) EditPerson(ctx context.Context, by Actor, p Person) error {
	return az.writePerson(ctx, by, p.ID, "edit person", func(c *change) error {
		if err := p.check(); err != nil {
			return err
		}
		return c.db().Model(&store.Person{}).Where("id = ?", p.ID).Updates(map[string]any{
			"first_name": p.FirstName, "last_name": p.LastName, "locale": p.Locale,
		}).Error
	})
}

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

// RemoveAddress takes an address away. Who may [Authz.EditPerson] may.
func (az *Authz) RemoveAddress(ctx context.Context, by Actor, u model.UserID, email string) error {
	return az.writePerson(ctx, by, u, "remove address", func(c *change) error {
		row, err := c.address(u, email)
		if err != nil {
			return err
		}
		return c.db().Where("person = ? AND canonical = ?", u, row.Canonical).Delete(&store.Address{}).Error
	})
}

// writePerson is the write path of what belongs to a person and no tenant.
func (az *Authz) writePerson(ctx context.Context, by Actor, u model.UserID, action string, fn func(*change) error) error {
	if u.IsZero() {
		return az.refuse(action, fmt.Errorf("user is not set: %w", ErrInvalid))
	}
	return az.record(ctx, by, store.PersonStream(u), action, func(c *change) error {
		if !by.system && !by.is(u) {
			return fmt.Errorf("person %v: %w", u, ErrNotFound)
		}
		if _, err := c.tx.store.Lock(c.stream); err != nil {
			return notFound(err, "person %v", u)
		}
		if err := c.mayEditSelf(u); err != nil {
			return err
		}
		return fn(c)
	})
}

// mayEditSelf refuses a user whom no tenant gives "self edit".
func (c *change) mayEditSelf(u model.UserID) error {
	if c.by.system {
		return nil
	}
	tenants, err := tenantsOf(c.db(), u)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		st, err := c.tx.state(c.ctx, t)
		if err != nil {
			return err
		}
		ok, err := st.enforce(u, model.TenantDomain(t), model.EditSelf, c.at)
		if ok || err != nil {
			return err
		}
	}
	return fmt.Errorf("user %v may not %v in any tenant: %w", u, model.EditSelf, ErrDenied)
}

func (c *change) addAddress(u model.UserID, email string, verified time.Time) error {
	canonical, err := canonicalEmail(email)
	if err != nil {
		return err
	}
	row := store.Address{Person: u, Canonical: canonical, Typed: email, AddedAt: store.At(c.at)}
	if err := c.db().Create(&row).Error; err != nil {
		return store.Translate(err)
	}
	if verified.IsZero() {
		return nil
	}
	return c.verify(row, verified)
}

func (c *change) verify(row store.Address, at time.Time) error {
	err := c.db().Model(&store.Address{}).Where("person = ? AND canonical = ?", row.Person, row.Canonical).
		Update("verified_at", store.At(at)).Error
	return store.Translate(err)
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

// Person reads a person with all addresses. Oneself and [System] may; what a
// tenant's administrators see of people is in [Authz.Members].
func (az *Authz) Person(ctx context.Context, by Actor, u model.UserID) (Person, error) {
	found, err := az.person(ctx, by, u)
	if err != nil {
		return Person{}, fmt.Errorf("authz: person: %w", err)
	}
	return found, nil
}

func (az *Authz) person(ctx context.Context, by Actor, u model.UserID) (Person, error) {
	if err := az.ready(); err != nil {
		return Person{}, err
	}
	if err := by.check(); err != nil {
		return Person{}, err
	}
	if u.IsZero() {
		return Person{}, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	if !by.system && !by.is(u) {
		return Person{}, fmt.Errorf("person %v: %w", u, ErrNotFound)
	}
	return loadPerson(az.db(ctx), u)
}

func loadPerson(db *gorm.DB, u model.UserID) (Person, error) {
	var row store.Person
	if err := db.Where("id = ?", u).Take(&row).Error; err != nil {
		return Person{}, notFound(store.Translate(err), "person %v", u)
	}
	var addresses []store.Address
	if err := db.Where("person = ?", u).Order("added_at, canonical").Find(&addresses).Error; err != nil {
		return Person{}, store.Translate(err)
	}
	p := Person{ID: u, FirstName: row.FirstName, LastName: row.LastName, Locale: row.Locale}
	for _, a := range addresses {
		p.Addresses = append(p.Addresses, Address{Email: a.Typed, Verified: a.VerifiedAt.Time()})
	}
	return p, nil
}
