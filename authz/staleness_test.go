package authz_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// node opens one more Authz on the database, as another process would.
func node(t *testing.T, db *gorm.DB, cfg authz.Config) *authz.Authz {
	t.Helper()
	cfg.Pack = accountancy.Pack()
	az, err := authz.Open(t.Context(), db, cfg)
	require.NoError(t, err)
	return az
}

// settle makes a tenant with one admin.
func settle(t *testing.T, az *authz.Authz, name string) (model.Domain, model.UserID) {
	t.Helper()
	tenant, err := az.CreateTenant(t.Context(), authz.System, authz.Tenant{ID: id(t, model.ParseTenantID, name), Name: name})
	require.NoError(t, err)
	p, err := az.AddPerson(t.Context(), authz.System, authz.Person{FirstName: "Ann", LastName: "Peeters"})
	require.NoError(t, err)
	require.NoError(t, az.AddMember(t.Context(), authz.System, tenant.Domain(),
		authz.NewMember{User: p.ID, Profiles: []model.Profile{accountancy.Admin, accountancy.Support}}))
	return tenant.Domain(), p.ID
}

// A change made by another process counts here once the staleness bound has
// passed, and not before the database is asked.
func TestOtherNode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		writer := node(t, db, authz.Config{})
		home, ann := settle(t, writer, "acme")
		soon := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Nanosecond})
		late := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Hour})
		ask := func(az *authz.Authz) bool {
			t.Helper()
			ok, err := az.Enforce(t.Context(), ann, home, accountancy.CreateDossier)
			require.NoError(t, err)
			return ok
		}
		require.True(t, ask(soon))
		require.True(t, ask(late))
		require.NoError(t, writer.DeactivateMember(t.Context(), authz.System, home.Tenant(), second(t, writer, home)))
		require.NoError(t, writer.CloseTenant(t.Context(), authz.System, home.Tenant()))
		require.False(t, ask(writer))
		require.False(t, ask(soon))
		require.True(t, ask(late)) // by what it knew an hour ago at most

		// A change of its own shows it the others'.
		require.ErrorIs(t, late.SetSetting(t.Context(), authz.System, home.Tenant(), accountancy.SettingAdminOnlyClients, true), authz.ErrConflict)
	})
}

// second adds one more admin.
func second(t *testing.T, az *authz.Authz, home model.Domain) model.UserID {
	t.Helper()
	p, err := az.AddPerson(t.Context(), authz.System, authz.Person{FirstName: "Bea", LastName: "Peeters"})
	require.NoError(t, err)
	require.NoError(t, az.AddMember(t.Context(), authz.System, home, authz.NewMember{User: p.ID, Profiles: []model.Profile{accountancy.Admin}}))
	return p.ID
}

// A node that cannot ask the database decides nothing once the bound has
// passed; before, it goes on.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		home, ann := settle(t, node(t, db, authz.Config{}), "acme")
		handle := storetest.Reopen(t, db)
		soon := node(t, handle, authz.Config{Staleness: time.Nanosecond})
		late := node(t, handle, authz.Config{Staleness: time.Hour})
		for _, az := range []*authz.Authz{soon, late} {
			ok, err := az.Enforce(t.Context(), ann, home, accountancy.CreateDossier)
			require.NoError(t, err)
			require.True(t, ok)
		}
		pool, err := handle.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())

		ok, err := soon.Enforce(t.Context(), ann, home, accountancy.CreateDossier)
		require.ErrorIs(t, err, authz.ErrStale)
		require.False(t, ok)
		answers, err := soon.EnforceBatch(t.Context(), []authz.Request{{User: ann, Domain: home, Permission: accountancy.CreateDossier}})
		require.ErrorIs(t, err, authz.ErrStale)
		require.Nil(t, answers)
		for _, err := range soon.Permissions(t.Context(), ann, home) {
			require.ErrorIs(t, err, authz.ErrStale)
		}
		_, err = soon.Explain(t.Context(), ann, home, accountancy.CreateDossier)
		require.ErrorIs(t, err, authz.ErrStale)
		require.Error(t, soon.CloseTenant(t.Context(), authz.System, home.Tenant()))

		ok, err = late.Enforce(t.Context(), ann, home, accountancy.CreateDossier)
		require.NoError(t, err)
		require.True(t, ok)
	})
}

// A node with room for two tenants answers for five.
func TestEviction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		az := node(t, db, authz.Config{Tenants: 2})
		type office struct {
			home  model.Domain
			admin model.UserID
		}
		var offices []office
		for i := range 5 {
			home, admin := settle(t, az, fmt.Sprintf("office%d", i))
			offices = append(offices, office{home, admin})
		}
		for range 3 {
			kept, _ := authz.Known(az, offices[0].home.Tenant())
			require.LessOrEqual(t, kept, 2)
			for _, o := range offices {
				for _, other := range offices {
					ok, err := az.Enforce(t.Context(), other.admin, o.home, accountancy.CreateDossier)
					require.NoError(t, err)
					require.Equal(t, o == other, ok)
				}
			}
		}
	})
}

// An older state that is published late, or for a tenant that has left the
// memory meanwhile, does not take the place of a newer one.
func TestLatePublish(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	newest := func() uint64 {
		t.Helper()
		revision, err := o.az.Revision(t.Context(), o.tenant)
		require.NoError(t, err)
		return revision
	}
	before := newest()
	authz.PublishAgain(o.az, o.tenant, func() {
		require.NoError(t, o.az.SetModule(t.Context(), o.by, o.d1, accountancy.ModulePayment, true))
	})
	require.Equal(t, before+1, newest())
	o.allowed(t, o.carl, o.d1, accountancy.UsePayment)
}

