package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

var (
	d1    = model.Must(model.ParseDossierID("d1"))
	sales = model.Must(model.ParseTeamID("sales"))
)

// filled opens a store with a row in every table of the business.
func filled(t *testing.T, db *gorm.DB) *store.Store {
	t.Helper()
	s := open(t, db)
	require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
		for _, row := range []any{
			&store.Tenant{ID: acme, Name: "Acme", Email: "info@acme.example", CreatedAt: store.At(epoch)},
			&store.Tenant{ID: beta, Name: "Beta"},
			&store.Person{ID: ann, FirstName: "Ann", Locale: "nl"},
			&store.Person{ID: bob, FirstName: "Bob"},
			&store.Address{Person: ann, Canonical: "ann@acme.example", Typed: "Ann@acme.example", VerifiedAt: 1, AddedAt: 1},
			&store.Member{Tenant: acme, Person: ann, State: store.Active, Since: 1},
			&store.Member{Tenant: beta, Person: bob, State: store.Deactivated, External: true, Since: 1},
			&store.Team{Tenant: acme, ID: sales, Name: "Sales"},
			&store.Team{Tenant: beta, ID: model.Must(model.ParseTeamID("other"))},
			&store.Dossier{Tenant: acme, ID: d1, Name: "One", Configuration: model.Must(model.ParseConfiguration("B")), Private: true, Manager: ann, Team: sales},
			&store.Supporting{Tenant: acme, Dossier: d1, Person: ann},
		} {
			if err := tx.DB().Create(row).Error; err != nil {
				return err
			}
		}
		return nil
	}))
	return s
}

func TestRowsReadBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		filled(t, db)
		var d store.Dossier
		require.NoError(t, db.First(&d, "tenant = ? AND id = ?", acme, d1).Error)
		require.Equal(t, store.Dossier{Tenant: acme, ID: d1, Name: "One", Configuration: model.Must(model.ParseConfiguration("B")), Private: true, Manager: ann, Team: sales}, d)
		var tenant store.Tenant
		require.NoError(t, db.First(&tenant, "id = ?", acme).Error)
		require.Equal(t, epoch, tenant.CreatedAt.Time())
		require.True(t, tenant.ClosedAt.Time().IsZero())
		var plain store.Tenant
		require.NoError(t, db.First(&plain, "id = ?", beta).Error)
		require.Equal(t, store.Tenant{ID: beta, Name: "Beta"}, plain, "gorm fills in nothing")
		var m store.Member
		require.NoError(t, db.First(&m, "tenant = ?", beta).Error)
		require.Equal(t, store.Member{Tenant: beta, Person: bob, State: store.Deactivated, External: true, Since: 1}, m)
	})
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	other := model.Must(model.ParseTeamID("other"))
	nobody := model.Must(model.ParseUserID("nobody"))
	d2 := model.Must(model.ParseDossierID("d2"))
	cases := map[string]func(db *gorm.DB) error{
		"address of nobody": func(db *gorm.DB) error { return db.Create(&store.Address{Person: nobody, Canonical: "x"}).Error },
		"member of no tenant": func(db *gorm.DB) error {
			return db.Create(&store.Member{Tenant: model.NewTenantID(), Person: ann, State: store.Active}).Error
		},
		"member is nobody": func(db *gorm.DB) error {
			return db.Create(&store.Member{Tenant: acme, Person: nobody, State: store.Active}).Error
		},
		"member twice": func(db *gorm.DB) error {
			return db.Create(&store.Member{Tenant: acme, Person: ann, State: store.Active}).Error
		},
		"team of no tenant":         func(db *gorm.DB) error { return db.Create(&store.Team{Tenant: model.NewTenantID(), ID: sales}).Error },
		"dossier of no tenant":      func(db *gorm.DB) error { return db.Create(&store.Dossier{Tenant: model.NewTenantID(), ID: d2}).Error },
		"dossier twice":             func(db *gorm.DB) error { return db.Create(&store.Dossier{Tenant: acme, ID: d1}).Error },
		"manager of another tenant": func(db *gorm.DB) error { return db.Create(&store.Dossier{Tenant: acme, ID: d2, Manager: bob}).Error },
		"team of another tenant":    func(db *gorm.DB) error { return db.Create(&store.Dossier{Tenant: acme, ID: d2, Team: other}).Error },
		"supporting no dossier": func(db *gorm.DB) error {
			return db.Create(&store.Supporting{Tenant: acme, Dossier: d2, Person: ann}).Error
		},
		"supporting, no member": func(db *gorm.DB) error {
			return db.Create(&store.Supporting{Tenant: acme, Dossier: d1, Person: bob}).Error
		},
		"person with memberships": func(db *gorm.DB) error { return db.Delete(&store.Person{ID: ann}).Error },
		"tenant with members":     func(db *gorm.DB) error { return db.Delete(&store.Tenant{ID: acme}).Error },
		"member who manages":      func(db *gorm.DB) error { return db.Delete(&store.Member{Tenant: acme, Person: ann}).Error },
		"team of a dossier":       func(db *gorm.DB) error { return db.Delete(&store.Team{Tenant: acme, ID: sales}).Error },
		"dossier with supporters": func(db *gorm.DB) error { return db.Delete(&store.Dossier{Tenant: acme, ID: d1}).Error },
		"address verified by another": func(db *gorm.DB) error {
			return db.Create(&store.Address{Person: bob, Canonical: "ann@acme.example", VerifiedAt: 1}).Error
		},
		"claimed first, verified later": func(db *gorm.DB) error {
			a := &store.Address{Person: bob, Canonical: "ann@acme.example"}
			if err := db.Create(a).Error; err != nil {
				return err
			}
			return db.Model(a).Update("verified_at", store.At(epoch)).Error
		},
	}
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := filled(t, db)
		before := dump(t, db)
		for name, violate := range cases {
			t.Run(name, func(t *testing.T) {
				err := s.Transaction(t.Context(), func(tx *store.Tx) error { return store.Translate(violate(tx.DB())) })
				require.ErrorIs(t, err, store.ErrConflict)
				require.Equal(t, before, dump(t, db))
			})
		}
		t.Run("state", func(t *testing.T) {
			require.Error(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
				return tx.DB().Create(&store.Member{Tenant: beta, Person: ann, State: "gone"}).Error
			}))
		})
		t.Run("zero id", func(t *testing.T) {
			require.Error(t, s.Transaction(t.Context(), func(tx *store.Tx) error { return tx.DB().Create(&store.Tenant{}).Error }))
		})
		t.Run("address free again", func(t *testing.T) {
			require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
				if err := tx.DB().Model(&store.Address{Person: ann, Canonical: "ann@acme.example"}).Update("verified_at", 0).Error; err != nil {
					return err
				}
				return tx.DB().Create(&store.Address{Person: bob, Canonical: "ann@acme.example", VerifiedAt: 2}).Error
			}))
		})
	})
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.Translate(nil))
	require.Equal(t, errInjected, store.Translate(errInjected))
	require.ErrorIs(t, store.Translate(gorm.ErrRecordNotFound), store.ErrNotFound)
	require.ErrorIs(t, store.Translate(gorm.ErrRecordNotFound), gorm.ErrRecordNotFound)
	require.ErrorIs(t, store.Translate(gorm.ErrDuplicatedKey), store.ErrConflict)
	require.ErrorIs(t, store.Translate(retryable{errInjected}), store.ErrUnavailable)
	once := store.Translate(gorm.ErrDuplicatedKey)
	require.Equal(t, once, store.Translate(once))
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		filled(t, db)
		require.ErrorIs(t, store.Translate(db.First(&store.Tenant{}, "id = ?", "nobody").Error), store.ErrNotFound)
		require.NotErrorIs(t, store.Translate(db.Exec("SELECT nonsense").Error), store.ErrUnavailable)
	})
}
