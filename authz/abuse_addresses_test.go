package authz_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// guessed is a fixture in which cora has an address that nobody knows, verified; and
// emma, who is assigned d1 and d2, tries to find out which.
func guessed(t *testing.T, o *fixture) authz.Actor {
	t.Helper()
	require.NoError(t, o.az.SetSetting(t.Context(), authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.AddAddress(t.Context(), authz.System, o.cora, secret))
	require.NoError(t, o.az.VerifyAddress(t.Context(), authz.System, o.cora, secret))
	for _, d := range []model.Domain{o.d1, o.d2} {
		require.NoError(t, o.az.Assign(t.Context(), o.by, d, authz.Supporting(o.emma)))
	}
	return authz.By(o.emma)
}

const (
	secret = "secret@home.example"
	guess  = "guess@home.example"
)

// contact makes somebody a contact of a place, and returns who that is.
func (o *fixture) contact(t *testing.T, by authz.Actor, in model.Domain, u model.UserID, email string) model.UserID {
	t.Helper()
	n := authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: email}}}
	if u.IsZero() {
		n.FirstName, n.LastName = "Kim", "Kuyper"
	}
	u, err := o.az.AddContact(t.Context(), by, in, n)
	require.NoError(t, err)
	return u
}

// Attempted: to find out at which address somebody has an account, or is a contact
// where one does not look, by inviting guesses and seeing which go when the person is
// removed. It is no way back in either.
func TestA9RemovalTellsNoAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who    func(t *testing.T, o *fixture, by authz.Actor) model.UserID
		by     func(o *fixture) authz.Actor
		in     func(o *fixture) model.Domain
		remove func(t *testing.T, o *fixture, by authz.Actor, in model.Domain, u model.UserID) error
	}{
		"a member, off the dossier":   {isCora, byEmma, onTwo, removeMember},
		"a member, out of the tenant": {isCora, func(o *fixture) authz.Actor { return o.by }, func(o *fixture) model.Domain { return o.home }, removeMember},
		"a contact elsewhere": {func(t *testing.T, o *fixture, by authz.Actor) model.UserID {
			require.NoError(t, o.az.Unassign(t.Context(), o.by, o.d1, authz.Supporting(o.emma)))
			require.NoError(t, o.az.RemoveMember(t.Context(), authz.System, o.home, o.cora))
			require.NoError(t, o.az.RemoveAddress(t.Context(), authz.System, o.cora, secret))
			u := o.contact(t, by, o.d2, model.UserID{}, "kim@home.example")
			return o.contact(t, authz.System, o.d1, u, secret)
		}, byEmma, onTwo, removeMember},
		"a contact with an account": {isNina, byEmma, onTwo, removeContact},
		"a contact with an account, by a client": {isNina, func(o *fixture) authz.Actor { return authz.By(o.carl) },
			func(o *fixture) model.Domain { return o.d1 }, removeContact},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFixture(t, func(t *testing.T, o *fixture) {
				guessed(t, o)
				ctx, by, in := t.Context(), c.by(o), c.in(o)
				u := c.who(t, o, by)
				place, p := in, accountancy.FullFeedback
				if !in.IsDossier() {
					place = o.d2
				}
				wrong, right := o.invites(t, by, guess, place, p), o.invites(t, by, secret, place, p)
				token, err := authz.Token(ctx, o.az, right)
				require.NoError(t, err)
				require.NoError(t, c.remove(t, o, by, in, u))
				one, err := o.az.Invitation(ctx, by, place, wrong)
				require.NoError(t, err)
				other, err := o.az.Invitation(ctx, by, place, right)
				require.NoError(t, err)
				other.ID, other.Email = one.ID, one.Email
				require.Equal(t, one, other)

				if name == "a contact elsewhere" { // whoever reads that mail is not kim for sure
					return
				}
				_, err = o.az.Invited(ctx, token)
				requireIs(t, err, authz.ErrExpired, "a link that looks good")
				_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: u})
				requireIs(t, err, authz.ErrExpired, "there is no way back")
				requireIs(t, o.az.Decline(ctx, token), authz.ErrExpired, "nor to say so")
				require.NoError(t, o.az.RemoveAddress(ctx, authz.System, u, secret), "nothing waits at it")
				require.NoError(t, o.az.AddAddress(ctx, authz.System, u, secret))
				require.NoError(t, o.az.VerifyAddress(ctx, authz.System, u, secret))
				require.NoError(t, o.az.Resend(ctx, by, place, right))
				token, err = authz.Token(ctx, o.az, right)
				require.NoError(t, err)
				_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: u})
				require.NoError(t, err, "decided anew")
			})
		})
	}
}

