package authz

import (
	"context"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// An Assignment links a member of staff or a team to a dossier: a [Manager],
// a [Group] or a [Supporting] member. Whoever is linked in any way holds
// "assigned" there, and what that gives depends on their profiles.
type Assignment struct {
	role string
	who  model.Subject
}

const (
	managerRole    = "manager"
	groupRole      = "group"
	supportingRole = "supporting"
)

// Manager links the one person who is responsible for a dossier.
func Manager(u model.UserID) Assignment { return Assignment{managerRole, model.UserSubject(u)} }

// Group links the one team of a dossier.
func Group(t model.TeamID) Assignment { return Assignment{groupRole, model.TeamSubject(t)} }

// Supporting links one of any number of further members.
func Supporting(u model.UserID) Assignment { return Assignment{supportingRole, model.UserSubject(u)} }

// check refuses the zero Assignment, and one of nobody.
func (a Assignment) check() error {
	if a.who.IsZero() {
		return fmt.Errorf("assignment: want Manager, Group or Supporting with an id: %w", ErrInvalid)
	}
	return nil
}

// Assign links a member or a team to a dossier. A dossier has at most one
// manager and at most one group: the new one takes the place of the old. It
// takes "dossier assign". No actor may gain permissions by an assignment that they
// make themselves.
func (az *Authz) Assign(ctx context.Context, by Actor, d model.Domain, a Assignment) error {
	return az.writeDossier(ctx, by, d, model.AssignDossier, "assign", func(c *change, row store.Dossier) error {
		before, err := c.links(d, row)
		if err != nil {
			return err
		}
		if before[a] {
			return errUnchanged
		}
		for old := range before {
			if old.role == a.role && a.role != supportingRole {
				delete(before, old)
				if err := c.unlink(d, old, before); err != nil {
					return err
				}
			}
		}
		if err := c.assign(d, a); err != nil {
			return err
		}
		c.detail[a.role] = a.who.String()
		return c.noGain(d)
	})
}

// Unassign takes a link away. It takes "dossier assign".
func (az *Authz) Unassign(ctx context.Context, by Actor, d model.Domain, a Assignment) error {
	return az.writeDossier(ctx, by, d, model.AssignDossier, "unassign", func(c *change, row store.Dossier) error {
		before, err := c.links(d, row)
		if err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return err
		}
		if !before[a] {
			return fmt.Errorf("%s %v of dossier %v: %w", a.role, a.who, d, ErrNotFound)
		}
		delete(before, a)
		if err := c.unlink(d, a, before); err != nil {
			return err
		}
		c.detail[a.role] = a.who.String()
		return c.noGain(d)
	})
}

// links returns the links of a dossier.
func (c *change) links(d model.Domain, row store.Dossier) (map[Assignment]bool, error) {
	var supporting []model.UserID
	err := c.db().Model(&store.Supporting{}).Where("tenant = ? AND dossier = ?", d.Tenant(), d.Dossier()).Pluck("person", &supporting).Error
	if err != nil {
		return nil, err
	}
	links := make(map[Assignment]bool)
	for _, a := range (Dossier{Manager: row.Manager, Team: row.Team, Supporting: supporting}).assignments() {
		links[a] = true
	}
	return links, nil
}

// assign writes a link and the row that goes with it.
func (c *change) assign(d model.Domain, a Assignment) error {
	if err := a.check(); err != nil {
		return err
	}
	user, _ := a.who.User()
	var err error
	switch a.role {
	case groupRole:
		team, _ := a.who.Team()
		if _, err = c.team(team); err == nil {
			err = c.setDossier(d, "team", team)
		}
	case managerRole:
		if err = c.activeMember(user); err == nil {
			err = c.setDossier(d, "manager", user)
		}
	default:
		if err = c.activeMember(user); err == nil {
			err = c.db().Create(&store.Supporting{Tenant: d.Tenant(), Dossier: d.Dossier(), Person: user}).Error
		}
	}
	if err != nil {
		return err
	}
	c.add(model.AssignedRule(a.who, d))
	return nil
}

// unlink deletes a link and the row that goes with it, unless one of the links
// that are left keeps that. The row of a deactivated member is on the shelf.
func (c *change) unlink(d model.Domain, a Assignment, left map[Assignment]bool) error {
	var err error
	switch user, _ := a.who.User(); a.role {
	case groupRole:
		err = c.setDossier(d, "team", nil)
	case managerRole:
		err = c.setDossier(d, "manager", nil)
	default:
		err = c.db().Where("tenant = ? AND dossier = ? AND person = ?", d.Tenant(), d.Dossier(), user).Delete(&store.Supporting{}).Error
	}
	if err != nil {
		return err
	}
	for other := range left {
		if other.who == a.who {
			return nil
		}
	}
	rule := model.AssignedRule(a.who, d)
	return c.forget(only(rule))
}
