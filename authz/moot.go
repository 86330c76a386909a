package authz

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/volmacht/volmacht/internal/store"
)

// Moot offers. Whoever is put out of a dossier or a tenant must not come back by an
// invitation that waits for them there. To revoke one whose address is not seen to be
// theirs would tell whose it is, so what it offers is made moot: for all to see the
// invitation waits, and it gives that no more. A link that gives nothing is not good.
// Sent again, the invitation is decided anew.

// moot makes offers of an invitation moot.
func (c *change) moot(invitation string, offers []InvitedGrant) error {
	for _, g := range offers {
		row := store.MootOffer{Invitation: invitation, Dossier: g.Domain.Dossier().String()}
		if err := c.db().Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// mootOwn makes moot what the actor could take back of an invitation.
func (c *change) mootOwn(row store.Invitation) error {
	offers, err := c.offersOf(row)
	if err != nil {
		return err
	}
	for _, g := range offers {
		there := offeredIn(offers, g.Domain)
		if err := c.overOffers(row, there); refused(err) {
			continue
		} else if err != nil {
			return err
		}
		if err := c.moot(row.ID, there); err != nil {
			return err
		}
	}
	return nil
}

// dropMoot deletes what is moot of an invitation that gives the rest now.
func (c *change) dropMoot(invitation string) error {
	err := c.db().Where("invitation = ? AND dossier IN (SELECT dossier FROM volmacht_moot_offers WHERE invitation = ?)", invitation, invitation).
		Delete(&store.InvitedGrant{}).Error
	if err != nil {
		return err
	}
	return c.db().Where("invitation = ?", invitation).Delete(&store.MootOffer{}).Error
}

// loadAlive reads what an invitation offers that is not moot, in order.
func loadAlive(db *gorm.DB, row store.Invitation) ([]InvitedGrant, error) {
	return loadOffer(db.Where("dossier NOT IN (SELECT dossier FROM volmacht_moot_offers WHERE invitation = ?)", row.ID), row)
}

// acceptable finds the invitations that can be accepted at a time.
func acceptable(db *gorm.DB, at time.Time) *gorm.DB {
	return db.Model(&store.Invitation{}).Where("state = ? AND renewal = '' AND expires_at > ?", store.Pending, store.At(at)).
		Where(alive("volmacht_invitations.id"))
}

// alive is SQL that tells of an invitation whether not all that it offers is moot.
func alive(invitation string) string {
	const moot = "SELECT 1 FROM volmacht_moot_offers m WHERE m.invitation = "
	return "(NOT EXISTS (" + moot + invitation + ") OR EXISTS (SELECT 1 FROM volmacht_invited_grants g WHERE g.invitation = " + invitation +
		" AND NOT EXISTS (" + moot + "g.invitation AND m.dossier = g.dossier)))"
}
