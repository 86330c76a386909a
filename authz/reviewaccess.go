package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// An Access is one thing that a person or a team has directly: exactly one of
// Profile, Team and Assigned says what.
type Access struct {
	Subject model.Subject
	Domain  model.Domain // where: the tenant stands for all of it

	Profile  model.Profile // [model.Member] is the membership of the tenant itself
	Team     model.TeamID  // is one of the team
	Assigned bool          // is linked to the dossier in any way
}

// String returns a as a sentence without a verb, such as
// "user:ann, admin, acme/".
func (a Access) String() string {
	return fmt.Sprintf("%v, %s, %v", a.Subject, a.role(), a.Domain)
}

// role is what the policy calls that which a has.
func (a Access) role() string {
	switch {
	case a.Assigned:
		return model.Assigned
	case !a.Team.IsZero():
		return model.TeamSubject(a.Team).String()
	}
	return a.Profile.String()
}

// isMembership reports whether a is that somebody is a member of the tenant.
func (a Access) isMembership() bool { return a.Profile == model.Member }

// check refuses what nobody can have.
func (a Access) check() error {
	parts := 0
	for _, set := range []bool{!a.Profile.IsZero(), !a.Team.IsZero(), a.Assigned} {
		if set {
			parts++
		}
	}
	if a.Subject.IsZero() || a.Domain.IsZero() || parts != 1 {
		return fmt.Errorf("access %v: want a subject, a domain, and one of profile, team and assigned: %w", a, ErrInvalid)
	}
	return nil
}

// rule is the row of the policy that gives a.
func (a Access) rule() model.Rule {
	where := a.Domain.String()
	if !a.Domain.IsDossier() {
		where = model.Everywhere(a.Domain.Tenant())
	}
	return model.NewRule("g", a.Subject.String(), a.role(), where)
}

// accessOf reads a g row of a tenant.
func accessOf(r model.Rule) (Access, error) {
	var a Access
	var err error
	if a.Subject, err = model.ParseSubject(r.V[0]); err != nil {
		return a, err
	}
	if a.Domain, err = model.ParseDomain(strings.TrimSuffix(r.V[2], "*")); err != nil {
		return a, err
	}
	if r.V[1] == model.Assigned {
		a.Assigned = true
		return a, nil
	}
	if who, err := model.ParseSubject(r.V[1]); err == nil {
		var ok bool
		if a.Team, ok = who.Team(); ok {
			return a, nil
		}
	}
	a.Profile, err = model.ParseProfile(r.V[1])
	return a, err
}

// membership is the row of who is an active member of t.
func membership(t model.TenantID, u model.UserID) model.Rule {
	return model.GrantRule(model.UserSubject(u), model.Member, model.TenantDomain(t))
}

// itemOf returns r as a review asks about it.
func itemOf(t model.TenantID, r model.Rule) store.ReviewItem {
	dossier := strings.TrimPrefix(r.V[2], t.String()+"/")
	if dossier == "*" {
		dossier = ""
	}
	return store.ReviewItem{Tenant: t, Subject: r.V[0], Role: r.V[1], Dossier: dossier}
}

// itemRule is the row that an item is about.
func itemRule(i store.ReviewItem) model.Rule {
	where := i.Tenant.String() + "/" + i.Dossier
	if i.Dossier == "" {
		where += "*"
	}
	return model.NewRule("g", i.Subject, i.Role, where)
}

// accesses returns what a review asks about now: what is in force, or will be,
// of people and teams, and the members who have no access.
func (c *change) accesses(review model.ReviewID) ([]store.ReviewItem, error) {
	gives := make(map[string]bool) // teams through which anybody has anything
	rows := slices.DeleteFunc(c.before.find(every.and(func(r model.Rule) bool { return r.PType == "g" })), func(r store.Row) bool {
		return !r.Until.IsZero() && !r.Until.After(c.at)
	})
	for _, r := range rows {
		gives[r.Rule.V[0]] = true
	}
	var items []store.ReviewItem
	for _, r := range rows {
		a, err := accessOf(r.Rule)
		if err != nil {
			return nil, err
		}
		if !a.Team.IsZero() && !gives[a.role()] {
			continue
		}
		item := itemOf(c.tenant, r.Rule)
		if a.isMembership() {
			item.State = store.Active
		}
		items = append(items, item)
	}
	var idle []store.Member
	err := c.db().Where("tenant = ? AND state <> ?", c.tenant, store.Active).Order("person").Find(&idle).Error
	if err != nil {
		return nil, err
	}
	for _, m := range idle {
		item := itemOf(c.tenant, membership(c.tenant, m.Person))
		item.State = m.State
		items = append(items, item)
	}
	for i := range items {
		items[i].Review = review
	}
	return items, nil
}
