package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Revoke ends a pending invitation: its links die. The actor acts in a tenant
// or on a dossier: it takes "member invite" in each open domain that the
// invitation offers something in, and the grant of each profile. Whatever else
// takes back what an invitation offers takes the same for it.
func (az *Authz) Revoke(ctx context.Context, by Actor, in model.Domain, id model.InvitationID) error {
	return az.write(ctx, by, in.Tenant(), "revoke invitation", func(c *change) error {
		d, err := c.pendingIn(in, id)
		if err != nil {
			return err
		}
		offers, err := c.offersOf(d.row)
		if err != nil {
			return err
		}
		return c.takeBack(d.row, offers, offers)
	})
}

// offersOf returns what an invitation offers. To be a member and no more is
// offered in the tenant.
func (c *change) offersOf(row store.Invitation) ([]InvitedGrant, error) {
	offers, err := loadOffer(c.db(), row)
	if err == nil && len(offers) == 0 {
		offers = []InvitedGrant{{Domain: model.TenantDomain(c.tenant)}}
	}
	return offers, err
}

// takeBack takes some of its offers from an invitation, all of those in their
// domains, and revokes one that is left with nothing.
func (c *change) takeBack(row store.Invitation, offers, taken []InvitedGrant) error {
	if len(taken) == 0 {
		return nil
	}
	if err := c.overOffers(row, taken); err != nil {
		return err
	}
	if len(taken) == len(offers) {
		return c.revoke(row)
	}
	for _, g := range taken {
		err := c.db().Where("invitation = ? AND dossier = ?", row.ID, g.Domain.Dossier().String()).Delete(&store.InvitedGrant{}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// overOffers refuses an actor who may not take back what an invitation offers.
// What is offered where nothing is open, or cannot be given any more, gives
// nothing, and anybody may take it back.
func (c *change) overOffers(row store.Invitation, taken []InvitedGrant) error {
	for _, g := range taken {
		if !c.before.isOpen(g.Domain) {
			continue
		}
		err := c.require(g.Domain, model.InviteMember)
		if err == nil && c.holdable(g.Profile, g.Domain) == nil {
			err = c.mayGrantAll(c.before, g.Domain, []model.Profile{g.Profile})
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) {
			return fmt.Errorf("invitation %s offers what %v may not take back: %w", row.ID, c.by, ErrDenied)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *change) revoke(row store.Invitation) error {
	return c.decide(row.ID, map[string]any{"state": store.Revoked})
}

// revokeIn takes back what the given invitations offer in d.
func (c *change) revokeIn(rows []store.Invitation, d model.Domain) error {
	for _, row := range rows {
		offers, err := c.offersOf(row)
		if err != nil {
			return err
		}
		if err := c.takeBack(row, offers, offeredIn(offers, d)); err != nil {
			return err
		}
	}
	return nil
}

// overInvitation refuses an actor who may not take back all that an invitation
// offers.
func (c *change) overInvitation(row store.Invitation) error {
	offers, err := c.offersOf(row)
	if err != nil {
		return err
	}
	return c.overOffers(row, offers)
}

func offeredIn(offers []InvitedGrant, d model.Domain) []InvitedGrant {
	return slices.DeleteFunc(slices.Clone(offers), func(g InvitedGrant) bool { return g.Domain != d })
}

// revokePending takes back what the pending invitations of an address offer in d.
func (c *change) revokePending(canonical string, d model.Domain) error {
	rows, err := c.pending(c.db().Where("canonical = ?", canonical))
	if err != nil {
		return err
	}
	return c.revokeIn(rows, d)
}

// revokeOf takes back what the invitations of a person offer in d, who is put out of
// it. Out of a tenant goes all that they offer: on dossiers, what is offered ends with
// the membership, as what is held there does. What the actor may not take back of one
// that names the person stops the change.
//
// Others are to addresses at which it is the person who would accept, and which address
// that is may be what somebody wants to find out. So only one to an address at which the
// person is a contact where it offers something is revoked for all to see, or stops the
// change; the rest is moot, or stays if it is not the actor's to end. Of an address that
// somebody only says is the person's, all of the invitation must be: anybody can be made
// a contact at any address. Out of a tenant, no address stops the change for the same
// reason.
func (c *change) revokeOf(u model.UserID, d model.Domain) error {
	rows, err := c.pendingOf(u)
	if err != nil {
		return err
	}
	var verified []string
	err = c.db().Model(&store.Address{}).Where("person = ? AND verified_at <> 0", u).Pluck("canonical", &verified).Error
	if err != nil {
		return err
	}
	for _, row := range rows {
		offers, err := c.offersOf(row)
		if err != nil {
			return err
		}
		taken := offeredIn(offers, d)
		switch {
		case d.IsDossier() && len(taken) == 0:
		case row.Person != u:
			err = c.revokeAt(row, u, d, offers, slices.Contains(verified, row.Canonical))
		case d.IsDossier():
			err = c.takeBack(row, offers, taken)
		default:
			if err = c.overOffers(row, taken); err == nil {
				err = c.revoke(row)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// revokeAt is revokeOf for an invitation to an address of u that does not name u.
func (c *change) revokeAt(row store.Invitation, u model.UserID, d model.Domain, offers []InvitedGrant, verified bool) error {
	taken := offeredIn(offers, d)
	ends := offers
	if d.IsDossier() {
		ends = taken
	}
	shown, err := c.shown(row, u, ends)
	if err != nil {
		return err
	}
	if shown && d.IsDossier() {
		return c.takeBack(row, offers, taken)
	}
	all := c.overOffers(row, offers)
	some := all
	if verified {
		some = c.overOffers(row, taken)
	}
	switch {
	case refused(some):
		return nil
	case some != nil:
		return some
	case shown && all == nil:
		return c.revoke(row)
	}
	return c.moot(row.ID, ends)
}

// shown reports whether all who see what an invitation offers somewhere see that it goes
// to an address of u: u is a contact at it there.
func (c *change) shown(row store.Invitation, u model.UserID, offers []InvitedGrant) (bool, error) {
	var dossiers []string
	err := c.db().Model(&store.Contact{}).Where("tenant = ? AND person = ? AND canonical = ?", c.tenant, u, row.Canonical).Pluck("dossier", &dossiers).Error
	return !slices.ContainsFunc(offers, func(g InvitedGrant) bool { return !slices.Contains(dossiers, g.Domain.Dossier().String()) }), err
}

// pendingOf finds the pending invitations of a person, by whatever address.
func (c *change) pendingOf(u model.UserID) ([]store.Invitation, error) {
	return c.pending(c.db().Where(`person = ? OR canonical IN (SELECT canonical FROM volmacht_addresses WHERE person = ? AND verified_at <> 0)
		OR person IS NULL AND canonical IN (SELECT canonical FROM volmacht_contacts WHERE tenant = ? AND person = ?)`, u, u, c.tenant, u))
}

func (c *change) pending(which *gorm.DB) (rows []store.Invitation, err error) {
	err = c.db().Where("tenant = ? AND state = ?", c.tenant, store.Pending).Where(which).Order("id").Find(&rows).Error
	return rows, err
}
