package authz_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Attempted by who may invite on one dossier: to link, by ID, somebody whom no
// list tells of, to give them an address, to take one away, and to find out which
// they have, or whether they are there at all.
func TestA14NamingSomebodyUnseen(t *testing.T) {
	t.Parallel()
	naming := map[string]func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error{
		"a contact without a login": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			_, err := o.az.AddContact(t.Context(), by, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: "x@evil.example"}}})
			return err
		},
		"a contact with a login": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			_, err := o.az.AddContact(t.Context(), by, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: "cora@acme.example", Login: true}}})
			return err
		},
		"an invitation, at an address of theirs": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			_, err := o.az.Invite(t.Context(), by, o.tenant, authz.NewInvitation{User: u, Email: "cora@acme.example",
				Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}})
			return err
		},
		"an invitation, at another one": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			_, err := o.az.Invite(t.Context(), by, o.tenant, authz.NewInvitation{User: u, Email: "guess@acme.example",
				Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}})
			return err
		},
		"a switch": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			return o.az.SetSwitch(t.Context(), by, o.d1, u, "cora@acme.example", authz.Notify, true)
		},
		"a changed address": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			return o.az.ChangeAddress(t.Context(), by, o.d1, u, "cora@acme.example", "x@evil.example")
		},
		"a moved address": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			return o.az.MoveAddress(t.Context(), by, o.d1, u, "cora@acme.example", "x@evil.example")
		},
		"a contact removed": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			return o.az.RemoveContact(t.Context(), by, o.d1, u)
		},
		"an address removed": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			return o.az.RemoveContactAddress(t.Context(), by, o.d1, u, "cora@acme.example")
		},
		"what they want": func(t *testing.T, o *fixture, by authz.Actor, u model.UserID) error {
			_, err := o.az.Preferences(t.Context(), by, o.d1, u)
			return err
		},
	}
	nobody := parsedUser("nobody")
	for what, do := range naming {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newFixture(t)
			require.NoError(t, o.az.SetSetting(t.Context(), authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
			require.NoError(t, o.az.Assign(t.Context(), o.by, o.d1, authz.Supporting(o.emma)))
			for _, by := range []authz.Actor{authz.By(o.carl), authz.By(o.emma)} {
				want := do(t, o, by, nobody)
				requireIs(t, want, authz.ErrNotFound, "nobody")
				for _, u := range []model.UserID{o.cora, o.sam} {
					requireSameAnswer(t, want, do(t, o, by, u), nobody, u)
				}
			}
			require.NoError(t, o.az.DeactivateMember(t.Context(), o.by, o.tenant, o.cora))
			requireSameAnswer(t, do(t, o, authz.By(o.emma), nobody), do(t, o, authz.By(o.emma), o.cora), nobody, o.cora)
		})
	}
	t.Run("a member removed", func(t *testing.T) {
		t.Parallel()
		o := newFixture(t)
		require.NoError(t, o.az.Assign(t.Context(), o.by, o.d1, authz.Supporting(o.emma)))
		remove := func(u model.UserID) error { return o.az.RemoveMember(t.Context(), authz.By(o.emma), o.d1, u) }
		requireSameAnswer(t, remove(nobody), remove(o.cora), nobody, o.cora)
	})
}

// Attempted by who may invite somebody by ID: to try out which addresses the person
// has. Known are those of contacts and invitations where the actor may invite.
func TestA9InviteTellsNoAddress(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx := t.Context()
		require.NoError(t, o.az.Assign(ctx, o.by, o.d2, authz.Supporting(o.emma)))
		emma := authz.By(o.emma)
		contact := func(in model.Domain, email string) {
			_, err := o.az.AddContact(ctx, authz.System, in, authz.NewContact{User: o.cora, Addresses: []authz.ContactAddress{{Email: email}}})
			require.NoError(t, err)
		}
		invite := func(by authz.Actor, email string, p model.Profile) error {
			_, err := o.az.Invite(ctx, by, o.tenant, authz.NewInvitation{User: o.cora, Email: email, Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: p}}})
			return err
		}
		refused := func(by authz.Actor, emails ...string) {
			t.Helper()
			wrong := invite(by, "cora@guess.example", accountancy.FullFeedback)
			requireIs(t, wrong, authz.ErrNotFound, "a guess")
			for _, email := range emails {
				require.EqualError(t, invite(by, email, accountancy.FullFeedback), wrong.Error(), email)
			}
		}
		const verified, claimed, work = "cora@home.example", "cora@acme.example", "cora@work.example"
		require.NoError(t, o.az.AddAddress(ctx, authz.System, o.cora, verified))
		require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.cora, verified))
		_, err := o.az.AddContact(ctx, authz.System, o.d2, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}})
		require.NoError(t, err)
		refused(o.by, verified, claimed, "kim@home.example")
		refused(emma, verified, claimed, "kim@home.example")

		contact(o.d1, verified)
		contact(o.home, claimed)
		refused(emma, verified, claimed)
		require.NoError(t, invite(o.by, claimed, accountancy.FullFeedback), "the admin may invite there")
		contact(o.d2, work)
		require.NoError(t, invite(emma, work, accountancy.FullFeedback), "a contact of hers")

		refused(emma, verified)
		token, err := authz.Token(ctx, o.az, o.invites(t, emma, verified, o.d2, accountancy.FullAccess))
		require.NoError(t, err)
		refused(emma, verified)
		_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: o.cora})
		require.NoError(t, err)
		require.NoError(t, invite(emma, verified, accountancy.FullFeedback), "she saw who accepted")

		require.NoError(t, invite(authz.System, "cora@acme.example", accountancy.DocumentDelivery), "the host knows them all")
	})
}

