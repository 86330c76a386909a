package authz_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Attempted: to invite somebody to more than one may give, in one invitation
// or in a file of them, and to send somebody else's invitation as one's own.
func TestA4InviteAboveOnesCeiling(t *testing.T) {
	t.Parallel()
	to := func(profiles ...string) authz.NewInvitation {
		n := authz.NewInvitation{FirstName: "New", LastName: "Person", Email: newcomer}
		for _, p := range profiles {
			n.Grants = append(n.Grants, authz.InvitedGrant{Domain: home(tAcme), Profile: rung(p)})
		}
		return n
	}
	invite := func(by authz.Actor, n authz.NewInvitation) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			_, err := az.Invite(t.Context(), by, tAcme, n)
			return err
		}
	}
	all := func(lineByLine bool, profiles ...string) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			report, err := az.InviteAll(t.Context(), lead, tAcme, []authz.InvitationLine{{NewInvitation: to(profiles...)}}, authz.Bulk{LineByLine: lineByLine})
			require.Empty(t, report.Invited)
			return err
		}
	}
	bosses := func(az *authz.Authz) error { return invite(authz.By(uAnn), to("boss"))(az) }
	last := func(az *authz.Authz) model.InvitationID {
		list, err := az.Invitations(t.Context(), system, home(tAcme), model.InvitationID{}, 10)
		require.NoError(t, err)
		return list[len(list)-1].ID
	}
	attempts{
		"a stronger profile":                  invite(lead, to("boss")),
		"one's own, that one may not give":    invite(lead, to("lead")),
		"one that contains a stronger one":    invite(lead, to("chief")),
		"one that contains what one may give": invite(lead, to("senior")),
		"behind another":                      invite(lead, to("clerk", "boss")),
		"in a file":                           all(false, "boss"),
		"in a file, line by line":             all(true, "clerk", "chief"),
		"oneself":                             invite(lead, authz.NewInvitation{User: uEmil, FirstName: "E", LastName: "L", Email: newcomer}),
	}.requireAllDenied(t)
	t.Run("somebody else's invitation", func(t *testing.T) {
		t.Parallel()
		attempts{
			"resend": func(az *authz.Authz) error { return az.Resend(t.Context(), lead, home(tAcme), last(az)) },
			"to oneself": func(az *authz.Authz) error {
				return az.Readdress(t.Context(), lead, home(tAcme), last(az), "emil@other.example")
			},
			"revoke": func(az *authz.Authz) error { return az.Revoke(t.Context(), lead, home(tAcme), last(az)) },
		}.requireAllDenied(t, bosses)
	})
	t.Run("to cap somebody stronger", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, az.AddAddress(t.Context(), system, uAnn, "ann@acme.example"))
		require.NoError(t, az.VerifyAddress(t.Context(), system, uAnn, "ann@acme.example"))
		n := to("capped")
		n.Email = "ann@acme.example"
		inv, err := az.Invite(t.Context(), lead, tAcme, n)
		require.NoError(t, err, "who that is, is not for the inviter to learn")
		token, err := authz.Token(t.Context(), az, inv.ID)
		require.NoError(t, err)
		_, err = az.Accept(t.Context(), token, authz.Acceptance{SignedIn: uAnn})
		requireIs(t, err, authz.ErrExpired, "an equal may")
		authztest.RequireAllowed(t, az, uAnn, home(tAcme), model.Must(model.ParsePermission("till", "open")))
	})
	t.Run("one's own invitation", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, az.AddAddress(t.Context(), system, uEmil, "emil@acme.example"))
		require.NoError(t, az.VerifyAddress(t.Context(), system, uEmil, "emil@acme.example"))
		n := to("auditor")
		n.Email = "emil@acme.example"
		inv, err := az.Invite(t.Context(), lead, tAcme, n)
		require.NoError(t, err)
		token, err := authz.Token(t.Context(), az, inv.ID)
		require.NoError(t, err)
		_, err = az.Accept(t.Context(), token, authz.Acceptance{SignedIn: uEmil})
		requireIs(t, err, authz.ErrDenied, "a grant to oneself")
		authztest.RequireDenied(t, az, uEmil, home(tAcme), model.Must(model.ParsePermission("vault", "open")))
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, invite(lead, to("clerk", "auditor"))(az))
		require.NoError(t, az.Revoke(t.Context(), lead, home(tAcme), last(az)))
		require.NoError(t, bosses(az))
		require.NoError(t, az.Resend(t.Context(), authz.By(uAmy), home(tAcme), last(az)))
	})
}

