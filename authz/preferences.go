package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Preference is whether a person wants the messages of a topic at one of its
// addresses: on one dossier, or, when Domain is a tenant, in the tenant and on
// every dossier of it where nothing else was said.
type Preference struct {
	Domain model.Domain
	User   model.UserID
	Email  string // "": one that the actor must not see, see [Authz.Preferences]
	Topic  model.Topic
	Wanted bool
}

// SetPreference says whether a person wants a topic. People may say so for
// themselves, at any of their addresses, if the tenant gives them "self edit". Their own
// at which they are no contact count as one, for they are written to at one of them.
//
// For somebody else it takes what [Authz.RemoveContact] takes, and works only for an
// address at which messages reach the person there, as [Authz.Preferences] has it; any
// other address is [ErrNotFound], whether or not the person has it. Whoever is no contact
// there, and nobody whom [Authz.AddContact] could name, is [ErrNotFound], too.
func (az *Authz) SetPreference(ctx context.Context, by Actor, p Preference) error {
	return az.write(ctx, by, p.Domain.Tenant(), "set preference", func(c *change) error {
		known, err := mayPrefer(c.db(), c.before, by, c.at, p.Domain, p.User)
		if err != nil {
			return err
		}
		if !by.system && !c.before.isOpen(p.Domain) {
			return unknown(p.Domain) // nobody may see closed ones
		}
		if err := c.openDomain(p.Domain); err != nil {
			return err
		}
		entry, ok := c.catalog().Topic(p.Topic)
		if p.Topic.IsZero() || !ok {
			return c.undeclared("topic", p.Topic)
		}
		if !entry.Place.Covers(p.Domain) && p.Domain.IsDossier() {
			return fmt.Errorf("topic %v is sent in a %v, not in %v: %w", p.Topic, entry.Place, p.Domain, ErrInvalid)
		}
		name := ""
		if p.Email != "" || known[""] == nil {
			if name, err = canonicalEmail(p.Email); err != nil {
				return err
			}
		}
		keys, ok := known[name]
		if !ok {
			return fmt.Errorf("address of person %v: %w", p.User, ErrNotFound)
		}
		if err := c.overSilence(p.Domain, p.User); err != nil {
			return err
		}
		return c.prefer(p, keys)
	})
}

// prefer writes what somebody wants at some of their addresses.
func (c *change) prefer(p Preference, keys []string) error {
	c.detail["user"], c.detail["domain"], c.detail["topic"] = p.User.String(), p.Domain.String(), p.Topic.String()
	c.detail["wanted"] = fmt.Sprint(p.Wanted)
	changed := false
	for _, canonical := range keys {
		var old []store.Preference
		err := c.preferencesIn(p.Domain, p.User).Where("canonical = ? AND topic = ?", canonical, p.Topic).Find(&old).Error
		if err != nil {
			return err
		}
		if len(old) > 0 && old[0].Wanted == p.Wanted {
			continue
		}
		row := store.Preference{
			Tenant: c.tenant, Dossier: p.Domain.Dossier().String(), Person: p.User, Canonical: canonical, Topic: p.Topic, Wanted: p.Wanted,
		}
		if err := c.db().Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return errUnchanged
	}
	return nil
}

// Preferences returns what a person gets in a domain: for each address at which
// it is written to there, and each topic of the pack that is sent there, whether
// it is wanted, because somebody said so or by default. It takes what
// [Authz.SetPreference] takes, and of somebody else no more than "member invite".
//
// Somebody who is no contact there is written to as a contact of the tenant, and who is
// not that either at an address of their own. An address by which the actor does not
// know the person, as [NewInvitation] has it, is "" to the actor.
func (az *Authz) Preferences(ctx context.Context, by Actor, d model.Domain, u model.UserID) ([]Preference, error) {
	found, err := az.preferences(ctx, by, d, u)
	return found, wrapped("preferences", err)
}