// Attempted by who may send an invitation again: to try out which addresses the
// person has whom somebody else invited by ID.
func TestA9ReaddressTellsNoAddress(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.AddAddress(ctx, authz.System, o.sam, "sam@home.example"))
	contact := func(email string) {
		_, err := o.az.AddContact(ctx, authz.System, o.home, authz.NewContact{User: o.sam, Addresses: []authz.ContactAddress{{Email: email}}})
		require.NoError(t, err)
	}
	contact("sam@acme.example")
	inv, err := o.az.Invite(ctx, o.by, o.tenant, authz.NewInvitation{User: o.sam, Email: "sam@acme.example",
		Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}})
	require.NoError(t, err)
	wrong := o.az.Readdress(ctx, authz.By(o.carl), o.d1, inv.ID, "sam@guess.example")
	requireIs(t, wrong, authz.ErrNotFound, "not his")
	require.EqualError(t, o.az.Readdress(ctx, authz.By(o.carl), o.d1, inv.ID, "sam@home.example"), wrong.Error())
	wrong = o.az.Readdress(ctx, o.by, o.d1, inv.ID, "sam@guess.example")
	requireIs(t, wrong, authz.ErrNotFound, "not his, for who sees him")
	require.EqualError(t, o.az.Readdress(ctx, o.by, o.d1, inv.ID, "sam@home.example"), wrong.Error())
	contact("sam@home.example")
	require.NoError(t, o.az.Readdress(ctx, o.by, o.d1, inv.ID, "sam@home.example"), "who knows it may")

	// Nor where a contact of another dossier is reached, whose place a link would give.
	kim, err := o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{FirstName: "Kim", LastName: "Kuyper",
		Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}})
	require.NoError(t, err)
	inv, err = o.az.Invite(ctx, o.by, o.tenant, authz.NewInvitation{User: kim, Email: "kim@home.example",
		Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}})
	require.NoError(t, err)
	wrong = o.az.Readdress(ctx, authz.By(o.carl), o.d1, inv.ID, "kim@guess.example")
	requireIs(t, wrong, authz.ErrNotFound, "not his")
	require.EqualError(t, o.az.Readdress(ctx, authz.By(o.carl), o.d1, inv.ID, "Kim@home.example"), wrong.Error())
}

// The control: whom a list tells of can be named, and a contact of one's own
// dossier can be.
func TestNamingSomebodySeen(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Supporting(o.emma)))
	link := func(by authz.Actor, u model.UserID, email string) error {
		_, err := o.az.AddContact(ctx, by, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: email}}})
		return err
	}
	require.NoError(t, link(authz.By(o.emma), o.carl, "a@acme.example"), "holds something on her dossier")
	require.NoError(t, link(o.by, o.cora, "b@acme.example"), "the admin sees everybody")
	require.NoError(t, link(authz.By(o.emma), o.cora, "c@acme.example"), "a contact of her dossier, now")
	require.NoError(t, link(authz.By(o.carl), o.cora, "d@acme.example"), "and of his")
	requireIs(t, link(authz.By(o.emma), o.sam, "e@acme.example"), authz.ErrNotFound, "on neither")
	require.NoError(t, link(authz.System, o.sam, "e@acme.example"))
}

// requireSameAnswer wants the answer for one user to be that for another.
func requireSameAnswer(t *testing.T, want, got error, other, u model.UserID) {
	t.Helper()
	require.Error(t, got)
	named := regexp.MustCompile(`\b` + u.String() + `\b`)
	require.Equal(t, want.Error(), named.ReplaceAllString(got.Error(), other.String()))
}
