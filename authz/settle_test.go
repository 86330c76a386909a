package authz_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// An account that accepts takes the place of the person that the tenant made:
// what that person was and wanted in the tenant is the account's, and the person
// is gone.
func TestAccountTakesThePlaceOfAContact(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "Una@Home.example", Label: "home", Login: true, Notify: true},
			authz.ContactAddress{Email: "una@work.example", Sync: true})
		_, err := o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{login("una@work.example")}})
		require.NoError(t, err)
		o.prefer(t, o.d1, jan, "una@home.example", taxdome.TopicChats)
		o.prefer(t, o.d1, jan, "una@work.example", taxdome.TopicChats)
		before := o.contacts(t, o.d1)
		elsewhere, err := o.az.Ledger(ctx, system, o.other, 0, 100)
		require.NoError(t, err)

		o.accept(t, "una@home.example", o.una)
		require.False(t, o.knows(t, jan))
		require.Empty(t, o.mentions(t, jan))
		o.enters(t, o.una, o.d1, true)
		o.enters(t, o.una, o.d2, false)
		o.enters(t, o.una, o.dOther, true)
		want := before[0]
		want.User, want.FirstName, want.LastName, want.Member = o.una, "First", "Last", authz.Active
		want.Addresses[0].State = authz.LoginAccepted
		require.Equal(t, []authz.Contact{want}, o.contacts(t, o.d1))
		require.Equal(t, []string{"una@home.example", "una@work.example"}, o.preferences(t, o.una))
		require.Equal(t, authz.LoginInvited, o.state(t, o.d2, "una@work.example"))

		// The account is as it was: its addresses are its own affair.
		p, err := o.az.Person(ctx, system, o.una)
		require.NoError(t, err)
		require.Equal(t, []authz.Address{{Email: "una@home.example", Verified: o.now()}}, p.Addresses)
		now, err := o.az.Ledger(ctx, system, o.other, 0, 100)
		require.NoError(t, err)
		require.Equal(t, elsewhere, now)

		// What was sent to the person before is good for the account.
		o.accept(t, "una@work.example", o.una)
		o.enters(t, o.una, o.d2, true)

		// Nobody can be made under the id of who is gone.
		_, err = o.az.AddPerson(ctx, system, authz.Person{ID: jan, FirstName: "New", LastName: "Jan"})
		require.ErrorIs(t, err, authz.ErrConflict)
	})
}

// Somebody who is a member under an account, and a contact under another person
// besides, ends as one.
func TestAccountThatIsAMemberTakesThePlaceOfAContact(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	ctx := t.Context()
	first := o.add(t, o.d1, login("una@home.example"))
	o.accept(t, "una@home.example", o.una)
	second := o.add(t, o.d2, login("una@home.example"))
	require.NotEqual(t, first, second)
	o.prefer(t, o.d2, second, "una@home.example", taxdome.TopicChats)
	o.accept(t, "una@home.example", o.una)
	require.False(t, o.knows(t, second))
	o.enters(t, o.una, o.d1, true)
	o.enters(t, o.una, o.d2, true)
	members, err := o.az.Members(ctx, system, home(o.firm))
	require.NoError(t, err)
	require.Len(t, members, 5)
}

