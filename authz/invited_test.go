package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// What can be done with an invited member: kept is a person that the firm keeps,
// real is an account that the system has linked.
func TestInvitedMembers(t *testing.T) {
	t.Parallel()
	type to struct {
		kept, real error             // what comes of it
		then       authz.MemberState // of kept; "": gone
	}
	for name, c := range map[string]struct {
		do func(o *practice, az *authz.Authz, u model.UserID) error
		to
	}{
		"deactivate": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.DeactivateMember(t.Context(), authz.By(o.adam), o.firm, u)
		}, to{authz.ErrConflict, authz.ErrConflict, authz.Invited}},
		"reactivate": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.ReactivateMember(t.Context(), authz.By(o.adam), o.firm, u)
		}, to{authz.ErrConflict, authz.ErrConflict, authz.Invited}},
		"reactivate, by the system": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.ReactivateMember(t.Context(), system, o.firm, u)
		}, to{authz.ErrConflict, authz.ErrConflict, authz.Invited}},
		"remove from the tenant": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.RemoveMember(t.Context(), authz.By(o.adam), home(o.firm), u)
		}, to{nil, nil, ""}},
		"remove from the account": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.RemoveMember(t.Context(), o.by, o.d1, u)
		}, to{nil, nil, ""}},
		"remove from another account": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.RemoveMember(t.Context(), o.by, o.d2, u)
		}, to{authz.ErrNotFound, authz.ErrNotFound, authz.Invited}},
		"add": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.AddMember(t.Context(), o.by, o.d1, authz.NewMember{User: u})
		}, to{nil, authz.ErrConflict, authz.Active}},
		"add, by the system": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.AddMember(t.Context(), system, o.d1, authz.NewMember{User: u})
		}, to{nil, nil, authz.Active}},
		"grant": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.Grant(t.Context(), o.by, authz.Grant{Subject: model.UserSubject(u), Profile: taxdome.Client, Domain: o.d1})
		}, to{authz.ErrConflict, authz.ErrConflict, authz.Invited}},
		"assign": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.Assign(t.Context(), authz.By(o.adam), o.d1, authz.Manager(u))
		}, to{authz.ErrConflict, authz.ErrConflict, authz.Invited}},
		"close and reopen": {func(o *practice, az *authz.Authz, u model.UserID) error {
			require.NoError(t, az.CloseTenant(t.Context(), system, o.firm))
			return az.ReopenTenant(t.Context(), system, o.firm)
		}, to{nil, nil, authz.Invited}},
		"mark as external": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.SetExternal(t.Context(), authz.By(o.adam), o.firm, u, true)
		}, to{nil, nil, authz.Invited}},
		"act": {func(o *practice, az *authz.Authz, u model.UserID) error {
			_, err := az.Contacts(t.Context(), authz.By(u), o.d1)
			return err
		}, to{authz.ErrNotFound, authz.ErrNotFound, authz.Invited}},
		"change something": {func(o *practice, az *authz.Authz, u model.UserID) error {
			return az.RenameDossier(t.Context(), authz.By(u), o.d1, "Mine")
		}, to{authz.ErrNotFound, authz.ErrNotFound, authz.Invited}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, account := range []bool{false, true} {
				o := newPractice(t, memory(t))
				n := authz.NewContact{User: o.una, Addresses: []authz.ContactAddress{login("una@home.example")}}
				want := c.real
				if !account {
					n.User, n.FirstName, n.LastName, want = model.UserID{}, "Una", "Smit", c.kept
				}
				u, err := o.az.AddContact(t.Context(), system, o.d1, n)
				require.NoError(t, err)
				require.ErrorIs(t, c.do(o, o.az, u), want, "account: %v", account)
				scene{db: o.db, az: o.az}.requireAgreement(t)

				state := authz.MemberState("")
				members, err := o.az.Members(t.Context(), system, home(o.firm))
				require.NoError(t, err)
				for _, m := range members {
					if m.User == u {
						state = m.State
					}
				}
				if account && want != nil {
					require.Equal(t, authz.Invited, state)
				} else {
					require.Equal(t, c.then, state)
				}
				require.Equal(t, account || state != "", o.knows(t, u), "an account outlives its membership")
				if state == "" {
					o.dead(t, "una@home.example")
				}
				o.enters(t, u, o.d1, state == authz.Active)
			}
		})
	}
}

