package authz_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// TAX-12: the old address keeps working until the new one is accepted.
func TestTAX12MoveAddress(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "jan@old.example", Label: "work", Login: true, Notify: true})
		require.ErrorIs(t, o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@old.example", "jan@new.example"), authz.ErrConflict, "change it instead")
		o.accept(t, "jan@old.example", model.UserID{})
		was := func(old, next authz.LoginState) {
			t.Helper()
			o.enters(t, jan, o.d1, true)
			require.Equal(t, old, o.state(t, o.d1, "jan@old.example"))
			require.Equal(t, next, o.state(t, o.d1, "jan@new.example"))
		}
		move := func(to string) error { return o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@old.example", to) }

		require.NoError(t, move("jan@new.example"))
		was(authz.LoginAccepted, authz.LoginInvited)
		require.Equal(t, authz.ContactAddress{Email: "jan@new.example", Label: "work", Login: true, Notify: true, State: authz.LoginInvited},
			o.contacts(t, o.d1)[0].Addresses[0])
		require.ErrorIs(t, move("JAN@old.example"), authz.ErrConflict, "to itself")

		// Declined, expired, or switched off: the old one stays.
		require.NoError(t, o.az.Decline(ctx, o.link(t, "jan@new.example")))
		was(authz.LoginAccepted, authz.NotInvited)
		require.NoError(t, move("jan@new.example"))
		was(authz.LoginAccepted, authz.LoginInvited)
		o.passed += 30 * 24 * time.Hour
		was(authz.LoginAccepted, authz.NotInvited)
		require.NoError(t, move("jan@new.example"))
		sent := o.link(t, "jan@new.example")
		o.set(t, o.d1, jan, "jan@new.example", authz.Login, false)
		was(authz.LoginAccepted, authz.NotInvited)
		o.dead(t, "jan@new.example", sent)

		// Moved again, to an address that is mistyped and corrected on the way.
		require.NoError(t, move("nja@later.example"))
		sent = o.link(t, "nja@later.example")
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, jan, "nja@later.example", "jan@later.example"))
		o.dead(t, "nja@later.example", sent)
		was(authz.LoginAccepted, authz.NotInvited)
		o.accept(t, "jan@later.example", jan)
		was(authz.NotInvited, authz.NotInvited)
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d1, "jan@later.example"))
		for _, a := range o.contacts(t, o.d1)[0].Addresses {
			require.Equal(t, a.Email == "jan@later.example", a.Login, a.Email)
			require.True(t, a.Notify, a.Email)
		}

		// The old one goes, and takes nothing with it.
		require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, jan, "jan@old.example"))
		o.enters(t, jan, o.d1, true)
		o.set(t, o.d1, jan, "jan@later.example", authz.Login, false)
		o.enters(t, jan, o.d1, false)
	})
}

// TAX-12, to its end: the new address signs in, and the old one does not any more.
// Whoever has an account must be signed in and say that the address is theirs.
func TestTAX12NewAddressSignsIn(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		signsIn := func(email string, want model.UserID) {
			t.Helper()
			p, err := o.az.PersonByAddress(ctx, email)
			if want.IsZero() {
				requireIs(t, err, authz.ErrNotFound, email)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want, p.ID)
		}
		var nobody model.UserID

		// An account. Mia typed the new address, and may have the link.
		jan := o.add(t, o.d1, login("jan@old.example"))
		o.accept(t, "jan@old.example", nobody)
		require.NoError(t, o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@old.example", "jan@new.example"))
		token := o.link(t, "jan@new.example")
		for _, as := range []model.UserID{nobody, o.mia, o.una} {
			_, err := o.az.Accept(ctx, token, authz.Acceptance{SignedIn: as, OwnAddress: true})
			requireIs(t, err, authz.ErrDenied, "not as jan")
		}
		signsIn("jan@new.example", nobody)
		_, err := o.az.Accept(ctx, token, authz.Acceptance{SignedIn: jan, OwnAddress: true})
		require.NoError(t, err)
		require.Equal(t, authz.NotInvited, o.state(t, o.d1, "jan@old.example"))
		require.Equal(t, authz.LoginAccepted, o.state(t, o.d1, "jan@new.example"))
		signsIn("jan@new.example", jan)
		signsIn("jan@old.example", jan)
		require.NoError(t, o.az.RemoveAddress(ctx, system, jan, "jan@old.example"))
		signsIn("jan@old.example", nobody)
		o.enters(t, jan, o.d1, true)
		require.NoError(t, o.az.VerifyPersonLedger(ctx, jan))

		// Lured: jan accepts, and does not say that it is his address.
		require.NoError(t, o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@new.example", "jan@evil.example"))
		o.accept(t, "jan@evil.example", jan)
		signsIn("jan@evil.example", nobody)
		signsIn("jan@new.example", jan)

		// Another's address, by now.
		require.NoError(t, o.az.MoveAddress(ctx, o.by, o.d1, jan, "jan@evil.example", "una@later.example"))
		token = o.link(t, "una@later.example")
		require.NoError(t, o.az.AddAddress(ctx, system, o.una, "una@later.example"))
		require.NoError(t, o.az.VerifyAddress(ctx, system, o.una, "una@later.example"))
		_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: jan, OwnAddress: true})
		requireIs(t, err, authz.ErrExpired, "another's")
		signsIn("una@later.example", o.una)

		// A person that the firm keeps has accepted nothing: it is a correction, and
		// the account comes with the address that was accepted.
		els := o.add(t, o.d1, login("els@old.example"))
		sent := o.link(t, "els@old.example")
		requireIs(t, o.az.MoveAddress(ctx, o.by, o.d1, els, "els@old.example", "els@new.example"), authz.ErrConflict, "change it")
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, els, "els@old.example", "els@new.example"))
		o.dead(t, "els@old.example", sent)
		o.accept(t, "els@new.example", nobody)
		signsIn("els@new.example", els)
		signsIn("els@old.example", nobody)
		o.enters(t, els, o.d1, true)
	})
}

