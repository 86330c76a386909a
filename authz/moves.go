package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// ChangeAddress corrects an address of a contact that has not been accepted yet.
// Links sent to the old one are dead, and the invitation that waits goes to the new
// one, as by [Authz.Readdress], which for its part changes the contact; if Login is
// on and none waits, there is a new one. It takes "member invite" in the domain, what
// an invitation takes, and for each invitation that ends what [Authz.Revoke] takes for
// what it offers there. An address that was accepted is [ErrConflict]:
// [Authz.MoveAddress] keeps the access until the new one is accepted, too.
func (az *Authz) ChangeAddress(ctx context.Context, by Actor, in model.Domain, u model.UserID, from, to string) error {
	return az.writeContact(ctx, by, in, "change address", func(c *change) error {
		row, err := c.contact(in, u, from)
		if err != nil {
			return err
		}
		c.detail["user"] = u.String()
		if row.Accepted != 0 {
			return fmt.Errorf("an address of contact %v that was accepted: move it: %w", u, ErrConflict)
		}
		var pending []store.Invitation
		err = invitationsIn(c.db(), in).Where("canonical = ? AND state = ?", row.Canonical, store.Pending).
			Order("invited_at DESC, id DESC").Find(&pending).Error
		if err != nil {
			return err
		}
		canonical, err := canonicalEmail(to)
		if err != nil {
			return err
		}
		goes := len(pending) > 0 && row.Login // to the new address
		dead := pending
		if goes {
			dead = pending[1:]
		}
		if canonical != row.Canonical {
			if err := c.revokeIn(dead, in); err != nil {
				return err
			}
		}
		if !goes {
			if row, err = c.moveContact(in, row, to, ""); err != nil || !row.Login {
				return err
			}
			return c.offerLogin(in, row, "", "")
		}
		d := draft{row: pending[0]}
		c.detail["invitation"] = d.row.ID
		if err := c.db().Where("invitation = ?", d.row.ID).Order("dossier, profile").Find(&d.grants).Error; err != nil {
			return err
		}
		return c.readdress(d, to, u)
	})
}

