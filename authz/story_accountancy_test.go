package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	. "github.com/volmacht/volmacht/policies/accountancy"
)

// An accounting office, its staff, and the users of its clients' dossiers. What each profile
// may do to the last permission is in the pack's scenarios; this is how people come to it.
func TestAccountancy(t *testing.T) {
	s, ctx := tell(t, Pack()), t.Context()
	office, ada := s.register("Acme Accountants", "Ada", "Aalders", "ada@acme.example")
	asAda := authz.By(ada)

	// Three configurations. A new dossier has C unless it is activated with another one (ACC-01,
	// ACC-05): what its users enter is processed, and they see the figures (ACC-03).
	bakery := s.dossier(asAda, office, authz.Dossier{Name: "Bakery"})
	bob := s.join(ada, "Bob Baker", "bob@bakery.example", bakery, FullAccess)
	configured := func(in, pending model.Configuration) {
		t.Helper()
		d, err := s.az.Dossier(ctx, asAda, bakery)
		s.done(err)
		require.Equal(t, []model.Configuration{in, pending}, []model.Configuration{d.Configuration, d.Pending})
	}
	configured(ConfigurationC, model.Configuration{})
	s.can(bob, bakery, SubmitDocument, ProcessDocument, ViewArchive, ViewFigure)

	// B takes documents in and shows no figures (ACC-02). It is a ceiling for the client's users,
	// whatever their profile, and none for the office (ACC-07).
	s.done(s.az.Configure(ctx, asAda, bakery, ConfigurationB))
	configured(ConfigurationB, model.Configuration{})
	s.can(bob, bakery, SubmitDocument, ViewArchive)
	s.cannot(bob, bakery, ViewFigure, ViewReport, ViewHistory)
	s.can(ada, bakery, ViewFigure)

	// D shows figures and takes nothing in (ACC-04).
	s.done(s.az.Configure(ctx, asAda, bakery, ConfigurationD))
	s.can(bob, bakery, ViewFigure, ViewArchive)
	s.cannot(bob, bakery, SubmitDocument, ProcessDocument, ForwardDocument)

	// From D to another one is not at once: the books are synchronised first. Should that fail,
	// D stays and the office is told; the next time it is done (ACC-06).
	s.done(s.az.Configure(ctx, asAda, bakery, ConfigurationC))
	configured(ConfigurationD, ConfigurationC)
	s.cannot(bob, bakery, SubmitDocument)
	s.done(s.az.FailConfiguration(ctx, authz.System, bakery, ConfigurationC, "the books are locked"))
	configured(ConfigurationD, model.Configuration{})
	s.advised(ada, bakery, authz.Advice{Kind: authz.NotSynchronised}, authz.Advice{Kind: authz.NoHolder, Profile: Administrator})
	s.done(s.az.Configure(ctx, asAda, bakery, ConfigurationC))
	s.cannot(bob, bakery, SubmitDocument)
	s.done(s.az.FinishConfiguration(ctx, authz.System, bakery, ConfigurationC))
	configured(ConfigurationC, model.Configuration{})
	s.can(bob, bakery, SubmitDocument)

	// Three profiles for staff. Admin: the office's settings, and new staff, who come in by mail,
	// internal or external, which changes no right (ACC-10, ACC-17), through the management module
	// (ACC-42).
	emma := s.join(ada, "Emma Evers", "emma@acme.example", office, Employee)
	sam := s.join(ada, "Sam Smets", "sam@acme.example", office, Support)
	s.done(s.az.SetExternal(ctx, asAda, office.Tenant(), sam, true))
	require.True(t, s.member(ada, sam, office).External)
	for _, staff := range []model.UserID{ada, emma, sam} {
		s.can(staff, office, EnterManagement)
	}
	s.cannot(bob, office, EnterManagement)
	s.can(ada, office, EditTenant)
	s.cannot(emma, office, EditTenant, InviteMember) // none of the office's (ACC-13)
	_, err := s.az.Invite(ctx, authz.By(emma), office.Tenant(), offer("x@acme.example", office, Employee))
	require.ErrorIs(t, err, authz.ErrDenied)

	// Admin also sees every dossier but the private ones, with all rights there, and a private
	// one when assigned to it (ACC-11).
	vault := s.dossier(asAda, office, authz.Dossier{Name: "Vault", Private: true, Manager: emma})
	s.can(ada, bakery, SeeDossier, ConfigureDossier, EnterPortal)
	s.cannot(ada, vault, SeeDossier, ViewFigure)
	s.can(emma, vault, SeeDossier, ViewFigure)
	s.done(s.az.Assign(ctx, authz.By(emma), vault, authz.Supporting(ada)))
	s.can(ada, vault, SeeDossier, ViewFigure)

	// Employee: the dossiers assigned to them, as manager, through a client group, or supporting
	// (ACC-12), with all rights on those (ACC-13).
	s.cannot(emma, bakery, SeeDossier)
	north, err := s.az.CreateTeam(ctx, asAda, office.Tenant(), authz.Team{Name: "North", Email: "north@acme.example"})
	s.done(err)
	s.done(s.az.AddTeamMember(ctx, asAda, office.Tenant(), north.ID, emma))
	for _, link := range []authz.Assignment{authz.Manager(emma), authz.Group(north.ID), authz.Supporting(emma)} {
		s.done(s.az.Assign(ctx, asAda, bakery, link))
		s.can(emma, bakery, SeeDossier, ViewFigure, ConfigureDossier, InviteMember, EnterPortal)
		s.done(s.az.Unassign(ctx, asAda, bakery, link))
		s.cannot(emma, bakery, SeeDossier)
	}

	// Unless only admins add clients, an employee adds and activates them too, as the manager if
	// the employee says so (ACC-14, ACC-21).
	dairy := s.dossier(authz.By(emma), office, authz.Dossier{Name: "Dairy"})
	s.cannot(emma, dairy, SeeDossier)
	cinema := s.dossier(authz.By(emma), office, authz.Dossier{Name: "Cinema", Manager: emma})
	s.can(emma, cinema, ConfigureDossier)
	s.done(s.az.SetSetting(ctx, asAda, office.Tenant(), SettingAdminOnlyClients, true))
	_, err = s.az.CreateDossier(ctx, authz.By(emma), office.Tenant(), authz.Dossier{Name: "Garage"})
	require.ErrorIs(t, err, authz.ErrDenied)

	// Support: the dossiers assigned to them (ACC-15), of which those marked for the worklist can
	// be worked on, and nothing else (ACC-16). It assigns nobody; an employee of the dossier does
	// (ACC-22).
	s.cannot(sam, cinema, SeeDossier)
	s.done(s.az.Assign(ctx, authz.By(emma), cinema, authz.Supporting(sam)))
	s.can(sam, cinema, SeeDossier)
	s.cannot(sam, cinema, UseWorklist)
	s.done(s.az.SetFlag(ctx, authz.By(emma), cinema, FlagWorklist, true))
	s.can(sam, cinema, UseWorklist)
	s.cannot(sam, cinema, EnterPortal, ViewDocument, ConfigureDossier)
	require.ErrorIs(t, s.az.Assign(ctx, authz.By(sam), cinema, authz.Supporting(ada)), authz.ErrDenied)

	// A dossier has one manager and one group at most, and any number of others, from its
	// activation or later (ACC-20, ACC-21). Nobody and no group: the office is responsible, at its
	// general address; else the manager before the group (ACC-23).
	responsible := func(want string) {
		t.Helper()
		r, err := s.az.Responsible(ctx, bakery)
		s.done(err)
		require.Equal(t, want, r.Email)
	}
	responsible("office@acme.example")
	s.done(s.az.Assign(ctx, asAda, bakery, authz.Group(north.ID)))
	responsible("north@acme.example")
	s.done(s.az.Assign(ctx, asAda, bakery, authz.Manager(ada)))
	s.done(s.az.Assign(ctx, asAda, bakery, authz.Manager(emma))) // takes Ada's place
	s.done(s.az.Assign(ctx, asAda, bakery, authz.Supporting(sam)))
	responsible("emma@acme.example")
	d, err := s.az.Dossier(ctx, asAda, bakery)
	s.done(err)
	require.Equal(t, emma, d.Manager)
	require.Equal(t, []model.UserID{sam}, d.Supporting)
	s.post() // staff are not mailed about it
	s.clientUsers(office, bakery, cinema, ada, emma, bob)
	s.sealed(office, ada, emma, sam, bob)
}

