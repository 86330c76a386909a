package authz

import (
	"slices"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// batch is how many invitations go into one statement.
const batch = 200

// issue writes invitations and their mails.
func (c *change) issue(drafts []draft) error {
	for some := range slices.Chunk(drafts, batch) {
		var rows []store.Invitation
		var grants []store.InvitedGrant
		for _, d := range some {
			rows = append(rows, d.row)
			grants = append(grants, d.grants...)
		}
		if err := c.db().Create(&rows).Error; err != nil {
			return err
		}
		for part := range slices.Chunk(grants, 10*batch) {
			if err := c.db().Create(&part).Error; err != nil {
				return err
			}
		}
	}
	return c.mailLinks(drafts)
}

// mailLinks queues the mails of invitations. Which of the two kinds each is
// depends on whether its address has an account, which only its owner may
// learn; the same is done for either.
func (c *change) mailLinks(drafts []draft) error {
	tenant, inviter, err := c.sender()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(drafts, batch) {
		accounts, err := c.accounts(some)
		if err != nil {
			return err
		}
		var mails []store.Message
		for _, d := range some {
			to := addressee{user: d.row.Person, name: d.row.FirstName + " " + d.row.LastName, email: d.row.Typed, locale: d.row.Locale}
			m := message{kind: InvitationMessage, domain: d.place(), subject: d.row.ID, to: to, data: map[string]string{
				"tenant": tenant, "inviter": inviter, "note": d.row.Note, "first_name": d.row.FirstName, "last_name": d.row.LastName,
			}}
			if locale, ok := accounts[d.row.ID]; ok {
				if m.kind = LinkMessage; m.to.locale == "" {
					m.to.locale = locale
				}
			}
			mail, err := c.queued(m)
			if err != nil {
				return err
			}
			mails = append(mails, mail)
		}
		if err := c.db().Create(&mails).Error; err != nil {
			return err
		}
	}
	return nil
}

// place is where a mail about d belongs.
func (d draft) place() model.Domain {
	if len(d.grants) > 0 {
		if at, err := domainOfGrant(d.row.Tenant, d.grants[0]); err == nil {
			return at
		}
	}
	return model.TenantDomain(d.row.Tenant)
}

// sender returns what the tenant is called, and the actor if it is a user.
func (c *change) sender() (tenant, inviter string, err error) {
	var row store.Tenant
	if err := c.db().Where("id = ?", c.tenant).Take(&row).Error; err != nil || c.by.user.IsZero() {
		return row.Name, row.Name, err
	}
	var p store.Person
	err = c.db().Where("id = ?", c.by.user).Take(&p).Error
	return row.Name, p.FirstName + " " + p.LastName, err
}

// accounts finds the drafts whose address or person has an account, with the
// locale of who that is.
func (c *change) accounts(drafts []draft) (map[string]string, error) {
	var addresses []string
	people := make([]model.UserID, 0, len(drafts))
	for _, d := range drafts {
		if addresses = append(addresses, d.row.Canonical); !d.row.Person.IsZero() {
			people = append(people, d.row.Person)
		}
	}
	var found []struct {
		Canonical, Locale string
		Person            model.UserID
	}
	err := c.db().Raw(`SELECT a.verified_key AS canonical, p.locale, p.id AS person
		FROM volmacht_addresses a JOIN volmacht_people p ON p.id = a.person WHERE a.verified_key IN ?
		UNION ALL SELECT '', p.locale, p.id FROM volmacht_people p WHERE p.id IN ? AND `+hasAccount("p.id"),
		addresses, append(people, model.UserID{})).Scan(&found).Error
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for _, d := range drafts {
		for _, f := range found {
			if f.Canonical == d.row.Canonical || f.Canonical == "" && f.Person == d.row.Person {
				all[d.row.ID] = f.Locale
			}
		}
	}
	return all, nil
}

// hasAccount is SQL that tells of somebody who is known whether that is
// somebody who can sign in. A person that a tenant keeps is known to us and not
// to the host, active or not.
func hasAccount(person string) string {
	return "EXISTS (SELECT 1 FROM volmacht_people k WHERE k.id = " + person + " AND k.keeper IS NULL)"
}
