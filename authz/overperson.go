package authz

import (
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Who may bring in an address for somebody, and who may take one away or keep
// messages from it.

// overAddress refuses an actor who brings in a new address in a domain for
// somebody who has there what the actor may not give: whoever reads that address
// gets the messages that are meant for u.
//
// That address signs nobody in who has an account: whoever has the link must be
// signed in as u to accept. So on a dossier what u has on others does not count.
// It does for a person that the tenant keeps, who becomes the account of whoever
// accepts: with where it is a contact, and with what waits for it. What it has there
// by this very address does not count if the actor knows it: see knows. Of one that
// the actor guesses, nothing is told.
func (c *change) overAddress(in model.Domain, u model.UserID, canonical, changed string) error {
	if c.by.system {
		return nil
	}
	told, err := c.told(u, canonical, changed)
	if err != nil {
		return err
	}
	return c.overReader(in, u, told)
}

// overReader refuses an actor by whose doing whoever reads an address would come to
// more of u than the actor may give. That may be who has a link to it, or "".
func (c *change) overReader(in model.Domain, u model.UserID, canonical string) error {
	if c.by.system {
		return nil
	}
	kept, err := c.keeps(u)
	if err != nil {
		return err
	}
	// The contacts of the tenant are written to about every dossier.
	if err := c.overHeld(in, u, kept || !in.IsDossier()); err != nil || !kept {
		return err
	}
	if err := c.overPlaces(u, canonical); err != nil {
		return err
	}
	return c.overWaiting(u, canonical)
}

// overHeld refuses an actor who may not give all that u holds in a domain and
// throughout the tenant, or anywhere.
func (c *change) overHeld(in model.Domain, u model.UserID, anywhere bool) error {
	if c.by.system {
		return nil
	}
	opened, err := c.opened()
	if err != nil {
		return err
	}
	domains := []model.Domain{model.TenantDomain(c.tenant), in}
	if anywhere {
		domains = opened.domainsOf(model.UserSubject(u))
	}
	for _, d := range domains {
		var takes []model.Permission
		for _, p := range opened.profiles(u, d) {
			if !c.before.dormant(p) {
				takes = append(takes, model.GrantOf(p))
			}
		}
		if opened.assigned(u, d) {
			takes = append(takes, model.AssignDossier)
		}
		err := require(opened, c.by, c.at, d, takes...)
		if refused(err) {
			return fmt.Errorf("user %v holds what %v may not give: %w", u, c.by, ErrDenied)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overPlaces refuses an actor who may not invite everywhere that u is a contact
// by other addresses than this one. Where u is one by this, whoever reads it was
// given that place by somebody who may.
func (c *change) overPlaces(u model.UserID, canonical string) error {
	opened, err := c.opened()
	if err != nil {
		return err
	}
	var rows []store.Contact
	if err := c.db().Where("tenant = ? AND person = ?", c.tenant, u).Order("dossier").Find(&rows).Error; err != nil {
		return err
	}
	here := make(map[string]bool)
	for _, row := range rows {
		here[row.Dossier] = here[row.Dossier] || row.Canonical == canonical
	}
	for _, row := range rows {
		if here[row.Dossier] {
			continue
		}
		here[row.Dossier] = true
		d, err := domainIn(c.tenant, row.Dossier)
		if err == nil {
			err = require(opened, c.by, c.at, d, model.InviteMember)
		}
		if refused(err) {
			return fmt.Errorf("user %v is a contact where %v may not invite: %w", u, c.by, ErrDenied)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overWaiting refuses an actor who could not revoke what waits for u at other
// addresses than this one: u would be there to accept it, or to keep it from
// being accepted. What has expired waits for nobody, until its inviter decides anew.
func (c *change) overWaiting(u model.UserID, canonical string) error {
	waiting, err := c.pendingOf(u)
	if err != nil {
		return err
	}
	for _, row := range waiting {
		if row.Canonical == canonical || row.ExpiresAt <= store.At(c.at) {
			continue
		}
		if row.Person != u {
			if concerns, err := c.concerns(row, u); err != nil {
				return err
			} else if !concerns {
				continue
			}
		}
		if err := c.overInvitation(row); refused(err) {
			return fmt.Errorf("user %v is invited to what %v may not take back: %w", u, c.by, ErrDenied)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether an invitation that does not name u makes u somebody who has
// more: u is a contact at its address where it offers something. A contact made elsewhere
// at that address has nothing to do with it, and must not tell that it is there.
func (c *change) concerns(row store.Invitation, u model.UserID) (bool, error) {
	var n int64
	err := c.db().Model(&store.Contact{}).Where("tenant = ? AND person = ? AND canonical = ?", c.tenant, u, row.Canonical).
		Where("dossier IN (SELECT dossier FROM volmacht_invited_grants WHERE invitation = ?)", row.ID).Count(&n).Error
	return n > 0, err
}

// overSilence refuses an actor who takes an address of u in a domain away, or
// keeps messages from it, and could neither have added it nor end u's membership.
// People may do so themselves.
func (c *change) overSilence(in model.Domain, u model.UserID) error {
	if c.by.is(u) {
		return nil
	}
	if err := c.mayEnd(u); !refused(err) {
		return err
	}
	return c.overHeld(in, u, !in.IsDossier())
}

// mayEnd refuses an actor who may not end the membership of u, or begin it anew
// once it is deactivated.
func (c *change) mayEnd(u model.UserID) error {
	home := model.TenantDomain(c.tenant)
	if err := c.require(home, model.RemoveMember); err != nil {
		return err
	}
	return c.mayGiveHeld(home, u)
}

// refused reports whether an actor may not do something, told so or not.
func refused(err error) bool { return errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) }
