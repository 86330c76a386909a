package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// TAX-01, TAX-02, TAX-04: an account lists all addresses of its contacts, each
// with three switches, set per account and address.
func TestTAX04Contacts(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{
			FirstName: "Jan", LastName: "Smit", Salutation: "Mr", Phone: "06 12345678", Country: "NL", Locale: "nl",
			Addresses: []authz.ContactAddress{
				{Email: "Jan@Work.example", Label: "work", Login: true, Notify: true},
				{Email: "jan@home.example", Label: "sailing", Sync: true},
			},
		})
		require.NoError(t, err)
		_, err = o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: "jan@work.example", Sync: true}}})
		require.NoError(t, err)
		o.passed += time.Hour
		_, err = o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: "jan@new.example"}}})
		require.NoError(t, err)

		want := authz.Contact{User: jan, FirstName: "Jan", LastName: "Smit", Salutation: "Mr", Phone: "+31612345678", Member: authz.Invited,
			Addresses: []authz.ContactAddress{
				{Email: "jan@home.example", Label: "sailing", Sync: true, State: authz.NotInvited},
				{Email: "Jan@Work.example", Label: "work", Login: true, Notify: true, State: authz.LoginInvited},
				{Email: "jan@new.example", State: authz.NotInvited},
			}}
		require.Equal(t, []authz.Contact{want}, o.contacts(t, o.d1))
		want.Addresses = []authz.ContactAddress{{Email: "jan@work.example", Sync: true, State: authz.NotInvited}}
		require.Equal(t, []authz.Contact{want}, o.contacts(t, o.d2))

		// Another person on the same account, with settings of their own.
		els := o.add(t, o.d1, authz.ContactAddress{Email: "els@home.example", Notify: true})
		require.Len(t, o.contacts(t, o.d1), 2)
		o.set(t, o.d1, jan, "JAN@home.example", authz.Notify, true)
		o.set(t, o.d1, els, "els@home.example", authz.Notify, false)
		o.set(t, o.d1, els, "els@home.example", authz.Sync, true)
		for _, c := range o.contacts(t, o.d1) {
			if c.User == els {
				require.Equal(t, []authz.ContactAddress{{Email: "els@home.example", Sync: true, State: authz.NotInvited}}, c.Addresses)
			} else {
				require.True(t, c.Addresses[0].Notify)
			}
		}

		// A person with addresses that nobody has shown to be theirs.
		p, err := o.az.Person(ctx, system, jan)
		require.NoError(t, err)
		require.Len(t, p.Addresses, 3)
		for _, a := range p.Addresses {
			require.True(t, a.Verified.IsZero())
		}
		o.enters(t, jan, o.d1, false)
		require.ErrorIs(t, o.az.Require(ctx, jan, home(o.firm), taxdome.EditSelf), authz.ErrDenied)
	})
}

// TAX-03: who adds people to an account.
func TestTAX03WhoAddsContacts(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	client := o.add(t, o.d1, login("client@home.example"))
	o.accept(t, "client@home.example", model.UserID{})
	n := authz.NewContact{FirstName: "A", LastName: "B", Addresses: []authz.ContactAddress{login("a@b.example")}}
	for u, want := range map[model.UserID]error{
		o.olga: nil, o.adam: nil, o.mia: nil, o.wes: authz.ErrDenied, client: authz.ErrDenied, o.una: authz.ErrNotFound,
	} {
		id, err := o.az.AddContact(t.Context(), authz.By(u), o.d1, n)
		require.ErrorIs(t, err, want, u)
		if want == nil {
			require.NoError(t, o.az.RemoveContact(t.Context(), o.by, o.d1, id))
		}
	}
	require.NoError(t, o.az.Unassign(t.Context(), system, o.d1, authz.Supporting(o.mia)))
	_, err := o.az.AddContact(t.Context(), o.by, o.d1, n)
	require.ErrorIs(t, err, authz.ErrNotFound, "manages the accounts she is assigned to")
}

