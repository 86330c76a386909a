package authz

import (
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A NewInvitation says who is invited to what.
type NewInvitation struct {
	User      model.UserID // zero: not known yet
	FirstName string
	LastName  string
	Email     string
	Locale    string
	Note      string
	Grants    []InvitedGrant
}

// An InvitedGrant is a profile that an invitation offers.
type InvitedGrant struct {
	Domain  model.Domain
	Profile model.Profile
}

func (c *change) invite(n NewInvitation) (model.InvitationID, error) {
	id := model.NewInvitationID()
	canonical, err := canonicalEmail(n.Email)
	if err != nil {
		return id, err
	}
	err = c.db().Create(&store.Invitation{
		ID: id.String(), Tenant: c.tenant, FirstName: n.FirstName, LastName: n.LastName, Canonical: canonical, Typed: n.Email,
		Locale: n.Locale, Note: n.Note, State: store.Pending, InvitedBy: c.by.String(), InvitedAt: store.At(c.at),
	}).Error
	for _, g := range n.Grants {
		if err == nil {
			err = c.require(g.Domain, model.InviteMember, model.GrantOf(g.Profile))
		}
		if entry, ok := c.catalog().Profile(g.Profile); err == nil && (!ok || entry.Place&placeOf(g.Domain) == 0) {
			err = fmt.Errorf("profile %v: %w", g.Profile, ErrInvalid)
		}
		if err == nil {
			err = c.db().Create(&store.InvitedGrant{Invitation: id.String(), Dossier: g.Domain.Dossier().String(), Profile: g.Profile}).Error
		}
	}
	return id, err
}