func isCora(_ *testing.T, o *fixture, _ authz.Actor) model.UserID { return o.cora }
func byEmma(o *fixture) authz.Actor                               { return authz.By(o.emma) }
func onTwo(o *fixture) model.Domain                               { return o.d2 }

// isNina is somebody with an account, and the secret address, who is a contact of the
// dossier and no more.
func isNina(t *testing.T, o *fixture, by authz.Actor) model.UserID {
	t.Helper()
	u := id(t, model.ParseUserID, "nina")
	o.person(t, u)
	require.NoError(t, o.az.RemoveAddress(t.Context(), authz.System, o.cora, secret))
	require.NoError(t, o.az.AddAddress(t.Context(), authz.System, u, secret))
	require.NoError(t, o.az.VerifyAddress(t.Context(), authz.System, u, secret))
	in := o.d2
	if by == authz.By(o.carl) {
		in = o.d1
	}
	return o.contact(t, authz.System, in, u, "nina@work.example")
}

func removeMember(t *testing.T, o *fixture, by authz.Actor, in model.Domain, u model.UserID) error {
	return o.az.RemoveMember(t.Context(), by, in, u)
}

func removeContact(t *testing.T, o *fixture, by authz.Actor, in model.Domain, u model.UserID) error {
	return o.az.RemoveContact(t.Context(), by, in, u)
}

// Attempted by who may invite on one dossier: to end what somebody else offers on
// another, by making somebody with an account a contact and removing that.
func TestNobodyEndsAnOfferElsewhere(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx, carl := t.Context(), authz.By(o.carl)
		guessed(t, o)
		u := isNina(t, o, carl)
		token, err := authz.Token(ctx, o.az, o.invites(t, o.by, secret, o.d2, accountancy.FullFeedback))
		require.NoError(t, err)
		require.NoError(t, o.az.RemoveContact(ctx, carl, o.d1, u))
		_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: u})
		require.NoError(t, err)
	})
}

// Attempted by who may not end an invitation: to see from another's removal whose
// address it has.
func TestA9AnothersRemovalTellsNoAddress(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	emma := guessed(t, o)
	o.contact(t, o.by, o.home, o.cora, secret)
	wrong, right := o.invites(t, emma, guess, o.d2, accountancy.FullFeedback), o.invites(t, emma, secret, o.d2, accountancy.FullFeedback)
	require.NoError(t, o.az.RemoveMember(t.Context(), o.by, o.d2, o.cora))
	require.Equal(t, o.invitation(t, wrong), o.invitation(t, right))

	// The control: all who see the invitation see the contact, too.
	o.contact(t, o.by, o.d1, o.carl, "carl@work.example")
	known := o.invites(t, emma, "carl@work.example", o.d1, accountancy.FullFeedback)
	require.NoError(t, o.az.RemoveMember(t.Context(), o.by, o.d1, o.carl))
	require.Equal(t, authz.InvitationRevoked, o.invitation(t, known))
}