// Everything that is held moves: profiles with their limits, teams, assignments,
// now and on closed dossiers. But nobody comes by what they gave themselves, and a
// member is not tied down.
func TestAccountTakesWhatAContactHolds(t *testing.T) {
	t.Parallel()
	az, clock := climb(t)
	ctx := t.Context()
	contact := func() model.UserID {
		kept, err := az.AddContact(ctx, system, home(tAcme), authz.NewContact{FirstName: "F", LastName: "L",
			Addresses: []authz.ContactAddress{{Email: "kept@acme.example"}}})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: kept, Profiles: []model.Profile{rung("auditor")}}))
		until := clock.Now().AddDate(0, 1, 0)
		require.NoError(t, az.Grant(ctx, authz.By(uOlga), authz.Grant{Subject: model.UserSubject(kept), Profile: rung("clerk"), Domain: home(tAcme), Until: until}))
		require.NoError(t, az.Grant(ctx, system, authz.Grant{Subject: model.UserSubject(kept), Profile: rung("capped"), Domain: home(tAcme)}))
		require.NoError(t, az.AddTeamMember(ctx, system, tAcme, gSpare, kept))
		require.NoError(t, az.AddTeamMember(ctx, system, tAcme, gBeta, kept)) // capped
		require.NoError(t, az.Assign(ctx, system, dOne, authz.Manager(kept)))
		require.NoError(t, az.Assign(ctx, system, dTwo, authz.Supporting(kept)))
		require.NoError(t, az.CloseDossier(ctx, system, dTwo))
		return kept
	}
	held := func(u model.UserID) []model.Profile {
		members, err := az.Members(ctx, system, home(tAcme))
		require.NoError(t, err)
		for _, m := range members {
			if m.User == u {
				return m.Profiles
			}
		}
		return nil
	}
	dossiers := func() (one, two authz.Dossier) {
		require.NoError(t, az.ReopenDossier(ctx, system, dTwo))
		one, err := az.Dossier(ctx, system, dOne)
		require.NoError(t, err)
		two, err = az.Dossier(ctx, system, dTwo)
		require.NoError(t, err)
		return one, two
	}

	// Nina is new: all of it.
	kept := contact()
	require.NoError(t, authz.Replace(ctx, az, tAcme, kept, uNina))
	require.Equal(t, []model.Profile{rung("auditor"), rung("capped"), rung("clerk")}, held(uNina))
	one, two := dossiers()
	require.Equal(t, uNina, one.Manager)
	require.Equal(t, []model.UserID{uNina}, two.Supporting)
	members := func(of model.TeamID) []model.UserID {
		teams, err := az.Teams(ctx, system, tAcme)
		require.NoError(t, err)
		return teams[slices.IndexFunc(teams, func(team authz.Team) bool { return team.ID == of })].Members
	}
	require.Equal(t, []model.UserID{uNina}, members(gSpare))
	require.Equal(t, []model.UserID{uEmil, uNina}, members(gBeta))
	grants, err := az.Grants(ctx, system, home(tAcme))
	require.NoError(t, err)
	for _, g := range grants {
		if g.Subject == model.UserSubject(uNina) && g.Profile == rung("clerk") {
			require.Equal(t, "user:"+uOlga.String(), g.By)
			require.Equal(t, clock.Now().AddDate(0, 1, 0), g.Until)
		}
	}
	require.NoError(t, az.VerifyLedger(ctx, tAcme))

	// Olga gave the clerk herself, and was not under the cap.
	require.NoError(t, az.RemoveMember(ctx, system, home(tAcme), uNina))
	kept = contact()
	require.NoError(t, authz.Replace(ctx, az, tAcme, kept, uOlga))
	require.Equal(t, []model.Profile{rung("auditor"), rung("lead")}, held(uOlga))
	require.Equal(t, []model.UserID{uOlga}, members(gSpare))
	require.Equal(t, []model.UserID{uEmil}, members(gBeta))
}

// A link to the contact is worth no more to whoever assigned it.
func TestAccountTakesNoAssignmentOfItsOwn(t *testing.T) {
	t.Parallel()
	az, _ := climb(t)
	ctx := t.Context()
	kept, err := az.AddContact(ctx, system, home(tAcme), authz.NewContact{FirstName: "F", LastName: "L",
		Addresses: []authz.ContactAddress{{Email: "kept@acme.example"}}})
	require.NoError(t, err)
	require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: kept, Profiles: []model.Profile{rung("clerk")}}))
	require.NoError(t, az.Assign(ctx, authz.By(uEmil), dOne, authz.Manager(kept)))
	require.NoError(t, az.Assign(ctx, authz.By(uEmil), dOne, authz.Supporting(kept)))
	require.NoError(t, authz.Replace(ctx, az, tAcme, kept, uEmil))
	d, err := az.Dossier(ctx, system, dOne)
	require.NoError(t, err)
	require.True(t, d.Manager.IsZero())
	require.Empty(t, d.Supporting)
	ok, err := az.Enforce(ctx, uEmil, dOne, model.Must(model.ParsePermission("vault", "open")))
	require.NoError(t, err)
	require.False(t, ok)
}

