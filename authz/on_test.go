package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// An Access answers what Enforce answered when it was made.
func TestOn(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	for _, u := range []model.UserID{o.admin, o.emma, o.sam, o.carl, o.cora} {
		for _, d := range []model.Domain{o.home, o.d1, o.d2} {
			on, err := o.az.On(ctx, u, d)
			require.NoError(t, err)
			for p := range accountancy.Pack().Catalog.Asked() {
				for _, asked := range []model.Permission{p.Permission, p.Permission.Of(u), p.Permission.Of(o.eve)} {
					want, err := o.az.Enforce(ctx, u, d, asked)
					require.Equal(t, want, on.Can(asked), "%v in %v: %v (%v)", u, d, asked, err)
				}
			}
			undeclared, err := model.ParsePermission("nothing", "at_all")
			require.NoError(t, err)
			require.False(t, on.Can(undeclared))
			require.False(t, on.Can(model.Permission{}))
			require.False(t, on.Stale())
		}
	}
	_, err := o.az.On(ctx, model.UserID{}, o.d1)
	require.ErrorIs(t, err, authz.ErrInvalid)
	_, err = o.az.On(ctx, o.carl, model.Domain{})
	require.ErrorIs(t, err, authz.ErrInvalid)
	_, err = new(authz.Authz).On(ctx, o.carl, o.d1)
	require.Error(t, err)
	require.False(t, new(authz.Resolved).Can(accountancy.ViewFigure))
	require.True(t, new(authz.Resolved).Stale())
	nowhere, err := o.az.On(ctx, o.carl, model.DossierDomain(model.NewTenantID(), model.NewDossierID()))
	require.NoError(t, err)
	require.False(t, nowhere.Can(accountancy.ViewFigure))
	require.True(t, nowhere.Stale())
}

// A change makes an Access stale, and a grant that begins or ends makes it
// answer no to everything.
func TestOnGoesStale(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	on, err := o.az.On(ctx, o.carl, o.d1)
	require.NoError(t, err)
	other, err := o.az.On(ctx, o.cora, o.d2)
	require.NoError(t, err)
	require.NoError(t, o.az.Grant(ctx, o.by, authz.Grant{
		Subject: model.UserSubject(o.carl), Profile: accountancy.FullAccess, Domain: o.d2,
		From: o.clock.Now().Add(time.Hour), Until: o.clock.Now().Add(2 * time.Hour),
	}))
	require.True(t, on.Stale())
	require.True(t, other.Stale())
	require.True(t, on.Can(accountancy.ViewFigure), "as it was")

	for _, after := range []time.Duration{0, time.Hour, time.Hour} {
		o.clock.Advance(after)
		on, err := o.az.On(ctx, o.carl, o.d2)
		require.NoError(t, err)
		want, err := o.az.Enforce(ctx, o.carl, o.d2, accountancy.ViewFigure)
		require.NoError(t, err)
		require.Equal(t, want, on.Can(accountancy.ViewFigure))
		require.False(t, on.Stale())
		o.clock.Advance(time.Hour - time.Microsecond)
		require.Equal(t, want, on.Can(accountancy.ViewFigure), "just before the edge")
		o.clock.Advance(time.Microsecond)
		if on.Stale() {
			require.False(t, on.Can(accountancy.ViewFigure))
		}
		o.clock.Advance(-time.Hour)
	}
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		on, err := tx.On(ctx, o.cora, o.d2)
		require.NoError(t, err)
		require.False(t, on.Stale())
		require.NoError(t, tx.CloseDossier(ctx, o.by, o.d2))
		require.True(t, on.Stale())
		after, err := tx.On(ctx, o.cora, o.d2)
		require.NoError(t, err)
		require.False(t, after.Can(accountancy.ViewFigure))
		return nil
	}))
}

// A check allocates nothing.
func TestEnforceAllocatesNothing(t *testing.T) {
	o := newFixture(t)
	ctx := t.Context()
	on, err := o.az.On(ctx, o.carl, o.d1)
	require.NoError(t, err)
	for name, f := range map[string]func() bool{
		"Enforce": func() bool {
			ok, err := o.az.Enforce(ctx, o.carl, o.d1, accountancy.ViewFigure)
			return ok && err == nil
		},
		"a denial": func() bool {
			ok, err := o.az.Enforce(ctx, o.carl, o.d2, accountancy.ViewFigure)
			return !ok && err == nil
		},
		"one's own": func() bool {
			ok, err := o.az.Enforce(ctx, o.carl, o.d1, accountancy.ViewDocument.Of(o.carl))
			return ok && err == nil
		},
		"Can": func() bool { return on.Can(accountancy.ViewFigure) },
	} {
		require.True(t, f(), name)
		require.Zero(t, testing.AllocsPerRun(100, func() { f() }), name)
	}
}
