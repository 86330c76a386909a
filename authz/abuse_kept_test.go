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

// Attempted by who may invite on one dossier: to become, by an address of their own,
// a person that the tenant keeps and that somebody stronger made a contact of another
// dossier, or invited to more; and so to read and mute what is sent there, to keep the
// invitation from being accepted, and to get what is given there later.
func TestNobodyBecomesAContactOfElsewhere(t *testing.T) {
	t.Parallel()
	const evil = "mia2@evil.example"
	contact := func(a authz.ContactAddress) func(*testing.T, *practice, model.UserID) {
		return func(t *testing.T, o *practice, jan model.UserID) {
			_, err := o.az.AddContact(t.Context(), authz.By(o.olga), o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{a}})
			require.NoError(t, err)
		}
	}
	invited := func(email string, in func(*practice) model.Domain, p model.Profile) func(*testing.T, *practice, model.UserID) {
		return func(t *testing.T, o *practice, jan model.UserID) {
			_, err := o.az.Invite(t.Context(), authz.By(o.olga), o.firm, authz.NewInvitation{User: jan, Email: email,
				Grants: []authz.InvitedGrant{{Domain: in(o), Profile: p}}})
			require.NoError(t, err)
		}
	}
	firm, d2 := func(o *practice) model.Domain { return home(o.firm) }, func(o *practice) model.Domain { return o.d2 }
	for name, c := range map[string]struct {
		has  func(*testing.T, *practice, model.UserID)
		want error
	}{
		"a contact of another dossier, invited there": {contact(login("secret@jan.example")), authz.ErrDenied},
		"a contact of another dossier":                {contact(authz.ContactAddress{Email: "secret@jan.example", Notify: true}), authz.ErrDenied},
		"to be an admin":                              {invited("jan@home.example", firm, taxdome.Admin), authz.ErrDenied},
		"invited to another dossier":                  {invited("jan@home.example", d2, taxdome.Client), authz.ErrDenied},
		"a contact there, too, by the same address":   {contact(login(evil)), authz.ErrDenied}, // or one could try out which it is
		"neither": {func(*testing.T, *practice, model.UserID) {}, nil},
	} {
		for way, do := range map[string]func(t *testing.T, o *practice, jan model.UserID) error{
			"a contact more": func(t *testing.T, o *practice, jan model.UserID) error {
				_, err := o.az.AddContact(t.Context(), o.by, o.d1, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{login(evil)}})
				return err
			},
			"without a login": func(t *testing.T, o *practice, jan model.UserID) error {
				_, err := o.az.AddContact(t.Context(), o.by, o.d1, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: evil}}})
				return err
			},
			"another address": func(t *testing.T, o *practice, jan model.UserID) error {
				return o.az.ChangeAddress(t.Context(), o.by, o.d1, jan, "jan@home.example", evil)
			},
		} {
			t.Run(name+": "+way, func(t *testing.T) {
				t.Parallel()
				o := newPractice(t, memory(t))
				require.NoError(t, o.az.Unassign(t.Context(), system, o.d2, authz.Supporting(o.mia)))
				jan := o.add(t, o.d1, login("jan@home.example"))
				c.has(t, o, jan)
				require.ErrorIs(t, do(t, o, jan), c.want)
				if c.want != nil {
					require.NoError(t, o.az.Assign(t.Context(), system, o.d2, authz.Supporting(o.mia)))
					require.NoError(t, o.az.Grant(t.Context(), system, authz.Grant{Subject: model.UserSubject(o.mia), Profile: taxdome.Admin, Domain: home(o.firm)}))
					require.NoError(t, do(t, o, jan), "the control: who may there, too")
				}
			})
		}
	}
}

// What has expired keeps nobody from correcting an address; what needs renewal does,
// while it can be sent again in its term.
func TestAnExpiredInvitationKeepsNoTypo(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		require.NoError(t, o.az.Unassign(ctx, system, o.d2, authz.Supporting(o.mia)))
		jan := o.add(t, o.d1, login("jan@home.exmaple"))
		inv, err := o.az.Invite(ctx, authz.By(o.olga), o.firm, authz.NewInvitation{User: jan, Email: "jan@home.exmaple",
			Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: taxdome.Client}}})
		require.NoError(t, err)
		correct := func() error {
			return o.az.ChangeAddress(ctx, o.by, o.d1, jan, "jan@home.exmaple", "jan@home.example")
		}
		requireIs(t, correct(), authz.ErrDenied, "while it waits")
		token, err := authz.Token(ctx, o.az, inv.ID)
		require.NoError(t, err)
		require.NoError(t, o.az.CloseDossier(ctx, system, o.d2))
		_, err = o.az.Accept(ctx, token, authz.Acceptance{})
		requireIs(t, err, authz.ErrExpired, "closed")
		require.NoError(t, o.az.ReopenDossier(ctx, system, o.d2))
		requireIs(t, correct(), authz.ErrDenied, "in need of renewal")

		o.passed += 8 * 24 * time.Hour
		require.NoError(t, correct())
		require.Equal(t, jan, o.accept(t, "jan@home.example", model.UserID{}))
		o.enters(t, jan, o.d1, true)
		o.enters(t, jan, o.d2, false)
	})
}

// The same is asked when the link is followed: of one's own address, typed when the
// person was nobody's but one's own.
func TestNobodyAcceptsForAContactOfElsewhere(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		require.NoError(t, o.az.Unassign(ctx, system, o.d2, authz.Supporting(o.mia)))
		jan := o.add(t, o.d1, login("mia2@evil.example"))
		token := o.link(t, "mia2@evil.example")
		_, err := o.az.AddContact(ctx, authz.By(o.olga), o.d2, authz.NewContact{User: jan,
			Addresses: []authz.ContactAddress{{Email: "secret@jan.example", Login: true, Notify: true}}})
		require.NoError(t, err)
		_, err = o.az.Accept(ctx, token, authz.Acceptance{})
		requireIs(t, err, authz.ErrExpired, "the inviter may not invite there")
		waiting, err := o.az.Invitations(ctx, o.by, o.d1, model.InvitationID{}, 10)
		require.NoError(t, err)
		require.Equal(t, authz.InviterLimited, waiting[0].Renewal)
		require.Equal(t, []string{"secret@jan.example"}, o.recipients(t, o.d2, taxdome.TopicDocuments))
		require.Equal(t, jan, o.accept(t, "secret@jan.example", model.UserID{}), "hers is good")
		o.enters(t, jan, o.d2, true)

		// Two managers and one mailbox: either link makes the account.
		kim := o.add(t, o.d1, login("kim@home.example"))
		_, err = o.az.AddContact(ctx, authz.By(o.olga), o.d2, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{login("Kim@home.example")}})
		require.NoError(t, err)
		require.Equal(t, kim, o.accept(t, "kim@home.example", model.UserID{}))
		require.Equal(t, kim, o.accept(t, "kim@home.example", kim))
		o.enters(t, kim, o.d1, true)
		o.enters(t, kim, o.d2, true)
	})
}

// Attempted by the administrator of one dossier.
func TestNoClientBecomesAContactOfElsewhere(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}})
	require.NoError(t, err)
	_, err = o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{login("kim@secret.example")}})
	require.NoError(t, err)
	evil := func() error {
		_, err := o.az.AddContact(ctx, authz.By(o.carl), o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{{Email: "carl2@evil.example"}}})
		return err
	}
	requireIs(t, evil(), authz.ErrDenied, "he may not invite to the other dossier")
	require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d2, kim))
	require.NoError(t, evil(), "the control")
}
