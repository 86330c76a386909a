package authz_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// placeholder makes somebody known in acme whom it keeps, as it does a contact.
func (s scene) placeholder(t *testing.T, u model.UserID, email string) {
	t.Helper()
	_, err := s.az.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "Pia", LastName: "Place", Addresses: []authz.Address{{Email: email}}})
	require.NoError(t, err)
	require.NoError(t, s.db.Model(&store.Person{}).Where("id = ?", u).Update("keeper", tAcme).Error)
	require.NoError(t, s.db.Create(&store.Member{Tenant: tAcme, Person: u, State: store.Invited, Since: store.At(noon())}).Error)
	s.contact(t, u, email)
}

// contact makes a member a contact of dTwo by an address, which those who may invite
// there know from then on.
func (s scene) contact(t *testing.T, u model.UserID, email string) {
	t.Helper()
	_, err := s.az.AddContact(t.Context(), system, dTwo, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: email}}})
	require.NoError(t, err)
}

// Somebody who is known and cannot sign in gets their account by accepting;
// under the same id, unless the host or an account that is there says another.
func TestInvitedPlaceholder(t *testing.T) {
	t.Parallel()
	pia := parsedUser("u-pia")
	for name, c := range map[string]struct {
		email string
		as    authz.Acceptance
		want  model.UserID
	}{
		"by itself":                    {newcomer, authz.Acceptance{FirstName: "Piet"}, pia},
		"the host has another id":      {newcomer, authz.Acceptance{NewUser: uGhost}, uGhost},
		"somebody has the address now": {verified(uNina), authz.Acceptance{SignedIn: uNina}, uNina},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				ctx, s := t.Context(), newTimed(t, db)
				s.placeholder(t, pia, c.email)
				n := authz.NewInvitation{User: pia, Email: c.email, Grants: []authz.InvitedGrant{{Domain: dTwo, Profile: accountancy.FullAccess}}}
				id := s.invite(t, admin, n)
				require.Equal(t, "Pia", s.invitation(t, id).FirstName)
				kind := authz.InvitationMessage
				if c.want == uNina {
					kind = authz.LinkMessage
				}
				mails := s.mails(t, kind)
				require.Equal(t, "Pia Place", mails[len(mails)-1].Name)
				token := s.token(t, id)
				requireIs(t, s.accept(t, token, uOlga), authz.ErrDenied, "somebody else")
				requireIs(t, s.accept(t, token, pia), authz.ErrDenied, "who cannot be signed in")
				inv, err := s.az.Accept(ctx, token, c.as)
				require.NoError(t, err)
				require.Equal(t, c.want, inv.User)
				authzAllows(t, s.az, c.want, dTwo, accountancy.ViewFigure)
				p, err := s.az.Person(ctx, system, c.want)
				require.NoError(t, err)
				for _, a := range p.Addresses {
					require.False(t, a.Email == c.email && a.Verified.IsZero())
				}
				if name == "by itself" {
					require.Equal(t, []string{"Piet", "Place"}, []string{p.FirstName, p.LastName})
				}
				s.requireAgreement(t)
			})
		})
	}
}

// Whose address it has become matters more than who it was for.
func TestInvitedAddressTaken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		s.contact(t, uEmil, unverified(uEmil))
		n := offer(unverified(uEmil), dTwo, accountancy.FullAccess)
		n.User = uEmil
		id := s.invite(t, admin, n)
		token := s.token(t, id)
		require.NoError(t, s.az.AddAddress(ctx, system, uNina, unverified(uEmil)))
		require.NoError(t, s.az.VerifyAddress(ctx, system, uNina, unverified(uEmil)))
		s.opens(t, token, false)
		requireIs(t, s.accept(t, token, uNina), authz.ErrDenied, "it is for emil")
		requireIs(t, s.accept(t, token, uEmil), authz.ErrExpired, "it is not his address")
		require.Equal(t, authz.AddressTaken, s.invitation(t, id).Renewal)
	})
}

