package authz_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Inside a transaction its changes count; outside they do not until it ends.
func TestTransactionSees(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	grant := authz.Grant{Subject: model.UserSubject(o.cora), Profile: accountancy.Administrator, Domain: o.d2}
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		require.NoError(t, tx.Grant(ctx, o.by, grant))
		ok, err := tx.Enforce(ctx, o.cora, o.d2, accountancy.EditPortalSettings)
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = o.az.Enforce(ctx, o.cora, o.d2, accountancy.EditPortalSettings)
		require.NoError(t, err)
		require.False(t, ok)
		inside, err := tx.Revision(ctx, o.tenant)
		require.NoError(t, err)
		outside, err := o.az.Revision(ctx, o.tenant)
		require.NoError(t, err)
		require.Equal(t, outside+1, inside)

		d, err := tx.CreateDossier(ctx, o.by, o.tenant, authz.Dossier{Name: "New"})
		require.NoError(t, err)
		found, err := tx.Dossier(ctx, o.by, d.Domain)
		require.NoError(t, err)
		require.Equal(t, "New", found.Name)
		return nil
	}))
	o.allowed(t, o.cora, o.d2, accountancy.EditPortalSettings)
}

// Two tenants and the host's own table change together or not at all.
func TestTransactionJoins(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	other, err := o.az.CreateTenant(ctx, authz.System, authz.Tenant{ID: id(t, model.ParseTenantID, "aaa"), Name: "Other"})
	require.NoError(t, err)
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		return tx.DB().Exec("CREATE TABLE notes (text VARCHAR(20))").Error
	}))
	no := errors.New("no")
	for _, end := range []error{no, nil} {
		require.ErrorIs(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
			require.NoError(t, tx.SetModule(ctx, o.by, o.d1, accountancy.ModulePayment, true))
			require.NoError(t, tx.AddMember(ctx, authz.System, other.Domain(), authz.NewMember{User: o.carl}))
			require.NoError(t, tx.DB().Exec("INSERT INTO notes VALUES ('x')").Error)
			return end
		}), end)
		var notes int64
		require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
			return tx.DB().Raw("SELECT count(*) FROM notes").Scan(&notes).Error
		}))
		paying, err := o.az.Enforce(ctx, o.carl, o.d1, accountancy.UsePayment)
		require.NoError(t, err)
		member, err := o.az.Enforce(ctx, o.carl, other.Domain(), accountancy.EditSelf)
		require.NoError(t, err)
		require.Equal(t, []any{end == nil, end == nil, end == nil}, []any{notes == 1, paying, member})
	}
}

// A Tx that is kept is of no use, and one in another joins it.
func TestTransactionEnds(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	var kept *authz.Tx
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		kept = tx
		require.ErrorIs(t, tx.Close(), authz.ErrInvalid)
		return tx.Transaction(ctx, func(inner *authz.Tx) error {
			return inner.SetModule(ctx, o.by, o.d1, accountancy.ModulePayment, true)
		})
	}))
	o.allowed(t, o.carl, o.d1, accountancy.UsePayment)
	require.ErrorIs(t, kept.SetModule(ctx, o.by, o.d1, accountancy.ModulePayment, false), authz.ErrInvalid)
	_, err := kept.Enforce(ctx, o.carl, o.d1, accountancy.UsePayment)
	require.ErrorIs(t, err, authz.ErrInvalid)
	require.ErrorIs(t, kept.Transaction(ctx, func(*authz.Tx) error { return nil }), authz.ErrInvalid)
	o.allowed(t, o.carl, o.d1, accountancy.UsePayment)
}
