package authz_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A grant is three statements, its rows and the head of the tenant, whoever makes it,
// for the node knows the rest.
func TestStatementsOfGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, f := setScene(t, db), inject(t, db)
		grants := []authz.Grant{
			{Subject: model.UserSubject(uCarl), Profile: accountancy.Administrator, Domain: dTwo},
			{Subject: model.UserSubject(uEmil), Profile: accountancy.Admin, Domain: home(tAcme)},
		}
		answers(t, s.az) // a node that knows a tenant is one that was asked about it
		for i, by := range []authz.Actor{admin, system} {
			n := f.count(func() { require.NoError(t, s.az.Grant(t.Context(), by, grants[i])) })
			require.Equal(t, int64(3), n, by.String())
		}
		require.NoError(t, s.az.VerifyLedger(t.Context(), tAcme))
	})
}

// A node that has not heard of what another one did changes, and refuses, as one that
// has.
func TestChangesBehindAnother(t *testing.T) {
	t.Parallel()
	type change func(ctx context.Context, az *authz.Authz, o operation) error
	elsewhere := change(func(ctx context.Context, az *authz.Authz, _ operation) error {
		return az.SetFlag(ctx, system, dTwo, accountancy.FlagWorklist, true)
	})
	others := []change{ // of which each operation meets one
		func(ctx context.Context, az *authz.Authz, o operation) error { return o.do(ctx, az, o.valid) },
		func(ctx context.Context, az *authz.Authz, _ operation) error {
			return az.Withdraw(ctx, system, model.UserSubject(uAnn), accountancy.Admin, home(tAcme))
		},
		func(ctx context.Context, az *authz.Authz, _ operation) error {
			return az.DeactivateMember(ctx, system, tAcme, uAnn)
		},
		func(ctx context.Context, az *authz.Authz, o operation) error {
			return az.RemoveMember(ctx, system, home(tAcme), o.valid.user)
		},
		func(ctx context.Context, az *authz.Authz, _ operation) error {
			return az.CloseTenant(ctx, system, tAcme)
		},
	}
	for i, o := range operations() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			for n, meanwhile := range []change{elsewhere, others[i%len(others)]} {
				var worlds [2]scene // in the first the node knows of the change, in the second not
				var errs [2]error
				for i := range worlds {
					s := newScene(t)
					answers(t, s.az)
					who := s.az
					if i == 1 {
						who = openOn(t, s.db, time.Hour)
					}
					_ = meanwhile(t.Context(), who, o) // where it cannot be done, nothing is
					errs[i], worlds[i] = o.do(t.Context(), s.az, o.valid), s
				}
				require.Equal(t, kindOf(errs[0]), kindOf(errs[1]), "%d: %v; %v", n, errs[0], errs[1])
				fresh := answers(t, openOn(t, worlds[1].db, time.Hour))
				require.Equal(t, answers(t, worlds[0].az), fresh, n)
				require.Len(t, worlds[1].dump(t), len(worlds[0].dump(t)), n)
				for _, tenant := range []model.TenantID{tAcme, tBeta} {
					require.NoError(t, worlds[1].az.VerifyLedger(t.Context(), tenant), n)
				}
				if !o.valid.domain.IsZero() && o.valid.tenant() == tAcme && errs[1] == nil {
					require.Equal(t, fresh, answers(t, worlds[1].az), "%d: what it published", n)
				}
			}
		})
	}
}

// What another node has given counts for the next change, and a pack that it has
// published.
func TestGivenByAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		writer := node(t, db, authz.Config{})
		home, ann := settle(t, writer, "acme")
		bea := second(t, writer, home)
		knows := func(allowed bool) *authz.Authz { // for an hour
			late := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Hour})
			ok, err := late.Enforce(ctx, ann, home, accountancy.EditTenant)
			require.NoError(t, err)
			require.Equal(t, allowed, ok)
			return late
		}
		office := authz.Grant{Subject: model.UserSubject(ann), Profile: accountancy.Admin, Domain: home}
		grant := authz.Grant{Subject: model.UserSubject(bea), Profile: accountancy.Support, Domain: home}
		late := knows(true)
		require.NoError(t, writer.Withdraw(ctx, authz.System, office.Subject, office.Profile, home))
		require.ErrorIs(t, late.Grant(ctx, authz.By(ann), grant), authz.ErrDenied)
		late = knows(false)
		require.NoError(t, writer.Grant(ctx, authz.System, office))
		require.NoError(t, late.Grant(ctx, authz.By(ann), grant))

		// Nothing of the tenant has changed, but the pack has.
		known, err := late.Revision(ctx, home.Tenant())
		require.NoError(t, err)
		_, err = writer.Publish(ctx, authz.System, edited(t, version1, version2, "p, admin, any, tenant, staff_profile, grant, allow\n", ""))
		require.NoError(t, err)
		grant.Profile = accountancy.Employee
		require.ErrorIs(t, late.Grant(ctx, authz.By(ann), grant), authz.ErrDenied)
		after, err := writer.Revision(ctx, home.Tenant())
		require.NoError(t, err)
		require.Equal(t, known, after)
	})
}

// What a change fills in by itself is by the pack in force, and so is all of a
// transaction that has found out that another one is.
func TestPackOfAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		writer := node(t, db, authz.Config{})
		acme, ann := settle(t, writer, "acme")
		bosch, bo := settle(t, writer, "bosch")
		bea := second(t, writer, bosch)
		late := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Hour})
		for _, home := range []model.Domain{acme, bosch} {
			_, err := late.Enforce(ctx, ann, home, accountancy.EditTenant)
			require.NoError(t, err)
		}
		publish := func(oldNew ...string) {
			t.Helper()
			_, err := writer.Publish(ctx, authz.System, edited(t, oldNew...))
			require.NoError(t, err)
		}
		other := []string{version1, version2, "configuration, C, , default,", "configuration, C, , ,", "configuration, D, , ,", "configuration, D, , default,"}
		publish(other...)
		made, err := late.CreateDossier(ctx, authz.By(ann), acme.Tenant(), authz.Dossier{Name: "New"})
		require.NoError(t, err)
		require.Equal(t, accountancy.ConfigurationD, made.Configuration)

		_, err = late.CreateDossier(ctx, authz.By(bo), bosch.Tenant(), authz.Dossier{Name: "Newer"})
		require.NoError(t, err) // and by the second pack from here on
		other[1] = "accountancy, , 3,"
		publish(append(other, "p, admin, any, tenant, staff_profile, grant, allow\n", "")...)
		require.ErrorIs(t, late.Transaction(ctx, func(tx *authz.Tx) error {
			if err := tx.SetPrivate(ctx, authz.By(ann), made.Domain, false); err != nil { // as it is: a lock, and no more
				return err
			}
			return tx.Grant(ctx, authz.By(bo), authz.Grant{Subject: model.UserSubject(bea), Profile: accountancy.Support, Domain: bosch})
		}), authz.ErrDenied)
	})
}

// kindOf is what a caller can tell of an error.
func kindOf(err error) (kinds []bool) {
	for _, kind := range []error{nil, authz.ErrInvalid, authz.ErrDenied, authz.ErrNotFound, authz.ErrConflict, authz.ErrExpired} {
		kinds = append(kinds, errors.Is(err, kind))
	}
	return kinds
}
