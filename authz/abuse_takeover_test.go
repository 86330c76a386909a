package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Attempted by the administrator of one dossier, who may invite there: to have
// the links and messages of somebody who holds more sent to an address of their
// own, as a new contact or by changing the address of one.
func TestNobodyTakesTheAddressOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	carl := authz.By(o.carl)
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{
		FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}},
	})
	require.NoError(t, err)
	steal := map[string]func() error{
		"a contact more": func() error {
			_, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{{Email: "carl2@evil.example", Login: true}}})
			return err
		},
		"another address": func() error {
			return o.az.ChangeAddress(ctx, carl, o.d1, kim, "kim@home.example", "carl3@evil.example")
		},
	}
	require.NoError(t, o.az.AddMember(ctx, authz.System, o.home, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.Admin}}))
	for name, do := range steal {
		requireIs(t, do(), authz.ErrDenied, name)
	}
	_, err = o.az.AddContact(ctx, carl, o.d1, authz.NewContact{User: o.emma, Addresses: []authz.ContactAddress{{Email: "m@evil.example", Login: true}}})
	requireIs(t, err, authz.ErrDenied, "an employee")

	// The control: once Kim holds no more than Carl may give, he may.
	require.NoError(t, o.az.Withdraw(ctx, authz.System, model.UserSubject(kim), accountancy.Admin, o.home))
	for name, do := range steal {
		require.NoError(t, do(), name)
	}
}

// Attempted by an inviter: to learn from the outbox whether an address has an
// account.
func TestA9OutboxTellsNothing(t *testing.T) {
	t.Parallel()
	s := newTimed(t, emptyDB(t))
	s.invite(t, admin, offer(verified(uNina), home(tAcme), accountancy.Support))
	s.invite(t, admin, offer(newcomer, home(tAcme), accountancy.Support))
	for by, want := range map[authz.Actor][]authz.MessageKind{
		admin:  {authz.InvitationMessage, authz.InvitationMessage},
		system: {authz.LinkMessage, authz.InvitationMessage},
	} {
		seen, err := s.az.Messages(t.Context(), by, tAcme, authz.MessageFilter{State: authz.MessageQueued}, model.MessageID{})
		require.NoError(t, err)
		var kinds []authz.MessageKind
		for _, m := range seen {
			kinds = append(kinds, m.Kind)
		}
		require.Equal(t, want, kinds, by.String())
	}
}

// Attempted: to become, through a contact made for one's own mailbox, whom the
// office has made of that contact since; and to become somebody deactivated.
func TestNobodyTakesThePlaceOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since func(t *testing.T, o *fixture, kim model.UserID)
		want  authz.Renewal
	}{
		"nothing since": {func(*testing.T, *fixture, model.UserID) {}, ""},
		"an admin": {func(t *testing.T, o *fixture, kim model.UserID) {
			require.NoError(t, o.az.AddMember(t.Context(), authz.System, o.home, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.Admin}}))
		}, authz.InviterLimited},
		"deactivated": {func(t *testing.T, o *fixture, kim model.UserID) {
			require.NoError(t, o.az.AddMember(t.Context(), authz.System, o.d1, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.FullAccess}}))
			require.NoError(t, o.az.DeactivateMember(t.Context(), o.by, o.tenant, kim))
		}, authz.MemberIdle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, ctx := newFixture(t), t.Context()
			require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
			kim, err := o.az.AddContact(ctx, authz.By(o.carl), o.d1, authz.NewContact{
				FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "carl2@evil.example"}},
			})
			require.NoError(t, err)
			inv, err := o.az.Invite(ctx, authz.By(o.carl), o.tenant, authz.NewInvitation{ // to the address, whoever that is
				FirstName: "Kim", LastName: "Kuyper", Email: "carl2@evil.example",
				Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.Administrator}},
			})
			require.NoError(t, err)
			token, err := authz.Token(ctx, o.az, inv.ID)
			require.NoError(t, err)
			c.since(t, o, kim)
			_, err = o.az.Accept(ctx, token, authz.Acceptance{NewUser: model.NewUserID()})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			requireIs(t, err, authz.ErrExpired, name)
			inv, err = o.az.Invitation(ctx, o.by, o.home, inv.ID)
			require.NoError(t, err)
			require.Equal(t, c.want, inv.Renewal)
		})
	}
}

// Attempted by who may invite to one dossier: to read of people who are not on it
// what they want, and so their addresses.
func TestPreferencesOfOthersElsewhere(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	_, err := o.az.Preferences(ctx, authz.By(o.carl), o.d1, o.cora)
	requireIs(t, err, authz.ErrNotFound, "a client of another dossier")
	_, err = o.az.Preferences(ctx, authz.By(o.carl), o.d1, o.carl)
	require.NoError(t, err)
	_, err = o.az.Preferences(ctx, o.by, o.home, o.cora)
	require.NoError(t, err)
}