// moveContacts gives the contacts whose invitation goes to another address that
// address too. Whom it is for, u, must get it; others that have the old one may have
// been put there by somebody else, and stop nobody.
func (c *change) moveContacts(d draft, from, to string, u model.UserID) error {
	for _, g := range d.grants {
		in, err := domainOfGrant(d.row.Tenant, g)
		if err != nil {
			return err
		}
		var rows []store.Contact
		if err := c.inContacts(in).Where("canonical = ? AND login AND accepted = 0", from).Find(&rows).Error; err != nil {
			return err
		}
		for _, row := range rows {
			left := false
			if row.Person != u && d.row.Canonical != from {
				left, err = c.leaves(row.Person, in, d.row.Canonical, d.row.ID)
			}
			if err == nil && !left {
				_, err = c.moveContact(in, row, to, d.row.ID)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// leaves reports whether a contact who only has the address of an invitation keeps it
// when the invitation goes to another: one to whom the actor may not give that, and one
// who is deactivated. The link is not for them.
func (c *change) leaves(who model.UserID, in model.Domain, canonical, changed string) (bool, error) {
	m, err := c.member(who)
	if err != nil || m.State == store.Deactivated {
		return err == nil, err
	}
	err = c.overAddress(in, who, canonical, changed)
	if refused(err) {
		return true, nil
	}
	return false, err
}

// moveContact gives a row of a contact, and what is wanted there, another
// address, that of a changed invitation if there is one. Spelling the same address
// otherwise is no more than that.
func (c *change) moveContact(in model.Domain, row store.Contact, to, changed string) (store.Contact, error) {
	canonical, err := canonicalEmail(to)
	if err != nil {
		return row, err
	}
	old := row.Canonical
	if canonical != old {
		if err := c.newAddress(in, row.Person, canonical, changed); err != nil {
			return row, err
		}
		if err := c.dropPreferences(in, row.Person, canonical); err != nil {
			return row, err
		}
		if err := c.preferencesIn(in, row.Person).Where("canonical = ?", old).Update("canonical", canonical).Error; err != nil {
			return row, err
		}
		if err := c.preferDefaults(in, row.Person, canonical, changed); err != nil {
			return row, err
		}
	}
	if err := c.setContact(row, map[string]any{"canonical": canonical, "typed": to}); err != nil {
		return row, err
	}
	row.Canonical, row.Typed = canonical, to
	if err := c.dropKeptAddress(row.Person, old); err != nil {
		return row, err
	}
	return row, c.keptAddress(row.Person, ContactAddress{Email: to, Label: row.Label})
}

// MoveAddress moves a contact to a new address without a moment of no access:
// the new one is added beside the old one, with the same label, Notify and Sync,
// and invited; the old one loses its Login when the new one is accepted, and not
// before. If that never happens, the old one stays as it is. It takes "member
// invite" in the domain and what an invitation takes. An address that has not been
// accepted itself, such as any of somebody without an account, is [ErrConflict]:
// see [Authz.ChangeAddress].
//
// The access is the account's, which must be signed in to accept. By the new
// address it signs in from then on if it says that the address is its own: see
// OwnAddress of [Acceptance].
func (az *Authz) MoveAddress(ctx context.Context, by Actor, in model.Domain, u model.UserID, from, to string) error {
	return az.writeContact(ctx, by, in, "move address", func(c *change) error {
		row, err := c.contact(in, u, from)
		if err != nil {
			return err
		}
		c.detail["user"] = u.String()
		if row.Accepted == 0 {
			return fmt.Errorf("an address of contact %v that was not accepted: change it: %w", u, ErrConflict)
		}
		next, err := c.contact(in, u, to)
		switch {
		case errors.Is(err, ErrNotFound):
			next, err = c.newContactRow(in, u, ContactAddress{Email: to, Label: row.Label, Login: true, Notify: row.Notify, Sync: row.Sync})
		case err == nil && next.Accepted != 0: // the same, perhaps
			err = fmt.Errorf("an address of contact %v that was accepted before: %w", u, ErrConflict)
		case err == nil: // known, and perhaps invited, but not as the one that replaces
			err = c.setContact(next, map[string]any{"login": true})
		}
		if err != nil {
			return err
		}
		return c.offerLogin(in, next, "", row.Canonical)
	})
}

// RemoveContact takes all addresses of a contact off a dossier, or off the tenant
// itself: every Login is switched off first, as [Authz.SetSwitch] does and with what
// that takes. Other profiles stay; [Authz.RemoveMember] ends them too. Somebody
// who was known only as a contact, and is none in this tenant any more, is no
// member either, unless an invitation that names them waits which the actor may not
// [Authz.Revoke].
//
// It takes "member invite" in the domain. Of somebody else it takes besides that the
// actor may give what the contact holds there and throughout the tenant (on the tenant
// itself: anywhere), or may remove them from the tenant.
func (az *Authz) RemoveContact(ctx context.Context, by Actor, in model.Domain, u model.UserID) error {
	return az.writeContact(ctx, by, in, "remove contact", func(c *change) error {
		if u.IsZero() {
			return fmt.Errorf("user is not set: %w", ErrInvalid)
		}
		rows, err := c.contactRows(in, u)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("address of contact %v of %v: %w", u, in, ErrNotFound)
		}
		return c.removeContact(in, u, rows)
	})
}

// RemoveContactAddress takes one address of a contact away, as
// [Authz.RemoveContact] takes all of them.
func (az *Authz) RemoveContactAddress(ctx context.Context, by Actor, in model.Domain, u model.UserID, email string) error {
	return az.writeContact(ctx, by, in, "remove contact address", func(c *change) error {
		row, err := c.contact(in, u, email)
		if err != nil {
			return err
		}
		return c.removeContact(in, u, []store.Contact{row})
	})
}

func (c *change) removeContact(in model.Domain, u model.UserID, rows []store.Contact) error {
	c.detail["user"] = u.String()
	if err := c.overSilence(in, u); err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(rows), func(row store.Contact) bool { return !row.Login })
	if len(open) > 0 {
		if err := c.loginOff(in, u, open...); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if err := c.dropContact(in, row); err != nil {
			return err
		}
	}
	return c.dropUnreached(u)
}

// endContact deletes what makes u a contact of a dossier on which it holds
// nothing any more.
func (c *change) endContact(d model.Domain, u model.UserID, rows []store.Contact) error {
	for _, row := range rows {
		if err := c.dropContact(d, row); err != nil {
			return err
		}
	}
	return c.preferencesIn(d, u).Delete(&store.Preference{}).Error
}

// dropContact deletes an address of a contact and what was wanted there.
func (c *change) dropContact(in model.Domain, row store.Contact) error {
	if err := c.dropPreferences(in, row.Person, row.Canonical); err != nil {
		return err
	}
	if err := c.inContacts(in).Where("person = ? AND canonical = ?", row.Person, row.Canonical).Delete(&store.Contact{}).Error; err != nil {
		return err
	}
	return c.dropKeptAddress(row.Person, row.Canonical)
}