// TAX-05: login on sends an invitation; the access comes with the acceptance.
func TestTAX05Login(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "jan@home.example"}, authz.ContactAddress{Email: "jan@work.example"})
		els := o.add(t, o.d1, authz.ContactAddress{Email: "els@home.example"})
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "jan@home.example"))
		o.dead(t, "jan@home.example")

		o.set(t, o.d1, jan, "jan@home.example", authz.Login, true)
		o.set(t, o.d1, els, "els@home.example", authz.Login, true)
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "jan@home.example"))
		o.enters(t, jan, o.d1, false)
		before, err := o.az.Revision(t.Context(), o.firm)
		require.NoError(t, err)
		o.set(t, o.d1, jan, "jan@home.example", authz.Login, true)
		after, err := o.az.Revision(t.Context(), o.firm)
		require.NoError(t, err)
		require.Equal(t, before, after, "invited already")

		o.accept(t, "jan@home.example", model.UserID{})
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d1, "jan@home.example"))
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "jan@work.example"))
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "els@home.example"))
		o.enters(t, jan, o.d1, true)
		o.enters(t, jan, o.d2, false)
		o.enters(t, els, o.d1, false)
		found, err := o.az.PersonByAddress(t.Context(), "Jan@HOME.example")
		require.NoError(t, err)
		require.Equal(t, jan, found.ID)
		for _, nobodys := range []string{"jan@work.example", "els@home.example", "none@home.example"} {
			_, err = o.az.PersonByAddress(t.Context(), nobodys)
			require.ErrorIs(t, err, authz.ErrNotFound)
		}

		// An invitation that came to nothing can be made again.
		o.passed += 30 * 24 * time.Hour
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "els@home.example"))
		o.dead(t, "els@home.example")
		o.set(t, o.d1, els, "els@home.example", authz.Login, true)
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "els@home.example"))
		o.accept(t, "els@home.example", model.UserID{})
		o.enters(t, els, o.d1, true)
	})
}

// TAX-06: another address before the link is used kills that link.
func TestTAX06ChangeAddress(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "jna@home.example", Label: "home", Login: true, Notify: true})
		o.prefer(t, o.d1, jan, "jna@home.example", taxdome.TopicChats)
		sent := o.link(t, "jna@home.example")
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, jan, "jna@home.example", "Jan@home.example"))
		o.dead(t, "jna@home.example", sent)
		require.Equal(t, []authz.ContactAddress{{Email: "Jan@home.example", Label: "home", Login: true, Notify: true, State: authz.LoginInvited}},
			o.contacts(t, o.d1)[0].Addresses)
		require.Equal(t, []string{"jan@home.example"}, o.preferences(t, jan))
		p, err := o.az.Person(ctx, system, jan)
		require.NoError(t, err)
		require.Equal(t, []authz.Address{{Email: "Jan@home.example", Label: "home"}}, p.Addresses)
		o.accept(t, "jan@home.example", model.UserID{})
		o.enters(t, jan, o.d1, true)
		require.ErrorIs(t, o.az.ChangeAddress(ctx, o.by, o.d1, jan, "jan@home.example", "x@home.example"), authz.ErrConflict)

		// Without a login there is nobody to invite.
		els := o.add(t, o.d1, authz.ContactAddress{Email: "esl@home.example"})
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, els, "esl@home.example", "els@home.example"))
		o.dead(t, "els@home.example")
		require.ErrorIs(t, o.az.ChangeAddress(ctx, o.by, o.d1, els, "els@home.example", "jan@home.example"), authz.ErrConflict, "another's")
	})
}