// Attempted: to tell from what one sees as an inviter whether an address has
// an account, and as whoever tries tokens why one is not good.
func TestA9TellingApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		// A member, a stranger with an account, one who claims, and nobody.
		emails := []string{verified(uOlga), verified(uNina), verified(uBen), unverified(uNina), newcomer}
		faces := make(map[string][]string)
		face := func(email string, v any, err error) {
			faces[email] = append(faces[email], blind(sprint(v), email), blind(sprint(err), email))
		}
		ids := make(map[string]model.InvitationID)
		for _, email := range emails {
			inv, err := s.az.Invite(ctx, admin, tAcme, offer(email, dTwo, accountancy.FullAccess))
			ids[email] = inv.ID
			face(email, inv, err)
			_, err = s.az.Invite(ctx, admin, tAcme, offer(email, dTwo, accountancy.FullAccess))
			face(email, "again", err)
		}
		for _, later := range []int{0, 25, 24*7 - 1, 24 * 7} { // hours: the links of some have died
			s.at(hours(later))
			for _, email := range emails {
				inv, err := s.az.Invitation(ctx, admin, dTwo, ids[email])
				face(email, inv, err)
			}
			list, err := s.az.Invitations(ctx, admin, home(tAcme), model.InvitationID{}, 100)
			require.NoError(t, err)
			for _, inv := range list {
				face(inv.Email, inv, nil)
			}
		}
		for _, email := range emails {
			face(email, "resent", s.az.Resend(ctx, admin, dTwo, ids[email]))
			face(email, "revoked", s.az.Revoke(ctx, admin, dTwo, ids[email]))
		}
		for _, email := range emails {
			require.Equal(t, faces[newcomer], faces[email], email)
		}

		// Every token that is not good: one answer, and the same queries for it.
		s.at(0)
		good := s.invite(t, admin, offer(newcomer, dTwo, accountancy.FullAccess))
		expired, used := s.token(t, good), s.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess))
		usedToken := s.token(t, used)
		require.NoError(t, s.accept(t, usedToken, uNina))
		gone := s.invite(t, admin, offer("gone@person.example", dTwo, accountancy.FullAccess))
		revoked := s.token(t, gone)
		require.NoError(t, s.az.Revoke(ctx, admin, dTwo, gone))
		resent := s.token(t, good)
		s.at(hours(1))
		tokens := map[string]string{"malformed": "?", "empty": "", "unknown": revoked[:42] + "A", "used": usedToken, "revoked": revoked,
			"long": fmt.Sprint(make([]byte, 10_000)), "NUL": "a\x00", "not UTF-8": "\xff"}
		s.at(hours(24))
		tokens["expired"], tokens["expired too"] = expired, resent
		queries := make(map[int64][]string)
		f := inject(t, db)
		for name, token := range tokens {
			s.requireExpired(t, token, name)
			n := f.count(func() {
				_, err := s.az.Invited(ctx, token)
				require.ErrorIs(t, err, authz.ErrExpired)
				_, err = s.az.Accept(ctx, token, authz.Acceptance{})
				require.ErrorIs(t, err, authz.ErrExpired)
			})
			queries[n] = append(queries[n], name)
		}
		require.Len(t, queries, 1, "as many for every token: %v", queries)
		require.Contains(t, queries, int64(2), "one for each call")
	})
}

