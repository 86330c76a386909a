package authz_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func verified(u model.UserID) string   { return u.String() + "@verified.example" }
func unverified(u model.UserID) string { return u.String() + "@new.example" }

// Attempted: to accept while signed in as somebody else, or with an address
// that one claims and has not verified.
func TestA1AcceptAsSomebodyElse(t *testing.T) {
	t.Parallel()
	member := offer(unverified(uEmil), dTwo, accountancy.FullAccess)
	member.User = uEmil
	for name, c := range map[string]struct {
		n      authz.NewInvitation
		refuse []model.UserID
		good   model.UserID
	}{
		"an address of somebody": {offer(verified(uNina), dTwo, accountancy.FullAccess),
			[]model.UserID{{}, uOlga, uBen, uAnn, uGhost}, uNina},
		"an address of nobody": {offer(newcomer, dTwo, accountancy.FullAccess),
			[]model.UserID{uNina, uOlga, uAnn, uGhost}, model.UserID{}},
		"an address that is claimed": {offer(unverified(uNina), dTwo, accountancy.FullAccess),
			[]model.UserID{uNina, uOlga, uGhost}, model.UserID{}},
		"a member": {member, []model.UserID{{}, uOlga, uAnn, uNina, uGhost}, uEmil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := newTimed(t, db)
				s.contact(t, uEmil, unverified(uEmil))
				require.NoError(t, s.az.AddAddress(t.Context(), authz.By(uBen), uBen, verified(uNina)), "a claim")
				token := s.token(t, s.invite(t, admin, c.n))
				before := s.snapshot(t)
				for _, u := range c.refuse {
					requireIs(t, s.accept(t, token, u), authz.ErrDenied, u.String())
					s.requireSame(t, before)
				}
				inv, err := s.az.Accept(t.Context(), token, authz.Acceptance{SignedIn: c.good})
				require.NoError(t, err, "nothing was used up")
				if !c.good.IsZero() {
					require.Equal(t, c.good, inv.User)
				}
				ok, err := s.az.Enforce(t.Context(), inv.User, dTwo, accountancy.ViewFigure)
				require.NoError(t, err)
				require.True(t, ok)
				p, err := s.az.Person(t.Context(), system, inv.User)
				require.NoError(t, err)
				for _, a := range p.Addresses {
					if a.Email == c.n.Email {
						require.Equal(t, name != "a member", !a.Verified.IsZero(), "proven, but to an account that is there already")
					}
				}
				s.requireAgreement(t)
			})
		})
	}
}

// Attempted: to make a new account under the ID of somebody who is there already,
// and to learn from the answer what has become of them.
func TestA16NewUserIsSomebody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		pia := parsedUser("u-pia")
		s.placeholder(t, pia, "pia@person.example")
		n := offer(newcomer, dTwo, accountancy.FullAccess)
		id := s.invite(t, admin, n)
		token := s.token(t, id)
		before := s.snapshot(t)
		for name, u := range map[string]model.UserID{
			"active": uEmil, "deactivated": uDora, "who invited": uAnn, "of another tenant": uBen, "of none": uNina, "kept": pia,
		} {
			_, err := s.az.Accept(ctx, token, authz.Acceptance{NewUser: u})
			requireIs(t, err, authz.ErrConflict, name)
			require.EqualError(t, err, "authz: accept: there is or was a person "+u.String()+" already: conflict", name)
			s.requireSame(t, before)
		}
		inv, err := s.az.Accept(ctx, token, authz.Acceptance{NewUser: uGhost})
		require.NoError(t, err, "nothing was used up")
		require.Equal(t, uGhost, inv.User)

		// Nor is one who was there, and is gone.
		gone := s.invite(t, admin, authz.NewInvitation{User: pia, Email: "pia@person.example", Grants: n.Grants})
		_, err = s.az.Accept(ctx, s.token(t, gone), authz.Acceptance{NewUser: parsedUser("u-pia2")})
		require.NoError(t, err)
		n.Email = "other@person.example"
		token = s.token(t, s.invite(t, admin, n))
		_, err = s.az.Accept(ctx, token, authz.Acceptance{NewUser: pia})
		require.EqualError(t, err, "authz: accept: there is or was a person u-pia already: conflict")
	})
}