func (az *Authz) preferences(ctx context.Context, by Actor, d model.Domain, u model.UserID) ([]Preference, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if err := by.check(); err != nil {
		return nil, err
	}
	q, err := az.query(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := q.exists(d); err != nil && by.system {
		return nil, err
	}
	known, err := mayPrefer(q.db, q.state, by, az.now(), d, u)
	if err != nil {
		return nil, err
	}
	addresses, err := loadAddresses(q.db, d, u)
	if err != nil {
		return nil, err
	}
	said, err := loadPreferences(q.db, d, u)
	if err != nil {
		return nil, err
	}
	var all []Preference
	for _, a := range addresses {
		if _, ok := known[a.canonical]; !ok {
			a.typed = ""
		}
		for _, entry := range q.state.pack.Catalog.Topics {
			if entry.Place.Covers(d) {
				all = append(all, Preference{d, u, a.typed, entry.Topic, said.wants(d, u, a.key(), entry)})
			}
		}
	}
	return all, nil
}

// mayPrefer refuses an actor who may not read or say what u wants in d, and
// returns the addresses of u that the actor may speak of, as preferences call them, by
// what the actor does: the canonical form, or "" for those that it must not see.
func mayPrefer(db *gorm.DB, st *state, by Actor, at time.Time, d model.Domain, u model.UserID) (map[string][]string, error) {
	if u.IsZero() {
		return nil, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	addresses, err := loadAddresses(db, d, u)
	if err != nil {
		return nil, err
	}
	known := make(map[string][]string)
	for _, a := range addresses {
		told := by.system || by.is(u)
		if !told {
			if told, err = knows(db, st, by, at, u, a.canonical, ""); err != nil {
				return nil, err
			}
		}
		name := a.canonical
		if !told {
			name = ""
		}
		known[name] = append(known[name], a.key())
	}
	if !by.is(u) {
		if err := require(st, by, at, d, model.InviteMember); err != nil {
			return nil, err
		}
		var n int64
		err := db.Model(&store.Member{}).Where("tenant = ? AND person = ?", d.Tenant(), u).Count(&n).Error
		if err == nil && n == 0 {
			err = unknownMember(u, d.Tenant())
		}
		if err == nil && !by.system && !slices.ContainsFunc(addresses, func(a destination) bool { return a.contact }) {
			var found bool
			if found, err = finds(db, st, by.user, u, at); err == nil && found && d.IsDossier() {
				found, err = st.sees(u, d, at)
			}
			if err == nil && !found {
				err = unknownMember(u, d.Tenant())
			}
		}
		if err != nil || !by.system {
			return known, err
		}
	} else if err := mayPreferOwn(st, by, at, d, addresses); err != nil {
		return nil, err
	}
	// All that u has: what is said of one counts wherever u is written to there.
	var all []struct{ Canonical, Called string }
	err = db.Raw(`SELECT canonical, '' AS called FROM volmacht_addresses WHERE person = ?
		UNION SELECT canonical, canonical FROM volmacht_contacts WHERE tenant = ? AND person = ?`, u, d.Tenant(), u).Scan(&all).Error
	for _, a := range all {
		if !slices.Contains(known[a.Canonical], a.Called) {
			known[a.Canonical] = append(known[a.Canonical], a.Called)
		}
	}
	return known, err
}

// mayPreferOwn refuses a user who may not say what it wants in d: a dossier that
// it neither sees nor is a contact of is none to it.
func mayPreferOwn(st *state, by Actor, at time.Time, d model.Domain, addresses []destination) error {
	contact := false
	for _, a := range addresses {
		contact = contact || a.contact
	}
	if d.IsDossier() && (!contact || !st.isOpen(d)) {
		sees, err := st.sees(by.user, d, at)
		if err != nil {
			return err
		}
		if !sees {
			return unknown(d)
		}
	}
	return require(st, by, at, model.TenantDomain(d.Tenant()), model.EditSelf)
}

// preferences are what was said, by whom, about which topic, and where: with
// the dossier, or "" for the tenant.
type preferences map[preference]bool

type preference struct {
	dossier, canonical string
	person             model.UserID
	topic              model.Topic
}

// loadPreferences reads what was said in d and in its tenant, by everybody or by
// one person.
func loadPreferences(db *gorm.DB, d model.Domain, only model.UserID) (preferences, error) {
	var rows []store.Preference
	query := db.Where("tenant = ? AND dossier IN ?", d.Tenant(), []string{"", d.Dossier().String()})
	if !only.IsZero() {
		query = query.Where("person = ?", only)
	}
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	said := make(preferences, len(rows))
	for _, r := range rows {
		said[preference{r.Dossier, r.Canonical, r.Person, r.Topic}] = r.Wanted
	}
	return said, nil
}

// wants reports whether a topic is wanted in d.
func (said preferences) wants(d model.Domain, u model.UserID, canonical string, entry model.TopicEntry) bool {
	for _, dossier := range []string{d.Dossier().String(), ""} {
		if wanted, ok := said[preference{dossier, canonical, u, entry.Topic}]; ok {
			return wanted
		}
	}
	return entry.Default
}

// dropPreferences forgets what was said in a domain of an address of a contact.
func (c *change) dropPreferences(in model.Domain, u model.UserID, canonical string) error {
	return c.preferencesIn(in, u).Where("canonical = ?", canonical).Delete(&store.Preference{}).Error
}

// preferDefaults lets a new address of a contact of a dossier begin with the defaults,
// where the actor does not know u by it: what was said of it in the tenant would tell
// that it is u's.
func (c *change) preferDefaults(in model.Domain, u model.UserID, canonical, changed string) error {
	if !in.IsDossier() || c.by.system || c.by.is(u) {
		return nil
	}
	known, err := c.knows(u, canonical, changed)
	if err != nil || known {
		return err
	}
	var said []store.Preference
	err = c.preferencesIn(model.TenantDomain(c.tenant), u).Where("canonical = ?", canonical).Order("topic").Find(&said).Error
	if err != nil {
		return err
	}
	for _, p := range said {
		entry, ok := c.catalog().Topic(p.Topic)
		if !ok {
			continue
		}
		p.Dossier, p.Wanted = in.Dossier().String(), entry.Default
		if err := c.db().Clauses(clause.OnConflict{DoNothing: true}).Create(&p).Error; err != nil {
			return err
		}
	}
	return nil
}

// preferencesIn finds what u wants in a domain.
func (c *change) preferencesIn(in model.Domain, u model.UserID) *gorm.DB {
	return c.db().Model(&store.Preference{}).Where("tenant = ? AND dossier = ? AND person = ?", in.Tenant(), in.Dossier().String(), u)
}
