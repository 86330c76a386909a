package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// limited is a fixture in which Carl, the administrator of d1, may invite and
// remove there, and give no profile but administrator.
func limited(t *testing.T) (o *fixture, carl authz.Actor) {
	t.Helper()
	const row = "p, administrator, any, setting:self_service_users, "
	o = newFixtureOf(t, edited(t, row+"client_profile, grant, allow\n", row+"profile:administrator, grant, allow\n"+row+"member, remove, allow\n"))
	require.NoError(t, o.az.SetSetting(t.Context(), authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	return o, authz.By(o.carl)
}

func (o *fixture) invites(t *testing.T, by authz.Actor, email string, in model.Domain, p model.Profile) model.InvitationID {
	t.Helper()
	inv, err := o.az.Invite(t.Context(), by, o.tenant, authz.NewInvitation{FirstName: "Kim", LastName: "Kuyper", Email: email,
		Grants: []authz.InvitedGrant{{Domain: in, Profile: p}}})
	require.NoError(t, err)
	return inv.ID
}

func (o *fixture) invitation(t *testing.T, inv model.InvitationID) authz.InvitationState {
	t.Helper()
	read, err := o.az.Invitation(t.Context(), authz.System, o.home, inv)
	require.NoError(t, err)
	return read.State
}

// Attempted: to end an invitation that one may not revoke, by what else ends
// invitations.
func TestNobodyEndsAnInvitationOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	const kims = "kim@home.example"
	for name, end := range map[string]func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error{
		"login off": func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error {
			return o.az.SetSwitch(t.Context(), by, o.d1, kim, kims, authz.Login, false)
		},
		"another address": func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error {
			return o.az.ChangeAddress(t.Context(), by, o.d1, kim, kims, "kim@later.example")
		},
		"the address gone": func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error {
			return o.az.RemoveContactAddress(t.Context(), by, o.d1, kim, kims)
		},
		"the contact gone": func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error {
			return o.az.RemoveContact(t.Context(), by, o.d1, kim)
		},
		"off the dossier": func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID) error {
			return o.az.RemoveMember(t.Context(), by, o.d1, kim)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, carl := limited(t)
			ctx := t.Context()
			kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: kims}}})
			require.NoError(t, err)
			strong := o.invites(t, o.by, kims, o.d1, accountancy.FullFeedback)
			require.NoError(t, o.az.SetSwitch(ctx, o.by, o.d1, kim, kims, authz.Login, true))
			o.clock.Advance(time.Hour)
			o.invites(t, carl, kims, o.d1, accountancy.Administrator)

			requireIs(t, o.az.Revoke(ctx, carl, o.d1, strong), authz.ErrDenied, "the rule")
			requireIs(t, end(t, o, carl, kim), authz.ErrDenied, name)
			require.Equal(t, authz.InvitationPending, o.invitation(t, strong))
			require.NoError(t, o.az.Revoke(ctx, o.by, o.d1, strong))
			require.NoError(t, end(t, o, carl, kim), "the control: nothing stronger waits")
		})
	}
}

// A login takes the place of what waited, if that was the actor's to end.
func TestLoginOnEndsNoInvitationOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	o, carl := limited(t)
	ctx := t.Context()
	strong := o.invites(t, o.by, "kim@home.example", o.d1, accountancy.FullFeedback)
	add := func() error {
		_, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{login("kim@home.example")}})
		return err
	}
	requireIs(t, add(), authz.ErrDenied, "an admin invited to more")
	require.Equal(t, authz.InvitationPending, o.invitation(t, strong))
	require.NoError(t, o.az.Revoke(ctx, o.by, o.d1, strong))
	require.NoError(t, add())
}

// Whom somebody else invited elsewhere stays known, and the invitation good, when
// the contact that they were goes.
func TestRemoveContactKeepsOthersInvitations(t *testing.T) {
	t.Parallel()
	o, carl := limited(t)
	ctx := t.Context()
	kim, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}})
	require.NoError(t, err)
	inv, err := o.az.Invite(ctx, o.by, o.tenant, authz.NewInvitation{User: kim, Email: "kim@home.example",
		Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: accountancy.FullAccess}}})
	require.NoError(t, err)
	require.NoError(t, o.az.RemoveContact(ctx, carl, o.d1, kim))
	require.Equal(t, authz.InvitationPending, o.invitation(t, inv.ID))
	token, err := authz.Token(ctx, o.az, inv.ID)
	require.NoError(t, err)
	accepted, err := o.az.Accept(ctx, token, authz.Acceptance{})
	require.NoError(t, err)
	require.Equal(t, kim, accepted.User)
}