// Attempted: to accept what was accepted, by the same person or another one.
func TestA2AcceptTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newTimed(t, db)
		id := s.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess))
		token, second := s.token(t, id), s.token(t, id) // a mail that was tried twice
		require.NoError(t, s.accept(t, second, uNina))
		before := s.snapshot(t)
		s.requireExpired(t, token, "its other link")
		s.requireExpired(t, second, "again")
		_, err := authz.Token(t.Context(), s.az, id)
		requireIs(t, err, authz.ErrExpired, "no more links")
		s.requireSame(t, before)

		token = s.token(t, s.invite(t, admin, offer(newcomer, dTwo, accountancy.FullAccess)))
		require.NoError(t, s.accept(t, token, model.UserID{}))
		before = s.snapshot(t)
		s.requireExpired(t, token, "a second account")
		_, err = s.az.Accept(t.Context(), token, authz.Acceptance{NewUser: uGhost})
		requireIs(t, err, authz.ErrExpired, "another account")
		s.requireSame(t, before)
		requireIs(t, s.az.Revoke(t.Context(), admin, home(tAcme), id), authz.ErrConflict, "too late")
	})
}

// opens opens a link, which shows what is offered if that can still be accepted, and
// otherwise what any bad link shows. It changes nothing.
func (s timed) opens(t *testing.T, token string, good bool) {
	t.Helper()
	before := s.snapshot(t)
	o, err := s.az.Invited(t.Context(), token)
	if good {
		require.NoError(t, err)
		require.Equal(t, "Office", o.Name)
	} else {
		_, bad := s.az.Invited(t.Context(), "?")
		requireIs(t, err, authz.ErrExpired, "opened")
		require.EqualError(t, err, bad.Error())
		require.Zero(t, o)
	}
	s.requireSame(t, before)
}

// Attempted: to accept a second too late, or after what the invitation rests
// on has gone.
func TestA3AcceptTooLate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const day = 24 * time.Hour
	type between func(s timed, id model.InvitationID) error
	advance := func(d time.Duration) between {
		return func(s timed, _ model.InvitationID) error { s.at(d); return nil }
	}
	for name, c := range map[string]struct {
		account bool // whom it is for has an account
		do      between
		good    bool
		renewal authz.Renewal
	}{
		"a new account, a second before": {false, advance(day - time.Second), true, ""},
		"a new account, on the dot":      {false, advance(day), false, ""},
		"a new account, a second after":  {false, advance(day + time.Second), false, ""},
		"an account, a second before":    {true, advance(7*day - time.Second), true, ""},
		"an account, on the dot":         {true, advance(7 * day), false, ""},
		"an account, a second after":     {true, advance(7*day + time.Second), false, ""},
		"revoked": {true, func(s timed, id model.InvitationID) error {
			return s.az.Revoke(ctx, admin, dTwo, id)
		}, false, ""},
		"resent": {true, func(s timed, id model.InvitationID) error {
			return s.az.Resend(ctx, authz.By(uAmy), home(tAcme), id)
		}, false, ""},
		"address changed": {true, func(s timed, id model.InvitationID) error {
			return s.az.Readdress(ctx, admin, dTwo, id, verified(uBen))
		}, false, ""},
		"inviter removed": {true, func(s timed, _ model.InvitationID) error {
			return s.az.RemoveMember(ctx, authz.By(uAmy), home(tAcme), uAnn)
		}, false, authz.InviterGone},
		"inviter deactivated": {true, func(s timed, _ model.InvitationID) error {
			return s.az.DeactivateMember(ctx, authz.By(uAmy), tAcme, uAnn)
		}, false, authz.InviterGone},
		"inviter demoted": {true, func(s timed, _ model.InvitationID) error {
			return s.az.Withdraw(ctx, authz.By(uAmy), model.UserSubject(uAnn), accountancy.Admin, home(tAcme))
		}, false, authz.InviterLimited},
		"inviter demoted, a new account": {false, func(s timed, _ model.InvitationID) error {
			return s.az.Withdraw(ctx, authz.By(uAmy), model.UserSubject(uAnn), accountancy.Admin, home(tAcme))
		}, false, authz.InviterLimited},
		"closed dossier": {true, func(s timed, _ model.InvitationID) error {
			return s.az.CloseDossier(ctx, admin, dTwo)
		}, false, authz.DossierClosed},
		"dossier out of the inviter's sight": {true, func(s timed, _ model.InvitationID) error {
			return s.az.SetPrivate(ctx, admin, dTwo, true)
		}, false, authz.InviterLimited},
		"closed tenant": {true, func(s timed, _ model.InvitationID) error { return s.az.CloseTenant(ctx, system, tAcme) }, false, ""},
		"a deactivated member": {true, func(s timed, _ model.InvitationID) error {
			return errors.Join(s.az.AddMember(ctx, admin, home(tAcme), authz.NewMember{User: uNina}),
				s.az.DeactivateMember(ctx, admin, tAcme, uNina))
		}, false, authz.MemberIdle},
		"whom it is for removed": {true, func(s timed, _ model.InvitationID) error {
			return errors.Join(s.az.AddMember(ctx, admin, home(tAcme), authz.NewMember{User: uNina}),
				s.az.RemoveMember(ctx, admin, home(tAcme), uNina))
		}, false, ""},
		"nothing": {true, func(timed, model.InvitationID) error { return nil }, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := newTimed(t, db)
				n, who := offer(newcomer, dTwo, accountancy.FullAccess), model.UserID{}
				if c.account {
					n.Email, who = verified(uNina), uNina
				}
				id := s.invite(t, admin, n)
				token := s.token(t, id)
				require.NoError(t, c.do(s, id))
				s.opens(t, token, c.good)
				if c.good {
					require.NoError(t, s.accept(t, token, who))
					return
				}
				requireIs(t, s.accept(t, token, who), authz.ErrExpired, name)
				s.requireExpired(t, token, "ever after")
				require.Equal(t, c.renewal, s.invitation(t, id).Renewal)
				ok, err := s.az.Enforce(ctx, uNina, dTwo, accountancy.ViewFigure)
				require.NoError(t, err)
				require.False(t, ok)
				if c.renewal == "" {
					require.Empty(t, s.mails(t, authz.RenewalMessage))
					return
				}
				mails := s.mails(t, authz.RenewalMessage)
				require.Len(t, mails, 1, "somebody is told, once")
				want := verified(uAnn)
				if c.renewal == authz.InviterGone || c.renewal == authz.InviterLimited { // who sees dTwo no more
					want = "office@verified.example" // dTwo has neither manager nor team
				}
				require.Equal(t, want, mails[0].Email)
				require.NoError(t, s.az.VerifyLedger(ctx, tAcme))
			})
		})
	}
}

