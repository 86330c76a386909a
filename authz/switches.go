package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Switch is one of the three of a contact's address.
type Switch string

// The switches.
const (
	Login  Switch = "login"
	Notify Switch = "notify"
	Sync   Switch = "sync"
)

// SetSwitch switches one of the three of a contact's address on or off, in one
// place; nothing else changes there or elsewhere. It takes "member invite" in the
// domain; to switch somebody else's Notify off, also what [Authz.RemoveContact]
// takes.
//
// Login on sends an invitation to the profile that the pack marks "login" for the
// place, else to its default one, and takes what that takes. It may be switched on
// again when an earlier invitation came to nothing. Login off kills the links that
// wait for the address and, unless another address of the same person there is
// accepted, takes the access away: the login profile, or, in a pack that marks
// none, all that the person itself holds there. That takes the grant of each, and
// for the links what [Authz.Revoke] takes for what they offer there; the last holder
// of a required profile keeps it. Login on ends what waits there the same way.
// Nobody switches their own Login.
func (az *Authz) SetSwitch(ctx context.Context, by Actor, in model.Domain, u model.UserID, email string, s Switch, on bool) error {
	return az.writeContact(ctx, by, in, "set switch", func(c *change) error {
		row, err := c.contact(in, u, email)
		if err != nil {
			return err
		}
		c.detail["user"], c.detail["switch"], c.detail["on"] = u.String(), string(s), fmt.Sprint(on)
		was := map[Switch]bool{Login: row.Login, Notify: row.Notify, Sync: row.Sync}
		if _, ok := was[s]; !ok {
			return fmt.Errorf("switch %q: want %q, %q or %q: %w", s, Login, Notify, Sync, ErrInvalid)
		}
		if s == Login && on {
			return c.loginOn(in, row)
		}
		if was[s] == on {
			return errUnchanged
		}
		if s == Login {
			return c.loginOff(in, u, row)
		}
		if s == Notify && !on {
			if err := c.overSilence(in, u); err != nil {
				return err
			}
		}
		return c.setContact(row, map[string]any{string(s): on})
	})
}

// loginOn invites an address for which no invitation waits. One that came to
// nothing gives way.
func (c *change) loginOn(in model.Domain, row store.Contact) error {
	waiting, err := pendingLogins(c.db(), in, c.catalog().LoginProfile(placeOf(in)), c.at)
	if err != nil {
		return err
	}
	if row.Login && c.before.loginState(in, row, waiting) != NotInvited {
		return errUnchanged
	}
	if err := c.setContact(row, map[string]any{"login": true, "accepted": 0}); err != nil || waiting[row.Canonical] {
		return err
	}
	return c.offerLogin(in, row, "", "")
}

// offerLogin invites an address of a contact, in place of any invitation before.
// Replaces is the canonical address that loses its login when this one is
// accepted, or "".
func (c *change) offerLogin(in model.Domain, row store.Contact, note, replaces string) error {
	if err := c.revokePending(row.Canonical, in); err != nil {
		return err
	}
	profile := c.catalog().LoginProfile(placeOf(in))
	if profile.IsZero() {
		profile = c.catalog().DefaultProfile(placeOf(in))
	}
	if profile.IsZero() {
		return fmt.Errorf("login: the pack %s has no profile in a %v to invite to: invite to one by name: %w",
			c.before.pack.Name, placeOf(in), ErrInvalid)
	}
	_, err := c.invite(NewInvitation{
		User: row.Person, Email: row.Typed, Note: note, Grants: []InvitedGrant{{Domain: in, Profile: profile}}, replaces: replaces,
	})
	return err
}

// loginOff switches the login of addresses of u off, and takes the access away if
// u has no other address by which to have it.
func (c *change) loginOff(in model.Domain, u model.UserID, rows ...store.Contact) error {
	if c.by.is(u) {
		return fmt.Errorf("user %v cannot switch its own login: %w", u, ErrDenied)
	}
	for _, row := range rows {
		if err := c.revokePending(row.Canonical, in); err != nil {
			return err
		}
		if err := c.setContact(row, map[string]any{"login": false, "accepted": 0}); err != nil {
			return err
		}
	}
	var others int64
	err := c.inContacts(in).Where("person = ? AND accepted <> 0", u).Count(&others).Error
	if err != nil || others > 0 {
		return err
	}
	opened, err := c.opened() // a deactivated member would have it back with the rest
	if err != nil {
		return err
	}
	who, login := model.UserSubject(u), c.catalog().LoginProfile(placeOf(in))
	taken := opened.granted(who, in)
	if !login.IsZero() {
		taken = slices.DeleteFunc(taken, func(p model.Profile) bool { return p != login })
	}
	if err := c.mayGrantAll(c.before, in, taken); err != nil {
		return err
	}
	return c.forget(heldBy(who).and(func(r model.Rule) bool {
		return slices.ContainsFunc(taken, func(p model.Profile) bool { return r == model.GrantRule(who, p, in) })
	}))
}

// contact reads one address of a contact of a domain. Whether somebody who is none
// there is a member elsewhere is not told.
func (c *change) contact(in model.Domain, u model.UserID, email string) (store.Contact, error) {
	var row store.Contact
	if u.IsZero() {
		return row, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	canonical, err := canonicalEmail(email)
	if err != nil {
		return row, err
	}
	err = c.inContacts(in).Where("person = ? AND canonical = ?", u, canonical).Take(&row).Error
	return row, notFound(store.Translate(err), "address of contact %v of %v", u, in)
}

// contactRows returns all addresses of u in a domain.
func (c *change) contactRows(in model.Domain, u model.UserID) (rows []store.Contact, err error) {
	err = c.inContacts(in).Where("person = ?", u).Order("canonical").Find(&rows).Error
	return rows, err
}

func (c *change) inContacts(in model.Domain) *gorm.DB { return contactsIn(c.db(), in) }

func contactsIn(db *gorm.DB, in model.Domain) *gorm.DB {
	return db.Model(&store.Contact{}).Where("volmacht_contacts.tenant = ? AND volmacht_contacts.dossier = ?", in.Tenant(), in.Dossier().String())
}

func (c *change) setContact(row store.Contact, values map[string]any) error {
	return c.db().Model(&store.Contact{}).
		Where("tenant = ? AND dossier = ? AND person = ? AND canonical = ?", row.Tenant, row.Dossier, row.Person, row.Canonical).
		Updates(values).Error
}

// pendingLogins returns the canonical addresses for which an invitation to sign
// in to the domain waits that can be accepted, or looks so.
func pendingLogins(db *gorm.DB, in model.Domain, login model.Profile, at time.Time) (map[string]bool, error) {
	query := db.Model(&store.Invitation{}).Distinct("canonical").
		Joins("JOIN volmacht_invited_grants g ON g.invitation = volmacht_invitations.id").
		Where("tenant = ? AND g.dossier = ? AND state = ? AND renewal = '' AND expires_at > ?",
			in.Tenant(), in.Dossier().String(), store.Pending, store.At(at))
	if !login.IsZero() {
		query = query.Where("g.profile = ?", login)
	}
	var waiting []string
	err := query.Pluck("canonical", &waiting).Error
	pending := make(map[string]bool, len(waiting))
	for _, canonical := range waiting {
		pending[canonical] = true
	}
	return pending, err
}
