package authz_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/policies/accountancy"
)

var errInjected = errors.New("injected")

// An injector lets one statement of a handle fail before it is sent.
type injector struct {
	left  atomic.Int64 // statements until the one that fails
	fired atomic.Bool
}

func inject(t *testing.T, db *gorm.DB) *injector {
	t.Helper()
	f := new(injector)
	hook := func(db *gorm.DB) {
		if f.left.Add(-1) == 0 {
			f.fired.Store(true)
			_ = db.AddError(errInjected)
		}
	}
	all := db.Callback()
	require.NoError(t, errors.Join(
		all.Create().Before("*").Register("test:create", hook), all.Query().Before("*").Register("test:query", hook),
		all.Update().Before("*").Register("test:update", hook), all.Delete().Before("*").Register("test:delete", hook),
		all.Row().Before("*").Register("test:row", hook), all.Raw().Before("*").Register("test:raw", hook),
	))
	return f
}

// arm lets the n-th statement from now on fail.
func (f *injector) arm(n int) {
	f.fired.Store(false)
	f.left.Store(int64(n))
}

// disarm reports whether a statement failed.
func (f *injector) disarm() bool {
	f.left.Store(0)
	return f.fired.Load()
}

// count returns how many statements do makes.
func (f *injector) count(do func()) int64 {
	const many = 1 << 40
	f.left.Store(many)
	do()
	return many - f.left.Load()
}

// fail runs do with a failure at the first statement, the second, and so on
// until it gets through, and wants each run but the last to have changed
// nothing.
func (f *injector) fail(t *testing.T, s scene, do func() error) {
	t.Helper()
	before := s.snapshot(t)
	for n := 1; ; n++ {
		f.arm(n)
		err := do()
		if !f.disarm() {
			require.NoError(t, err, "without a failure")
			require.Greater(t, n, 3, "a change is a row or more, a line of the ledger and a head")
			require.NotEqual(t, before.rows, s.dump(t))
			require.Equal(t, answers(t, openOn(t, s.db, time.Hour)), answers(t, s.az), "after the change")
			return
		}
		require.ErrorIs(t, err, errInjected, "statement %d", n)
		s.requireSame(t, before)
	}
}

func TestFailingStatements(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			inject(t, s.db).fail(t, s, func() error { return o.do(t.Context(), s.az, o.valid) })
		})
	}
}

// A failure in the second of two changes takes the first along.
func TestFailingStatementsOfTwo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		inject(t, db).fail(t, s, func() error { return s.az.Transaction(t.Context(), two) })
	})
}

// two makes two changes to two tenants.
func two(tx *authz.Tx) error {
	if err := tx.CloseDossier(context.Background(), authz.By(uAnn), dOne); err != nil {
		return err
	}
	return tx.RemoveMember(context.Background(), authz.By(uBea), home(tBeta), uBen)
}

// on returns the scene through a handle whose transactions end in c.
func (s scene) on(t *testing.T, c *storetest.Commit) scene {
	t.Helper()
	db := storetest.Committing(t, s.db, func(real func() error) error { return (*c)(real) })
	return scene{s.db, openOn(t, db, time.Hour)}
}

func TestFailingCommit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		end := storetest.Commit(func(real func() error) error { return real() })
		s := setScene(t, db).on(t, &end)
		before := s.snapshot(t)
		end = func(func() error) error { return errInjected }
		for _, o := range operations() {
			requireIs(t, o.do(t.Context(), s.az, o.valid), authz.ErrUnavailable, o.String())
			s.requireSame(t, before)
		}
		requireIs(t, s.az.Transaction(t.Context(), two), authz.ErrUnavailable, "two")
		s.requireSameReopened(t, before)

		// What got no answer may have been done. It is an error all the same,
		// and a node that asks knows what became of it.
		end = func(real func() error) error { return errors.Join(errInjected, real()) }
		requireIs(t, s.az.CloseDossier(t.Context(), admin, dOne), authz.ErrUnavailable, "no answer")
		require.NotEqual(t, before.rows, s.dump(t))
		require.Equal(t, answers(t, openOn(t, db, time.Hour)), answers(t, openOn(t, db, time.Nanosecond)))
		end = func(real func() error) error { return real() }
		requireIs(t, s.az.CloseDossier(t.Context(), admin, dOne), authz.ErrNotFound, "the next change starts from what is there")
	})
}

func TestPanicInTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		before := s.snapshot(t)
		var kept *authz.Tx
		require.PanicsWithValue(t, "host", func() {
			_ = s.az.Transaction(t.Context(), func(tx *authz.Tx) error {
				kept = tx
				require.NoError(t, two(tx))
				panic("host")
			})
		})
		s.requireSameReopened(t, before)
		requireIs(t, two(kept), authz.ErrInvalid, "after the end")
		require.NoError(t, s.az.Transaction(t.Context(), two), "the database goes on")
	})
}

func TestHalfATransaction(t *testing.T) {
	t.Parallel()
	errHost := errors.New("the host's own")
	nothing := func(tx *authz.Tx) error { // it is as it was asked for
		return tx.SetPrivate(context.Background(), admin, dTwo, false)
	}
	denied := func(tx *authz.Tx) error {
		return tx.SetPrivate(context.Background(), authz.By(uOlga), dTwo, true)
	}
	for name, c := range map[string]struct {
		fn   func(tx *authz.Tx) error
		want error // nil: all of it is done
	}{
		"two":                           {two, nil},
		"nothing to do, then two":       {func(tx *authz.Tx) error { return errors.Join(nothing(tx), two(tx)) }, nil},
		"two, then nothing to do":       {func(tx *authz.Tx) error { return errors.Join(two(tx), nothing(tx)) }, nil},
		"two, then the host fails":      {func(tx *authz.Tx) error { _ = two(tx); return errHost }, errHost},
		"two, then one fails":           {func(tx *authz.Tx) error { return errors.Join(two(tx), denied(tx)) }, authz.ErrNotFound},
		"one fails, passed over":        {func(tx *authz.Tx) error { _ = denied(tx); return nil }, authz.ErrNotFound},
		"one fails, passed over, two":   {func(tx *authz.Tx) error { _ = denied(tx); _ = two(tx); return nil }, authz.ErrNotFound},
		"two, one fails, another error": {func(tx *authz.Tx) error { _ = two(tx); _ = denied(tx); return errHost }, errHost},
		"one fails within, passed over": {func(tx *authz.Tx) error { _ = tx.Transaction(t.Context(), ignoring(denied)); return nil }, authz.ErrNotFound},
		"two within":                    {func(tx *authz.Tx) error { return tx.Transaction(t.Context(), two) }, nil},
		"a row of the host's own, fails": {func(tx *authz.Tx) error {
			return errors.Join(two(tx), tx.DB().Exec("INSERT INTO nowhere VALUES (1)").Error)
		}, errAny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := setScene(t, db)
				before := s.snapshot(t)
				err := s.az.Transaction(t.Context(), c.fn)
				if c.want == nil {
					require.NoError(t, err)
					require.NotEqual(t, before.rows, s.dump(t))
					require.Equal(t, answers(t, openOn(t, db, time.Hour)), answers(t, s.az))
					return
				}
				require.Error(t, err)
				if !errors.Is(c.want, errAny) {
					require.ErrorIs(t, err, c.want)
				}
				s.requireSameReopened(t, before)
				require.NoError(t, s.az.SetModule(t.Context(), admin, dOne, accountancy.ModulePayment, true), "the database goes on")
			})
		})
	}
}

// errAny is the database's own.
var errAny = errors.New("any")

// ignoring is fn with its error passed over.
func ignoring(fn func(tx *authz.Tx) error) func(tx *authz.Tx) error {
	return func(tx *authz.Tx) error { _ = fn(tx); return nil }
}

// An acceptance during which a statement fails has not happened, nor has its
// refusal, and the link is as good as before.
func TestFailingAcceptance(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"accepted": false, "needs renewal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTimed(t, emptyDB(t))
			token := s.token(t, s.invite(t, admin, offer(newcomer, dTwo, accountancy.FullAccess)))
			if late {
				require.NoError(t, s.az.CloseDossier(t.Context(), admin, dTwo))
			}
			f := inject(t, s.db)
			f.fail(t, s.scene, func() error {
				_, err := s.az.Accept(t.Context(), token, authz.Acceptance{NewUser: uGhost})
				if late && errors.Is(err, authz.ErrExpired) {
					return nil
				}
				return err
			})
		})
	}
}
