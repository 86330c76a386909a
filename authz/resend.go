package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Resend mails a new link for a pending invitation, also for one that has
// expired or needs renewal; the links before it die, and the term begins anew.
// The actor, who becomes its inviter, acts in a tenant or on a dossier: it
// takes "member invite" there, and for all that the invitation offers what
// [Authz.Invite] takes. For a person without an account who has come to hold what the
// actor may not give, whose place nobody could take by such a link, it is [ErrDenied].
func (az *Authz) Resend(ctx context.Context, by Actor, in model.Domain, id model.InvitationID) error {
	return az.write(ctx, by, in.Tenant(), "resend invitation", func(c *change) error {
		d, err := c.pendingIn(in, id)
		if err != nil {
			return err
		}
		if err := c.mayReissue(d); err != nil {
			return err
		}
		return c.reissue(d, d.row.Canonical)
	})
}

// Readdress changes the address of a pending invitation: the links before die,
// and a new one is mailed to the new address, which a contact with the old one gets,
// too. For the rest it is [Authz.Resend]. Where User of the invitation was given, the
// new address must be one by which the actor knows that person: see [NewInvitation]. A
// contact whom it does not name stays as they are if the actor may not give them an
// address, or they are deactivated.
func (az *Authz) Readdress(ctx context.Context, by Actor, in model.Domain, id model.InvitationID, email string) error {
	return az.write(ctx, by, in.Tenant(), "change address of invitation", func(c *change) error {
		d, err := c.pendingIn(in, id)
		if err != nil {
			return err
		}
		return c.readdress(d, email, d.row.Person)
	})
}

// readdress is [Authz.Readdress] within a larger change, for the contact u if that is
// not zero.
func (c *change) readdress(d draft, email string, u model.UserID) error {
	canonical, err := canonicalEmail(email)
	if err != nil {
		return err
	}
	if !d.row.Person.IsZero() {
		if _, err := c.named(d.row.Person); err != nil {
			return err
		}
	}
	if err := c.mayReissue(d); err != nil { // before anything depends on the address
		return err
	}
	old, reader := d.row.Canonical, canonical
	d.row.Typed, d.row.Canonical = email, canonical
	if old != canonical {
		if reader, err = c.told(d.row.Person, canonical, d.row.ID); err != nil {
			return err
		}
		faults, err := c.offeredAlready([]draft{d})
		if err == nil {
			err = faults[0]
		}
		if err != nil {
			return err
		}
	}
	if err := c.reissue(d, reader); err != nil {
		return err
	}
	if err := c.moveContacts(d, old, email, u); err != nil || d.row.Person.IsZero() {
		return err
	}
	return c.reaches(d.row.Person, email, d.row.ID)
}

// mayReissue refuses an actor who may not make all of an invitation its own.
func (c *change) mayReissue(d draft) error {
	if !d.row.Person.IsZero() && c.by.is(d.row.Person) {
		return fmt.Errorf("user %v cannot invite itself: %w", d.row.Person, ErrDenied)
	}
	places := []InvitedGrant{{Domain: model.TenantDomain(c.tenant)}}
	if len(d.grants) > 0 {
		var err error
		if places, err = loadOffer(c.db(), d.row); err != nil {
			return err
		}
	}
	for _, g := range places {
		err := c.mayInvite(g.Domain)
		if err == nil && !g.Profile.IsZero() {
			err = c.overProfile(g.Profile, g.Domain)
		}
		if err != nil {
			return c.veiled(d, err)
		}
	}
	return nil
}

// reissue sends an invitation as the actor's own, with a new link and a new term. The
// actor knows whom it is for by the address reader, or by none.
func (c *change) reissue(d draft, reader string) error {
	d.row.InvitedBy, d.row.ExpiresAt, d.row.Renewal = c.by.String(), store.At(c.at.Add(c.az.terms.Link)), ""
	err := c.db().Model(&store.Invitation{}).Where("id = ?", d.row.ID).Updates(map[string]any{
		"invited_by": d.row.InvitedBy, "expires_at": d.row.ExpiresAt, "renewal": d.row.Renewal,
		"typed": d.row.Typed, "canonical": d.row.Canonical,
	}).Error
	if err != nil {
		return err
	}
	if err := c.db().Where("invitation = ?", d.row.ID).Delete(&store.MootOffer{}).Error; err != nil {
		return err
	}
	// A deactivated one is not looked for: they may be reactivated before they accept.
	why, err := c.inPlace(reader, d.row.Person)
	if err == nil && why == InviterLimited {
		err = fmt.Errorf("whom invitation %s is for has what %v may not give: remove the contact and invite anew, or have it sent by somebody who may give it all: %w",
			d.row.ID, c.by, ErrDenied)
	}
	if err != nil {
		return err
	}
	if err := c.killLinks(d.row.ID); err != nil {
		return err
	}
	return c.mailLinks([]draft{d})
}

// veiled keeps from the actor which dossiers are offered that it may not know
// of.
func (c *change) veiled(d draft, err error) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) {
		return fmt.Errorf("invitation %s offers what %v may not give: %w", d.row.ID, c.by, ErrDenied)
	}
	return err
}

// pendingIn finds a pending invitation of a tenant or to a dossier, for an
// actor who may invite there.
func (c *change) pendingIn(in model.Domain, id model.InvitationID) (draft, error) {
	if err := c.mayInvite(in); err != nil {
		return draft{}, err
	}
	if id.IsZero() {
		return draft{}, fmt.Errorf("invitation is not set: %w", ErrInvalid)
	}
	var d draft
	var rows []store.Invitation
	if err := invitationsIn(c.db(), in).Where("id = ?", id.String()).Find(&rows).Error; err != nil {
		return d, err
	}
	if len(rows) == 0 {
		return d, fmt.Errorf("invitation %v in %v: %w", id, in, ErrNotFound)
	}
	d.row = rows[0]
	if d.row.State != store.Pending {
		return d, fmt.Errorf("invitation %v is %s: %w", id, d.row.State, ErrConflict)
	}
	c.detail["invitation"] = d.row.ID
	return d, c.db().Where("invitation = ?", d.row.ID).Order("dossier, profile").Find(&d.grants).Error
}
