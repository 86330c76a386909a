package authz_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

const (
	janHome = "jan@home.example"
	janWork = "jan@work.example"
	janNext = "jan@next.example"
	banner  = "is not active yet."
	wayIn   = "https://portal.example/invitation#"
)

// The contacts of a tax practice: who signs in, who is told, whose mail is fetched.
func TestTaxDome(t *testing.T) {
	s, ctx := tell(t, taxdome.Pack()), t.Context()
	firm, olga := s.register("Olsen Tax", "Olga", "Olsen", "olga@olsen.example")

	// Every entity has an account of its own (TAX-01): a family, a business.
	mia := s.join(olga, "Mia Meyer", "mia@olsen.example", firm, taxdome.Employee, taxdome.ManageAccounts)
	wes := s.join(olga, "Wes Wood", "wes@olsen.example", firm, taxdome.Employee)
	staff := []model.UserID{mia, wes}
	family := s.dossier(authz.By(olga), firm, authz.Dossier{Name: "Smit family", Supporting: staff})
	shop := s.dossier(authz.By(olga), firm, authz.Dossier{Name: "Smit's shop", Supporting: staff})

	// How to add several addresses. A contact is one person with one or more of them (TAX-02),
	// added by the owner, an admin, or an employee who manages accounts (TAX-03).
	contact := authz.NewContact{FirstName: "Jan", LastName: "Smit", Locale: "en", Addresses: []authz.ContactAddress{
		{Email: janHome, Label: "personal"}, {Email: janWork, Label: "work", Sync: true},
	}}
	_, err := s.az.AddContact(ctx, authz.By(wes), family, contact)
	require.ErrorIs(t, err, authz.ErrDenied, "who does not manage accounts")
	jan, err := s.az.AddContact(ctx, authz.By(mia), family, contact)
	s.done(err)
	ria, err := s.az.AddContact(ctx, authz.By(olga), family, authz.NewContact{FirstName: "Ria", LastName: "Smit",
		Addresses: []authz.ContactAddress{{Email: "ria@home.example"}}})
	s.done(err)
	s.post() // switched off, all three: nobody hears of it

	// The account lists every address of its contacts with three switches (TAX-04), which differ
	// from person to person (TAX-01).
	s.switches(mia, family, jan, janHome, authz.ContactAddress{State: authz.NotInvited, Label: "personal"})
	s.switches(mia, family, jan, janWork, authz.ContactAddress{State: authz.NotInvited, Label: "work", Sync: true})
	s.switches(mia, family, ria, "ria@home.example", authz.ContactAddress{State: authz.NotInvited})

	// LOGIN on sends an invitation (TAX-05). The address is corrected before the link is used:
	// the link is dead, and the new address gets a new one (TAX-06).
	turn := func(u model.UserID, email string, which authz.Switch, on bool) {
		t.Helper()
		s.done(s.az.SetSwitch(ctx, authz.By(mia), family, u, email, which, on))
	}
	turn(ria, "ria@home.example", authz.Login, true)
	s.post("ria@home.example")
	wrong := s.box.Token(t, "ria@home.example")
	s.done(s.az.ChangeAddress(ctx, authz.By(mia), family, ria, "ria@home.example", "ria@house.example"))
	s.expired(wrong)
	s.post("ria@house.example")

	// The LOGIN switch, explained: the mail asks to activate, the person accepts and chooses a
	// password, and is linked to the account at once, with credentials of their own (TAX-05).
	turn(jan, janHome, authz.Login, true)
	s.switches(mia, family, jan, janHome, authz.ContactAddress{State: authz.LoginInvited, Label: "personal", Login: true})
	s.cannot(jan, family, taxdome.EnterPortal)
	s.post(janHome)
	offered, err := s.az.Invited(ctx, s.box.Token(t, janHome))
	s.done(err)
	require.Equal(t, []string{"Mia Meyer", "Smit family"}, []string{offered.Inviter, offered.Grants[0].Dossier})
	jan = s.accept(janHome, model.UserID{})
	s.switches(mia, family, jan, janHome, authz.ContactAddress{State: authz.LoginAccepted, Label: "personal", Login: true})
	s.can(jan, family, taxdome.EnterPortal, taxdome.SignDocument)
	s.cannot(jan, shop, taxdome.EnterPortal)
	s.cannot(ria, family, taxdome.EnterPortal)
	who, err := s.az.PersonByAddress(ctx, janHome)
	s.done(err)
	require.Equal(t, jan, who.ID, "who signs in with it")

	// The SYNC switch, explained: the firm fetches the mail of the address, which the staff of
	// the account read; it takes no login, so that it does for prospects (TAX-08).
	pam, err := s.az.AddContact(ctx, authz.By(mia), shop, authz.NewContact{FirstName: "Pam", LastName: "Post",
		Addresses: []authz.ContactAddress{{Email: "pam@prospect.example", Sync: true}}})
	s.done(err)
	synced, err := s.az.Synced(ctx, shop)
	s.done(err)
	require.Equal(t, []authz.SyncedAddress{{User: pam, Email: "pam@prospect.example"}}, synced)
	s.can(wes, shop, taxdome.ViewMailbox)
	s.cannot(pam, shop, taxdome.EnterPortal, taxdome.ViewMailbox)
	s.post()

	// The NOTIFY switch, explained: messages go to the addresses with it on (TAX-09); and the
	// firm has a copy of each sent to an address of its own (TAX-14), with no way in.
	turn(jan, janWork, authz.Notify, true)
	s.done(s.az.SetCopies(ctx, authz.By(olga), firm.Tenant(), "archive@olsen.example"))
	s.notify(family, taxdome.TopicDocuments, "Your return")
	s.post(janWork, "archive@olsen.example")
	require.Contains(t, s.box.Last(t, "archive@olsen.example").Text, "Jan Smit ("+janWork+")")
	require.NotContains(t, s.box.Last(t, "archive@olsen.example").Text, "http")
	s.done(s.az.SetCopies(ctx, authz.By(olga), firm.Tenant(), ""))

	// Which messages: seven kinds, each with its reminders, all of them or those that are chosen
	// (TAX-09), by the staff of the account or by the person.
	seven := []model.Topic{taxdome.TopicDocuments, taxdome.TopicSignatures, taxdome.TopicApprovals, taxdome.TopicChats,
		taxdome.TopicProposals, taxdome.TopicOrganizers, taxdome.TopicInvoices}
	wants := func(by, u model.UserID, email string, topic model.Topic, wanted bool) error {
		return s.az.SetPreference(ctx, authz.By(by), authz.Preference{Domain: family, User: u, Email: email, Topic: topic, Wanted: wanted})
	}
	s.done(wants(mia, jan, janWork, taxdome.TopicProposals, false))
	s.done(wants(jan, jan, janWork, taxdome.TopicInvoices, false))
	require.ErrorIs(t, wants(wes, jan, janWork, taxdome.TopicChats, false), authz.ErrDenied)
	var kinds []string
	for _, topic := range seven {
		s.notify(family, topic, "About "+topic.String())
		if topic != taxdome.TopicProposals && topic != taxdome.TopicInvoices {
			kinds = append(kinds, janWork)
		}
	}
	s.post(kinds...)

	// Messages before the activation. Ria has all three on, and has not used her link: what the
	// firm sends arrives, below a banner with a link that works (TAX-10).
	turn(ria, "ria@house.example", authz.Notify, true)
	turn(ria, "ria@house.example", authz.Sync, true)
	s.notify(family, taxdome.TopicSignatures, "Please sign")
	s.post(janWork, "ria@house.example")
	require.Contains(t, s.box.Last(t, "ria@house.example").Text, banner)
	require.Contains(t, s.box.Last(t, "ria@house.example").Text, wayIn)
	require.NotContains(t, s.box.Last(t, janWork).Text, banner)

	// An invitation can always be sent again; the links before it are dead, that of the banner
	// too (TAX-07). A week later as well. With the last one she activates, and the banner goes.
	before := s.box.Token(t, "ria@house.example")
	s.resend(mia, family, "ria@house.example")
	s.expired(before)
	s.clock.Advance(8 * 24 * time.Hour)
	s.expired(s.box.Token(t, "ria@house.example"))
	s.resend(mia, family, "ria@house.example")
	ria = s.accept("ria@house.example", model.UserID{})
	s.notify(family, taxdome.TopicSignatures, "A reminder to sign")
	s.post(janWork, "ria@house.example")
	require.NotContains(t, s.box.Last(t, "ria@house.example").Text, banner)
	require.NotContains(t, s.box.Last(t, "ria@house.example").Text, wayIn)

	// Taking access away: LOGIN off. The account stays as it is, and so does what Ria is told
	// (TAX-11).
	s.can(ria, family, taxdome.EnterPortal)
	turn(ria, "ria@house.example", authz.Login, false)
	s.cannot(ria, family, taxdome.EnterPortal, taxdome.ViewDocument)
	s.switches(mia, family, ria, "ria@house.example", authz.ContactAddress{State: authz.NotInvited, Notify: true, Sync: true})
	s.can(jan, family, taxdome.EnterPortal)

	// Changing an address. The new one is added and invited while the old one goes on working;
	// when the new one is accepted, the old one has no LOGIN any more (TAX-12).
	s.done(s.az.MoveAddress(ctx, authz.By(mia), family, jan, janHome, janNext))
	s.post(janNext)
	s.can(jan, family, taxdome.EnterPortal)
	s.switches(mia, family, jan, janHome, authz.ContactAddress{State: authz.LoginAccepted, Label: "personal", Login: true})
	s.switches(mia, family, jan, janNext, authz.ContactAddress{State: authz.LoginInvited, Label: "personal", Login: true})
	require.Equal(t, jan, s.accept(janNext, jan), "signed in as before")
	s.can(jan, family, taxdome.EnterPortal)
	s.switches(mia, family, jan, janHome, authz.ContactAddress{State: authz.NotInvited, Label: "personal"})
	s.switches(mia, family, jan, janNext, authz.ContactAddress{State: authz.LoginAccepted, Label: "personal", Login: true})

	// Several accounts. Jan, who is known already, is linked to the shop too, with the account
	// that he has; at sign-in he chooses between the two, and is in the one he has chosen
	// (TAX-13).
	same, err := s.az.AddContact(ctx, authz.By(mia), shop, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: janNext, Login: true}}})
	s.done(err)
	s.post(janNext)
	require.Equal(t, jan, s.accept(janNext, same))
	var choice []string
	for place, err := range s.az.Places(ctx, jan, model.Domain{}) {
		s.done(err)
		if place.Domain.IsDossier() {
			choice = append(choice, place.Dossier)
		}
	}
	require.ElementsMatch(t, []string{"Smit family", "Smit's shop"}, choice)
	s.sealed(firm, olga, mia, wes, jan, ria)
}

// switches wants that an address is listed with these switches, and has come this far.
func (s *story) switches(by model.UserID, d model.Domain, u model.UserID, email string, want authz.ContactAddress) {
	s.Helper()
	want.Email = email
	all, err := s.az.Contacts(s.Context(), authz.By(by), d)
	require.NoError(s, err)
	i := slices.IndexFunc(all, func(c authz.Contact) bool { return c.User == u })
	require.NotEqual(s, -1, i, "user %v is no contact of %v", u, d)
	require.Contains(s, all[i].Addresses, want)
}

// resend sends the invitation to an address again.
func (s *story) resend(by model.UserID, d model.Domain, email string) {
	s.Helper()
	all, err := s.az.Invitations(s.Context(), authz.By(by), d, model.InvitationID{}, 100, authz.InvitationPending, authz.InvitationExpired)
	require.NoError(s, err)
	i := slices.IndexFunc(all, func(inv authz.Invitation) bool { return inv.Email == email })
	require.NotEqual(s, -1, i, "no invitation of %s", email)
	require.NoError(s, s.az.Resend(s.Context(), authz.By(by), d, all[i].ID))
	s.post(email)
}