// The place of an account, of a person that another tenant keeps, or of a
// deactivated member is not taken.
func TestPlacesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	ctx := t.Context()
	require.NoError(t, authz.Replace(ctx, o.az, o.firm, o.wes, o.adam))
	require.True(t, o.knows(t, o.wes))
	theirs, err := o.az.AddContact(ctx, system, o.dOther, authz.NewContact{FirstName: "F", LastName: "L", Addresses: []authz.ContactAddress{login("x@home.example")}})
	require.NoError(t, err)
	require.NoError(t, authz.Replace(ctx, o.az, o.firm, theirs, o.adam))
	require.True(t, o.knows(t, theirs))

	jan := o.add(t, o.d1, login("jan@home.example"))
	require.NoError(t, o.az.AddMember(ctx, system, o.d1, authz.NewMember{User: jan}))
	require.NoError(t, o.az.DeactivateMember(ctx, system, o.firm, jan))
	_, err = o.az.Accept(ctx, o.link(t, "jan@home.example"), authz.Acceptance{})
	require.ErrorIs(t, err, authz.ErrExpired)
	waiting, err := o.az.Invitations(ctx, o.by, o.d1, model.InvitationID{}, 10)
	require.NoError(t, err)
	require.Equal(t, authz.MemberIdle, waiting[0].Renewal)
	o.enters(t, jan, o.d1, false)

	// Nor by the account that turns out to have the address.
	kept := o.add(t, o.d2, login("una@home.example"))
	require.NoError(t, o.az.AddMember(ctx, system, o.d2, authz.NewMember{User: kept}))
	require.NoError(t, o.az.DeactivateMember(ctx, system, o.firm, kept))
	_, err = o.az.Accept(ctx, o.link(t, "una@home.example"), authz.Acceptance{SignedIn: o.una})
	requireIs(t, err, authz.ErrExpired, "deactivated")
	waiting, err = o.az.Invitations(ctx, o.by, o.d2, model.InvitationID{}, 10)
	require.NoError(t, err)
	require.Equal(t, authz.MemberIdle, waiting[0].Renewal)
	o.enters(t, o.una, o.d2, false)
	require.NoError(t, o.az.Revoke(ctx, o.by, o.d2, waiting[0].ID))

	// An invitation to somebody who is no contact leaves the contacts alone.
	before := o.contacts(t, o.d1)
	_, err = o.az.Invite(ctx, o.by, o.firm, authz.NewInvitation{FirstName: "U", LastName: "N", Email: "una@home.example",
		Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: taxdome.Client}}})
	require.NoError(t, err)
	o.accept(t, "una@home.example", o.una)
	o.enters(t, o.una, o.d1, true)
	require.Equal(t, before, o.contacts(t, o.d1))
}

// An invitation and the contact that it is for go together, whichever of the two
// is changed.
func TestContactAndInvitationAgree(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		pending := func() authz.Invitation {
			t.Helper()
			all, err := o.az.Invitations(ctx, o.by, o.d1, model.InvitationID{}, 10, authz.InvitationPending)
			require.NoError(t, err)
			require.Len(t, all, 1)
			return all[0]
		}
		u, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "Jan", LastName: "Smit", Note: "Welcome",
			Addresses: []authz.ContactAddress{login("a@home.example")}})
		require.NoError(t, err)
		sent := o.link(t, "a@home.example")
		require.NoError(t, o.az.Readdress(ctx, o.by, o.d1, pending().ID, "b@home.example"))
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "b@home.example"))
		o.dead(t, "a@home.example", sent)
		id, sent := pending().ID, o.link(t, "b@home.example")
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, u, "b@home.example", "c@home.example"))
		o.dead(t, "b@home.example", sent)
		require.Equal(t, id, pending().ID)
		require.Equal(t, "Welcome", pending().Note)
		require.Equal(t, "c@home.example", pending().Email)

		// To an address that is another contact's, or nobody's.
		o.add(t, o.d1, authz.ContactAddress{Email: "els@home.example"})
		requireIs(t, o.az.Readdress(ctx, o.by, o.d1, id, "els@home.example"), authz.ErrConflict, "another's")
		require.Equal(t, "c@home.example", pending().Email)

		// Revoked there is not invited here; on again invites again.
		require.NoError(t, o.az.Revoke(ctx, o.by, o.d1, id))
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "c@home.example"))
		o.set(t, o.d1, u, "c@home.example", authz.Login, true)
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "c@home.example"))
		require.NoError(t, o.az.Resend(ctx, o.by, o.d1, pending().ID))
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "c@home.example"))
		o.accept(t, "c@home.example", model.UserID{})
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d1, "c@home.example"))

		// By name, somebody is invited where they are reached and nowhere else.
		for email, want := range map[string]error{"c@home.example": nil, "els@home.example": authz.ErrNotFound, "x@home.example": authz.ErrNotFound} {
			inv, err := o.az.Invite(ctx, o.by, o.firm, authz.NewInvitation{User: u, Email: email, Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: taxdome.Client}}})
			require.ErrorIs(t, err, want, email)
			if want == nil {
				require.NoError(t, o.az.Revoke(ctx, o.by, o.d2, inv.ID))
			}
		}

		// An invitation that was made without the switch is the one it would make.
		quiet := o.add(t, o.d1, authz.ContactAddress{Email: "quiet@home.example"})
		_, err = o.az.Invite(ctx, o.by, o.firm, authz.NewInvitation{FirstName: "Q", LastName: "T", Email: "quiet@home.example",
			Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: taxdome.Client}}})
		require.NoError(t, err)
		id = pending().ID
		o.set(t, o.d1, quiet, "quiet@home.example", authz.Login, true)
		require.Equal(t, id, pending().ID)
		q := o.accept(t, "quiet@home.example", model.UserID{})
		require.False(t, o.knows(t, quiet), "the account that accepted is in its place")
		o.enters(t, q, o.d1, true)
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d1, "quiet@home.example"))
	})
}