// Attempted: to come in by an address that looks like another, or is written
// otherwise. The verdict is the same on every database.
func TestA10AddressTricks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		invited, held string
		same          bool
	}{
		"the same":             {"bob@firm.example", "bob@firm.example", true},
		"capitals":             {"Bob@Firm.EXAMPLE", "bob@firm.example", true},
		"capitals in the host": {"bob@BÜCHER.example", "bob@bücher.example", true},
		"in ASCII":             {"bob@xn--bcher-kva.example", "bob@bücher.example", true},
		"a plus":               {"bob+x@firm.example", "bob@firm.example", false},
		"a dot":                {"b.ob@firm.example", "bob@firm.example", false},
		"Cyrillic":             {"b\u043eb@firm.example", "bob@firm.example", false},
		"a Cyrillic host":      {"bob@f\u0456rm.example", "bob@firm.example", false},
		"an accent":            {"bób@firm.example", "bob@firm.example", false},
		"a sharp s":            {"bob@straße.example", "bob@strasse.example", false},
		"a dotless i":          {"bob@fırm.example", "bob@firm.example", false},
		"a subdomain":          {"bob@mail.firm.example", "bob@firm.example", false},
		"full width":           {"bob@ｆｉｒｍ.example", "bob@firm.example", true},
		"an underscore":        {"b_b@firm.example", "bob@firm.example", false},
		"a percent sign":       {"b%@firm.example", "bob@firm.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := newTimed(t, db)
				require.NoError(t, s.az.AddAddress(t.Context(), system, uNina, c.held))
				require.NoError(t, s.az.VerifyAddress(t.Context(), system, uNina, c.held))
				token := s.token(t, s.invite(t, admin, offer(c.invited, dTwo, accountancy.FullAccess)))
				o, err := s.az.Invited(t.Context(), token)
				require.NoError(t, err)
				require.Equal(t, c.same, o.User == uNina)
				err = s.accept(t, token, uNina)
				if c.same {
					require.NoError(t, err)
					return
				}
				requireIs(t, err, authz.ErrDenied, "nobody's")
				require.NoError(t, s.accept(t, token, model.UserID{}))
			})
		})
	}
}

// Attempted: to come, under an old address or id, to what somebody had before.
func TestA16InvitedUnderAnOldName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		// Emil, the manager of dOne, goes, and an invitation of his with him.
		n := offer(verified(uEmil), dTwo, accountancy.FullFeedback)
		pending := s.invite(t, admin, n)
		old := s.token(t, pending)
		require.NoError(t, s.az.RemoveMember(ctx, admin, home(tAcme), uEmil))
		s.requireExpired(t, old, "sent before he was removed")
		requireIs(t, s.accept(t, old, uEmil), authz.ErrExpired, "he")

		// He comes back as a client of dTwo, and is no more than that.
		require.NoError(t, s.az.Resend(ctx, admin, dTwo, pending))
		require.NoError(t, s.accept(t, s.token(t, pending), uEmil))
		requireNothing(t, s.az, uEmil, dOne)
		require.Equal(t, []model.Profile{accountancy.FullFeedback}, profilesOf(t, s.az, uEmil, dTwo))
		require.Empty(t, profilesOf(t, s.az, uEmil, home(tAcme)))

		// His address becomes another's: what was offered to it before he left
		// goes to who has it, and nothing that he holds.
		require.NoError(t, s.az.RemoveAddress(ctx, authz.By(uEmil), uEmil, verified(uEmil)))
		token := s.token(t, s.invite(t, admin, offer(verified(uEmil), dOne, accountancy.DocumentDelivery)))
		requireIs(t, s.accept(t, token, uEmil), authz.ErrDenied, "it is his no more")
		for _, taken := range []model.UserID{uEmil, uNina, uBea} {
			_, err := s.az.Accept(ctx, token, authz.Acceptance{NewUser: taken})
			requireIs(t, err, authz.ErrConflict, "an id that is taken")
		}
		inv, err := s.az.Accept(ctx, token, authz.Acceptance{})
		require.NoError(t, err)
		require.NotEqual(t, uEmil, inv.User)
		requireNothing(t, s.az, inv.User, dTwo)
		require.Equal(t, []model.Profile{accountancy.DocumentDelivery}, profilesOf(t, s.az, inv.User, dOne))

		// Off a dossier, what is offered there goes; what is offered elsewhere stays.
		two := offer(verified(uNina), dTwo, accountancy.FullFeedback)
		two.Grants = append(two.Grants, authz.InvitedGrant{Domain: dOne, Profile: accountancy.FullAccess})
		require.NoError(t, s.az.AddMember(ctx, admin, dTwo, authz.NewMember{User: uNina, Profiles: []model.Profile{accountancy.FullAccess}}))
		id := s.invite(t, admin, two)
		require.NoError(t, s.az.RemoveMember(ctx, admin, dTwo, uNina))
		require.NoError(t, s.accept(t, s.token(t, id), uNina))
		requireNothing(t, s.az, uNina, dTwo)
		require.Equal(t, []model.Profile{accountancy.FullAccess}, profilesOf(t, s.az, uNina, dOne))
		s.requireAgreement(t)
		require.NoError(t, s.az.VerifyLedger(ctx, tAcme))
	})
}