// Attempted: to inherit what somebody had who was removed, by the same address
// or the same id.
func TestA16ContactMadeAgain(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		full := authz.ContactAddress{Email: "jan@home.example", Login: true, Notify: true, Sync: true}
		plain := authz.ContactAddress{Email: "jan@home.example", State: authz.NotInvited}
		for name, remove := range map[string]func(u model.UserID) error{
			"contact": func(u model.UserID) error { return o.az.RemoveContact(ctx, o.by, o.d1, u) },
			"address": func(u model.UserID) error { return o.az.RemoveContactAddress(ctx, o.by, o.d1, u, "jan@home.example") },
			"account": func(u model.UserID) error { return o.az.RemoveMember(ctx, o.by, o.d1, u) },
			"tenant":  func(u model.UserID) error { return o.az.RemoveMember(ctx, authz.By(o.adam), home(o.firm), u) },
		} {
			for _, accepted := range []bool{false, true} {
				jan := o.add(t, o.d1, full)
				o.prefer(t, o.d1, jan, "jan@home.example", taxdome.TopicChats)
				if accepted {
					o.accept(t, "jan@home.example", model.UserID{})
					o.enters(t, jan, o.d1, true)
				}
				var sent []string
				if !accepted {
					sent = append(sent, o.link(t, "jan@home.example"))
				}
				require.NoError(t, remove(jan), name)
				o.enters(t, jan, o.d1, false)
				o.dead(t, "jan@home.example", sent...)

				again := o.add(t, o.d1, authz.ContactAddress{Email: "jan@home.example"})
				require.NotEqual(t, jan, again)
				require.Equal(t, []authz.ContactAddress{plain}, o.contacts(t, o.d1)[0].Addresses, name)
				require.Empty(t, o.preferences(t, again), name)
				o.enters(t, again, o.d1, false)
				o.dead(t, "jan@home.example")
				require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, again))

				if !accepted {
					_, err := o.az.AddPerson(ctx, system, authz.Person{ID: jan, FirstName: "J", LastName: "S"})
					require.ErrorIs(t, err, authz.ErrConflict, "the same id")
					continue
				}
				// The same account again, as a contact of the same account.
				_, err := o.az.AddContact(ctx, system, o.d1, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: "jan@home.example"}}})
				require.NoError(t, err)
				require.Equal(t, []authz.ContactAddress{plain}, o.contacts(t, o.d1)[0].Addresses, name)
				require.Empty(t, o.preferences(t, jan), name)
				o.enters(t, jan, o.d1, false)
				require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, jan))
				require.NoError(t, o.db.Exec("DELETE FROM volmacht_addresses WHERE person = ?", jan).Error)
			}
		}
	})
}

// Attempted: to find out by adding a contact whether somebody has an account
// with that address, here or with another firm.
func TestA9ContactTellsNothing(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	ctx := t.Context()
	require.NoError(t, o.az.AddAddress(ctx, system, o.una, "claimed@home.example"))
	seen := func(email string) (all []any) {
		u := o.add(t, o.d1, authz.ContactAddress{Email: email, Notify: true})
		look := func() {
			c := o.contacts(t, o.d1)
			require.Len(t, c, 1)
			c[0].User, c[0].Addresses[0].Email = model.UserID{}, ""
			members, err := o.az.Members(ctx, authz.By(o.adam), home(o.firm))
			require.NoError(t, err)
			all = append(all, c[0], len(members))
		}
		look()
		o.set(t, o.d1, u, email, authz.Login, true)
		look()
		all = append(all, o.az.ChangeAddress(ctx, o.by, o.d1, u, email, "x-"+email))
		all = append(all, o.az.ChangeAddress(ctx, o.by, o.d1, u, "x-"+email, email))
		look()
		o.set(t, o.d1, u, email, authz.Login, false)
		look()
		all = append(all, o.az.RemoveContact(ctx, o.by, o.d1, u))
		return all
	}
	nobody := seen("nobody@home.example")
	require.Equal(t, nobody, seen("una@home.example"), "an account elsewhere")
	require.Equal(t, nobody, seen("claimed@home.example"), "claimed, not verified")
	require.Equal(t, nobody, seen("u-wes@firm.example"), "an account here")
	p, err := o.az.Person(ctx, system, o.una)
	require.NoError(t, err)
	require.Len(t, p.Addresses, 2)
	require.Equal(t, "First", p.FirstName)

	// Attempted: to reach by id a person of another firm, or one it keeps.
	theirs, err := o.az.AddContact(ctx, system, o.dOther, authz.NewContact{FirstName: "F", LastName: "L", Addresses: []authz.ContactAddress{login("x@home.example")}})
	require.NoError(t, err)
	free := parsedUser("u-free")
	o.person(t, free, "free@home.example")
	for name, u := range map[string]model.UserID{"account": o.una, "kept": theirs, "member of nothing": free, "nobody": parsedUser("u-nobody")} {
		_, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{login("y@home.example")}})
		requireIs(t, err, authz.ErrNotFound, name)
		if u == theirs {
			requireIs(t, o.az.AddMember(ctx, o.by, o.d1, authz.NewMember{User: u}), authz.ErrNotFound, name)
			_, err = o.az.AddContact(ctx, system, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{login("y@home.example")}})
			requireIs(t, err, authz.ErrNotFound, "even for the system")
			requireIs(t, o.az.AddMember(ctx, system, o.d1, authz.NewMember{User: u}), authz.ErrNotFound, "even for the system")
		}
	}
}

// The ledger tells who and where, and not at which address.
func TestLedgerOfContactsHasNoAddresses(t *testing.T) {
	t.Parallel()
	o := newPractice(t, memory(t))
	ctx := t.Context()
	jan := o.add(t, o.d1, login("jan@home.example"), authz.ContactAddress{Email: "other@home.example", Label: "secret"})
	o.accept(t, "jan@home.example", model.UserID{})
	require.NoError(t, o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@home.example", "new@home.example"))
	require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, jan, "new@home.example", "newer@home.example"))
	o.set(t, o.d1, jan, "other@home.example", authz.Sync, true)
	require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, jan, "other@home.example"))
	require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, jan))
	entries, err := o.az.Ledger(ctx, system, o.firm, 0, 1000)
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, e := range entries {
		seen[e.Action] = true
		for _, text := range e.Detail {
			require.NotContains(t, text, "@", e.Action)
			for _, word := range []string{"home.example", "Jan", "Smit", "secret"} {
				require.NotContains(t, text, word, e.Action)
			}
		}
		if e.Action == "set switch" {
			require.Equal(t, map[string]string{"domain": o.d1.String(), "user": jan.String(), "switch": "sync", "on": "true"}, e.Detail)
		}
	}
	for _, action := range []string{"add contact", "set switch", "move address", "change address", "remove contact", "remove contact address"} {
		require.True(t, seen[action], action)
	}
}
