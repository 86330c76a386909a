package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// An Acceptance is what the host says of somebody who accepts an invitation.
type Acceptance struct {
	// SignedIn is who is signed in, by the host's own session and nothing else.
	// Zero is nobody: then accepting makes an account.
	SignedIn model.UserID

	// OwnAddress is what SignedIn answered when asked, with the address shown,
	// whether the invited address is their own, to sign in with from now on. Then
	// it is verified: who has the link reads what is sent there. Never say so
	// unasked: somebody else typed that address, and whoever reads it could sign in
	// as this account. The address of a new account is verified in any case.
	OwnAddress bool

	// The rest is for a new account.

	NewUser    model.UserID // the host's id for it; zero: the one that is known already, or a fresh one
	FirstName  string       // empty: as the invitation has it
	LastName   string       // empty: as the invitation has it
	Salutation string       // optional
	Phone      string       // optional
	Country    string       // of a Phone without country code, such as "BE"
	Locale     string       // empty: as the invitation has it

	// Account writes the host's own rows, such as credentials, in the same
	// transaction. If it fails, nothing is accepted. It may run again from its
	// start: see [Authz.Transaction]. Nil: nothing.
	Account Account
}

// Account writes the host's own rows of a person, through tx.DB(), with the
// change that p comes in by.
type Account func(ctx context.Context, tx *Tx, p Person) error

// check refuses what is malformed, and brings Phone to its canonical form.
func (a *Acceptance) check() error {
	if !a.SignedIn.IsZero() && (!a.NewUser.IsZero() || a.FirstName+a.LastName+a.Salutation+a.Phone+a.Country+a.Locale != "") {
		return fmt.Errorf("user %v has an account: want nothing else for a new one: %w", a.SignedIn, ErrInvalid)
	}
	for _, text := range []struct {
		what, s string
		limit   int
	}{{"first name", a.FirstName, 200}, {"last name", a.LastName, 200}, {"salutation", a.Salutation, 50}, {"locale", a.Locale, 35}} {
		if err := checkText(text.what, text.s, optional, text.limit); err != nil {
			return err
		}
	}
	if a.Phone == "" {
		return nil
	}
	phone, err := canonicalPhone(a.Phone, a.Country)
	a.Phone = phone
	return err
}

// accountOf makes u known if it is not, with the address of l verified: who
// has the link reads what is sent there. That is no proof that an account that
// is there already, and confirms, reads it too: the inviter may have passed the
// link on. So it takes that account's word besides.
func (c *change) accountOf(l *link, u model.UserID, a Acceptance) error {
	switch {
	case l.Holder == u:
		return nil
	case l.Account && !a.OwnAddress:
		return nil
	case l.Account:
		return c.also(store.PersonStream(u), "verify address", func(c *change) error {
			if _, err := c.store().Lock(c.stream); err != nil {
				return err
			}
			return c.proven(l, u)
		})
	case l.Person == u:
		return c.also(store.PersonStream(u), "edit person", func(c *change) error {
			if _, err := c.store().Lock(c.stream); err != nil {
				return err
			}
			if err := c.db().Model(&store.Person{}).Where("id = ?", u).Updates(a.person(l, u)).Error; err != nil {
				return err
			}
			return c.proven(l, u)
		})
	}
	return c.also(store.PersonStream(u), "add person", func(c *change) error {
		if _, err := c.store().Create(c.stream); errors.Is(err, ErrConflict) {
			return personTaken(u) // since a moment ago
		} else if err != nil {
			return fmt.Errorf("person %v: %w", u, err)
		}
		p := a.person(l, u)
		p.CreatedAt = store.At(c.at)
		if err := c.db().Create(&p).Error; err != nil {
			return err
		}
		return c.addAddress(u, l.Typed, c.at)
	})
}

// person is who accepts: what they say of themselves, and for the rest what
// the invitation says. Of the known, what is empty here stays as it is.
func (a Acceptance) person(l *link, u model.UserID) store.Person {
	return store.Person{
		ID: u, FirstName: cmp.Or(a.FirstName, l.FirstName), LastName: cmp.Or(a.LastName, l.LastName),
		Locale: cmp.Or(a.Locale, l.Locale), Salutation: a.Salutation, Phone: a.Phone,
	}
}

// proven records that the address of l is u's.
func (c *change) proven(l *link, u model.UserID) error {
	row, err := c.address(u, l.Typed)
	switch {
	case errors.Is(err, ErrNotFound):
		return c.addAddress(u, l.Typed, c.at)
	case err != nil || row.VerifiedAt != 0:
		return err
	}
	return c.verify(row, c.at)
}

// also records a change to another stream that is part of this one.
func (c *change) also(stream, action string, fn func(*change) error) error {
	if c.lock(); c.moved != nil {
		return c.moved
	}
	part := &change{ctx: c.ctx, az: c.az, tx: c.tx, by: c.by, action: action, at: c.at, stream: stream, detail: detail{}}
	if err := fn(part); err != nil {
		return err
	}
	return part.finish()
}
