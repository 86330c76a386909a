package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Attempted: to join a team while the private dossier it is assigned to is
// closed, and then to reopen that.
func TestA4TeamOfAClosedDossier(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx, emma := t.Context(), authz.By(o.emma)
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	require.NoError(t, o.az.SetPrivate(ctx, emma, o.d1, true))
	for _, closed := range []bool{false, true} {
		if closed {
			require.NoError(t, o.az.CloseDossier(ctx, emma, o.d1))
		}
		require.ErrorIs(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.admin), authz.ErrDenied)
		require.ErrorIs(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.eve), authz.ErrDenied, "an accomplice")
		require.ErrorIs(t, o.az.DeleteTeam(ctx, o.by, o.tenant, o.group), authz.ErrDenied)
	}
}

// Attempted: to keep half of a change that panicked by recovering inside the
// transaction.
func TestA20RecoveredPanic(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	revision, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.Error(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		func() {
			defer func() { require.NotNil(t, recover()) }()
			_ = tx.Transaction(ctx, func(inner *authz.Tx) error {
				require.NoError(t, inner.SetModule(ctx, o.by, o.d1, accountancy.ModulePayment, true))
				panic("half way")
			})
		}()
		return nil
	}))
	o.denied(t, o.carl, o.d1, accountancy.UsePayment)
	after, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.Equal(t, revision, after)
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error { return tx.DB().Session(&gorm.Session{}).Error }))
}

// Asked in the wrong place, a permission is an error rather than a yes that a
// row with * for everything would give.
func TestAskedInTheWrongPlace(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	for _, q := range []struct {
		permission model.Permission
		domain     model.Domain
	}{
		{accountancy.EditTenant, o.d1}, {model.GrantOf(accountancy.Admin), o.d1},
		{accountancy.ViewFigure, o.home}, {model.GrantOf(accountancy.FullAccess), o.home},
	} {
		ok, err := o.az.Enforce(t.Context(), o.admin, q.domain, q.permission)
		require.ErrorIs(t, err, authz.ErrInvalid, "%v in %v", q.permission, q.domain)
		require.False(t, ok)
	}
}

// A pending configuration has a name; a dossier without one has none to finish.
func TestNothingToFinish(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.ErrorIs(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, model.Configuration{}), authz.ErrConflict)
	require.ErrorIs(t, o.az.FailConfiguration(ctx, authz.System, o.d1, model.Configuration{}, "no"), authz.ErrConflict)
	o.allowed(t, o.carl, o.d1, accountancy.ViewFigure)
}