// Attempted: to set, as whoever accepts, what is not theirs to say.
func TestA23FieldsOfTheAcceptor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := context.Background(), newTimed(t, db)
		token := s.token(t, s.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess)))
		before := s.snapshot(t)
		for name, a := range map[string]authz.Acceptance{
			"an account besides one's own": {SignedIn: uNina, NewUser: uGhost},
			"another name":                 {SignedIn: uNina, FirstName: "Admin"},
			"a phone number":               {SignedIn: uNina, Phone: "+32470123456"},
			"a locale":                     {SignedIn: uNina, Locale: "nl"},
		} {
			_, err := s.az.Accept(ctx, token, a)
			requireIs(t, err, authz.ErrInvalid, name)
		}
		s.requireSame(t, before)
		require.NoError(t, s.accept(t, token, uNina))

		fresh := s.token(t, s.invite(t, admin, offer(newcomer, dTwo, accountancy.FullAccess)))
		before = s.snapshot(t)
		for name, text := range badTexts(200) {
			for field, a := range map[string]authz.Acceptance{"first name": {FirstName: text}, "last name": {LastName: text}, "salutation": {Salutation: text}, "locale": {Locale: text}} {
				_, err := s.az.Accept(ctx, fresh, a)
				requireIs(t, err, authz.ErrInvalid, field+" "+name)
			}
		}
		for _, phone := range []string{"0470 12 34 56", "+32", "call me", "+32 470 12 34 56\r\nBcc: a@b.example"} {
			_, err := s.az.Accept(ctx, fresh, authz.Acceptance{Phone: phone})
			requireIs(t, err, authz.ErrInvalid, phone)
		}
		s.requireSame(t, before)

		// What is offered is what the invitation says, not what joins it meanwhile.
		inv, err := s.az.Accept(ctx, fresh, authz.Acceptance{NewUser: uGhost, FirstName: "Ghost", Phone: "0470 12 34 56", Country: "BE"})
		require.NoError(t, err)
		require.Equal(t, uGhost, inv.User)
		require.Equal(t, []model.Profile{accountancy.FullAccess}, profilesOf(t, s.az, uGhost, dTwo))
		require.Empty(t, profilesOf(t, s.az, uGhost, home(tAcme)))
		p, err := s.az.Person(ctx, authz.By(uGhost), uGhost)
		require.NoError(t, err)
		require.Equal(t, "Ghost", p.FirstName)
		require.Equal(t, "Person", p.LastName, "as the invitation has it")
	})
}

// profilesOf returns what a member holds directly in a domain.
func profilesOf(t testing.TB, az *authz.Authz, u model.UserID, in model.Domain) (held []model.Profile) {
	t.Helper()
	all, err := az.Grants(t.Context(), system, in)
	require.NoError(t, err)
	for _, h := range all {
		if h.Subject == model.UserSubject(u) {
			held = append(held, h.Profile)
		}
	}
	return held
}

// Attempted: to have one tenant's invitation offer something in another.
func TestA14InviteToAnotherTenant(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.snapshot(t)
	for _, in := range []model.Domain{home(tBeta), dBeta, dossier(tBeta, "d-1"), home(tNone)} {
		for _, by := range []authz.Actor{admin, system} {
			n := offer(newcomer, dTwo, accountancy.FullAccess)
			n.Grants = append(n.Grants, authz.InvitedGrant{Domain: in, Profile: accountancy.FullAccess})
			_, err := s.az.Invite(t.Context(), by, tAcme, n)
			requireIs(t, err, authz.ErrNotFound, in.String())
			_, err = s.az.InviteAll(t.Context(), by, tAcme, []authz.InvitationLine{{NewInvitation: n}}, authz.Bulk{})
			requireIs(t, err, authz.ErrNotFound, in.String())
		}
	}
	s.requireSame(t, before)
}