// clientUsers is the last part: six profiles for the users of a dossier, and how a user asks for
// another one.
func (s *story) clientUsers(office, bakery, cinema model.Domain, ada, emma, bob model.UserID) {
	t, ctx := s.T, s.Context()

	// Administrator is what a new user gets when nothing is said, and a dossier should have one:
	// until then that is advised (ACC-30, ACC-39). It manages the portal's settings (ACC-31).
	s.advised(emma, bakery, authz.Advice{Kind: authz.NoHolder, Profile: Administrator})
	inv, err := s.az.Invite(ctx, authz.By(emma), office.Tenant(), authz.NewInvitation{FirstName: "Clara", LastName: "Claes",
		Email: "clara@bakery.example", Locale: "nl", Grants: []authz.InvitedGrant{{Domain: bakery}}})
	s.done(err)
	require.Equal(t, Administrator, inv.Grants[0].Profile)
	s.post("clara@bakery.example")
	require.Contains(t, s.box.Last(t, "clara@bakery.example").Text, "Emma Evers nodigt u uit")
	clara := s.accept("clara@bakery.example", model.UserID{})
	s.advised(emma, bakery)
	s.can(clara, bakery, EditPortalSettings, SubmitDocument, ViewFigure, UseCommunication, EnterPortal, EnterApp)

	// Full access: the same without the settings (ACC-32); with the payment module and the menu
	// of bank accounts once these are active on the dossier (ACC-33). Portal and app are the doors
	// of every user (ACC-42).
	s.can(bob, bakery, SubmitDocument, ViewFigure, ViewHistory, UseCommunication, EnterPortal, EnterApp)
	s.cannot(bob, bakery, EditPortalSettings, UsePayment, ViewBankAccount)
	s.done(s.az.SetModule(ctx, authz.By(emma), bakery, ModulePayment, true))
	s.done(s.az.SetModule(ctx, authz.By(emma), bakery, ModuleFinancial, true))
	s.can(bob, bakery, UsePayment, ViewBankAccount)

	// Document processing, with the archive or without (ACC-34, ACC-35); full feedback (ACC-36);
	// document delivery, which reaches its own documents (ACC-37).
	dirk := s.join(emma, "Dirk Daems", "dirk@bakery.example", bakery, DocumentProcessing)
	s.can(dirk, bakery, ProcessDocument, ViewDocument.Of(bob), PreparePaymentPurchaseInvoice)
	s.cannot(dirk, bakery, ViewFigure, ViewReport, ViewArchive, ViewHistory, UsePayment)
	s.done(s.give(emma, dirk, DocumentProcessingArchive, bakery))
	s.can(dirk, bakery, ProcessDocument, ViewArchive)
	s.cannot(dirk, bakery, ViewHistory)
	fred := s.join(emma, "Fred Fabri", "fred@bakery.example", bakery, FullFeedback)
	s.can(fred, bakery, ViewFigure, ViewArchive, ViewHistory, UsePayment)
	s.cannot(fred, bakery, SubmitDocument, ProcessDocument, ForwardDocument)
	gina := s.join(emma, "Gina Goos", "gina@bakery.example", bakery, DocumentDelivery)
	s.can(gina, bakery, SubmitDocument, ForwardDocument.Of(gina), ViewDocument.Of(gina))
	s.cannot(gina, bakery, ViewDocument.Of(bob), ProcessDocument, ViewFigure, ViewArchive)

	// One user on two dossiers, with another profile on each, and one account (ACC-38).
	s.invite(ada, "Bob Baker", "bob@bakery.example", cinema, DocumentDelivery)
	s.post("bob@bakery.example")
	require.Equal(t, bob, s.accept("bob@bakery.example", bob))
	s.cannot(bob, cinema, ViewFigure)
	s.can(bob, bakery, ViewFigure)

	// A user asks for a new account from the portal; the mail goes to the responsible of the
	// dossier, who makes it an invitation or declines, and the user is told (ACC-40).
	ask := func(first, email string) authz.AccountRequest {
		t.Helper()
		made, err := s.az.RequestAccount(ctx, authz.By(bob), bakery, authz.NewRequest{FirstName: first, LastName: "Hendriks", Email: email, Profile: FullFeedback})
		s.done(err)
		s.post("emma@acme.example")
		return made
	}
	wanted := ask("Hugo", "hugo@bakery.example")
	mail := s.box.Last(t, "emma@acme.example").Text
	require.Contains(t, mail, "Bob Baker asks for an account for Hugo Hendriks (hugo@bakery.example), on Bakery.")
	_, err = s.az.ApproveRequest(ctx, authz.By(bob), bakery, wanted.ID, model.Profile{})
	require.ErrorIs(t, err, authz.ErrDenied)
	s.clock.Advance(time.Hour)
	_, err = s.az.ApproveRequest(ctx, authz.By(emma), bakery, wanted.ID, model.Profile{})
	s.done(err)
	s.post("bob@bakery.example", "hugo@bakery.example")
	s.can(s.accept("hugo@bakery.example", model.UserID{}), bakery, ViewFigure)
	s.done(s.az.DeclineRequest(ctx, authz.By(emma), bakery, ask("Ilse", "ilse@bakery.example").ID, "she has left"))
	s.post("bob@bakery.example")
	require.Contains(t, s.box.Last(t, "bob@bakery.example").Text, "she has left")
	asked, err := s.az.AccountRequests(ctx, authz.By(bob), bakery, "", model.RequestID{}, 10)
	s.done(err)
	require.Equal(t, []authz.RequestState{authz.RequestApproved, authz.RequestDeclined}, []authz.RequestState{asked[0].State, asked[1].State})
	require.Equal(t, []string{authz.By(emma).String(), "she has left"}, []string{asked[1].DecidedBy, asked[1].Reason})
	require.Equal(t, s.clock.Now(), asked[0].Decided)

	// Later, Administrators bring users in without the office: once it has said so, on their own
	// dossiers, with the six profiles and nothing beyond (ACC-41).
	try := func(in model.Domain, p model.Profile) error {
		_, err := s.az.Invite(ctx, authz.By(clara), office.Tenant(), offer("jan@bakery.example", in, p))
		return err
	}
	require.ErrorIs(t, try(bakery, FullAccess), authz.ErrDenied)
	s.done(s.az.SetSetting(ctx, authz.By(ada), office.Tenant(), SettingSelfServiceUsers, true))
	require.ErrorIs(t, try(cinema, FullAccess), authz.ErrNotFound)
	require.ErrorIs(t, try(office, Employee), authz.ErrDenied)
	s.can(s.join(clara, "Jan Jacobs", "jan@bakery.example", bakery, Administrator), bakery, EditPortalSettings)
}

// advised wants exactly this advice about a dossier, as by sees it.
func (s *story) advised(by model.UserID, d model.Domain, want ...authz.Advice) {
	s.Helper()
	for i := range want {
		want[i].Domain = d
	}
	got, err := s.az.Advice(s.Context(), authz.By(by), d)
	require.NoError(s, err)
	require.ElementsMatch(s, want, got)
}
