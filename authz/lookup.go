package authz

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// requireDossier is require for a dossier that must be there and open.
func (c *change) requireDossier(d model.Domain, permissions ...model.Permission) (store.Dossier, error) {
	if !d.IsDossier() {
		return store.Dossier{}, fmt.Errorf("domain %q: want a dossier: %w", d, ErrInvalid)
	}
	if err := c.require(d, permissions...); err != nil {
		return store.Dossier{}, err
	}
	row, err := c.dossier(d)
	if err == nil && row.ClosedAt != 0 {
		err = fmt.Errorf("dossier %v is closed: %w", d, ErrConflict)
	}
	return row, err
}

// dossier reads a dossier's own row.
func (c *change) dossier(d model.Domain) (store.Dossier, error) {
	return loadDossier(c.db(), d)
}

func loadDossier(db *gorm.DB, d model.Domain) (store.Dossier, error) {
	var row store.Dossier
	err := db.Where("tenant = ? AND id = ?", d.Tenant(), d.Dossier()).Take(&row).Error
	return row, notFound(store.Translate(err), "dossier %v", d)
}

// member reads a membership of the tenant.
func (c *change) member(u model.UserID) (store.Member, error) {
	if u.IsZero() {
		return store.Member{}, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	var row store.Member
	err := c.db().Where("tenant = ? AND person = ?", c.tenant, u).Take(&row).Error
	if err = store.Translate(err); errors.Is(err, ErrNotFound) {
		err = unknownMember(u, c.tenant)
	}
	return row, err
}

// named reads the membership of somebody whom the actor names by ID. Whoever the
// actor could not come upon otherwise is nobody here.
func (c *change) named(u model.UserID) (store.Member, error) {
	m, err := c.member(u)
	if err != nil || c.by.system {
		return m, err
	}
	ok, err := finds(c.db(), c.before, c.by.user, u, c.at)
	if err == nil && !ok {
		err = unknownMember(u, c.tenant)
	}
	return m, err
}

// unknownMember is what is said of somebody who is no member, or not for the actor.
func unknownMember(u model.UserID, t model.TenantID) error {
	return fmt.Errorf("member %v of tenant %v: %w", u, t, ErrNotFound)
}

// activeMember refuses who is no active member of the tenant. Who is has a row that
// says so, and all that the database could add is why somebody is not.
func (c *change) activeMember(u model.UserID) error {
	if c.before.active(u) && !hasRule(c.removed, c.membership(u)) {
		return nil
	}
	m, err := c.member(u)
	if err == nil && m.State != store.Active {
		err = fmt.Errorf("member %v is %s: %w", u, m.State, ErrConflict)
	}
	return err
}