// What an invitation offers where the person was not removed, it still gives.
func TestMootInPart(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx, by := t.Context(), guessed(t, o)
		both, err := o.az.Invite(ctx, by, o.tenant, authz.NewInvitation{FirstName: "A", LastName: "B", Email: secret, Grants: []authz.InvitedGrant{
			{Domain: o.d1, Profile: accountancy.FullFeedback}, {Domain: o.d2, Profile: accountancy.FullFeedback}}})
		require.NoError(t, err)
		token, err := authz.Token(ctx, o.az, both.ID)
		require.NoError(t, err)
		require.NoError(t, o.az.RemoveMember(ctx, by, o.d2, o.cora))
		read, err := o.az.Invitation(ctx, o.by, o.home, both.ID)
		require.NoError(t, err)
		require.Len(t, read.Grants, 2, "for all to see, as before")
		offer, err := o.az.Invited(ctx, token)
		require.NoError(t, err)
		require.Len(t, offer.Grants, 1)
		accepted, err := o.az.Accept(ctx, token, authz.Acceptance{SignedIn: o.cora})
		require.NoError(t, err)
		require.Equal(t, []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}, accepted.Grants, "what it gave")
		require.Equal(t, []string{"full_feedback d1"}, o.holds(t, o.cora))
	})
}

// Attempted: to find out by which address a contact is known on a dossier that one does
// not see, or is invited to it, by giving the contact guesses.
func TestA9ContactsTellNoAddress(t *testing.T) {
	t.Parallel()
	contact := func(t *testing.T, o *fixture, kim model.UserID) {
		o.contact(t, authz.System, o.d2, kim, secret)
	}
	for name, c := range map[string]struct {
		hidden func(t *testing.T, o *fixture, kim model.UserID)
		try    func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID, email string) string
	}{
		"a contact": {contact, addGuess},
		"an invitation": {func(t *testing.T, o *fixture, kim model.UserID) {
			o.contact(t, authz.System, o.d1, kim, secret)
			_, err := o.az.Invite(t.Context(), authz.System, o.tenant, authz.NewInvitation{User: kim, Email: secret,
				Grants: []authz.InvitedGrant{{Domain: o.d2, Profile: accountancy.FullFeedback}}})
			require.NoError(t, err)
			require.NoError(t, o.az.RemoveContactAddress(t.Context(), authz.System, o.d1, kim, secret))
		}, addGuess},
		"a contact, by the invitation that names them": {contact, func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID, email string) string {
			inv, err := o.az.Invite(t.Context(), authz.System, o.tenant, authz.NewInvitation{User: kim, Email: "kim@home.example",
				Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullFeedback}}})
			require.NoError(t, err)
			err = o.az.Readdress(t.Context(), by, o.d1, inv.ID, email)
			require.Error(t, err)
			return strings.ReplaceAll(err.Error(), inv.ID.String(), "it")
		}},
		"a contact, by one that does not": {contact, func(t *testing.T, o *fixture, by authz.Actor, kim model.UserID, email string) string {
			inv := o.invites(t, by, "kim@home.example", o.d1, accountancy.FullFeedback)
			require.NoError(t, o.az.Readdress(t.Context(), by, o.d1, inv, email))
			found, err := o.az.Contacts(t.Context(), by, o.d1)
			require.NoError(t, err)
			return found[0].Addresses[0].Email
		}},
		"an invitation, by a decoy": {func(t *testing.T, o *fixture, _ model.UserID) {
			o.invites(t, authz.System, secret, o.d2, accountancy.FullFeedback)
		}, func(t *testing.T, o *fixture, by authz.Actor, _ model.UserID, email string) string {
			decoy := o.contact(t, by, o.d1, model.UserID{}, email)
			o.contact(t, by, o.d1, decoy, "decoy@home.example")
			require.NoError(t, o.az.ChangeAddress(t.Context(), by, o.d1, decoy, email, "other@home.example"))
			return "nothing"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := make(map[string]string)
			for _, email := range []string{guess, secret} {
				o := newFixture(t)
				by := guessed(t, o)
				require.NoError(t, o.az.SetPrivate(t.Context(), authz.System, o.d2, true))
				require.NoError(t, o.az.Unassign(t.Context(), authz.System, o.d2, authz.Supporting(o.emma)))
				kim, err := o.az.AddContact(t.Context(), authz.System, o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper",
					Addresses: []authz.ContactAddress{{Email: "kim@home.example", Login: name == "a contact, by one that does not"}}})
				require.NoError(t, err)
				require.NoError(t, o.az.RemoveAddress(t.Context(), authz.System, o.cora, secret))
				c.hidden(t, o, kim)
				answers[email] = strings.ReplaceAll(c.try(t, o, by, kim, email), kim.String(), "kim")
			}
			require.Equal(t, answers[guess], answers[secret])
		})
	}
}

