package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/finview"
)

// A creditor is a client of a collection agency, which runs its contacts, and
// another one.
func creditor(t *testing.T, db *gorm.DB) (*practice, func(n authz.NewContact) (model.UserID, error)) {
	t.Helper()
	o := &practice{db: db, firm: tAcme, other: tBeta, d1: dOne, d2: dTwo, by: system}
	var err error
	o.az, err = authz.Open(t.Context(), db, authz.Config{Pack: finview.Pack(), Clock: o.now})
	require.NoError(t, err)
	for _, tenant := range []model.TenantID{tAcme, tBeta} {
		_, err = o.az.CreateTenant(t.Context(), system, authz.Tenant{ID: tenant, Name: "Client"})
		require.NoError(t, err)
	}
	_, err = o.az.CreateDossier(t.Context(), system, tAcme, authz.Dossier{ID: dOne.Dossier(), Name: "Case"})
	require.NoError(t, err)
	return o, func(n authz.NewContact) (model.UserID, error) {
		if n.User.IsZero() {
			n.FirstName, n.LastName = "Kim", "Kern"
		}
		return o.az.AddContact(t.Context(), system, home(tAcme), n)
	}
}

// recipients are the addresses that get the messages of a topic.
func (o *practice) recipients(t testing.TB, d model.Domain, topic model.Topic) (emails []string) {
	t.Helper()
	all, err := o.az.Recipients(t.Context(), d, topic)
	require.NoError(t, err)
	for _, r := range all {
		emails = append(emails, r.Email)
	}
	return emails
}

// FIN-03, FIN-05: a contact is commercial or not, operational or not, and has
// access or not; messages take no access, and access waits for the acceptance.
func TestFIN03Contacts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		o, add := creditor(t, db)
		type question struct {
			d model.Domain
			p model.Permission
		}
		for _, commercial := range []bool{false, true} {
			for _, operational := range []bool{false, true} {
				for _, access := range []bool{false, true} {
					n := authz.NewContact{Phone: "0151 23456789", Country: "DE",
						Addresses: []authz.ContactAddress{{Email: "kim@client.example", Login: access, Notify: true}}}
					if commercial {
						n.Profiles = append(n.Profiles, finview.Commercial)
					}
					if operational {
						n.Profiles = append(n.Profiles, finview.Operational)
					}
					if len(n.Profiles) == 0 {
						n.Profiles = []model.Profile{finview.Employee}
					}
					kim, err := add(n)
					require.NoError(t, err)
					contacts := o.contacts(t, home(tAcme))
					require.Equal(t, "+4915123456789", contacts[0].Phone)
					require.Equal(t, authz.Active, contacts[0].Member)
					want := map[question]bool{
						{home(tAcme), finview.ReceiveInvoice}: commercial,
						{dOne, finview.ReceiveCaseMessage}:    operational,
						{home(tAcme), finview.EnterPlatform}:  false,
						{dOne, finview.ViewCase}:              false,
					}
					check := func() {
						t.Helper()
						for q, allowed := range want {
							ok, err := o.az.Enforce(t.Context(), kim, q.d, q.p)
							require.NoError(t, err)
							require.Equal(t, allowed, ok, "%v in %v: commercial %v, operational %v, access %v", q.p, q.d, commercial, operational, access)
						}
						invoices := o.recipients(t, home(tAcme), finview.TopicInvoices)
						require.Equal(t, commercial, len(invoices) == 1)
					}
					check()
					if !access {
						o.dead(t, "kim@client.example")
						o.set(t, home(tAcme), kim, "kim@client.example", authz.Login, true)
						check()
					}
					require.Equal(t, kim, o.accept(t, "kim@client.example", model.UserID{}))
					want[question{home(tAcme), finview.EnterPlatform}] = true
					want[question{dOne, finview.ViewCase}] = commercial
					check()
					o.set(t, home(tAcme), kim, "kim@client.example", authz.Login, false)
					want[question{home(tAcme), finview.EnterPlatform}] = false
					want[question{dOne, finview.ViewCase}] = false
					check()
					require.NoError(t, o.az.RemoveMember(t.Context(), system, home(tAcme), kim))
					require.NoError(t, db.Exec("DELETE FROM volmacht_addresses WHERE person = ?", kim).Error)
				}
			}
		}
	})
}

