package authz

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/model"
)

// The addresses of a person are the person's own to tell. An actor knows somebody by an
// address at which they are a contact, or by which an invitation names them, where the
// actor may invite and so hears of either. Every other one gets the same answer, whether
// or not it is theirs.

// knows reports whether the actor knows u by an address. The invitation that is being
// changed tells nothing.
func (c *change) knows(u model.UserID, canonical, changed string) (bool, error) {
	return knows(c.db(), c.before, c.by, c.at, u, canonical, changed)
}

func knows(db *gorm.DB, st *state, by Actor, at time.Time, u model.UserID, canonical, changed string) (bool, error) {
	var dossiers []string
	err := db.Raw(`SELECT dossier FROM volmacht_contacts WHERE tenant = ? AND person = ? AND canonical = ?
		UNION SELECT COALESCE(g.dossier, '') FROM volmacht_invitations i LEFT JOIN volmacht_invited_grants g ON g.invitation = i.id
		WHERE i.tenant = ? AND i.canonical = ? AND i.id <> ? AND i.person = ?`,
		st.tenant, u, canonical, st.tenant, canonical, changed, u).Scan(&dossiers).Error
	if err != nil {
		return false, err
	}
	for _, dossier := range dossiers {
		d, err := domainIn(st.tenant, dossier)
		if err == nil {
			err = require(st, by, at, d, model.InviteMember)
		}
		if !refused(err) {
			return err == nil, err
		}
	}
	return false, nil
}

// told returns an address if the actor knows u by it, and else "", which is nobody's.
func (c *change) told(u model.UserID, canonical, changed string) (string, error) {
	known, err := c.knows(u, canonical, changed)
	if err != nil || !known {
		return "", err
	}
	return canonical, nil
}

// reaches refuses an address by which the actor does not know u. The host knows those
// that are u's own, too.
func (c *change) reaches(u model.UserID, email, changed string) error {
	canonical, err := canonicalEmail(email)
	if err != nil {
		return err
	}
	if c.by.system {
		if _, err := c.address(u, email); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	known, err := c.knows(u, canonical, changed)
	if err == nil && !known {
		err = fmt.Errorf("address of person %v: %w", u, ErrNotFound)
	}
	return err
}
