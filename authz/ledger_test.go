package authz_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

func actions(page []authz.LedgerEntry) (all []string) {
	for _, e := range page {
		all = append(all, e.Action+" by "+e.Actor)
	}
	return all
}

func TestPersonLedger(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		ctx, me := t.Context(), authz.By(uEmil)
		require.NoError(t, s.az.AddAddress(ctx, me, uEmil, "emil@other.example"))
		require.NoError(t, s.az.VerifyAddress(ctx, system, uEmil, "emil@other.example"))
		all, err := s.az.PersonLedger(ctx, me, uEmil, 0, 10)
		require.NoError(t, err)
		require.Equal(t, []string{"add person by system", "add address by user:u-emil", "verify address by system"}, actions(all))
		page, err := s.az.PersonLedger(ctx, system, uEmil, 1, 1)
		require.NoError(t, err)
		require.Equal(t, all[1:2], page)
		page, err = s.az.PersonLedger(ctx, system, uEmil, math.MaxUint64, 1)
		require.NoError(t, err)
		require.Empty(t, page)
		_, err = s.az.PersonLedger(ctx, system, uEmil, 0, 0)
		requireIs(t, err, authz.ErrInvalid, "no limit")
		_, err = s.az.PersonLedger(ctx, system, uNone, 0, 1)
		requireIs(t, err, authz.ErrNotFound, "nobody")

		require.NoError(t, s.az.VerifyPersonLedger(ctx, uEmil))
		requireIs(t, s.az.VerifyPersonLedger(ctx, uNone), authz.ErrNotFound, "nobody")
		requireIs(t, s.az.VerifyPersonLedger(ctx, model.UserID{}), authz.ErrInvalid, "no user")
		require.NoError(t, db.Exec("UPDATE volmacht_ledger SET actor = 'system' WHERE stream = 'person:u-emil' AND revision = 2").Error)
		requireIs(t, s.az.VerifyPersonLedger(ctx, uEmil), authz.ErrCorrupt, "changed")
		require.NoError(t, s.az.VerifyPersonLedger(ctx, uAnn))
	})
}

func TestPackLedger(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		all, err := s.az.PackLedger(t.Context(), system, 0, 10)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.NotEmpty(t, all[0].Added)
		for _, a := range []authz.Actor{admin, authz.By(uGhost)} {
			_, err = s.az.PackLedger(t.Context(), a, 0, 10)
			requireIs(t, err, authz.ErrDenied, a.String())
		}
		_, err = s.az.PackLedger(t.Context(), authz.Actor{}, 0, 10)
		requireIs(t, err, authz.ErrInvalid, "no actor")
		_, err = new(authz.Authz).PackLedger(t.Context(), system, 0, 10)
		requireIs(t, err, authz.ErrInvalid, "zero")
		require.NoError(t, s.az.VerifyPackLedger(t.Context()))
		require.NoError(t, db.Exec("UPDATE volmacht_ledger SET reason = 'x' WHERE stream = 'pack'").Error)
		requireIs(t, s.az.VerifyPackLedger(t.Context()), authz.ErrCorrupt, "changed")
	})
}