// Out of the tenant goes what was offered on dossiers that the actor does not
// know of, and not an offer in the tenant that the actor could not make.
func TestRemoveMemberEndsInvitations(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d2, true))
	invite := func(in model.Domain, p model.Profile) model.InvitationID {
		inv, err := o.az.Invite(ctx, authz.System, o.tenant, authz.NewInvitation{User: o.carl, Email: "carl@acme.example",
			Grants: []authz.InvitedGrant{{Domain: in, Profile: p}}})
		require.NoError(t, err)
		return inv.ID
	}
	hidden := invite(o.d2, accountancy.FullAccess)
	requireIs(t, o.az.Revoke(ctx, o.by, o.home, hidden), authz.ErrDenied, "the rule")
	require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, o.carl))
	require.Equal(t, authz.InvitationRevoked, o.invitation(t, hidden))

	p := newPractice(t, memory(t))
	_, err := p.az.Invite(ctx, system, p.firm, authz.NewInvitation{User: p.wes, Email: "u-wes@firm.example",
		Grants: []authz.InvitedGrant{{Domain: home(p.firm), Profile: taxdome.Owner}}})
	require.NoError(t, err)
	requireIs(t, p.az.RemoveMember(ctx, authz.By(p.adam), home(p.firm), p.wes), authz.ErrDenied, "who is to be an owner")
	require.NoError(t, p.az.RemoveMember(ctx, authz.By(p.olga), home(p.firm), p.wes))
}

// Attempted: to end an invitation to a dossier that one does not know of, by making
// a contact of the invited address in the tenant and removing that.
func TestRemoveMemberEndsNoInvitationByADecoy(t *testing.T) {
	t.Parallel()
	const vics = "vic@new.example"
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx := t.Context()
		require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d1, true))
		require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Supporting(o.emma)))
		decoy := func() model.UserID {
			u, err := o.az.AddContact(ctx, o.by, o.home, authz.NewContact{FirstName: "D", LastName: "D", Addresses: []authz.ContactAddress{{Email: vics}}})
			require.NoError(t, err)
			return u
		}
		hidden := o.invites(t, authz.By(o.emma), vics, o.d1, accountancy.FullAccess)
		own := o.invites(t, o.by, vics, o.d2, accountancy.FullAccess)
		requireIs(t, o.az.Revoke(ctx, o.by, o.home, hidden), authz.ErrDenied, "the rule")
		u := decoy()
		require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, u))
		members, err := o.az.Members(ctx, o.by, o.home)
		require.NoError(t, err)
		for _, m := range members {
			require.NotEqual(t, u, m.User, "removed all the same")
		}
		require.Equal(t, authz.InvitationPending, o.invitation(t, hidden))
		ended, err := authz.Token(ctx, o.az, own)
		require.NoError(t, err)
		_, err = o.az.Accept(ctx, ended, authz.Acceptance{})
		requireIs(t, err, authz.ErrExpired, "the control: the actor's to end")
		token, err := authz.Token(ctx, o.az, hidden)
		require.NoError(t, err)
		_, err = o.az.Accept(ctx, token, authz.Acceptance{})
		require.NoError(t, err)

		// Of an address that is known to be a person's everything ends, as before.
		require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.eve, "eve@acme.example"))
		eves := o.invites(t, authz.By(o.emma), "eve@acme.example", o.d1, accountancy.FullAccess)
		token, err = authz.Token(ctx, o.az, eves)
		require.NoError(t, err)
		require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, o.eve))
		_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: o.eve})
		requireIs(t, err, authz.ErrExpired, "she is out")
	})
}

