package authz

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Recipient is a person who gets the messages of a topic, at one address.
type Recipient struct {
	User  model.UserID
	Name  string
	Email string

	canonical, locale string
}

// Recipients tells who gets the messages of a topic in a domain, by person and
// address. It takes no actor: it is for the host's own messages.
//
// Three things must be true of an address. First, it is switched on for messages:
// as a contact's on the dossier; if the person is no contact there, as a contact's
// in the tenant; if not there either, it is the address at which the person is
// otherwise reached. Second, the person may be told: they are allowed what the
// topic needs or, for a topic that needs nothing, they are an active member or a
// contact of the tenant, or a contact of that very dossier. Third, the topic is
// wanted at the address: see [Authz.SetPreference]. A domain that is closed or
// unknown has no recipients.
func (az *Authz) Recipients(ctx context.Context, d model.Domain, topic model.Topic) ([]Recipient, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if d.IsZero() {
		return nil, fmt.Errorf("authz: recipients: domain is not set: %w", ErrInvalid)
	}
	st, err := az.view(ctx, d.Tenant())
	if err != nil {
		return nil, fmt.Errorf("authz: recipients: %w", err)
	}
	found, err := recipients(az.db(ctx), st, az.now(), d, topic, model.UserID{})
	return found, wrapped("recipients", err)
}

// recipients finds the recipients in d, or those who are the person only, unless
// that is zero.
func recipients(db *gorm.DB, st *state, at time.Time, d model.Domain, topic model.Topic, only model.UserID) ([]Recipient, error) {
	entry, ok := st.pack.Catalog.Topic(topic)
	if topic.IsZero() || !ok {
		return nil, fmt.Errorf("topic %q: the pack %s declares none of that name: %w", topic, st.pack.Name, ErrInvalid)
	}
	if !entry.Place.Covers(d) {
		return nil, fmt.Errorf("topic %v is sent in a %v, not in %v: %w", topic, entry.Place, d, ErrInvalid)
	}
	if !st.isOpen(d) {
		return nil, nil
	}
	all, err := loadAddresses(db, d, only)
	if err != nil {
		return nil, err
	}
	said, err := loadPreferences(db, d, only)
	if err != nil {
		return nil, err
	}
	var found []Recipient
	for _, a := range all {
		if !a.notify || !said.wants(d, a.person, a.key(), entry) {
			continue
		}
		may := a.contact || !d.IsDossier() && st.active(a.person)
		if !entry.Needs.IsZero() {
			if may, err = st.enforce(a.person, d, entry.Needs, at); err != nil {
				return nil, err
			}
		}
		if may {
			found = append(found, Recipient{a.person, a.name, a.typed, a.canonical, a.locale})
		}
	}
	slices.SortFunc(found, func(a, b Recipient) int {
		return cmp.Or(compareIDs(a.User, b.User), cmp.Compare(a.canonical, b.canonical))
	})
	return found, nil
}

// A destination is an address at which a member who is not deactivated can be
// written to about a domain.
type destination struct {
	person                         model.UserID
	name, typed, canonical, locale string
	contact                        bool // of the domain itself
	own                            bool // the person's own address: a contact at none
	notify                         bool
}

// key is what preferences call the address: that of a contact, or "" for whichever own
// one it is. So whoever makes the person a contact at a guess does not see by what was
// said before whether it is right.
func (a destination) key() string {
	if a.own {
		return ""
	}
	return a.canonical
}

// loadAddresses returns where members are written to about d: as contacts of it,
// those who are none as contacts of the tenant, and those who are not even that
// at an address of their own.
func loadAddresses(db *gorm.DB, d model.Domain, only model.UserID) ([]destination, error) {
	const people = `FROM volmacht_members m JOIN volmacht_people p ON p.id = m.person `
	who, args := "m.tenant = ? AND m.state <> ?", []any{d.Tenant(), store.Deactivated}
	if !only.IsZero() {
		who, args = who+" AND m.person = ?", append(args, only)
	}
	var rows []struct {
		Person                      model.UserID
		FirstName, LastName, Locale string
		Canonical, Typed            string
		Dossier                     *string // of a contact; NULL: the person's own address
		Switched, Verified          bool
	}
	err := db.Raw(`SELECT m.person AS person, p.first_name, p.last_name, p.locale, a.canonical AS canonical, a.typed, a.added_at AS since,
		NULL AS dossier, TRUE AS switched, a.verified_at <> 0 AS verified `+people+`
		JOIN volmacht_addresses a ON a.person = m.person WHERE `+who+`
		UNION ALL SELECT m.person, p.first_name, p.last_name, p.locale, k.canonical, k.typed, k.since,
		k.dossier, k.notify, FALSE `+people+`
		JOIN volmacht_contacts k ON k.tenant = m.tenant AND k.person = m.person AND k.dossier IN ? WHERE `+who+`
		ORDER BY person, since, canonical`,
		slices.Concat(args, []any{[]string{"", d.Dossier().String()}}, args)...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var all []destination
	for len(rows) > 0 {
		n := 1 // the addresses of one person
		for n < len(rows) && rows[n].Person == rows[0].Person {
			n++
		}
		var here, home, own []destination
		verified := false
		for _, r := range rows[:n] {
			to := destination{
				person: r.Person, name: strings.TrimSpace(r.FirstName + " " + r.LastName),
				typed: r.Typed, canonical: r.Canonical, locale: r.Locale, notify: r.Switched,
			}
			switch {
			case r.Dossier == nil:
				to.own = true
				if own == nil || !verified && r.Verified {
					own, verified = []destination{to}, r.Verified
				}
			case *r.Dossier == d.Dossier().String():
				to.contact = true
				here = append(here, to)
			default:
				home = append(home, to)
			}
		}
		for _, group := range [][]destination{here, home, own} {
			if len(group) > 0 {
				all = append(all, group...)
				break
			}
		}
		rows = rows[n:]
	}
	return all, nil
}
