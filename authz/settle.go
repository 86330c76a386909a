package authz

import (
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// settleLogin switches login on for the address that inv went to, now that u
// has accepted it, and off for the address that it replaces. It wants u to be an
// active member already.
//
// If the invitation went to a person that the tenant keeps, and another account
// accepted, that takes the person's place, and the person is gone. If it was the
// person itself, the address that it has shown to be its own made it an account.
// The people in left stay what they are, though they have the address as well.
func (c *change) settleLogin(inv *store.Invitation, u model.UserID, left []model.UserID) error {
	if inv.Person != u && !inv.Person.IsZero() {
		if err := c.replace(inv.Person, u); err != nil {
			return err
		}
	}
	var grants []store.InvitedGrant
	if err := c.db().Where("invitation = ?", inv.ID).Order("dossier, profile").Find(&grants).Error; err != nil {
		return err
	}
	for _, g := range grants {
		if err := c.settleGrant(inv, g, u, left); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) settleGrant(inv *store.Invitation, g store.InvitedGrant, u model.UserID, left []model.UserID) error {
	in, err := domainOfGrant(inv.Tenant, g)
	if err != nil {
		return err
	}
	login := c.catalog().LoginProfile(placeOf(in))
	if !login.IsZero() && login != g.Profile {
		return nil // nothing that opens a door
	}
	var row store.Contact
	err = store.Translate(c.inContacts(in).Where("canonical = ?", inv.Canonical).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return nil // invited without being a contact
	}
	if err != nil {
		return err
	}
	if slices.Contains(left, row.Person) {
		return nil
	}
	if row.Person != u {
		if err := c.replace(row.Person, u); err != nil {
			return err
		}
	}
	at := map[string]any{"login": true, "accepted": store.At(c.at)}
	err = c.inContacts(in).Where("person = ? AND canonical = ?", u, inv.Canonical).Updates(at).Error
	if err != nil || inv.Replaces == "" {
		return err
	}
	return c.inContacts(in).Where("person = ? AND canonical = ?", u, inv.Replaces).
		Updates(map[string]any{"login": false, "accepted": 0}).Error
}

// replace puts the account u in the place of a person that the tenant keeps:
// whatever that person is or has here becomes u's. It leaves other people alone.
func (c *change) replace(kept, u model.UserID) error {
	if ok, err := c.keeps(kept); err != nil || !ok {
		return err
	}
	m, err := c.member(kept)
	if err != nil {
		return err
	}
	if m.State == store.Deactivated {
		return fmt.Errorf("member %v is %s: %w", kept, m.State, ErrConflict)
	}
	c.detail["contact"] = kept.String()
	for _, take := range []func(kept, u model.UserID) error{c.takeContacts, c.takePreferences, c.takeRows, c.takeMentions} {
		if err := take(kept, u); err != nil {
			return err
		}
	}
	c.ended = append(c.ended, c.membership(kept))
	if err := c.db().Where("tenant = ? AND person = ?", c.tenant, kept).Delete(&store.Member{}).Error; err != nil {
		return err
	}
	return c.erase(kept)
}

// takeContacts gives u the addresses of a person it replaces.
func (c *change) takeContacts(kept, u model.UserID) error {
	return c.db().Model(&store.Contact{}).Where("tenant = ? AND person = ?", c.tenant, kept).Update("person", u).Error
}

// takePreferences gives u what the person it replaces wants, where u has not
// said otherwise.
func (c *change) takePreferences(kept, u model.UserID) error {
	var rows []store.Preference
	if err := c.db().Where("tenant = ? AND person = ?", c.tenant, kept).Find(&rows).Error; err != nil {
		return err
	}
	for _, p := range rows {
		p.Person = u
		var n int64
		err := c.db().Model(&store.Preference{}).Where("tenant = ? AND dossier = ? AND person = ? AND canonical = ? AND topic = ?",
			p.Tenant, p.Dossier, u, p.Canonical, p.Topic).Count(&n).Error
		if err == nil && n == 0 {
			err = c.db().Create(&p).Error
		}
		if err != nil {
			return err
		}
	}
	return c.db().Where("tenant = ? AND person = ?", c.tenant, kept).Delete(&store.Preference{}).Error
}

// takeRows gives u what the person it replaces holds, now or when what is closed
// opens again, with who gave it and for how long. Not what u itself gave, for
// nobody gives anything to themselves; nor, to who was a member already, a profile
// that denies or a place in a team with one, for nobody is tied down by an invitation.
func (c *change) takeRows(kept, u model.UserID) error {
	shelved, err := c.store().Shelved(c.tenant)
	if err != nil {
		return err
	}
	opened, err := c.before.with(shelved, nil)
	if err != nil {
		return err
	}
	mine, member := heldBy(model.UserSubject(kept)), c.before.active(u)
	live, err := c.store().Granted(c.before.find(mine))
	if err != nil {
		return err
	}
	takes := func(r store.Row) bool {
		if r.GrantedBy == model.UserSubject(u).String() {
			return false
		}
		return !member || !c.ties(opened, r.Rule.V[1])
	}
	taken := make(map[model.Rule]bool)
	for _, r := range live {
		if takes(r) {
			next := renamed(r, u)
			c.put(next)
			taken[next.Rule] = true
		}
	}
	var aside []store.Row
	for _, r := range shelved {
		if !mine.wants(r.Rule) || !takes(r) {
			continue
		}
		next := renamed(r, u)
		taken[next.Rule] = true
		if !hasRule(shelved, next.Rule) {
			aside = append(aside, next)
		}
	}
	if err := c.forget(mine); err != nil {
		return err
	}
	if err := c.store().Shelve(aside); err != nil {
		return err
	}
	return c.takeLinks(kept, u, taken)
}

// ties reports whether something may be denied to who is linked to a role: a profile,
// or a team that has one.
func (c *change) ties(opened *state, role string) bool {
	if p, err := model.ParseProfile(role); err == nil {
		return c.before.denies(p)
	}
	team, err := model.ParseSubject(role)
	if err != nil {
		return false // assigned
	}
	return slices.ContainsFunc(opened.domainsOf(team), func(d model.Domain) bool {
		return slices.ContainsFunc(opened.granted(team, d), c.before.denies)
	})
}

// renamed is a row that u holds in place of another user.
func renamed(r store.Row, u model.UserID) store.Row {
	r.Rule.V[0] = model.UserSubject(u).String()
	return r
}

// takeLinks keeps the links to dossiers in step with the rows that were taken.
func (c *change) takeLinks(kept, u model.UserID, taken map[model.Rule]bool) error {
	linked := func(d model.DossierID) bool {
		return taken[model.AssignedRule(model.UserSubject(u), model.DossierDomain(c.tenant, d))]
	}
	var managed []model.DossierID
	err := c.db().Model(&store.Dossier{}).Where("tenant = ? AND manager = ?", c.tenant, kept).Pluck("id", &managed).Error
	if err != nil {
		return err
	}
	for _, d := range managed {
		var manager any
		if linked(d) {
			manager = u
		}
		if err := c.setDossier(model.DossierDomain(c.tenant, d), "manager", manager); err != nil {
			return err
		}
	}
	var supported, already []model.DossierID
	of := func(who model.UserID) *gorm.DB {
		return c.db().Model(&store.Supporting{}).Where("tenant = ? AND person = ?", c.tenant, who)
	}
	if err := of(kept).Pluck("dossier", &supported).Error; err != nil {
		return err
	}
	if err := of(u).Pluck("dossier", &already).Error; err != nil {
		return err
	}
	for _, d := range supported {
		if !linked(d) || slices.Contains(already, d) {
			continue
		}
		if err := c.db().Create(&store.Supporting{Tenant: c.tenant, Dossier: d, Person: u}).Error; err != nil {
			return err
		}
	}
	return of(kept).Delete(&store.Supporting{}).Error
}

// takeMentions makes invitations, and messages that wait, name u.
func (c *change) takeMentions(kept, u model.UserID) error {
	if err := c.db().Model(&store.Invitation{}).Where("person = ?", kept).Update("person", u).Error; err != nil {
		return err
	}
	return c.db().Model(&store.Message{}).Where("tenant = ? AND person = ? AND state = ?", c.tenant.String(), kept.String(), store.Queued).
		Update("person", u.String()).Error
}