// Attempted: to come back after being removed, by an invitation that waits at one's
// verified address, which one takes away before so that nobody knows whose it is.
func TestNobodyHidesAnInvitationFromTheirRemoval(t *testing.T) {
	t.Parallel()
	const eves = "eve@acme.example"
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx, eve := t.Context(), authz.By(o.eve)
		remove := func() error { return o.az.RemoveAddress(ctx, eve, o.eve, eves) }
		other, err := o.az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Other"})
		require.NoError(t, err)
		_, err = o.az.Invite(ctx, authz.System, other.ID, authz.NewInvitation{FirstName: "Eve", LastName: "E", Email: eves})
		require.NoError(t, err)
		require.NoError(t, remove(), "an address that is only said to be hers")
		verify := func() {
			require.NoError(t, o.az.AddAddress(ctx, eve, o.eve, eves))
			require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.eve, eves))
		}
		verify()
		require.NoError(t, remove(), "what waits in a tenant that she is not in is not told")
		verify()

		inv := o.invites(t, o.by, eves, o.d2, accountancy.Administrator)
		token, err := authz.Token(ctx, o.az, inv)
		require.NoError(t, err)
		requireIs(t, remove(), authz.ErrConflict, "while it waits")
		o.invites(t, o.by, "vic@new.example", o.d2, accountancy.FullAccess)
		require.NoError(t, o.az.AddAddress(ctx, eve, o.eve, "vic@new.example"))
		require.NoError(t, o.az.RemoveAddress(ctx, eve, o.eve, "vic@new.example"), "who else is invited is not told to who claims the address")
		requireIs(t, o.az.RemoveAddress(ctx, authz.System, o.eve, eves), authz.ErrConflict, "the system too")
		declined, err := authz.Token(ctx, o.az, o.invites(t, o.by, eves, o.d1, accountancy.FullAccess))
		require.NoError(t, err)
		require.NoError(t, o.az.Decline(ctx, declined))
		requireIs(t, remove(), authz.ErrConflict, "the other one waits")
		require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, o.eve))
		_, err = o.az.Accept(ctx, token, authz.Acceptance{})
		requireIs(t, err, authz.ErrExpired, "as a newcomer")
		_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: o.eve})
		requireIs(t, err, authz.ErrExpired, "as herself")
		require.NoError(t, o.az.RemoveAddress(ctx, authz.System, o.eve, eves), "nothing waits")
	})
}

// The address can go when what waited is declined, has expired, or is the person's
// by name, and ends with the membership in any case.
func TestRemoveAddressWithNothingToWaitFor(t *testing.T) {
	t.Parallel()
	const emmas = "emma@acme.example"
	for name, settle := range map[string]func(t *testing.T, o *fixture, token string) error{
		"declined": func(t *testing.T, o *fixture, token string) error { return o.az.Decline(t.Context(), token) },
		"accepted": func(t *testing.T, o *fixture, token string) error {
			_, err := o.az.Accept(t.Context(), token, authz.Acceptance{SignedIn: o.emma})
			return err
		},
		"in need of renewal, neither to accept nor to decline": func(t *testing.T, o *fixture, token string) error {
			require.NoError(t, o.az.CloseDossier(t.Context(), authz.System, o.d2))
			_, err := o.az.Accept(t.Context(), token, authz.Acceptance{SignedIn: o.emma})
			require.ErrorIs(t, err, authz.ErrExpired)
			require.ErrorIs(t, o.az.Decline(t.Context(), token), authz.ErrExpired)
			return o.az.ReopenDossier(t.Context(), authz.System, o.d2)
		},
		"expired": func(_ *testing.T, o *fixture, _ string) error { o.clock.Advance(8 * 24 * time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, ctx := newFixture(t), t.Context()
			require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.emma, emmas))
			token, err := authz.Token(ctx, o.az, o.invites(t, o.by, emmas, o.d2, accountancy.FullAccess))
			require.NoError(t, err)
			requireIs(t, o.az.RemoveAddress(ctx, authz.By(o.emma), o.emma, emmas), authz.ErrConflict, "the rule")
			require.NoError(t, settle(t, o, token))
			require.NoError(t, o.az.RemoveAddress(ctx, authz.By(o.emma), o.emma, emmas))
		})
	}

	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.emma, emmas))
	inv, err := o.az.Invite(ctx, authz.System, o.tenant, authz.NewInvitation{User: o.emma, Email: emmas,
		Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: accountancy.FullAccess}}})
	require.NoError(t, err)
	require.NoError(t, o.az.RemoveAddress(ctx, authz.By(o.emma), o.emma, emmas))
	require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, o.emma))
	require.Equal(t, authz.InvitationRevoked, o.invitation(t, inv.ID))
}

// TAX-06: an address that is corrected is dead where it was invited without a
// login, and one that is only spelled otherwise is not.
func TestChangeAddressOfOneInvitedByName(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper",
		Addresses: []authz.ContactAddress{{Email: "kmi@home.example"}, login("kim@work.example")}})
	require.NoError(t, err)
	wrong := o.invites(t, o.by, "kmi@home.example", o.d1, accountancy.FullFeedback)
	require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, kim, "kmi@home.example", "KMI@home.example"))
	require.Equal(t, authz.InvitationPending, o.invitation(t, wrong))
	require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, kim, "kmi@home.example", "kim@home.example"))
	require.Equal(t, authz.InvitationRevoked, o.invitation(t, wrong))

	require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, kim, "kim@work.example", "Kim@work.example"))
	contacts, err := o.az.Contacts(ctx, o.by, o.d1)
	require.NoError(t, err)
	for _, a := range contacts[0].Addresses {
		if a.Login {
			require.Equal(t, authz.ContactAddress{Email: "Kim@work.example", Login: true, State: authz.LoginInvited}, a)
		}
	}
}
