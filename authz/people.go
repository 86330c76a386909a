package authz

import (
	"context"
	"errors"
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
	Addresses []Address

	// Optional:
	Salutation string
	Locale     string // such as "nl"
	Phone      string // written in any way; read back as +32470123456
	Country    string // of a Phone without country code, such as "BE"; not kept
}

// An Address is one e-mail address of a person.
type Address struct {
	Email    string    // as it was typed
	Label    string    // "work", "personal", or a word of one's own; optional
	Verified time.Time // when the host saw that it is the person's; zero: not yet
}

// check also brings the phone number to the form in which it is kept.
func (p *Person) check() (err error) {
	for _, a := range p.Addresses {
		if err := checkText("label", a.Label, optional, 50); err != nil {
			return err
		}
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
	if err := checkText("salutation", p.Salutation, optional, 50); err != nil {
		return err
	}
	if p.Phone != "" {
		if p.Phone, err = canonicalPhone(p.Phone, p.Country); err != nil {
			return err
		}
	}
	p.Country = ""
	return checkText("locale", p.Locale, optional, 35)
}

// row is the person as it is stored, but for when and by whom it was made.
func (p Person) row() store.Person {
	return store.Person{
		ID: p.ID, FirstName: p.FirstName, LastName: p.LastName,
		Salutation: p.Salutation, Locale: p.Locale, Phone: p.Phone,
	}
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
		if _, err := c.store().Create(c.stream); errors.Is(err, ErrConflict) {
			return personTaken(p.ID)
		} else if err != nil {
			return fmt.Errorf("person %v: %w", p.ID, err)
		}
		row := p.row()
		row.CreatedAt = store.At(c.at)
		if err := c.db().Create(&row).Error; err != nil {
			return err
		}
		for _, a := range p.Addresses {
			if err := c.putAddress(p.ID, a); err != nil {
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

// EditPerson changes all that is known of the person p.ID except the addresses,
// which have methods of their own: it only changes the labels of those addresses in
// p that the person has. People may edit themselves if a tenant that they are in
// gives them "self edit"; only [System] may edit somebody else, but see
// [Authz.EditContact].
func (az *Authz) EditPerson(ctx context.Context, by Actor, p Person) error {
	return az.writePerson(ctx, by, p.ID, "edit person", func(c *change) error {
		if err := p.check(); err != nil {
			return err
		}
		for _, a := range p.Addresses {
			if err := c.label(p.ID, a); err != nil {
				return err
			}
		}
		return c.db().Model(&store.Person{}).Where("id = ?", p.ID).
			Select("first_name", "last_name", "salutation", "locale", "phone").Updates(p.row()).Error
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
		if _, err := c.store().Lock(c.stream); err != nil {
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
	if _, err := c.tx.holdPack(); err != nil {
		return err
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
	p := Person{
		ID: u, FirstName: row.FirstName, LastName: row.LastName,
		Salutation: row.Salutation, Locale: row.Locale, Phone: row.Phone,
	}
	for _, a := range addresses {
		p.Addresses = append(p.Addresses, Address{Email: a.Typed, Label: a.Label, Verified: a.VerifiedAt.Time()})
	}
	return p, nil
}
