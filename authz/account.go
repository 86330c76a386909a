package authz

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// accountOf makes u known if it is not, with the address of l verified: who
// has the link reads what is sent there.
func (c *change) accountOf(l *link, u model.UserID, a Acceptance) error {
	switch {
	case l.Holder == u:
		return nil
	case l.Account:
		return c.also(store.PersonStream(u), "verify address", func(c *change) error {
			if _, err := c.tx.store.Lock(c.stream); err != nil {
				return err
			}
			return c.proven(l, u)
		})
	case l.Person == u:
		return c.also(store.PersonStream(u), "edit person", func(c *change) error {
			if _, err := c.tx.store.Lock(c.stream); err != nil {
				return err
			}
			if err := c.db().Model(&store.Person{}).Where("id = ?", u).Updates(a.person(l, u)).Error; err != nil {
				return err
			}
			return c.proven(l, u)
		})
	}
	return c.also(store.PersonStream(u), "add person", func(c *change) error {
		if _, err := c.tx.store.Create(c.stream); err != nil {
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
	part := &change{ctx: c.ctx, az: c.az, tx: c.tx, by: c.by, action: action, at: c.at, stream: stream, detail: detail{}}
	if err := fn(part); err != nil {
		return err
	}
	return part.finish()
}
