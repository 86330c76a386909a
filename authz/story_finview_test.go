package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/finview"
)

// The contacts that a client of a collection agency has on the agency's platform. The agency
// enters them, and acts as the system: nobody at the client manages contacts.
func TestFinView(t *testing.T) {
	s, ctx, agency := tell(t, finview.Pack()), t.Context(), authz.System
	made, err := s.az.CreateTenant(ctx, agency, authz.Tenant{Name: "Kern Ltd", Email: "office@kern.example"})
	s.done(err)
	client := made.Domain()
	north := s.dossier(agency, client, authz.Dossier{Name: "Unpaid, north"})
	south := s.dossier(agency, client, authz.Dossier{Name: "Unpaid, south"})
	portfolio, err := s.az.CreateTeam(ctx, agency, client.Tenant(), authz.Team{Name: "Portfolio north"})
	s.done(err)
	s.done(s.az.Assign(ctx, agency, north, authz.Group(portfolio.ID)))

	// How a contact is added: the names, the address, and the phone number with its country, and
	// one without is refused (FIN-03).
	kim := authz.NewContact{FirstName: "Kim", LastName: "Kern", Locale: "en", Phone: "0151 23456789",
		Addresses: []authz.ContactAddress{{Email: "kim@kern.example", Login: true, Notify: true}}, Profiles: []model.Profile{finview.Commercial}}
	_, err = s.az.AddContact(ctx, agency, client, kim)
	require.ErrorIs(t, err, authz.ErrInvalid)
	require.ErrorContains(t, err, "phone number")
	kim.Country = "DE"

	// The commercial contact, with access, is sent a mail to open an account, and enters the
	// platform once that is done: all case files of the client are there to see (FIN-01, FIN-03,
	// FIN-05).
	uKim, err := s.az.AddContact(ctx, agency, client, kim)
	s.done(err)
	s.cannot(uKim, client, finview.EnterPlatform)
	s.post("kim@kern.example")
	require.Equal(t, "Kern Ltd invites you", s.box.Last(t, "kim@kern.example").Subject)
	require.Equal(t, uKim, s.accept("kim@kern.example", model.UserID{}))
	s.can(uKim, client, finview.EnterPlatform)
	s.can(uKim, north, finview.ViewCase)
	s.can(uKim, south, finview.ViewCase)
	contacts, err := s.az.Contacts(ctx, agency, client)
	s.done(err)
	require.Equal(t, "+4915123456789", contacts[0].Phone)

	// The operational contact, without access: there is no mail to open an account, and nothing
	// of the platform; the automatic messages arrive (FIN-03, FIN-05).
	oda, err := s.az.AddContact(ctx, agency, client, authz.NewContact{FirstName: "Oda", LastName: "Ott", Phone: "+31 6 12345678",
		Addresses: []authz.ContactAddress{{Email: "oda@kern.example", Notify: true}}, Profiles: []model.Profile{finview.Operational}})
	s.done(err)
	s.post()
	s.cannot(oda, client, finview.EnterPlatform)
	s.cannot(oda, south, finview.ViewCase)
	s.notify(south, finview.TopicCaseMessages, "The debtor has paid")
	s.post("oda@kern.example")

	// An employee is a contact that is neither (FIN-02), on the platform for the case files of
	// linked portfolios, and may get messages through the inbox of those (FIN-01, FIN-05).
	eli, err := s.az.AddContact(ctx, agency, client, authz.NewContact{FirstName: "Eli", LastName: "Ernst", Phone: "089 123456", Country: "DE",
		Addresses: []authz.ContactAddress{{Email: "eli@kern.example", Login: true, Notify: true}}, Profiles: []model.Profile{finview.Employee}})
	s.done(err)
	s.post("eli@kern.example")
	require.Equal(t, eli, s.accept("eli@kern.example", model.UserID{}))
	s.can(eli, client, finview.EnterPlatform)
	s.cannot(eli, north, finview.ViewCase)
	s.done(s.az.AddTeamMember(ctx, agency, client.Tenant(), portfolio.ID, eli))
	s.can(eli, north, finview.ViewCase)
	s.cannot(eli, south, finview.ViewCase)
	s.notify(north, finview.TopicInboxMessages, "A question about the debtor")
	s.notify(south, finview.TopicInboxMessages, "Not hers")
	s.post("eli@kern.example")

	// Who gets the invoices of this client, and who the messages of this case file? (FIN-06)
	s.recipients(client, finview.TopicInvoices, "kim@kern.example")
	s.recipients(north, finview.TopicCaseMessages, "oda@kern.example")
	s.notify(client, finview.TopicInvoices, "Invoice 7")
	s.post("kim@kern.example")

	// One contact can be both, commercial and operational (FIN-02).
	s.done(s.az.Grant(ctx, agency, authz.Grant{Subject: model.UserSubject(uKim), Profile: finview.Operational, Domain: client}))
	s.recipients(client, finview.TopicInvoices, "kim@kern.example")
	s.recipients(north, finview.TopicCaseMessages, "kim@kern.example", "oda@kern.example")
	s.post() // it needs no mail

	// Somebody who has access already is linked to another client: chosen, not entered again,
	// with choices of its own and the account that is there (FIN-04).
	other, err := s.az.CreateTenant(ctx, agency, authz.Tenant{Name: "Kern Holding"})
	s.done(err)
	linked, err := s.az.AddContact(ctx, agency, other.Domain(), authz.NewContact{User: uKim, Profiles: []model.Profile{finview.Operational},
		Addresses: []authz.ContactAddress{{Email: "kim@kern.example", Login: true, Notify: true}}})
	s.done(err)
	require.Equal(t, uKim, linked)
	s.post("kim@kern.example")
	require.Equal(t, "Kern Holding gives you access", s.box.Last(t, "kim@kern.example").Subject)
	offered, err := s.az.Invited(ctx, s.box.Token(t, "kim@kern.example"))
	s.done(err)
	require.Equal(t, uKim, offered.User, "who signs in to accept it")
	_, err = s.az.Accept(ctx, s.box.Token(t, "kim@kern.example"), authz.Acceptance{})
	require.ErrorIs(t, err, authz.ErrDenied, "a second account")
	require.Equal(t, uKim, s.accept("kim@kern.example", uKim))
	s.can(uKim, other.Domain(), finview.EnterPlatform)
	s.cannot(uKim, other.Domain(), finview.ReceiveInvoice) // there, it is operational alone
	s.recipients(other.Domain(), finview.TopicInvoices)

	// And the access goes again: the kind of contact, and what it is told, stay (FIN-05).
	s.done(s.az.SetSwitch(ctx, agency, client, uKim, "kim@kern.example", authz.Login, false))
	s.cannot(uKim, client, finview.EnterPlatform)
	s.cannot(uKim, south, finview.ViewCase)
	s.recipients(client, finview.TopicInvoices, "kim@kern.example")
	s.can(uKim, other.Domain(), finview.EnterPlatform)
	s.sealed(client, uKim, oda, eli)
}

// recipients wants that the messages of a topic go to exactly these addresses.
func (s *story) recipients(d model.Domain, topic model.Topic, want ...string) {
	s.Helper()
	all, err := s.az.Recipients(s.Context(), d, topic)
	require.NoError(s, err)
	var got []string
	for _, r := range all {
		got = append(got, r.Email)
	}
	require.ElementsMatch(s, want, got)
}