// TAX-08: synchronised with a login or without.
func TestTAX08Sync(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	jan := o.add(t, o.d1, authz.ContactAddress{Email: "Jan@home.example", Sync: true}, authz.ContactAddress{Email: "a@home.example", Sync: true, Login: true})
	gone := o.add(t, o.d1, authz.ContactAddress{Email: "b@home.example", Sync: true, Login: true})
	o.add(t, o.d1, authz.ContactAddress{Email: "c@home.example", Notify: true})
	o.accept(t, "b@home.example", model.UserID{})
	synced := func() (emails []string) {
		all, err := o.az.Synced(t.Context(), o.d1)
		require.NoError(t, err)
		for _, a := range all {
			emails = append(emails, a.Email)
		}
		return emails
	}
	require.Equal(t, []string{"a@home.example", "b@home.example", "Jan@home.example"}, synced())
	require.NoError(t, o.az.DeactivateMember(t.Context(), system, o.firm, gone))
	o.set(t, o.d1, jan, "a@home.example", authz.Sync, false)
	require.Equal(t, []string{"Jan@home.example"}, synced())
	none, err := o.az.Synced(t.Context(), o.d2)
	require.NoError(t, err)
	require.Empty(t, none)
	require.NoError(t, o.az.CloseDossier(t.Context(), system, o.d1))
	require.Empty(t, synced())
	_, err = o.az.Synced(t.Context(), dossier(o.firm, "d-none"))
	require.ErrorIs(t, err, authz.ErrNotFound)
}

// TAX-11: login off takes the access to that account away, and nothing else.
func TestTAX11LoginOff(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "jan@home.example", Login: true, Notify: true, Sync: true}, login("jan@work.example"))
		_, err := o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{login("jan@home.example")}})
		require.NoError(t, err)
		o.accept(t, "jan@home.example", model.UserID{})
		o.accept(t, "jan@home.example", jan) // to the other account
		o.enters(t, jan, o.d1, true)

		// The other address is invited, not accepted: that keeps no access.
		require.ErrorIs(t, o.az.SetSwitch(ctx, authz.By(o.wes), o.d1, jan, "jan@home.example", authz.Login, false), authz.ErrDenied)
		o.set(t, o.d1, jan, "jan@home.example", authz.Login, false)
		o.enters(t, jan, o.d1, false)
		o.enters(t, jan, o.d2, true)
		require.Equal(t, authz.ContactAddress{Email: "jan@home.example", Notify: true, Sync: true, State: authz.NotInvited}, o.contacts(t, o.d1)[0].Addresses[0])
		require.Equal(t, authz.Active, o.contacts(t, o.d1)[0].Member)

		// On again with both accepted: one off leaves the other, both off do not.
		o.set(t, o.d1, jan, "jan@home.example", authz.Login, true)
		require.Equal(t, authz.LoginInvited, o.state(t, o.d1, "jan@home.example"), "to be accepted again")
		o.accept(t, "jan@home.example", jan)
		o.accept(t, "jan@work.example", jan)
		o.set(t, o.d1, jan, "jan@home.example", authz.Login, false)
		o.enters(t, jan, o.d1, true)
		o.set(t, o.d1, jan, "jan@work.example", authz.Login, false)
		o.enters(t, jan, o.d1, false)
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d2, "jan@home.example"))

		// Off before the link is used kills it.
		els := o.add(t, o.d1, login("els@home.example"))
		sent := o.link(t, "els@home.example")
		o.set(t, o.d1, els, "els@home.example", authz.Login, false)
		o.dead(t, "els@home.example", sent)
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "els@home.example"))

		// A deactivated member does not get it back with the rest.
		require.NoError(t, o.az.DeactivateMember(ctx, system, o.firm, jan))
		o.set(t, o.d2, jan, "jan@home.example", authz.Login, false)
		require.ErrorIs(t, o.az.SetSwitch(ctx, o.by, o.d2, jan, "jan@home.example", authz.Login, true), authz.ErrConflict)
		require.NoError(t, o.az.ReactivateMember(ctx, system, o.firm, jan))
		o.enters(t, jan, o.d2, false)
	})
}
