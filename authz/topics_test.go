package authz_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/afas"
	"github.com/volmacht/volmacht/policies/finview"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// A firm is a tenant with accounts, in a pack with topics.
type firm struct {
	az     *authz.Authz
	db     dbOf
	clock  *authztest.Clock
	box    *authztest.Mailbox
	home   model.Domain
	d1, d2 model.Domain
}

func newFirm(t testing.TB, pack *model.Pack) *firm {
	t.Helper()
	f := &firm{home: home(tAcme), d1: dossier(tAcme, "d-1"), d2: dossier(tAcme, "d-2")}
	f.az, f.clock, f.box = authztest.OpenWithMail(t, pack)
	f.db = dbOf{f.az}
	ctx := t.Context()
	_, err := f.az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme", Email: "office@acme.example"})
	require.NoError(t, err)
	for _, d := range []model.Domain{f.d1, f.d2} {
		_, err := f.az.CreateDossier(ctx, system, tAcme, authz.Dossier{ID: d.Dossier(), Name: d.Dossier().String()})
		require.NoError(t, err)
	}
	return f
}

// dbOf reaches into the database of an Authz.
type dbOf struct{ az *authz.Authz }

func (db dbOf) create(t testing.TB, rows ...any) {
	t.Helper()
	require.NoError(t, db.az.Transaction(t.Context(), func(tx *authz.Tx) error {
		for _, r := range rows {
			if err := tx.DB().Create(r).Error; err != nil {
				return err
			}
		}
		return nil
	}))
}

func (db dbOf) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	require.NoError(t, db.az.Transaction(t.Context(), func(tx *authz.Tx) error { return tx.DB().Exec(query, args...).Error }))
}

// person makes somebody with a verified address ID@work.example, and one more.
func (f *firm) person(t testing.TB, u model.UserID) {
	t.Helper()
	_, err := f.az.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "First", LastName: u.String(), Locale: "en", Addresses: []authz.Address{
		{Email: u.String() + "@home.example"}, {Email: u.String() + "@work.example", Verified: noon()},
	}})
	require.NoError(t, err)
}

func (f *firm) member(t testing.TB, u model.UserID, in model.Domain, profiles ...model.Profile) {
	t.Helper()
	f.person(t, u)
	require.NoError(t, f.az.AddMember(t.Context(), system, in, authz.NewMember{User: u, Profiles: profiles}))
}

// invited makes somebody a member who has not accepted yet.
func (f *firm) invited(t testing.TB, u model.UserID) {
	t.Helper()
	f.person(t, u)
	f.db.create(t, &store.Member{Tenant: tAcme, Person: u, State: store.Invited})
}

// contact makes an address of a member a contact of a domain.
func (f *firm) contact(t testing.TB, u model.UserID, d model.Domain, at string, notify bool) {
	t.Helper()
	f.db.create(t, &store.Contact{Tenant: tAcme, Dossier: d.Dossier().String(), Person: u, Canonical: u.String() + "@" + at, Typed: u.String() + "@" + at, Notify: notify})
}

// gets returns the addresses that get a topic.
func (f *firm) gets(t testing.TB, d model.Domain, topic model.Topic) []string {
	t.Helper()
	found, err := f.az.Recipients(t.Context(), d, topic)
	require.NoError(t, err)
	got := []string{}
	for _, r := range found {
		require.True(t, strings.HasPrefix(r.Email, r.User.String()+"@"))
		require.Equal(t, "First "+r.User.String(), r.Name)
		got = append(got, r.Email)
	}
	return got
}

