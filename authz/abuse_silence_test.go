package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

const copyOf = "copy@firm.example"

// silencing are the ways to keep messages about a domain from a contact of it.
var silencing = map[string]func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error{
	"notify off": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		return o.az.SetSwitch(t.Context(), by, in, u, copyOf, authz.Notify, false)
	},
	"not wanted": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		return o.az.SetPreference(t.Context(), by, authz.Preference{Domain: in, User: u, Email: copyOf, Topic: taxdome.TopicDocuments})
	},
	"the address gone": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		return o.az.RemoveContactAddress(t.Context(), by, in, u, copyOf)
	},
	"the contact gone": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		return o.az.RemoveContact(t.Context(), by, in, u)
	},
	"off the dossier": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		return o.az.RemoveMember(t.Context(), by, in, u)
	},
	"on it first, and off": func(t *testing.T, o *practice, by authz.Actor, in model.Domain, u model.UserID) error {
		require.NoError(t, o.az.AddMember(t.Context(), by, in, authz.NewMember{User: u, Profiles: []model.Profile{taxdome.Client}}))
		return o.az.RemoveMember(t.Context(), by, in, u)
	},
}

// listens makes u a contact with an address that gets messages.
func (o *practice) listens(t *testing.T, in model.Domain, u model.UserID) {
	t.Helper()
	_, err := o.az.AddContact(t.Context(), system, in, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: copyOf, Notify: true}}})
	require.NoError(t, err)
}

// Attempted by who may invite on a dossier: that the owner gets no messages about it
// any more.
func TestNobodySilencesSomebodyStronger(t *testing.T) {
	t.Parallel()
	for way, do := range silencing {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			o := newPractice(t, memory(t))
			o.listens(t, o.d1, o.olga)
			for _, by := range []model.UserID{o.mia, o.adam} {
				requireIs(t, do(t, o, authz.By(by), o.d1, o.olga), authz.ErrDenied, by.String())
				require.Equal(t, []string{copyOf}, o.recipients(t, o.d1, taxdome.TopicDocuments))
				if err := o.az.Withdraw(t.Context(), system, model.UserSubject(o.olga), taxdome.Client, o.d1); err != nil {
					require.ErrorIs(t, err, authz.ErrNotFound)
				}
			}
			require.NoError(t, o.az.Grant(t.Context(), system, authz.Grant{Subject: model.UserSubject(o.adam), Profile: taxdome.Owner, Domain: home(o.firm)}))
			require.NoError(t, do(t, o, authz.By(o.adam), o.d1, o.olga), "the control: another owner")
			require.Empty(t, o.recipients(t, o.d1, taxdome.TopicDocuments))
		})
	}
}

// Who is no stronger is in the hands of who invites there, and who leaves in those
// of who may remove them; people see to themselves.
func TestWhoMaySilence(t *testing.T) {
	t.Parallel()
	for way, do := range silencing {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			o, ctx := newPractice(t, memory(t)), t.Context()
			client := o.add(t, o.d2, login("jan@home.example"))
			o.accept(t, "jan@home.example", model.UserID{})
			o.listens(t, o.d1, client)
			require.NoError(t, do(t, o, o.by, o.d1, client), "a client")

			o.listens(t, o.d2, o.wes)
			require.NoError(t, o.az.DeactivateMember(ctx, authz.By(o.adam), o.firm, o.wes))
			if way != "on it first, and off" && way != "not wanted" {
				requireIs(t, do(t, o, o.by, o.d2, o.wes), authz.ErrDenied, "an employee, whom an admin may remove")
				require.NoError(t, do(t, o, authz.By(o.adam), o.d2, o.wes))
			}
			require.NoError(t, o.az.RemoveMember(ctx, authz.By(o.adam), home(o.firm), o.wes))
		})
	}
	o, ctx := newPractice(t, memory(t)), t.Context()
	for _, u := range []model.UserID{o.mia, o.olga} {
		o.listens(t, o.d1, u)
		require.NoError(t, silencing["not wanted"](t, o, authz.By(u), o.d1, u))
		require.NoError(t, silencing["notify off"](t, o, authz.By(u), o.d1, u))
		require.NoError(t, silencing["the contact gone"](t, o, authz.By(u), o.d1, u))
	}

	// A contact of the tenant gets messages about every dossier, those of others too.
	o.listens(t, home(o.firm), o.wes)
	require.NoError(t, o.az.SetPrivate(ctx, system, o.d1, true))
	require.NoError(t, silencing["notify off"](t, o, authz.By(o.adam), home(o.firm), o.wes), "whom an admin may remove")
	require.NoError(t, silencing["the contact gone"](t, o, authz.By(o.adam), home(o.firm), o.wes))
	o.listens(t, home(o.firm), o.olga)
	requireIs(t, silencing["notify off"](t, o, authz.By(o.adam), home(o.firm), o.olga), authz.ErrDenied, "an owner")
	requireIs(t, silencing["the contact gone"](t, o, authz.By(o.adam), home(o.firm), o.olga), authz.ErrDenied, "an owner")
}
