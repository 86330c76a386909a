package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Team is a group of members of one tenant that can be assigned to dossiers
// and hold profiles as one: a client group, a portfolio.
type Team struct {
	ID      model.TeamID // zero in CreateTeam: a fresh one
	Name    string
	Email   string         // optional
	Members []model.UserID // read only; the active ones
}

func (t Team) check() error {
	if err := checkText("name", t.Name, required, 200); err != nil {
		return err
	}
	return checkEmail(t.Email, true)
}

// CreateTeam makes a team without members. It takes "tenant edit".
func (az *Authz) CreateTeam(ctx context.Context, by Actor, tenant model.TenantID, t Team) (Team, error) {
	if t.ID.IsZero() {
		t.ID = model.NewTeamID()
	}
	t.Members = nil
	err := az.writeTeam(ctx, by, tenant, t.ID, "create team", func(c *change) error {
		if err := t.check(); err != nil {
			return err
		}
		err := c.db().Create(&store.Team{Tenant: tenant, ID: t.ID, Name: t.Name, Email: t.Email}).Error
		if err = store.Translate(err); errors.Is(err, ErrConflict) {
			err = fmt.Errorf("the id is taken: %w", ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("team %v: %w", t.ID, err)
		}
		return nil
	})
	if err != nil {
		return Team{}, err
	}
	return t, nil
}

// EditTeam changes the name and the address of the team t.ID. It takes
// "tenant edit", and what [Authz.AddTeamMember] takes for another address, where
// messages about the team's dossiers may go.
func (az *Authz) EditTeam(ctx context.Context, by Actor, tenant model.TenantID, t Team) error {
	return az.writeTeam(ctx, by, tenant, t.ID, "edit team", func(c *change) error {
		if err := t.check(); err != nil {
			return err
		}
		row, err := c.team(t.ID)
		if err == nil && row.Email != t.Email {
			err = c.overTeam(t.ID)
		}
		if err != nil {
			return err
		}
		return c.db().Model(&store.Team{}).Where("tenant = ? AND id = ?", tenant, t.ID).
			Updates(map[string]any{"name": t.Name, "email": t.Email}).Error
	})
}

// DeleteTeam ends a team, and with it what its members had through it. It
// takes what [Authz.AddTeamMember] takes.
func (az *Authz) DeleteTeam(ctx context.Context, by Actor, tenant model.TenantID, t model.TeamID) error {
	return az.writeTeam(ctx, by, tenant, t, "delete team", func(c *change) error {
		if err := c.overTeam(t); err != nil {
			return err
		}
		if err := c.forget(ofTeam(t)); err != nil {
			return err
		}
		err := c.db().Model(&store.Dossier{}).Where("tenant = ? AND team = ?", tenant, t).Update("team", nil).Error
		if err != nil {
			return err
		}
		if err := c.db().Where("tenant = ? AND id = ?", tenant, t).Delete(&store.Team{}).Error; err != nil {
			return err
		}
		for _, u := range c.before.holding(model.TeamSubject(t).String(), model.Everywhere(tenant)) {
			if err := c.noGainBy(u, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddTeamMember adds an active member of the tenant to the team. Whoever joins
// a team gets everything the team has, so besides "tenant edit" it takes the
// grant of each of the team's profiles and "dossier assign" on each of its
// dossiers. A profile of the team that something may be denied to is given as by
// [Authz.Grant]. Actors may not gain permissions by joining or leaving a team themselves,
// nor join one for a profile that they do not have anyway.
func (az *Authz) AddTeamMember(ctx context.Context, by Actor, tenant model.TenantID, t model.TeamID, u model.UserID) error {
	return az.writeTeam(ctx, by, tenant, t, "add team member", func(c *change) error {
		if err := c.overTeam(t); err != nil {
			return err
		}
		if err := c.activeMember(u); err != nil {
			return err
		}
		rule := model.TeamRule(u, t, tenant)
		if c.before.has(rule) {
			return errUnchanged
		}
		c.add(rule)
		c.detail["user"] = u.String()
		if err := c.noLoss([]model.UserID{u}, c.before.domainsOf(model.TeamSubject(t))...); err != nil {
			return err
		}
		opened, err := c.opened()
		if err != nil {
			return err
		}
		for _, d := range opened.domainsOf(model.TeamSubject(t)) {
			for _, p := range opened.granted(model.TeamSubject(t), d) {
				if err := c.noTie(opened, []model.UserID{u}, p, d); err != nil {
					return err
				}
				// Whether it gives anything now does not matter: what it gives may
				// depend on a switch, or on a profile that others take away later.
				if c.by.is(u) && !opened.hasToo(u, model.TeamSubject(t), p, d, c.at) {
					return fmt.Errorf("user %v would give itself profile %v in %v: %w", u, p, d, ErrDenied)
				}
			}
		}
		return c.noGainBy(u, t)
	})
}

// hasToo reports whether u has profile p of a team in d, or throughout the tenant, for
// as long from a time on as the team has it, by itself or through another team.
func (s *state) hasToo(u model.UserID, team model.Subject, p model.Profile, d model.Domain, at time.Time) bool {
	theirs, _ := s.rows.Find(model.GrantRule(team, p, d))
	return slices.ContainsFunc(append(s.teamsOf(u), model.UserSubject(u)), func(who model.Subject) bool {
		return slices.ContainsFunc([]model.Domain{d, model.TenantDomain(s.tenant)}, func(in model.Domain) bool {
			own, held := s.rows.Find(model.GrantRule(who, p, in))
			begins := !own.From.After(at) || !own.From.After(theirs.From)
			ends := own.Until.IsZero() || !theirs.Until.IsZero() && !own.Until.Before(theirs.Until)
			return held && begins && ends
		})
	})
}

// RemoveTeamMember takes a member out of a team. It takes what
// [Authz.AddTeamMember] takes.
func (az *Authz) RemoveTeamMember(ctx context.Context, by Actor, tenant model.TenantID, t model.TeamID, u model.UserID) error {
	return az.writeTeam(ctx, by, tenant, t, "remove team member", func(c *change) error { return c.leaveTeam(t, u) })
}

func (c *change) leaveTeam(t model.TeamID, u model.UserID) error {
	if err := c.overTeam(t); err != nil {
		return err
	}
	if err := c.activeMember(u); err != nil {
		return err
	}
	rule := model.TeamRule(u, t, c.tenant)
	if !c.before.has(rule) {
		return fmt.Errorf("member %v of team %v: %w", u, t, ErrNotFound)
	}
	c.remove(rule)
	c.detail["user"] = u.String()
	return c.noGainBy(u, t)
}

// noGainBy refuses an actor who is u and comes to more, by joining a team or by
// leaving one that something is denied to.
func (c *change) noGainBy(u model.UserID, t model.TeamID) error {
	if !c.by.is(u) {
		return nil
	}
	opened, err := c.opened()
	if err != nil {
		return err
	}
	return c.noGain(opened.domainsOf(model.TeamSubject(t))...)
}

func (az *Authz) writeTeam(ctx context.Context, by Actor, tenant model.TenantID, t model.TeamID, action string, fn func(*change) error) error {
	return az.write(ctx, by, tenant, action, func(c *change) error {
		if err := c.mayEditTeam(t); err != nil {
			return err
		}
		return fn(c)
	})
}

func (c *change) mayEditTeam(t model.TeamID) error {
	if err := c.require(model.TenantDomain(c.tenant), model.EditTenant); err != nil {
		return err
	}
	if t.IsZero() {
		return fmt.Errorf("team is not set: %w", ErrInvalid)
	}
	c.detail["team"] = t.String()
	return nil
}

// overTeam refuses an actor who could not give by itself what the team has.
func (c *change) overTeam(t model.TeamID) error {
	if _, err := c.team(t); err != nil {
		return err
	}
	if c.by.system {
		return nil
	}
	opened, err := c.opened() // a closed dossier may be open again
	if err != nil {
		return err
	}
	who := model.TeamSubject(t)
	for _, r := range opened.find(heldBy(who)) {
		d, permission := model.TenantDomain(c.tenant), model.AssignDossier
		if r.Rule.V[2] != model.Everywhere(c.tenant) {
			var err error
			if d, err = model.ParseDomain(r.Rule.V[2]); err != nil {
				return err
			}
		}
		if r.Rule.V[1] != model.Assigned {
			p, err := model.ParseProfile(r.Rule.V[1])
			if err != nil {
				return err
			}
			permission = model.GrantOf(p)
		}
		if ok, err := opened.enforce(c.by.user, d, permission, c.at); err != nil {
			return err
		} else if !ok {
			return fmt.Errorf("team %v has more than user %v could give: %w", t, c.by.user, ErrDenied)
		}
	}
	return nil
}

// team reads a team's own row.
func (c *change) team(t model.TeamID) (store.Team, error) {
	var row store.Team
	err := c.db().Where("tenant = ? AND id = ?", c.tenant, t).Take(&row).Error
	return row, notFound(store.Translate(err), "team %v of tenant %v", t, c.tenant)
}

// Teams lists the teams of a tenant, by name. It takes "tenant view".
func (az *Authz) Teams(ctx context.Context, by Actor, tenant model.TenantID) ([]Team, error) {
	return read(ctx, az, by, model.TenantDomain(tenant), model.ViewTenant, "teams", func(q *query) ([]Team, error) {
		var rows []store.Team
		if err := q.db.Where("tenant = ?", tenant).Order("name, id").Find(&rows).Error; err != nil {
			return nil, err
		}
		var teams []Team
		for _, row := range rows {
			teams = append(teams, Team{
				ID: row.ID, Name: row.Name, Email: row.Email,
				Members: q.state.holding(model.TeamSubject(row.ID).String(), model.Everywhere(tenant)),
			})
		}
		return teams, nil
	})
}
