package authz

import (
	"errors"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// lapse keeps that an invitation cannot be accepted as it is, and tells who
// can do something about it.
func (c *change) lapse(l *link, why Renewal) error {
	c.added, c.removed = nil, nil
	c.action = "invitation needs renewal"
	c.detail = detail{"invitation": l.ID, "why": string(why)}
	if err := c.db().Model(&store.Invitation{}).Where("id = ?", l.ID).Update("renewal", string(why)).Error; err != nil {
		return err
	}
	if err := c.killLinks(l.ID); err != nil {
		return err
	}
	grants, err := loadOffer(c.db(), l.Invitation)
	if err != nil {
		return err
	}
	place := model.TenantDomain(c.tenant)
	if len(grants) > 0 {
		place = grants[0].Domain
	}
	to, err := c.renewer(l.Invitation, place)
	if err != nil || to.email == "" {
		return err // the list shows it in any case
	}
	tenant, _, err := c.sender()
	if err != nil {
		return err
	}
	return c.send(message{kind: RenewalMessage, domain: place, subject: l.ID, to: to, data: map[string]string{
		"tenant": tenant, "first_name": l.FirstName, "last_name": l.LastName, "why": string(why),
	}})
}

// renewer is who is told: the inviter while it is an active member, else the
// responsible of the place.
func (c *change) renewer(row store.Invitation, place model.Domain) (addressee, error) {
	inviter, err := parseActor(row.InvitedBy)
	if err != nil {
		return addressee{}, err
	}
	if !inviter.system && c.before.active(inviter.user) {
		p, err := loadPerson(c.db(), inviter.user)
		return addressee{p.ID, p.FirstName + " " + p.LastName, p.email(), p.Locale}, err
	}
	if place.IsDossier() {
		r, err := c.responsible(place)
		if err == nil && r.Email != "" || err != nil && !errors.Is(err, ErrNotFound) {
			return addressee{user: r.User, name: r.Name, email: r.Email}, err
		}
	}
	var tenant store.Tenant
	err = c.db().Where("id = ?", c.tenant).Take(&tenant).Error
	return addressee{name: tenant.Name, email: tenant.Email}, err
}

// responsible is [Authz.Responsible] within a change.
func (c *change) responsible(d model.Domain) (Responsible, error) {
	return (&Authz{core: c.az.core, tx: c.tx}).responsible(c.ctx, d)
}
