package authz_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A town is offices with dossiers and client users, written as the ledger's
// first entry of each office.
type town struct {
	db      *gorm.DB
	az      *authz.Authz
	checks  []authz.Request
	offices []model.TenantID
	users   int // of all offices
}

func newTown(b *testing.B, offices, dossiers, users int) *town {
	b.Helper()
	db, err := store.OpenMemory()
	require.NoError(b, err)
	pool, err := db.DB()
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, pool.Close()) })
	w := &town{db: db, users: offices * dossiers * users}
	w.open(b)
	s, err := store.Open(b.Context(), db)
	require.NoError(b, err)
	var asked []model.Permission
	catalog := accountancy.Pack().Catalog
	for _, e := range catalog.Permissions {
		if e.Place == model.AtDossier {
			asked = append(asked, e.Permission)
		}
	}
	for range offices {
		t := model.NewTenantID()
		w.offices = append(w.offices, t)
		home := model.TenantDomain(t)
		var rows []store.Row
		add := func(rules ...model.Rule) {
			for _, r := range rules {
				rows = append(rows, store.Row{Rule: r, Tenant: t, GrantedBy: "system", GrantedAt: time.Unix(1_700_000_000, 0)})
			}
		}
		add(model.TenantRules(t)...)
		for range dossiers {
			d := model.DossierDomain(t, model.NewDossierID())
			add(model.DossierRules(d)...)
			add(model.TraitRule(d, model.TraitShared), model.TraitRule(d, model.ConfigurationTrait(catalog.Configurations[rand.IntN(3)].Configuration)))
			for range users {
				u := model.NewUserID()
				add(model.GrantRule(model.UserSubject(u), model.Member, home),
					model.GrantRule(model.UserSubject(u), catalog.Profiles[3+rand.IntN(6)].Profile, d))
				w.checks = append(w.checks, authz.Request{User: u, Domain: d, Permission: asked[rand.IntN(len(asked))]})
			}
		}
		require.NoError(b, s.Transaction(b.Context(), func(tx *store.Tx) error {
			if _, err := tx.Create(store.TenantStream(t)); err != nil {
				return err
			}
			return tx.Record(&store.Entry{Stream: store.TenantStream(t), At: time.Unix(1_700_000_000, 0), Actor: "system", Action: "load", Added: rows})
		}))
	}
	rand.Shuffle(len(w.checks), func(i, j int) { w.checks[i], w.checks[j] = w.checks[j], w.checks[i] })
	return w
}

func (w *town) open(b *testing.B) {
	b.Helper()
	var err error
	w.az, err = authz.Open(b.Context(), w.db, authz.Config{Pack: accountancy.Pack(), Staleness: time.Hour})
	require.NoError(b, err)
}

func (w *town) warm(b *testing.B) {
	for _, t := range w.offices {
		_, err := w.az.Revision(b.Context(), t)
		require.NoError(b, err)
	}
}

func BenchmarkEnforce(b *testing.B) {
	for _, size := range []struct {
		name                     string
		offices, dossiers, users int
	}{{"S", 10, 20, 3}, {"M", 100, 100, 3}} {
		b.Run(size.name, func(b *testing.B) {
			w := newTown(b, size.offices, size.dossiers, size.users)
			w.warm(b)
			ctx := b.Context()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := &w.checks[i%len(w.checks)]
				if _, err := w.az.Enforce(ctx, r.User, r.Domain, r.Permission); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEnforceParallel(b *testing.B) {
	w := newTown(b, 10, 20, 3)
	w.warm(b)
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(1000); pb.Next(); i++ {
			r := &w.checks[i%len(w.checks)]
			if _, err := w.az.Enforce(ctx, r.User, r.Domain, r.Permission); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkCan(b *testing.B) {
	w := newTown(b, 1, 20, 3)
	r := w.checks[0]
	on, err := w.az.On(b.Context(), r.User, r.Domain)
	require.NoError(b, err)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		on.Can(w.checks[i%len(w.checks)].Permission)
	}
}

func BenchmarkOn(b *testing.B) {
	w := newTown(b, 10, 20, 3)
	w.warm(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := &w.checks[i%len(w.checks)]
		if _, err := w.az.On(b.Context(), r.User, r.Domain); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad loads every tenant, beside scanning the same rows into structs.
func BenchmarkLoad(b *testing.B) {
	w := newTown(b, 20, 200, 5)
	var rows int64
	require.NoError(b, w.db.Table("casbin_rule").Count(&rows).Error)
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			for _, t := range w.offices {
				scan(b, w.db, t)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			w.open(b)
			w.warm(b)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
		runtime.KeepAlive(w.az)
	})
}

func scan(b *testing.B, db *gorm.DB, t model.TenantID) []store.CasbinRule {
	result, err := db.Raw("SELECT id, ptype, v0, v1, v2, v3, v4, v5, tenant, granted_by, granted_at, valid_from, valid_until FROM casbin_rule WHERE tenant = ?", t.String()).Rows()
	require.NoError(b, err)
	defer result.Close()
	var all []store.CasbinRule
	for result.Next() {
		var r store.CasbinRule
		if err := result.Scan(&r.ID, &r.PType, &r.V0, &r.V1, &r.V2, &r.V3, &r.V4, &r.V5, &r.Tenant, &r.GrantedBy, &r.GrantedAt, &r.ValidFrom, &r.ValidUntil); err != nil {
			b.Fatal(err)
		}
		all = append(all, r)
	}
	require.NoError(b, result.Err())
	return all
}

// BenchmarkPublish makes a durable grant, in a tenant that is small.
func BenchmarkPublish(b *testing.B) {
	o := newFixture(b)
	ctx := b.Context()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		until := o.clock.Now().Add(time.Duration(1+i) * time.Hour)
		err := o.az.Grant(ctx, authz.System, authz.Grant{Subject: model.UserSubject(o.carl), Profile: accountancy.FullAccess, Domain: o.d2, Until: until})
		if err != nil {
			b.Fatal(fmt.Errorf("%d: %w", i, err))
		}
	}
}