func addGuess(t *testing.T, o *fixture, by authz.Actor, kim model.UserID, email string) string {
	t.Helper()
	_, err := o.az.AddContact(t.Context(), by, o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{{Email: email}}})
	requireIs(t, err, authz.ErrDenied, email)
	return err.Error()
}

// Attempted: to find out who is invited to a dossier that one does not see, by sending
// there an invitation that offers it too.
func TestA9ReaddressTellsNoOffer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *fixture, inv model.InvitationID, kim model.UserID, email string, t *testing.T) error{
		"the invitation's address": func(o *fixture, inv model.InvitationID, _ model.UserID, email string, t *testing.T) error {
			return o.az.Readdress(t.Context(), authz.By(o.carl), o.d1, inv, email)
		},
		"the contact's address": func(o *fixture, _ model.InvitationID, kim model.UserID, email string, t *testing.T) error {
			return o.az.ChangeAddress(t.Context(), authz.By(o.carl), o.d1, kim, "kim@home.example", email)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, ctx := newFixture(t), t.Context()
			guessed(t, o)
			kim := o.contact(t, authz.By(o.carl), o.d1, model.UserID{}, "kim@home.example")
			both, err := o.az.Invite(ctx, o.by, o.tenant, authz.NewInvitation{User: kim, Email: "kim@home.example", Grants: []authz.InvitedGrant{
				{Domain: o.d1, Profile: accountancy.FullFeedback}, {Domain: o.d2, Profile: accountancy.FullFeedback}}})
			require.NoError(t, err)
			require.NoError(t, o.az.SetSwitch(ctx, o.by, o.d1, kim, "kim@home.example", authz.Login, true))
			o.invites(t, o.by, "vic@new.example", o.d2, accountancy.FullFeedback)
			wrong := change(o, both.ID, kim, guess, t)
			requireIs(t, wrong, authz.ErrDenied, "he does not know d2")
			require.EqualError(t, change(o, both.ID, kim, "vic@new.example", t), wrong.Error())
		})
	}
}

// Attempted by who may invite where somebody is a member: to read at which address of
// their own they are written to. What they want there can be said without.
func TestA9PreferencesTellNoAddress(t *testing.T) {
	t.Parallel()
	o, ctx := newPractice(t, memory(t)), t.Context()
	require.NoError(t, o.az.AddMember(ctx, authz.System, o.d1, authz.NewMember{User: o.una}))
	read := func(by authz.Actor) authz.Preference {
		t.Helper()
		found, err := o.az.Preferences(ctx, by, o.d1, o.una)
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found[0]
	}
	own := read(authz.By(o.una)).Email
	require.NotEmpty(t, own)
	require.Equal(t, own, read(system).Email)
	p := read(o.by)
	require.Empty(t, p.Email)
	for _, email := range []string{own, "guess@home.example"} {
		p.Email = email
		requireIs(t, o.az.SetPreference(ctx, o.by, p), authz.ErrNotFound, email)
	}
	p.Email, p.Wanted = "", !p.Wanted
	require.NoError(t, o.az.SetPreference(ctx, o.by, p))
	require.Equal(t, p.Wanted, read(authz.By(o.una)).Wanted)

	// Made a contact at a guess, she has it with what is said by default, and loses
	// nothing that she said of her own.
	byDefault := !p.Wanted
	for _, email := range []string{"guess@home.example", own} {
		add := func(email string) {
			_, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{User: o.una, Addresses: []authz.ContactAddress{{Email: email}}})
			require.NoError(t, err)
		}
		add(email)
		require.Equal(t, authz.Preference{Domain: o.d1, User: o.una, Email: email, Topic: p.Topic, Wanted: byDefault}, read(o.by))
		require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, o.una, email))
		require.Equal(t, p, read(o.by))

		add("una@work.example")
		changed := read(o.by)
		changed.Wanted = !byDefault
		require.NoError(t, o.az.SetPreference(ctx, o.by, changed))
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, o.una, "una@work.example", email))
		changed.Email = email
		require.Equal(t, changed, read(o.by), "what was said goes with the contact")
		require.NoError(t, o.az.RemoveContact(ctx, o.by, o.d1, o.una))
	}

	// Nor does it fail where she has said something of an address that she has elsewhere.
	for _, d := range []struct {
		in    model.Domain
		email string
	}{{o.d2, own}, {o.d1, "una@work.example"}} {
		_, err := o.az.AddContact(ctx, authz.System, d.in, authz.NewContact{User: o.una, Addresses: []authz.ContactAddress{{Email: d.email}}})
		require.NoError(t, err)
	}
	said := p
	said.Email, said.Wanted = own, byDefault
	require.NoError(t, o.az.SetPreference(ctx, authz.By(o.una), said))
	said.Email = "una@work.example"
	require.NoError(t, o.az.SetPreference(ctx, authz.By(o.una), said))
	require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, o.una, "una@work.example", own))
}