// What is pending for an address ends in one domain, or as a whole.
func TestRevokePending(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		both := offer(newcomer, dTwo, accountancy.FullAccess)
		both.Grants = append(both.Grants, authz.InvitedGrant{Domain: dOne, Profile: accountancy.FullFeedback})
		id := s.invite(t, admin, both)
		only := s.invite(t, admin, offer(newcomer, dTwo, accountancy.FullFeedback))
		member := s.invite(t, admin, authz.NewInvitation{FirstName: "N", LastName: "N", Email: newcomer})
		other := s.invite(t, admin, offer("other@person.example", dTwo, accountancy.FullAccess))
		token := s.token(t, only)
		require.NoError(t, authz.RevokePending(ctx, s.az, newcomer, dTwo))
		s.requireExpired(t, token, "revoked")
		require.Equal(t, authz.InvitationRevoked, s.invitation(t, only).State)
		require.Equal(t, []authz.InvitedGrant{{Domain: dOne, Profile: accountancy.FullFeedback}}, s.invitation(t, id).Grants)
		for _, there := range []model.InvitationID{id, member, other} {
			require.Equal(t, authz.InvitationPending, s.invitation(t, there).State)
		}
		require.NoError(t, authz.RevokePending(ctx, s.az, newcomer, home(tAcme)))
		require.Equal(t, authz.InvitationRevoked, s.invitation(t, member).State)
		require.Equal(t, authz.InvitationPending, s.invitation(t, id).State)
		require.NoError(t, authz.RevokePending(ctx, s.az, newcomer, dOne))
		require.Equal(t, authz.InvitationRevoked, s.invitation(t, id).State)
		require.NoError(t, s.az.VerifyLedger(ctx, tAcme))
	})
}

// In a larger transaction an acceptance is part of it, and so is its refusal.
func TestAcceptInTransaction(t *testing.T) {
	t.Parallel()
	s := newTimed(t, emptyDB(t))
	ctx := t.Context()
	token := s.token(t, s.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess)))
	before := s.snapshot(t)
	require.ErrorIs(t, s.az.Transaction(ctx, func(tx *authz.Tx) error {
		_, err := tx.Accept(ctx, token, authz.Acceptance{SignedIn: uNina})
		require.NoError(t, err)
		return errHost
	}), errHost)
	s.requireSame(t, before)
	require.ErrorIs(t, s.az.Transaction(ctx, func(tx *authz.Tx) error {
		require.NoError(t, tx.CloseDossier(ctx, admin, dTwo))
		_, err := tx.Accept(ctx, token, authz.Acceptance{SignedIn: uNina})
		requireIs(t, err, authz.ErrExpired, "closed")
		return nil
	}), authz.ErrExpired)
	s.requireSame(t, before)
	require.NoError(t, s.az.Transaction(ctx, func(tx *authz.Tx) error {
		_, err := tx.Accept(ctx, token, authz.Acceptance{SignedIn: uNina})
		return err
	}))
	authzAllows(t, s.az, uNina, dTwo, accountancy.ViewFigure)
}

func TestInvitationTerms(t *testing.T) {
	t.Parallel()
	for _, terms := range []authz.InvitationTerms{
		{NewAccount: -1}, {Link: -1}, {NewAccount: time.Millisecond}, {NewAccount: 2 * time.Hour, Link: time.Hour},
	} {
		_, err := authz.Open(context.Background(), emptyDB(t), authz.Config{Pack: accountancy.Pack(), Invitations: terms})
		require.ErrorIs(t, err, authz.ErrInvalid, "%+v", terms)
	}
	az, err := authz.Open(t.Context(), emptyDB(t), authz.Config{
		Pack: accountancy.Pack(), Clock: noon, Invitations: authz.InvitationTerms{Link: 2 * time.Hour},
	})
	require.NoError(t, err)
	require.NoError(t, az.Transaction(t.Context(), populate))
	inv, err := az.Invite(t.Context(), admin, tAcme, offer(newcomer, dTwo, accountancy.FullAccess))
	require.NoError(t, err)
	require.Equal(t, noon().Add(2*time.Hour), inv.Expires)
	token, err := authz.Token(t.Context(), az, inv.ID)
	require.NoError(t, err)
	_, err = az.Accept(t.Context(), token, authz.Acceptance{})
	require.NoError(t, err, "a link that makes an account is as good")
}
