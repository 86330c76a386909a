package authz

import (
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Rows of a deactivated member, a closed dossier or a closed tenant are set
// aside, out of casbin_rule, so that no reader of that table can go by them.

// shelve sets the rows aside that keep wants.
func (c *change) shelve(wants func(store.Row) bool) error {
	rows := c.before.find(wants)
	c.removed = append(c.removed, rows...)
	return c.tx.store.Shelve(rows)
}

// restore takes back the rows that wants names, except those whose member or
// dossier keeps them on the shelf.
func (c *change) restore(wants func(store.Row) bool) error {
	shelved, err := c.tx.store.Shelved(c.tenant)
	if err != nil {
		return err
	}
	live, err := c.liveOwners()
	if err != nil {
		return err
	}
	var rows []store.Row
	for _, r := range shelved {
		if wants(r) && live(r) {
			rows = append(rows, r)
			c.put(r)
		}
	}
	return c.tx.store.Unshelve(rows)
}

// forget removes rows for good, from the policy and from the shelf.
func (c *change) forget(wants func(store.Row) bool) error {
	for _, r := range c.before.find(wants) {
		c.remove(r.Rule)
	}
	shelved, err := c.tx.store.Shelved(c.tenant)
	if err != nil {
		return err
	}
	var rows []store.Row
	for _, r := range shelved {
		if wants(r) {
			rows = append(rows, r)
		}
	}
	return c.tx.store.Unshelve(rows)
}

// liveOwners reports of a row whether its member is active and its dossier open.
func (c *change) liveOwners() (func(store.Row) bool, error) {
	var idle []model.UserID
	err := c.db().Model(&store.Member{}).Where("tenant = ? AND state <> ?", c.tenant, store.Active).Pluck("person", &idle).Error
	if err != nil {
		return nil, err
	}
	var closed []model.DossierID
	err = c.db().Model(&store.Dossier{}).Where("tenant = ? AND closed_at <> 0", c.tenant).Pluck("id", &closed).Error
	if err != nil {
		return nil, err
	}
	off := make(map[string]bool, len(idle)+len(closed))
	for _, u := range idle {
		off[model.UserSubject(u).String()] = true
	}
	for _, d := range closed {
		off[model.DossierDomain(c.tenant, d).String()] = true
	}
	return func(r store.Row) bool { return !off[r.Rule.V[0]] && !off[domainOf(r.Rule)] }, nil
}

// domainOf returns the domain field of a tenant's row.
func domainOf(r model.Rule) string {
	if r.PType == "g" {
		return r.V[2]
	}
	return r.V[0]
}

// ofUser selects the rows that u holds.
func ofUser(u model.UserID) func(store.Row) bool {
	who := model.UserSubject(u).String()
	return func(r store.Row) bool { return r.Rule.V[0] == who }
}

// inDossier selects the rows about d.
func inDossier(d model.Domain) func(store.Row) bool {
	domain := d.String()
	return func(r store.Row) bool { return domainOf(r.Rule) == domain }
}

// ofTeam selects the rows that a team holds and those of its members.
func ofTeam(t model.TeamID) func(store.Row) bool {
	who := model.TeamSubject(t).String()
	return func(r store.Row) bool { return r.Rule.PType == "g" && (r.Rule.V[0] == who || r.Rule.V[1] == who) }
}

func every(store.Row) bool { return true }