// Attempted by who may invite on a dossier: to see, by what somebody said in the tenant,
// at which address they are a contact of another dossier.
func TestA9WhatIsSaidTellsNoAddress(t *testing.T) {
	t.Parallel()
	o, ctx := newPractice(t, memory(t)), t.Context()
	const hidden = "una@hidden.example"
	require.NoError(t, o.az.Unassign(ctx, system, o.d2, authz.Supporting(o.mia)))
	require.NoError(t, o.az.AddMember(ctx, system, o.d1, authz.NewMember{User: o.una}))
	add := func(by authz.Actor, in model.Domain, email string) {
		t.Helper()
		_, err := o.az.AddContact(ctx, by, in, authz.NewContact{User: o.una, Addresses: []authz.ContactAddress{{Email: email}}})
		require.NoError(t, err)
	}
	first := func(in model.Domain) authz.Preference {
		t.Helper()
		found, err := o.az.Preferences(ctx, o.by, in, o.una)
		require.NoError(t, err)
		return found[0]
	}
	byDefault := first(o.d1)
	add(system, o.d2, hidden)
	require.NoError(t, o.az.SetPreference(ctx, authz.By(o.una), authz.Preference{
		Domain: home(o.firm), User: o.una, Email: hidden, Topic: byDefault.Topic, Wanted: !byDefault.Wanted}))
	for _, email := range []string{"una@guess.example", hidden} {
		byDefault.Email = email
		add(o.by, o.d1, email)
		require.Equal(t, byDefault, first(o.d1))
		require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, o.una, email))
		add(o.by, o.d1, "una@work.example")
		require.NoError(t, o.az.ChangeAddress(ctx, o.by, o.d1, o.una, "una@work.example", email))
		require.Equal(t, byDefault, first(o.d1))
		require.NoError(t, o.az.RemoveContactAddress(ctx, o.by, o.d1, o.una, email))
	}

	// The control: who knows the address has what she said of it.
	require.NoError(t, o.az.Assign(ctx, system, o.d2, authz.Supporting(o.mia)))
	add(o.by, o.d1, hidden)
	require.Equal(t, !byDefault.Wanted, first(o.d1).Wanted)
}

// Attempted by who may invite on a dossier: to say of somebody new whether they are
// external staff, which is the tenant's to say.
func TestA23External(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	guessed(t, o)
	u := id(t, model.ParseUserID, "nina")
	o.person(t, u)
	m := authz.NewMember{User: u, External: true, Profiles: []model.Profile{accountancy.FullFeedback}}
	requireIs(t, o.az.AddMember(ctx, authz.By(o.carl), o.d1, m), authz.ErrDenied, "a client")
	require.NoError(t, o.az.AddMember(ctx, o.by, o.d1, m))
	members, err := o.az.Members(ctx, o.by, o.home)
	require.NoError(t, err)
	for _, m := range members {
		require.Equal(t, m.User == u, m.External)
	}
}
