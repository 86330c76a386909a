package authz

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// This file stands in for the invitations, with the names and signatures that
// the contacts use of them, and goes when they come.

// A NewInvitation says who is invited, and to what.
type NewInvitation struct {
	User                model.UserID
	FirstName, LastName string
	Email, Locale, Note string
	Grants              []InvitedGrant

	replaces string
}

// An InvitedGrant is a profile that an invitation offers.
type InvitedGrant struct {
	Domain  model.Domain
	Profile model.Profile
}

func (c *change) invite(n NewInvitation) (string, error) {
	canonical, err := canonicalEmail(n.Email)
	if err != nil {
		return "", err
	}
	if err := checkText("note", n.Note, optional, 1000); err != nil {
		return "", err
	}
	id := uuid.Must(uuid.NewV7()).String()
	err = c.db().Create(&store.Invitation{
		ID: id, Tenant: c.tenant, Person: n.User, FirstName: n.FirstName, LastName: n.LastName,
		Canonical: canonical, Typed: n.Email, Locale: n.Locale, Note: n.Note, Replaces: n.replaces,
		State: store.Pending, InvitedBy: c.by.String(), InvitedAt: store.At(c.at), ExpiresAt: store.At(c.at.Add(7 * 24 * time.Hour)),
	}).Error
	if err != nil {
		return "", err
	}
	for _, g := range n.Grants {
		if err := c.require(g.Domain, model.InviteMember, model.GrantOf(g.Profile)); err != nil {
			return "", err
		}
		row := store.InvitedGrant{Invitation: id, Dossier: g.Domain.Dossier().String(), Profile: g.Profile}
		if err := c.db().Create(&row).Error; err != nil {
			return "", err
		}
	}
	if len(n.Grants) == 0 {
		return "", fmt.Errorf("invitation to nothing: %w", ErrInvalid)
	}
	return id, c.send(message{
		kind: InvitationMessage, domain: n.Grants[0].Domain, subject: id,
		to: addressee{user: n.User, name: n.FirstName + " " + n.LastName, email: n.Email, locale: n.Locale},
	})
}

func (c *change) revokePending(canonical string, d model.Domain) error {
	var waiting []string
	err := c.db().Model(&store.Invitation{}).
		Joins("JOIN volmacht_invited_grants g ON g.invitation = volmacht_invitations.id").
		Where("tenant = ? AND canonical = ? AND state = ? AND g.dossier = ?", d.Tenant(), canonical, store.Pending, d.Dossier().String()).
		Pluck("id", &waiting).Error
	if err != nil || len(waiting) == 0 {
		return err
	}
	if err := c.db().Where("invitation IN ?", waiting).Delete(&store.Token{}).Error; err != nil {
		return err
	}
	return c.db().Model(&store.Invitation{}).Where("id IN ?", waiting).Updates(map[string]any{
		"state": store.Revoked, "decided_by": c.by.String(), "decided_at": store.At(c.at),
	}).Error
}
