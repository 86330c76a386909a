package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// Attempted by an admin who may not revoke what an owner offered: to keep it from
// being accepted, by a contact with the invited address whom nobody can become.
func TestADeactivatedDecoyBlocksNobody(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx, adam := t.Context(), authz.By(o.adam)
		inv, err := o.az.Invite(ctx, authz.By(o.olga), o.firm, authz.NewInvitation{FirstName: "Vic", LastName: "Vos", Email: "vic@new.example",
			Grants: []authz.InvitedGrant{{Domain: home(o.firm), Profile: taxdome.Owner}}})
		require.NoError(t, err)
		requireIs(t, o.az.Revoke(ctx, adam, home(o.firm), inv.ID), authz.ErrDenied, "the rule")
		decoy, err := o.az.AddContact(ctx, adam, home(o.firm), authz.NewContact{FirstName: "D", LastName: "D", Addresses: []authz.ContactAddress{{Email: "vic@new.example"}}})
		require.NoError(t, err)
		require.NoError(t, o.az.AddMember(ctx, adam, home(o.firm), authz.NewMember{User: decoy, Profiles: []model.Profile{taxdome.Employee}}))
		require.NoError(t, o.az.DeactivateMember(ctx, adam, o.firm, decoy))

		vic := o.accept(t, "vic@new.example", model.UserID{})
		require.NotEqual(t, decoy, vic)
		members, err := o.az.Members(ctx, system, home(o.firm))
		require.NoError(t, err)
		states := make(map[model.UserID]authz.MemberState)
		profiles := make(map[model.UserID][]model.Profile)
		for _, m := range members {
			states[m.User], profiles[m.User] = m.State, m.Profiles
		}
		require.Equal(t, authz.Active, states[vic])
		require.Equal(t, []model.Profile{taxdome.Owner}, profiles[vic], "and nothing that was the decoy's")
		require.Equal(t, authz.Deactivated, states[decoy], "nobody came back")
	})
}

// Attempted by the administrator of two dossiers: the same, by a contact who holds on
// the one what the inviter to the other may not give.
func TestADecoyThatHoldsMoreBlocksNobody(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx := t.Context()
		require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
		require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Supporting(o.emma)))
		o.join(t, o.d2, o.carl, accountancy.Administrator)
		carl := authz.By(o.carl)
		inv := o.invites(t, authz.By(o.emma), "vic@new.example", o.d1, accountancy.Administrator)
		decoy, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{FirstName: "D", LastName: "D", Addresses: []authz.ContactAddress{{Email: "vic@new.example"}}})
		require.NoError(t, err)
		require.NoError(t, o.az.AddMember(ctx, carl, o.d2, authz.NewMember{User: decoy, Profiles: []model.Profile{accountancy.DocumentDelivery}}))

		o.acceptsBeside(t, inv, decoy)
		o.allowed(t, decoy, o.d2, accountancy.SubmitDocument)
		contacts, err := o.az.Contacts(ctx, o.by, o.d1)
		require.NoError(t, err)
		require.Len(t, contacts, 1)
		require.Equal(t, decoy, contacts[0].User, "who stays what they were")
	})
}

// Attempted by the same: that the address of an invitation cannot be corrected.
func TestADecoyKeepsNoAddressFromBeingCorrected(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]func(t *testing.T, o *fixture, decoy model.UserID){
		"who holds more": func(*testing.T, *fixture, model.UserID) {},
		"deactivated": func(t *testing.T, o *fixture, decoy model.UserID) {
			require.NoError(t, o.az.DeactivateMember(t.Context(), o.by, o.tenant, decoy))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFixture(t, func(t *testing.T, o *fixture) {
				ctx, carl, emma := t.Context(), authz.By(o.carl), authz.By(o.emma)
				require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
				require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Manager(o.emma)))
				o.join(t, o.d2, o.carl, accountancy.Administrator)
				decoy, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{FirstName: "D", LastName: "D", Addresses: []authz.ContactAddress{login("vic@new.exmaple")}})
				require.NoError(t, err)
				require.NoError(t, o.az.AddMember(ctx, carl, o.d2, authz.NewMember{User: decoy, Profiles: []model.Profile{accountancy.DocumentDelivery}}))
				inv := o.invites(t, emma, "vic@new.exmaple", o.d1, accountancy.FullAccess)
				since(t, o, decoy)

				require.Error(t, o.az.ChangeAddress(ctx, emma, o.d1, decoy, "vic@new.exmaple", "d@home.example"), "the decoy's own")
				require.NoError(t, o.az.Readdress(ctx, emma, o.d1, inv, "vic@new.example"))
				contacts, err := o.az.Contacts(ctx, o.by, o.d1)
				require.NoError(t, err)
				require.Len(t, contacts, 1)
				require.Equal(t, "vic@new.exmaple", contacts[0].Addresses[0].Email, "who keeps what was theirs")
				o.acceptsBeside(t, inv, decoy)
			})
		})
	}
}

// Attempted by the administrator of a dossier: to put the address of whom somebody
// invited on a contact who is deactivated, which would keep them out.
func TestNoAddressForSomebodyDeactivated(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Supporting(o.emma)))
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}})
	require.NoError(t, err)
	o.join(t, o.d1, kim, accountancy.DocumentDelivery)
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, kim))
	inv := o.invites(t, authz.By(o.emma), "vic@new.example", o.d1, accountancy.FullAccess)
	move := func() error {
		return o.az.ChangeAddress(ctx, authz.By(o.carl), o.d1, kim, "kim@home.example", "vic@new.example")
	}
	requireIs(t, move(), authz.ErrConflict, "deactivated")
	token, err := authz.Token(ctx, o.az, inv)
	require.NoError(t, err)
	_, err = o.az.Accept(ctx, token, authz.Acceptance{})
	require.NoError(t, err)
	require.NoError(t, o.az.ReactivateMember(ctx, o.by, o.tenant, kim))
	require.NoError(t, move(), "the control")
}

// acceptsBeside wants that whoever accepts an invitation is not the decoy who has its
// address, and gets what it offers and nothing of the decoy's.
func (o *fixture) acceptsBeside(t *testing.T, inv model.InvitationID, decoy model.UserID) {
	t.Helper()
	token, err := authz.Token(t.Context(), o.az, inv)
	require.NoError(t, err)
	accepted, err := o.az.Accept(t.Context(), token, authz.Acceptance{})
	require.NoError(t, err)
	require.NotEqual(t, decoy, accepted.User)
	o.allowed(t, accepted.User, o.d1, accountancy.ViewFigure)
	o.denied(t, accepted.User, o.d2, model.SeeDossier)
}
