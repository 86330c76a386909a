package authz

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// ChangeAddress corrects an address of a contact that has not been accepted yet.
// Links sent to the old one are dead, and if its Login is on, the new one is
// invited. It takes "member invite" in the domain and what an invitation takes. An
// address that was accepted is [ErrConflict]: [Authz.MoveAddress] keeps the access
// until the new one is accepted, too.
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
		replaces, err := c.replacedBy(row)
		if err != nil {
			return err
		}
		if err := c.revokePending(row.Canonical, in); err != nil {
			return err
		}
		if row, err = c.readdress(row, to); err != nil || !row.Login {
			return err
		}
		return c.offerLogin(in, row, "", replaces)
	})
}

// replacedBy returns the address that loses its login when the invitation that
// waits for row is accepted.
func (c *change) replacedBy(row store.Contact) (string, error) {
	var replaced []string
	err := c.db().Model(&store.Invitation{}).
		Joins("JOIN volmacht_invited_grants g ON g.invitation = volmacht_invitations.id").
		Where("tenant = ? AND g.dossier = ? AND canonical = ? AND state = ? AND replaces <> ''",
			row.Tenant, row.Dossier, row.Canonical, store.Pending).
		Order("invited_at DESC").Limit(1).Pluck("replaces", &replaced).Error
	if err != nil || len(replaced) == 0 {
		return "", err
	}
	return replaced[0], nil
}

// readdress gives a row of a contact, and what is wanted there, another address.
// Spelling the same one otherwise is no more than that.
func (c *change) readdress(row store.Contact, to string) (store.Contact, error) {
	canonical, err := canonicalEmail(to)
	if err != nil {
		return row, err
	}
	in, err := contactDomain(row)
	if err != nil {
		return row, err
	}
	old := row.Canonical
	if canonical != old {
		if err := c.freeAddress(in, canonical); err != nil {
			return row, err
		}
		// Of an address that was a contact's before.
		if err := c.dropPreferences(in, row.Person, canonical); err != nil {
			return row, err
		}
		err := c.preferencesIn(in, row.Person).Where("canonical = ?", old).Update("canonical", canonical).Error
		if err != nil {
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
// accepted itself is [ErrConflict]: see [Authz.ChangeAddress].
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
			if err = c.setContact(next, map[string]any{"login": true}); err == nil {
				err = c.revokePending(next.Canonical, in)
			}
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
// member either. It takes "member invite" in the domain.
func (az *Authz) RemoveContact(ctx context.Context, by Actor, in model.Domain, u model.UserID) error {
	return az.writeContact(ctx, by, in, "remove contact", func(c *change) error {
		if _, err := c.member(u); err != nil {
			return err
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
	for _, row := range rows {
		if row.Login {
			if err := c.loginOff(in, row); err != nil {
				return err
			}
		}
		if err := c.dropContact(in, row); err != nil {
			return err
		}
	}
	return c.dropUnreached(u)
}

// endContact deletes what makes u a contact of a dossier on which it holds
// nothing any more.
func (c *change) endContact(d model.Domain, u model.UserID) error {
	if err := c.revokeFor(u, &d); err != nil {
		return err
	}
	rows, err := c.contactRows(d, u)
	if err != nil {
		return err
	}
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

// contactDomain is where a row of a contact is.
func contactDomain(row store.Contact) (model.Domain, error) {
	if row.Dossier == "" {
		return model.TenantDomain(row.Tenant), nil
	}
	return model.ParseDomain(row.Tenant.String() + "/" + row.Dossier)
}

func (c *change) preferencesIn(in model.Domain, u model.UserID) *gorm.DB {
	return c.db().Model(&store.Preference{}).Where("tenant = ? AND dossier = ? AND person = ?", in.Tenant(), in.Dossier().String(), u)
}

func (c *change) dropPreferences(in model.Domain, u model.UserID, canonical string) error {
	return c.preferencesIn(in, u).Where("canonical = ?", canonical).Delete(&store.Preference{}).Error
}

// revokeFor revokes the invitations that wait for u in the tenant, or only on d:
// those that name u, and those to an address at which u is a contact there.
func (c *change) revokeFor(u model.UserID, d *model.Domain) error {
	query := c.db().Model(&store.Invitation{}).Distinct("canonical", "g.dossier").
		Joins("JOIN volmacht_invited_grants g ON g.invitation = volmacht_invitations.id").
		Where("tenant = ? AND state = ?", c.tenant, store.Pending).
		Where(`(person = ? OR EXISTS (SELECT 1 FROM volmacht_contacts k WHERE k.tenant = volmacht_invitations.tenant
			AND k.dossier = g.dossier AND k.person = ? AND k.canonical = volmacht_invitations.canonical))`, u, u)
	if d != nil {
		query = query.Where("g.dossier = ?", d.Dossier().String())
	}
	var waiting []struct{ Canonical, Dossier string }
	if err := query.Find(&waiting).Error; err != nil {
		return err
	}
	for _, w := range waiting {
		in, err := contactDomain(store.Contact{Tenant: c.tenant, Dossier: w.Dossier})
		if err != nil {
			return err
		}
		if err := c.revokePending(w.Canonical, in); err != nil {
			return err
		}
	}
	return nil
}