func (f *firm) deliver(t testing.TB, want authz.Delivery) {
	t.Helper()
	got, err := f.az.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func (f *firm) prefer(t testing.TB, u model.UserID, at string, d model.Domain, topic model.Topic, wanted bool) {
	t.Helper()
	require.NoError(t, f.az.SetPreference(t.Context(), authz.System, authz.Preference{
		Domain: d, User: u, Email: u.String() + "@" + at, Topic: topic, Wanted: wanted,
	}))
}

// TAX-01, TAX-04, TAX-09: an account's contacts get what is switched on for the
// account and the address, all kinds or chosen ones.
func TestTAX09(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	topics := []model.Topic{taxdome.TopicDocuments, taxdome.TopicSignatures, taxdome.TopicApprovals, taxdome.TopicChats,
		taxdome.TopicProposals, taxdome.TopicOrganizers, taxdome.TopicInvoices}
	f.member(t, uAnn, f.home, taxdome.Owner)
	f.member(t, uEmil, f.home, taxdome.Employee)
	f.member(t, uCarl, f.d1, taxdome.Client)
	f.invited(t, uNina)
	f.contact(t, uCarl, f.d1, "home.example", true)
	f.contact(t, uCarl, f.d1, "work.example", true)
	f.contact(t, uCarl, f.d2, "work.example", true)
	f.contact(t, uNina, f.d1, "work.example", true) // a prospect
	f.contact(t, uNina, f.d2, "work.example", false)
	for _, topic := range topics {
		require.Equal(t, []string{"u-carl@home.example", "u-carl@work.example", "u-nina@work.example"}, f.gets(t, f.d1, topic), topic)
		require.Equal(t, []string{"u-carl@work.example"}, f.gets(t, f.d2, topic), topic)
	}
	f.prefer(t, uCarl, "home.example", f.d1, taxdome.TopicInvoices, false)
	f.prefer(t, uNina, "work.example", f.home, taxdome.TopicInvoices, false)
	f.prefer(t, uNina, "work.example", f.home, taxdome.TopicChats, false)
	f.prefer(t, uNina, "work.example", f.d1, taxdome.TopicChats, true)
	require.Equal(t, []string{"u-carl@work.example"}, f.gets(t, f.d1, taxdome.TopicInvoices))
	require.Equal(t, []string{"u-carl@home.example", "u-carl@work.example", "u-nina@work.example"}, f.gets(t, f.d1, taxdome.TopicChats), "the account before the tenant")
	require.Equal(t, []string{"u-carl@work.example"}, f.gets(t, f.d2, taxdome.TopicInvoices))

	require.NoError(t, f.az.DeactivateMember(t.Context(), system, tAcme, uCarl))
	require.Equal(t, []string{"u-nina@work.example"}, f.gets(t, f.d1, taxdome.TopicDocuments))
	require.NoError(t, f.az.CloseDossier(t.Context(), system, f.d1))
	require.Empty(t, f.gets(t, f.d1, taxdome.TopicDocuments))
	require.NoError(t, f.az.CloseTenant(t.Context(), system, tAcme))
	require.Empty(t, f.gets(t, f.d2, taxdome.TopicDocuments))
}

// TAX-10: who has not activated the account gets messages, with a banner that
// leads in; it is gone once they have.
func TestTAX10(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	f.invited(t, uNina)
	f.contact(t, uNina, f.d1, "work.example", true)
	f.contact(t, uNina, f.d1, "home.example", true)
	mail := func() (work, home string) {
		require.NoError(t, f.az.Notify(t.Context(), system, f.d1, taxdome.TopicDocuments, authz.Note{Subject: "New", Text: "See for yourself.", Path: "/d/1"}))
		f.deliver(t, authz.Delivery{Sent: 2})
		return f.box.Last(t, "u-nina@work.example").Text, f.box.Last(t, "u-nina@home.example").Text
	}
	const banner, way = "is not active yet.", "https://portal.example/invitation#"
	work, home := mail()
	for _, text := range []string{work, home} {
		require.Contains(t, text, banner)
		require.NotContains(t, text, way)
		require.Contains(t, text, "https://portal.example/d/1\n")
	}

	f.db.create(t, &store.Invitation{
		ID: "i-1", Tenant: tAcme, Person: uNina, Canonical: "u-nina@work.example", State: store.Pending, ExpiresAt: store.At(noon().Add(time.Hour)),
	})
	work, home = mail()
	require.Contains(t, work, banner)
	require.Contains(t, work, way)
	require.Contains(t, home, banner)
	require.NotContains(t, home, way, "a link to what was sent to another address")
	token := f.box.Token(t, "u-nina@work.example")
	mail()
	require.NotEqual(t, token, f.box.Token(t, "u-nina@work.example"), "not a fresh one")

	f.clock.Advance(time.Hour)
	work, _ = mail()
	require.Contains(t, work, banner)
	require.NotContains(t, work, way, "a link that has expired")
	f.clock.Advance(-time.Hour)

	f.db.exec(t, "UPDATE volmacht_invitations SET state = 'accepted'")
	f.db.exec(t, "UPDATE volmacht_members SET state = 'active'")
	work, home = mail()
	require.NotContains(t, work+home, banner)
	require.NotContains(t, work+home, way)
}

// TAX-14: the firm's copy says who got what, and has no way in.
func TestTAX14(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	f.invited(t, uNina)
	f.member(t, uAnn, f.home, taxdome.Owner)
	f.member(t, uCarl, f.d1, taxdome.Client)
	f.contact(t, uNina, f.d1, "work.example", true)
	f.contact(t, uCarl, f.d1, "work.example", true)
	f.db.create(t, &store.Invitation{
		ID: "i-1", Tenant: tAcme, Person: uNina, Canonical: "u-nina@work.example", State: store.Pending, ExpiresAt: store.At(noon().Add(time.Hour)),
	})
	notify := func() {
		require.NoError(t, f.az.Notify(t.Context(), system, f.d1, taxdome.TopicDocuments,
			authz.Note{Subject: "Your return", Text: "It is ready.", Path: "/returns/1"}))
	}
	notify()
	f.deliver(t, authz.Delivery{Sent: 2})

	require.NoError(t, f.az.SetCopies(t.Context(), authz.By(uAnn), tAcme, "archive@acme.example"))
	at, err := f.az.Copies(t.Context(), authz.By(uAnn), tAcme)
	require.NoError(t, err)
	require.Equal(t, "archive@acme.example", at)
	notify()
	f.deliver(t, authz.Delivery{Sent: 4})
	token := f.box.Token(t, "u-nina@work.example")
	var copies []authz.Letter
	for _, l := range f.box.Letters() {
		if l.To.Address == "archive@acme.example" {
			copies = append(copies, l)
			require.Equal(t, "Copy: Your return", l.Subject)
			require.Contains(t, l.Text, "It is ready.")
			require.NotContains(t, l.Text+l.HTML, token)
			require.NotContains(t, l.Text+l.HTML, "http")
			require.NotContains(t, l.HTML, "href")
		}
	}
	require.Len(t, copies, 2)
	require.Contains(t, copies[0].Text+copies[1].Text, "First u-nina (u-nina@work.example) was sent this message (Documents uploaded), about d-1:")

	// Neither what was not sent nor a copy itself is copied.
	f.db.exec(t, "DELETE FROM volmacht_contacts WHERE person = 'u-nina'")
	notify()
	f.db.exec(t, "DELETE FROM volmacht_contacts")
	f.deliver(t, authz.Delivery{Dropped: 1})

	// One that waits when copies end is not sent.
	f.contact(t, uCarl, f.d1, "work.example", true)
	notify()
	f.box.Fail(authz.ErrUndeliverable)
	f.deliver(t, authz.Delivery{Dead: 1})
	f.box.Fail(nil)
	all, err := f.az.Messages(t.Context(), system, tAcme, authz.MessageFilter{State: authz.MessageDead}, model.MessageID{})
	require.NoError(t, err)
	require.NoError(t, f.az.RetryMessage(t.Context(), authz.By(uAnn), tAcme, all[0].ID))
	require.NoError(t, f.az.SetCopies(t.Context(), authz.By(uAnn), tAcme, ""))
	f.deliver(t, authz.Delivery{Sent: 1})
}

// FIN-06: who gets the invoices of this client?
func TestFIN06Invoices(t *testing.T) {
	t.Parallel()
	f := newFirm(t, finview.Pack())
	f.member(t, uAnn, f.home, finview.Commercial)                      // without access (FIN-05)
	f.member(t, uAmy, f.home, finview.Commercial, finview.Operational) // FIN-02
	f.member(t, uEmil, f.home, finview.Operational, finview.PlatformUser)
	f.member(t, uCarl, f.home, finview.Commercial, finview.PlatformUser)
	require.Equal(t, []string{"u-amy@work.example", "u-ann@work.example", "u-carl@work.example"}, f.gets(t, f.home, finview.TopicInvoices))
	f.contact(t, uAmy, f.home, "home.example", true)
	f.contact(t, uAnn, f.home, "work.example", false)
	require.Equal(t, []string{"u-amy@home.example", "u-carl@work.example"}, f.gets(t, f.home, finview.TopicInvoices))
	require.NoError(t, f.az.Withdraw(t.Context(), system, model.UserSubject(uCarl), finview.Commercial, f.home))
	require.Equal(t, []string{"u-amy@home.example"}, f.gets(t, f.home, finview.TopicInvoices))
}

// FIN-06: who gets the messages of this case file?
func TestFIN06CaseFile(t *testing.T) {
	t.Parallel()
	f := newFirm(t, finview.Pack())
	f.member(t, uAnn, f.home, finview.Commercial)
	f.member(t, uEmil, f.home, finview.Operational) // without access (FIN-05)
	f.member(t, uOlga, f.home, finview.Operational)
	f.member(t, uCarl, f.home, finview.Employee)
	f.contact(t, uEmil, f.home, "home.example", true) // of the client
	f.contact(t, uEmil, f.d2, "work.example", true)   // and of this case file
	f.contact(t, uOlga, f.d2, "work.example", false)  // not of this one
	f.contact(t, uAnn, f.d1, "work.example", true)    // who may not receive them
	require.Equal(t, []string{"u-emil@home.example", "u-olga@work.example"}, f.gets(t, f.d1, finview.TopicCaseMessages))
	require.Equal(t, []string{"u-emil@work.example"}, f.gets(t, f.d2, finview.TopicCaseMessages))
	require.NoError(t, f.az.SetPrivate(t.Context(), system, f.d1, true))
	require.Empty(t, f.gets(t, f.d1, finview.TopicCaseMessages), "a private one is for the assigned")
	_, err := f.az.CreateTeam(t.Context(), system, tAcme, authz.Team{ID: gCrew, Name: "Portfolio"})
	require.NoError(t, err)
	require.NoError(t, f.az.AddTeamMember(t.Context(), system, tAcme, gCrew, uCarl))
	require.Empty(t, f.gets(t, f.d2, finview.TopicInboxMessages))
	require.NoError(t, f.az.Assign(t.Context(), system, f.d2, authz.Group(gCrew)))
	require.Equal(t, []string{"u-carl@work.example"}, f.gets(t, f.d2, finview.TopicInboxMessages))
}

// AFA-07, AFA-08: people tick topics and functions, and get messages by those.
func TestAFA07(t *testing.T) {
	t.Parallel()
	f := newFirm(t, afas.Pack())
	f.member(t, uAnn, f.home, afas.Administrator)
	f.member(t, uEmil, f.home, afas.Employee)
	f.invited(t, uNina)
	require.Empty(t, f.gets(t, f.home, afas.TopicReleaseNotes), "nobody ticked it")
	at := func(email string, by authz.Actor, u model.UserID, topic model.Topic, wanted bool) error {
		return f.az.SetPreference(t.Context(), by, authz.Preference{Domain: f.home, User: u, Email: email, Topic: topic, Wanted: wanted})
	}
	tick := func(by authz.Actor, u model.UserID, topic model.Topic, wanted bool) error {
		return at(u.String()+"@work.example", by, u, topic, wanted)
	}
	require.NoError(t, tick(authz.By(uEmil), uEmil, afas.TopicReleaseNotes, true))
	require.NoError(t, at("", authz.By(uAnn), uEmil, afas.TopicInvoiceContact, true), "the administrator names another contact, at whatever address")
	requireIs(t, tick(authz.By(uEmil), uAnn, afas.TopicInvoiceContact, true), authz.ErrDenied, "an employee")
	require.Equal(t, []string{"u-emil@work.example"}, f.gets(t, f.home, afas.TopicReleaseNotes))
	require.Equal(t, []string{"u-emil@work.example"}, f.gets(t, f.home, afas.TopicInvoiceContact))
	require.NoError(t, tick(authz.By(uEmil), uEmil, afas.TopicReleaseNotes, false))
	require.Empty(t, f.gets(t, f.home, afas.TopicReleaseNotes))

	// An invited member is written to once it is a contact of the organisation, about
	// what was ticked for that.
	require.NoError(t, tick(system, uNina, afas.TopicProductNews, true))
	require.Empty(t, f.gets(t, f.home, afas.TopicProductNews))
	f.contact(t, uNina, f.home, "work.example", true)
	require.Empty(t, f.gets(t, f.home, afas.TopicProductNews))
	require.NoError(t, tick(system, uNina, afas.TopicProductNews, true))
	require.Equal(t, []string{"u-nina@work.example"}, f.gets(t, f.home, afas.TopicProductNews))
}
