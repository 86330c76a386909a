package authz_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// throng is how many accept one invitation at once.
const throng = 50

// acceptor accepts with a token on one of two nodes; i tells them apart.
type acceptor func(az *authz.Authz, token string, i int) error

// rush lets a throng accept one invitation at once, and returns how many were
// told that they have.
func (n nodes) rush(t *testing.T, token string, do acceptor) (accepted int) {
	t.Helper()
	errs := make([]error, throng)
	var ready, done sync.WaitGroup
	ready.Add(throng)
	for i := range errs {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = do(n.az[i%2], token, i)
		})
	}
	done.Wait()
	for _, err := range errs {
		if err == nil {
			accepted++
		} else if !errors.Is(err, authz.ErrUnavailable) { // a busy database: not accepted either
			require.ErrorIs(t, err, authz.ErrExpired)
		}
	}
	return accepted
}

// acceptances counts what came of an invitation: rows of the ledger,
// memberships beyond those before, accounts.
func (n nodes) acceptances(t *testing.T) (lines, members, people int64) {
	t.Helper()
	require.NoError(t, n.db.Table("volmacht_ledger").Where("stream = ? AND action = 'accept'", "tenant:"+tAcme.String()).Count(&lines).Error)
	require.NoError(t, n.db.Table("volmacht_members").Where("tenant = ?", tAcme).Count(&members).Error)
	require.NoError(t, n.db.Table("volmacht_people").Count(&people).Error)
	return lines, members, people
}

// Fifty accept one invitation at once: one of them has, there is one
// membership, and one row in the ledger.
func TestA2AcceptAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		email func(round int) string
		do    acceptor
	}{
		"the same person": {func(int) string { return verified(uNina) }, func(az *authz.Authz, token string, _ int) error {
			_, err := az.Accept(ctx, token, authz.Acceptance{SignedIn: uNina})
			return err
		}},
		"different people": {func(round int) string { return fmt.Sprintf("new%d@person.example", round) }, func(az *authz.Authz, token string, i int) error {
			_, err := az.Accept(ctx, token, authz.Acceptance{NewUser: parsedUser(fmt.Sprintf("u-new-%d-%s", i, token[:8]))})
			return err
		}},
		"some decline": {func(round int) string { return fmt.Sprintf("new%d@person.example", round) }, func(az *authz.Authz, token string, i int) error {
			if i%5 != 0 {
				return az.Decline(ctx, token)
			}
			_, err := az.Accept(ctx, token, authz.Acceptance{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				n := newNodes(t, db)
				for round := range rounds() / 4 {
					token := n.token(t, n.invite(t, admin, offer(c.email(round), dTwo, accountancy.FullAccess)))
					lines, members, people := n.acceptances(t)
					require.Equal(t, 1, n.rush(t, token, c.do), "round %d", round)
					linesNow, membersNow, peopleNow := n.acceptances(t)
					switch name {
					case "the same person":
						require.Equal(t, []int64{1, 1, 0}, []int64{linesNow - lines, membersNow - members, peopleNow - people})
						require.NoError(t, n.az[0].RemoveMember(ctx, admin, home(tAcme), uNina))
					case "different people":
						require.Equal(t, []int64{1, 1, 1}, []int64{linesNow - lines, membersNow - members, peopleNow - people})
					default:
						require.Equal(t, linesNow-lines, membersNow-members)
						require.LessOrEqual(t, membersNow-members, int64(1))
					}
				}
				n.requireSound(t)
				n.requireAgreement(t)
			})
		})
	}
}

// The control: without looking again under the lock, more than one has, and
// the test above would show it.
func TestA2AcceptAtOnceControl(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		shown, all := 0, rounds()/4
		for range all {
			token := n.token(t, n.invite(t, admin, offer(verified(uNina), dTwo, accountancy.FullAccess)))
			lines, _, _ := n.acceptances(t)
			accepted := n.rush(t, token, func(az *authz.Authz, token string, _ int) error {
				_, err := authz.AcceptUnguarded(context.Background(), az, token, authz.Acceptance{SignedIn: uNina})
				return err
			})
			now, _, _ := n.acceptances(t)
			if accepted > 1 && now-lines > 1 {
				shown++
			}
			require.NoError(t, n.az[0].RemoveMember(t.Context(), admin, home(tAcme), uNina))
		}
		t.Logf("%d of %d rounds let more than one in", shown, all)
		require.Positive(t, shown, "they never met: the race proves nothing")
	})
}

// What ends an invitation while it is accepted: either it was first, or the
// acceptance was, and nothing in between.
func TestA3RevokeWhileAccepted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, end := range map[string]func(az *authz.Authz, id model.InvitationID) error{
		"revoke": func(az *authz.Authz, id model.InvitationID) error { return az.Revoke(ctx, admin, dTwo, id) },
		"resend": func(az *authz.Authz, id model.InvitationID) error { return az.Resend(ctx, admin, dTwo, id) },
		"readdress": func(az *authz.Authz, id model.InvitationID) error {
			return az.Readdress(ctx, admin, dTwo, id, "other@person.example")
		},
		"demote": func(az *authz.Authz, _ model.InvitationID) error {
			return az.Withdraw(ctx, system, model.UserSubject(uAmy), accountancy.Admin, home(tAcme))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				n := newNodes(t, db)
				for range rounds() / 4 {
					id := n.invite(t, authz.By(uAmy), offer(verified(uNina), dTwo, accountancy.FullAccess))
					token := n.token(t, id)
					errs := together(func() error { return end(n.az[0], id) }, func() error { return n.accept2(token) })
					ok, err := n.az[0].Enforce(ctx, uNina, dTwo, accountancy.ViewFigure)
					require.NoError(t, err)
					require.Equal(t, errs[1] == nil, ok, errs)
					if name == "demote" {
						require.NoError(t, errs[0])
					} else {
						require.True(t, (errs[0] == nil) != (errs[1] == nil), errs)
					}
					if ok {
						require.NoError(t, n.az[0].RemoveMember(ctx, admin, home(tAcme), uNina))
					}
					if state := n.invitation(t, id).State; state == authz.InvitationPending {
						require.NoError(t, n.az[0].Revoke(ctx, admin, dTwo, id))
					}
					require.NoError(t, n.makeAdmin(uAmy))
				}
				n.requireSound(t)
			})
		})
	}
}

func (n nodes) accept2(token string) error {
	_, err := n.az[1].Accept(context.Background(), token, authz.Acceptance{SignedIn: uNina})
	return err
}