// Attempted: to have a profile given that the inviter might give when it
// invited, and may not give any more as it now is.
func TestA5CeilingAtAcceptance(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const ceiling = "p, administrator, any, setting:self_service_users, client_profile, grant, allow\n"
	publish := func(oldNew ...string) func(t *testing.T, s timed) {
		return func(t *testing.T, s timed) {
			_, err := s.az.Publish(ctx, system, edited(t, append([]string{version1, version2}, oldNew...)...))
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, s timed)
		want   authz.Renewal
	}{
		"it gains what is not for the inviter to give": {publish(ceiling, "p, full_access, any, dossier, dossier, configure, allow\n"), authz.InviterLimited},
		"the inviter may give nothing at all": {func(t *testing.T, s timed) {
			require.NoError(t, s.az.SetSetting(ctx, admin, tAcme, accountancy.SettingSelfServiceUsers, false))
		}, authz.InviterLimited},
		"the inviter holds another profile": {func(t *testing.T, s timed) {
			require.NoError(t, s.az.Grant(ctx, admin, authz.Grant{Subject: model.UserSubject(uCarl), Profile: accountancy.FullAccess, Domain: dTwo}))
			require.NoError(t, s.az.Withdraw(ctx, admin, model.UserSubject(uCarl), accountancy.Administrator, dTwo))
		}, authz.InviterLimited},
		"nothing changes":              {func(*testing.T, timed) {}, ""},
		"a new version that leaves it": {publish(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := newTimed(t, db)
				require.NoError(t, s.az.SetSetting(ctx, admin, tAcme, accountancy.SettingSelfServiceUsers, true))
				require.NoError(t, s.az.Grant(ctx, admin, authz.Grant{Subject: model.UserSubject(uCarl), Profile: accountancy.Administrator, Domain: dTwo}))
				id := s.invite(t, authz.By(uCarl), offer(verified(uNina), dTwo, accountancy.FullAccess))
				token := s.token(t, id)
				c.change(t, s)
				s.opens(t, token, c.want == "")
				err := s.accept(t, token, uNina)
				if c.want == "" {
					require.NoError(t, err)
					return
				}
				requireIs(t, err, authz.ErrExpired, name)
				require.Equal(t, c.want, s.invitation(t, id).Renewal)
				requireNothing(t, s.az, uNina, dTwo)
				require.Equal(t, verified(uCarl), s.mails(t, authz.RenewalMessage)[0].Email)

				// Somebody who may give it renews it, and is its inviter then.
				requireIs(t, s.az.Resend(ctx, authz.By(uCarl), dTwo, id), authz.ErrDenied, "who may not")
				require.NoError(t, s.az.Resend(ctx, admin, dTwo, id))
				require.Empty(t, s.invitation(t, id).Renewal)
				require.NoError(t, s.accept(t, s.token(t, id), uNina))
				held, err := s.az.Grants(ctx, system, dTwo)
				require.NoError(t, err)
				for _, h := range held {
					if h.Subject == model.UserSubject(uNina) {
						require.Equal(t, admin.String(), h.By)
					}
				}
			})
		})
	}
}

