package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A NewContact says who becomes a contact, and where they are reached.
type NewContact struct {
	User model.UserID // somebody known in the tenant; zero: somebody new

	// Of somebody new, as in a [Person]; of somebody known they stay empty.
	FirstName, LastName string
	Salutation, Locale  string
	Phone, Country      string

	Addresses []ContactAddress // at least one
	Profiles  []model.Profile  // held with or without access, such as what sort of contact it is; optional
	Note      string           // of the invitations, for those with Login; optional
}

// A ContactAddress is one e-mail address of a contact, with its three switches.
// They belong to the address in one place: the same one can be switched
// otherwise on another dossier.
type ContactAddress struct {
	Email string // as it was typed
	Label string // "work", "personal", or a word of one's own; optional

	Login  bool // is invited to sign in, and may once that is accepted
	Notify bool // gets the messages of the topics that are wanted
	Sync   bool // its mail is synchronised; see [Authz.Synced]

	State LoginState // read only
}

// AddContact makes somebody a contact of a dossier, or of the tenant itself, and
// returns who that is. Each address with Login on is sent an invitation; the
// others need none. It takes "member invite" in the domain, what an invitation
// takes for each Login, and the grant of each of the profiles.
//
// Somebody new is known in this tenant from then on and reached at the
// addresses, without access: a member who is [Invited]. It makes no
// difference, and is not told, whether an address belongs to somebody with an
// account; who that is turns out when they accept, and the account then takes the
// place of the one made here. Who names a user must be able to come upon that user
// here, by "member view" in the tenant or on a dossier where the user holds something
// or is a contact, or as a contact of a place to which it may invite; anybody else is
// [ErrNotFound], like somebody who does not exist. [System] names anybody.
//
// With profiles the contact is an active member without access; that takes a
// pack that keeps access apart, in a profile marked "login".
func (az *Authz) AddContact(ctx context.Context, by Actor, in model.Domain, n NewContact) (model.UserID, error) {
	u := n.User
	if u.IsZero() {
		u = model.NewUserID()
	}
	err := az.writeContact(ctx, by, in, "add contact", func(c *change) error {
		c.detail["user"] = u.String()
		if err := n.check(); err != nil {
			return err
		}
		if n.User.IsZero() {
			if err := c.newcomer(u, n); err != nil {
				return err
			}
		} else if err := c.acquaintance(u); err != nil {
			return err
		}
		if err := c.contactProfiles(in, u, n.Profiles); err != nil {
			return err
		}
		for _, a := range n.Addresses {
			if err := c.addContactAddress(in, u, a, n.Note); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return model.UserID{}, err
	}
	return u, nil
}

// check refuses what no database is needed for.
func (n NewContact) check() error {
	if len(n.Addresses) == 0 {
		return fmt.Errorf("a contact without an address: %w", ErrInvalid)
	}
	if !n.User.IsZero() && n.FirstName+n.LastName+n.Salutation+n.Locale+n.Phone+n.Country != "" {
		return fmt.Errorf("user %v is known: adding a contact does not edit a person: %w", n.User, ErrInvalid)
	}
	seen := make(map[string]bool)
	for _, a := range n.Addresses {
		canonical, err := canonicalEmail(a.Email)
		if err != nil {
			return err
		}
		if seen[canonical] {
			return fmt.Errorf("e-mail address %q is given twice: %w", a.Email, ErrInvalid)
		}
		seen[canonical] = true
	}
	return nil
}

// writeContact is the write path of contacts, for who may invite in the domain.
func (az *Authz) writeContact(ctx context.Context, by Actor, in model.Domain, action string, fn func(*change) error) error {
	return az.write(ctx, by, in.Tenant(), action, func(c *change) error {
		if err := c.require(in, model.InviteMember); err != nil {
			return err
		}
		if err := c.openDomain(in); err != nil {
			return err
		}
		c.detail["domain"] = in.String()
		return fn(c)
	})
}

// newcomer makes a person and an invited member of somebody new.
func (c *change) newcomer(u model.UserID, n NewContact) error {
	p := Person{
		ID: u, FirstName: n.FirstName, LastName: n.LastName,
		Salutation: n.Salutation, Locale: n.Locale, Phone: n.Phone, Country: n.Country,
	}
	if err := p.check(); err != nil {
		return err
	}
	if err := c.keep(p); err != nil {
		return err
	}
	return c.enrol(u)
}

// acquaintance finds a member whom the actor may name and who is not deactivated. The system may name
// anybody with an account, who then becomes an invited member.
func (c *change) acquaintance(u model.UserID) error {
	if c.by.is(u) {
		return fmt.Errorf("user %v cannot add itself: %w", u, ErrDenied)
	}
	m, err := c.named(u)
	switch {
	case errors.Is(err, ErrNotFound) && c.by.system:
		if err := c.lockAccount(u); err != nil {
			return err
		}
		return c.enrol(u)
	case err == nil && m.State == store.Deactivated:
		return fmt.Errorf("member %v is %s: %w", u, m.State, ErrConflict)
	}
	return err
}

// enrol makes u an invited member.
func (c *change) enrol(u model.UserID) error {
	return c.db().Create(&store.Member{Tenant: c.tenant, Person: u, State: store.Invited, Since: store.At(c.at)}).Error
}

// contactProfiles gives a contact profiles that are not access.
func (c *change) contactProfiles(in model.Domain, u model.UserID, profiles []model.Profile) error {
	if len(profiles) == 0 {
		return nil
	}
	login := c.catalog().LoginProfile(placeOf(in))
	if login.IsZero() {
		return fmt.Errorf("profiles of a contact: in the pack %s every profile in a %v is access: invite to it: %w",
			c.before.pack.Name, placeOf(in), ErrInvalid)
	}
	if err := c.seat(u); err != nil {
		return err
	}
	for _, p := range profiles {
		if p == login {
			return fmt.Errorf("profile %v of a contact: it comes with Login, when that is accepted: %w", p, ErrInvalid)
		}
		if err := c.grant(Grant{Subject: model.UserSubject(u), Profile: p, Domain: in}); err != nil {
			return err
		}
	}
	return nil
}

// addContactAddress adds one address of u in a domain, and invites it if its
// Login is on.
func (c *change) addContactAddress(in model.Domain, u model.UserID, a ContactAddress, note string) error {
	row, err := c.newContactRow(in, u, a)
	if err != nil {
		return err
	}
	if a.Login {
		return c.offerLogin(in, row, note, "")
	}
	return nil
}

// newContactRow writes an address that is nobody's yet in the domain.
func (c *change) newContactRow(in model.Domain, u model.UserID, a ContactAddress) (store.Contact, error) {
	var none store.Contact
	canonical, err := canonicalEmail(a.Email)
	if err != nil {
		return none, err
	}
	if err := checkText("label", a.Label, optional, 50); err != nil {
		return none, err
	}
	if err := c.newAddress(in, u, canonical, ""); err != nil {
		return none, err
	}
	if err := c.dropPreferences(in, u, canonical); err != nil {
		return none, err
	}
	if err := c.preferDefaults(in, u, canonical, ""); err != nil {
		return none, err
	}
	row := store.Contact{
		Tenant: c.tenant, Dossier: in.Dossier().String(), Person: u, Canonical: canonical, Typed: a.Email, Label: a.Label,
		Login: a.Login, Notify: a.Notify, Sync: a.Sync, Since: store.At(c.at),
	}
	if err := c.db().Create(&row).Error; err != nil {
		return none, err
	}
	return row, c.keptAddress(u, a)
}

// newAddress refuses an address that may not become one of u's in the domain. To
// somebody deactivated, whose place is closed to links, nobody adds any.
func (c *change) newAddress(in model.Domain, u model.UserID, canonical, changed string) error {
	if err := c.freeAddress(in, canonical); err != nil {
		return err
	}
	if err := c.overAddress(in, u, canonical, changed); err != nil {
		return err
	}
	m, err := c.member(u)
	if err == nil && m.State == store.Deactivated {
		err = fmt.Errorf("member %v is %s: %w", u, m.State, ErrConflict)
	}
	return err
}

// freeAddress refuses an address that somebody has in the domain: one address
// there is one person's, or a link to it could be taken by either.
func (c *change) freeAddress(in model.Domain, canonical string) error {
	var n int64
	err := c.inContacts(in).Where("canonical = ?", canonical).Count(&n).Error
	if err == nil && n > 0 {
		err = fmt.Errorf("the address is a contact's of %v already: %w", in, ErrConflict)
	}
	return err
}