// A contact who is removed takes along all that made it one, and a person that
// only this tenant knew is gone.
func TestRemoveContact(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, login("jan@home.example"), authz.ContactAddress{Email: "jan@work.example", Notify: true})
		o.prefer(t, o.d1, jan, "jan@work.example", taxdome.TopicChats)
		_, err := o.az.AddContact(ctx, o.by, o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: "jan@work.example", Notify: true}}})
		require.NoError(t, err)

		require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, jan, "jan@home.example"))
		o.dead(t, "jan@home.example")
		p, err := o.az.Person(ctx, system, jan)
		require.NoError(t, err)
		require.Equal(t, []authz.Address{{Email: "jan@work.example"}}, p.Addresses)
		require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, jan))
		require.Empty(t, o.contacts(t, o.d1))
		require.Empty(t, o.preferences(t, jan))
		require.Len(t, o.contacts(t, o.d2), 1)
		require.ErrorIs(t, o.az.RemoveContact(ctx, o.by, o.d1, jan), authz.ErrNotFound)

		require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d2, jan))
		require.False(t, o.knows(t, jan))
		require.Empty(t, o.mentions(t, jan))

		// Invited by address alone, and removed before the link is used.
		for _, in := range []model.Domain{o.d1, home(o.firm)} {
			u := o.add(t, o.d1, authz.ContactAddress{Email: "quiet@home.example"})
			_, err := o.az.Invite(ctx, o.by, o.firm, authz.NewInvitation{FirstName: "Q", LastName: "T", Email: "quiet@home.example",
				Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: taxdome.Client}}})
			require.NoError(t, err)
			sent := o.link(t, "quiet@home.example")
			require.NoError(t, o.az.RemoveMember(ctx, authz.By(o.adam), in, u))
			o.dead(t, "quiet@home.example", sent)
		}

		// Who has accepted stays a member, without access.
		els := o.add(t, o.d1, login("els@home.example"))
		o.accept(t, "els@home.example", model.UserID{})
		o.enters(t, els, o.d1, true)
		require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, els))
		o.enters(t, els, o.d1, false)
		require.True(t, o.knows(t, els))
	})
}

// The last holder of a required profile keeps it, and so its login.
func TestLoginOffKeepsRequired(t *testing.T) {
	t.Parallel()
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile:  {Data: []byte(engine.Standard)},
		model.PolicyFile: {Data: []byte("p, boss, any, tenant, *, *, allow\n")},
		model.CatalogFile: {Data: []byte("pack, gate, , 1, L, L, L\nprofile, boss, tenant, required login, L, L, L\n" +
			"permission, member invite, tenant, , L, L, L\npermission, member view, tenant, , L, L, L\n")},
	}, "gate")
	require.NoError(t, err)
	az, _ := authztest.Open(t, pack)
	ctx := t.Context()
	_, err = az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
	require.NoError(t, err)
	var bosses []model.UserID
	for _, email := range []string{"a@acme.example", "b@acme.example"} {
		u, err := az.AddContact(ctx, system, home(tAcme), authz.NewContact{FirstName: "F", LastName: "L", Addresses: []authz.ContactAddress{login(email)}})
		require.NoError(t, err)
		waiting, err := az.Invitations(ctx, system, home(tAcme), model.InvitationID{}, 1, authz.InvitationPending)
		require.NoError(t, err)
		token, err := authz.Token(ctx, az, waiting[0].ID)
		require.NoError(t, err)
		_, err = az.Accept(ctx, token, authz.Acceptance{})
		require.NoError(t, err)
		bosses = append(bosses, u)
	}
	first, second := authz.By(bosses[0]), authz.By(bosses[1])
	require.ErrorIs(t, az.SetSwitch(ctx, first, home(tAcme), bosses[0], "a@acme.example", authz.Login, false), authz.ErrDenied, "one's own")
	require.NoError(t, az.SetSwitch(ctx, first, home(tAcme), bosses[0], "a@acme.example", authz.Notify, true))
	require.NoError(t, az.SetSwitch(ctx, second, home(tAcme), bosses[0], "a@acme.example", authz.Login, false))
	for _, off := range []error{
		az.SetSwitch(ctx, system, home(tAcme), bosses[1], "b@acme.example", authz.Login, false),
		az.RemoveContact(ctx, system, home(tAcme), bosses[1]),
		az.RemoveContactAddress(ctx, system, home(tAcme), bosses[1], "b@acme.example"),
	} {
		requireIs(t, off, authz.ErrConflict, "the last one")
	}
	authztest.RequireAllowed(t, az, bosses[1], home(tAcme), model.InviteMember)
}