// Attempted: to find a token where it has no business: in an answer, a list,
// an error, the ledger or any table.
func TestA6TokenLeaks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newTimed(t, db)
		var seen []string
		say := func(v any, err error) {
			seen = append(seen, sprint(v), sprint(err))
		}
		ctx, tokens := t.Context(), []string{}
		for i, email := range []string{verified(uNina), newcomer, "declined@person.example", "lapsed@person.example"} {
			n := offer(email, dTwo, accountancy.FullAccess)
			inv, err := s.az.Invite(ctx, admin, tAcme, n)
			say(inv, err)
			token := s.token(t, inv.ID)
			tokens = append(tokens, token)
			say(s.az.Invited(ctx, token))
			say(nil, s.accept(t, token, uBea))
			say(nil, s.accept(t, token+"x", uNina))
			switch i {
			case 0:
				say(s.az.Accept(ctx, token, authz.Acceptance{SignedIn: uNina}))
			case 1:
				say(s.az.Accept(ctx, token, authz.Acceptance{NewUser: uGhost, Account: func(context.Context, *authz.Tx, authz.Person) error { return errHost }}))
				say(s.az.Accept(ctx, token, authz.Acceptance{Phone: "12", Country: "BE"}))
				say(s.az.Accept(ctx, token, authz.Acceptance{NewUser: uGhost}))
			case 2:
				say(nil, s.az.Decline(ctx, token))
			case 3:
				say(nil, s.az.CloseDossier(ctx, admin, dTwo))
				say(s.az.Accept(ctx, token, authz.Acceptance{}))
			}
			say(s.az.Invited(ctx, token))
		}
		say(s.az.Invitations(ctx, admin, home(tAcme), model.InvitationID{}, 1000))
		for _, e := range ledger(t, s.az) {
			seen = append(seen, sprint(e))
		}
		all := strings.Join(append(seen, s.dump(t)...), "\n")
		require.True(t, strings.Contains(all, "invitation needs renewal"), "the control: the ledger is in it")
		for _, token := range tokens {
			require.Len(t, token, 43, "256 bits")
			require.False(t, strings.Contains(all, token[:20]), "all of it, or a part")
		}
	})
}

// Attempted: to use a link up, or to learn from it, by opening it.
func TestA7OpeningALink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newTimed(t, db)
		n := offer(newcomer, dTwo, accountancy.FullAccess)
		n.Note = "Welcome\nto the portal"
		token := s.token(t, s.invite(t, admin, n))
		before := s.snapshot(t)
		for range 3 {
			o, err := s.az.Invited(t.Context(), token)
			require.NoError(t, err)
			entry, _ := accountancy.Pack().Catalog.Profile(accountancy.FullAccess)
			require.Equal(t, authz.Offer{
				Tenant: tAcme, Name: "Office", Inviter: "F L", Note: n.Note,
				Grants:    []authz.OfferedGrant{{Domain: dTwo, Dossier: "Miller", Profile: accountancy.FullAccess, Labels: entry.Labels}},
				FirstName: "New", LastName: "Person", Email: newcomer,
			}, o)
		}
		s.requireSame(t, before)
		require.NoError(t, s.accept(t, token, model.UserID{}))

		token = s.token(t, s.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess)))
		o, err := s.az.Invited(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, uNina, o.User, "who must sign in")
	})
}
