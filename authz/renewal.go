package authz

import (
	"errors"
	"time"

	"gorm.io/gorm"

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
	grants, err := loadAlive(c.db(), l.Invitation)
	if err != nil {
		return err
	}
	place := model.TenantDomain(c.tenant)
	if len(grants) > 0 {
		place = grants[0].Domain
	}
	to, err := renewer(c.db(), c.before, l.Invitation, place, c.at)
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

// renewer is who is told that an invitation to place needs renewal: the inviter,
// while it is an active member and sees what it invited to, else the responsible.
func renewer(db *gorm.DB, st *state, inv store.Invitation, place model.Domain, at time.Time) (addressee, error) {
	inviter, err := parseActor(inv.InvitedBy)
	if err != nil {
		return addressee{}, err
	}
	may := !inviter.system && st.active(inviter.user)
	if may && st.isOpen(place) { // nobody sees a closed one, whose inviter is told just that
		may, err = st.sees(inviter.user, place, at)
	}
	if err != nil {
		return addressee{}, err
	}
	if may {
		p, err := loadPerson(db, inviter.user)
		return addressee{p.ID, p.FirstName + " " + p.LastName, p.email(), p.Locale}, err
	}
	if place.IsDossier() {
		r, err := responsibleFor(db, st, place, at)
		if err == nil && r.Email != "" || err != nil && !errors.Is(err, ErrNotFound) {
			return r.addressee(), err
		}
	}
	return officeOf(db, st.tenant)
}
