package authz

import (
	"iter"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Rows of a deactivated member, a closed dossier or a closed tenant are set
// aside, out of casbin_rule, so that no reader of that table can go by them.

// A selection is rows of a tenant: those that wants wants, all of which are
// among those that from yields.
type selection struct {
	from  func(*engine.Snapshot) iter.Seq[engine.Row]
	wants func(model.Rule) bool
}

// shelve sets a selection of rows aside.
func (c *change) shelve(of selection) error {
	rows, err := c.store().Granted(c.before.find(of))
	if err != nil {
		return err
	}
	c.removed = append(c.removed, rows...)
	return c.store().Shelve(rows)
}

// restore takes a selection of rows back, except those whose member or dossier
// keeps them on the shelf. The open review asks about them again.
func (c *change) restore(of selection) error {
	shelved, err := c.store().Shelved(c.tenant)
	if err != nil {
		return err
	}
	live, err := c.liveOwners()
	if err != nil {
		return err
	}
	var rows []store.Row
	for _, r := range shelved {
		if of.wants(r.Rule) && live(r) {
			rows = append(rows, r)
			c.put(r)
		}
	}
	if err := c.store().Unshelve(rows); err != nil {
		return err
	}
	return c.unsettleReview(rows)
}

// forget removes rows for good, from the policy and from the shelf.
func (c *change) forget(of selection) error {
	c.removed = append(c.removed, c.before.find(of)...)
	shelved, err := c.store().Shelved(c.tenant)
	if err != nil {
		return err
	}
	var rows []store.Row
	for _, r := range shelved {
		if of.wants(r.Rule) {
			rows = append(rows, r)
		}
	}
	return c.store().Unshelve(rows)
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

// heldBy selects the rows that give who something.
func heldBy(who model.Subject) selection { return beginning("g", who.String()) }

// beginning selects the rows of one sort with a name in their first field.
func beginning(ptype, name string) selection {
	return selection{
		func(s *engine.Snapshot) iter.Seq[engine.Row] { return s.Of(name) },
		func(r model.Rule) bool { return r.PType == ptype && r.V[0] == name },
	}
}

// inDossier selects the rows about d.
func inDossier(d model.Domain) selection {
	domain := d.String()
	return selection{
		func(s *engine.Snapshot) iter.Seq[engine.Row] {
			return func(yield func(engine.Row) bool) {
				for _, rows := range []iter.Seq[engine.Row]{s.Of(domain), s.In(domain)} {
					for r := range rows {
						if !yield(r) {
							return
						}
					}
				}
			}
		},
		func(r model.Rule) bool { return domainOf(r) == domain },
	}
}

// ofTeam selects the rows that a team holds and those of its members.
func ofTeam(t model.TeamID) selection {
	who := model.TeamSubject(t).String()
	return selection{
		(*engine.Snapshot).Rows,
		func(r model.Rule) bool { return r.PType == "g" && (r.V[0] == who || r.V[1] == who) },
	}
}

// only selects one row.
func only(rule model.Rule) selection {
	return selection{
		func(s *engine.Snapshot) iter.Seq[engine.Row] { return s.Of(rule.V[0]) },
		func(r model.Rule) bool { return r == rule },
	}
}

// and selects the rows of s that wants wants too.
func (s selection) and(wants func(model.Rule) bool) selection {
	return selection{s.from, func(r model.Rule) bool { return s.wants(r) && wants(r) }}
}

var every = selection{(*engine.Snapshot).Rows, func(model.Rule) bool { return true }}
