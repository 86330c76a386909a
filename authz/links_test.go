package authz_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A timed scene has a clock that can be moved on.
type timed struct {
	scene
	late *atomic.Int64 // nanoseconds after noon
}

func newTimed(t testing.TB, db *gorm.DB) timed {
	t.Helper()
	s := timed{late: new(atomic.Int64)}
	az, err := authz.Open(t.Context(), db, authz.Config{
		Pack: accountancy.Pack(), Staleness: time.Nanosecond,
		Clock: func() time.Time { return noon().Add(time.Duration(s.late.Load())) },
	})
	require.NoError(t, err)
	s.scene = scene{db, az}
	require.NoError(t, az.Transaction(t.Context(), populate))
	return s
}

// at moves the clock to a time after noon.
func (s timed) at(d time.Duration) { s.late.Store(int64(d)) }

// newcomer is an address that belongs to nobody.
const newcomer = "new@person.example"

// offer is an invitation to a dossier, or to the tenant, with one profile.
func offer(email string, in model.Domain, p model.Profile) authz.NewInvitation {
	return authz.NewInvitation{FirstName: "New", LastName: "Person", Email: email, Grants: []authz.InvitedGrant{{Domain: in, Profile: p}}}
}

func (s scene) invite(t testing.TB, by authz.Actor, n authz.NewInvitation) model.InvitationID {
	t.Helper()
	inv, err := s.az.Invite(t.Context(), by, tAcme, n)
	require.NoError(t, err)
	return inv.ID
}

func (s scene) token(t testing.TB, id model.InvitationID) string {
	t.Helper()
	token, err := authz.Token(t.Context(), s.az, id)
	require.NoError(t, err)
	return token
}

func (s scene) accept(t testing.TB, token string, as model.UserID) error {
	t.Helper()
	_, err := s.az.Accept(t.Context(), token, authz.Acceptance{SignedIn: as})
	return err
}

func (s scene) invitation(t testing.TB, id model.InvitationID) authz.Invitation {
	t.Helper()
	inv, err := s.az.Invitation(t.Context(), system, home(tAcme), id)
	require.NoError(t, err)
	return inv
}

// requireExpired wants the one answer that every bad token gets, from every
// method that takes one.
func (s scene) requireExpired(t testing.TB, token, why string) {
	t.Helper()
	const text = "the link is not good, or not any more: ask whoever invited you for a new one: expired"
	_, err := s.az.Invited(t.Context(), token)
	requireIs(t, err, authz.ErrExpired, why)
	require.Equal(t, "authz: invited: "+text, err.Error(), why)
	for _, as := range []model.UserID{{}, uNina, uOlga} {
		err = s.accept(t, token, as)
		requireIs(t, err, authz.ErrExpired, why)
		require.Equal(t, "authz: accept: "+text, err.Error(), why)
	}
	err = s.az.Decline(t.Context(), token)
	requireIs(t, err, authz.ErrExpired, why)
	require.Equal(t, "authz: decline: "+text, err.Error(), why)
}

// mails returns the queued messages of a kind.
func (s scene) mails(t testing.TB, kind authz.MessageKind) (all []store.Message) {
	t.Helper()
	require.NoError(t, s.db.Where("kind = ? AND state = ?", string(kind), store.Queued).Order("id").Find(&all).Error)
	return all
}

func sprint(v any) string { return fmt.Sprintf("%+v", v) }

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// blind takes out of a text what is expected to differ: an address and ids.
func blind(text, email string) string {
	return uuids.ReplaceAllString(strings.ReplaceAll(text, email, "EMAIL"), "ID")
}