// Checks go on while the tenant changes, see only whole changes, and never an
// older state after a newer one.
func TestReadersAndWriter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		az := node(t, db, authz.Config{Staleness: time.Millisecond})
		home, ann := settle(t, az, "acme")
		d, err := az.CreateDossier(t.Context(), authz.System, home.Tenant(), authz.Dossier{Name: "Dossier"})
		require.NoError(t, err)
		// Shared or private: with neither row or with the wrong one, nothing
		// lets the admin in.
		require.NoError(t, az.Assign(t.Context(), authz.System, d.Domain, authz.Supporting(ann)))

		var done atomic.Bool
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				last := uint64(0)
				for !done.Load() {
					why, err := az.Explain(t.Context(), ann, d.Domain, accountancy.ViewFigure)
					if err != nil || !why.Allowed || why.Revision < last {
						t.Errorf("after revision %d: %+v, %v", last, why, err)
						return
					}
					last = why.Revision
				}
			})
		}
		for i := range 40 {
			if err := az.SetPrivate(t.Context(), authz.System, d.Domain, i%2 == 0); err != nil {
				t.Errorf("set private: %v", err)
			}
		}
		done.Store(true)
		readers.Wait()
	})
}

// Where somebody is a member is known as long as what they may do there: a change
// made here counts at once, and one of another process within the bound.
func TestMembershipOnOtherNode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		writer := node(t, db, authz.Config{})
		home, ann := settle(t, writer, "acme")
		soon := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Nanosecond})
		late := node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Hour})
		tenants := func(az *authz.Authz) (found []string) {
			t.Helper()
			for p, err := range az.Places(ctx, ann, model.Domain{}) {
				require.NoError(t, err)
				found = append(found, p.Tenant)
			}
			return found
		}
		for _, az := range []*authz.Authz{writer, soon, late} {
			require.Equal(t, []string{"acme"}, tenants(az))
		}
		other, _ := settle(t, writer, "bosch")
		require.NoError(t, writer.AddMember(ctx, authz.System, other, authz.NewMember{User: ann}))
		require.Equal(t, []string{"acme", "bosch"}, tenants(writer))
		require.Equal(t, []string{"acme", "bosch"}, tenants(soon))
		require.Equal(t, []string{"acme"}, tenants(late)) // as an hour ago at most

		require.NoError(t, late.SetSetting(ctx, authz.System, home.Tenant(), accountancy.SettingAdminOnlyClients, true))
		require.Equal(t, []string{"acme", "bosch"}, tenants(late)) // a change of its own

		require.NoError(t, writer.Transaction(ctx, func(tx *authz.Tx) error {
			if err := tx.RemoveMember(ctx, authz.System, other, ann); err != nil {
				return err
			}
			require.Equal(t, []string{"acme"}, tenants(tx.Authz))
			return nil
		}))
		require.Equal(t, []string{"acme"}, tenants(writer))
	})
}

// Whoever meets a state just as it is replaced, because it had expired, goes by the new
// one.
func TestExpiredStateIsNotServed(t *testing.T) {
	t.Parallel()
	const expired, asked, staleness = 1, 1000, 10
	for range 20_000 {
		var slot authz.Slot
		slot.Put(1, expired)
		var wait sync.WaitGroup
		wait.Go(func() { slot.Put(2, asked) })
		found := uint64(0)
		for found == 0 {
			found = slot.Current(asked, staleness)
		}
		wait.Wait()
		require.EqualValues(t, 2, found)
	}
}

// Where somebody is a member is told by who asked last, not by who was answered last.
func TestMembershipsAnsweredLate(t *testing.T) {
	t.Parallel()
	var m authz.Memberships
	answer := func(tenants ...model.TenantID) func() ([]model.TenantID, error) {
		return func() ([]model.TenantID, error) { return tenants, nil }
	}
	first, err := m.Of(uAnn, time.Hour, func() ([]model.TenantID, error) {
		second, err := m.Of(uAnn, time.Hour, answer(tAcme, tBeta))
		require.NoError(t, err)
		require.Len(t, second, 2)
		return []model.TenantID{tAcme}, nil
	})
	require.NoError(t, err)
	require.Len(t, first, 1)
	again, err := m.Of(uAnn, time.Hour, answer())
	require.NoError(t, err)
	require.Equal(t, []model.TenantID{tAcme, tBeta}, again)
}

// A check that waits for the database keeps no change from returning, and the next
// check goes by that change.
func TestChangeBesideAHangingCheck(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		home, ann := settle(t, node(t, db, authz.Config{}), "acme")
		handle := storetest.Reopen(t, db)
		az := node(t, handle, authz.Config{Staleness: time.Nanosecond})
		bea := second(t, az, home)
		ask := func(ctx context.Context) bool {
			ok, err := az.Enforce(ctx, bea, home, accountancy.CreateDossier)
			require.NoError(t, err)
			return ok
		}
		require.True(t, ask(t.Context()))

		hanging, goOn := make(chan struct{}), make(chan struct{})
		var first sync.Once
		require.NoError(t, handle.Callback().Query().Before("*").Register("test:hang", func(db *gorm.DB) {
			if db.Statement.Context.Value(hangs{}) != nil {
				first.Do(func() { close(hanging); <-goOn })
			}
		}))
		var wait sync.WaitGroup
		wait.Go(func() { ask(context.WithValue(t.Context(), hangs{}, true)) })
		<-hanging
		within := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		require.NoError(t, az.Withdraw(within(2*time.Second), authz.By(ann), model.UserSubject(bea), accountancy.Admin, home))
		require.False(t, ask(within(10*time.Second)))
		close(goOn)
		wait.Wait()
		require.False(t, ask(t.Context()))
	})
}

type hangs struct{}