// FIN-03: a phone number that no country gives out is refused, and nothing is
// changed.
func TestFIN03PhoneNumbers(t *testing.T) {
	t.Parallel()
	o, add := creditor(t, memory(t))
	before := (scene{db: o.db}).dump(t)
	for _, phone := range [][2]string{{"0151 23456789", ""}, {"0151 23456789", "XX"}, {"+49", ""}, {"call me", "DE"}} {
		_, err := add(authz.NewContact{Phone: phone[0], Country: phone[1], Addresses: []authz.ContactAddress{login("kim@client.example")}})
		requireIs(t, err, authz.ErrInvalid, phone[0])
		require.Contains(t, err.Error(), "phone number")
	}
	_, err := add(authz.NewContact{Profiles: []model.Profile{finview.PlatformUser}, Addresses: []authz.ContactAddress{login("kim@client.example")}})
	requireIs(t, err, authz.ErrInvalid, "access without an acceptance")
	require.Equal(t, before, (scene{db: o.db}).dump(t))
}

// FIN-04: who has access already is linked to another client, with choices of
// its own and no new account.
func TestFIN04LinkedContact(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		o, add := creditor(t, db)
		kim := uNina
		o.person(t, kim, "kim@client.example")
		require.NoError(t, o.az.AddMember(t.Context(), system, home(tBeta), authz.NewMember{User: kim, Profiles: []model.Profile{finview.PlatformUser}}))
		same, err := add(authz.NewContact{User: kim, Profiles: []model.Profile{finview.Commercial},
			Addresses: []authz.ContactAddress{{Email: "kim@client.example", Login: true, Notify: true}}})
		require.NoError(t, err)
		require.Equal(t, kim, same)
		require.Equal(t, []string{"kim@client.example"}, o.recipients(t, home(tAcme), finview.TopicInvoices))
		ok, err := o.az.Enforce(t.Context(), kim, home(tAcme), finview.EnterPlatform)
		require.NoError(t, err)
		require.False(t, ok, "before it is accepted")

		link := o.link(t, "kim@client.example")
		_, err = o.az.Accept(t.Context(), link, authz.Acceptance{NewUser: uOlga})
		requireIs(t, err, authz.ErrDenied, "a new account")
		require.Equal(t, kim, o.accept(t, "kim@client.example", kim))
		ok, err = o.az.Enforce(t.Context(), kim, home(tAcme), finview.EnterPlatform)
		require.NoError(t, err)
		require.True(t, ok)

		// Not named, but found to have an account: the same, with all that the
		// contact was given.
		require.NoError(t, o.az.RemoveMember(t.Context(), system, home(tAcme), kim))
		kept, err := add(authz.NewContact{Profiles: []model.Profile{finview.Operational, finview.Commercial},
			Addresses: []authz.ContactAddress{{Email: "kim@client.example", Login: true, Notify: true}}})
		require.NoError(t, err)
		require.NotEqual(t, kim, kept)
		_, err = o.az.Accept(t.Context(), o.link(t, "kim@client.example"), authz.Acceptance{})
		requireIs(t, err, authz.ErrDenied, "a new account")
		o.accept(t, "kim@client.example", kim)
		require.False(t, o.knows(t, kept))
		grants, err := o.az.Grants(t.Context(), system, home(tAcme))
		require.NoError(t, err)
		require.Len(t, grants, 3)
		for _, g := range grants {
			require.Equal(t, model.UserSubject(kim), g.Subject)
		}
	})
}

// TAX-09, TAX-10: an address of a contact gets the messages though the person
// has no account, and though the address is nobody's own.
func TestContactsAreNotified(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "Jan@home.example", Notify: true}, authz.ContactAddress{Email: "quiet@home.example", Sync: true})
		_, err := o.az.AddContact(t.Context(), system, o.d1, authz.NewContact{User: o.una, Addresses: []authz.ContactAddress{{Email: "una@work.example", Notify: true}}})
		require.NoError(t, err)
		topic := model.Must(model.ParseTopic("documents"))
		require.ElementsMatch(t, []string{"Jan@home.example", "una@work.example"}, o.recipients(t, o.d1, topic))
		o.set(t, o.d1, jan, "jan@home.example", authz.Notify, false)
		require.Equal(t, []string{"una@work.example"}, o.recipients(t, o.d1, topic))
		require.Empty(t, o.recipients(t, o.d2, topic))
		require.NoError(t, o.az.RemoveContact(t.Context(), o.by, o.d1, o.una))
		require.Empty(t, o.recipients(t, o.d1, topic))
	})
}
