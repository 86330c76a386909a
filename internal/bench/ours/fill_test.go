package ours_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/bench/ours"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

// What fill writes is what authz writes: every row of every table but the ledger,
// whose entries are fewer; and the ledger adds up, hash by hash.
func TestFillIsWhatTheAPIWrites(t *testing.T) {
	t.Parallel()
	w := world.New(world.XS, 5)
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.NoError(t, ours.Prepare(t.Context(), db, w))
		filled := dump(t, db)
		verify(t, db, w)

		other, err := store.OpenMemory()
		require.NoError(t, err)
		pool, err := other.DB()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, pool.Close()) })
		byAPI(t, other, w)
		require.Equal(t, dump(t, other), filled)
	})
}

func verify(t *testing.T, db *gorm.DB, w *world.World) {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	require.NoError(t, err)
	for o := range w.Offices {
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(w.Tenant(int32(o)))))
		loaded, err := s.Load(t.Context(), w.Tenant(int32(o)))
		require.NoError(t, err)
		added := make(map[store.Row]bool)
		entries, err := s.Ledger(t.Context(), store.TenantStream(w.Tenant(int32(o))), 0, 1000)
		require.NoError(t, err)
		for _, e := range entries {
			require.Empty(t, e.Removed)
			for _, r := range e.Added {
				added[r] = true
			}
		}
		require.Len(t, added, len(loaded.Rows))
		for _, r := range loaded.Rows {
			require.True(t, added[r], "%v is not in the ledger", r.Rule)
		}
	}
	for u := range w.Users {
		require.NoError(t, s.VerifyLedger(t.Context(), store.PersonStream(w.UserID(int32(u)))))
	}
}

// byAPI writes w with the public methods, one by one.
func byAPI(t *testing.T, db *gorm.DB, w *world.World) {
	t.Helper()
	ctx, sys := t.Context(), authz.System
	az, err := ours.OpenAuthz(ctx, db)
	require.NoError(t, err)
	require.NoError(t, az.Transaction(ctx, func(tx *authz.Tx) error {
		for i, o := range w.Offices {
			_, err := tx.CreateTenant(ctx, sys, authz.Tenant{ID: w.Tenant(int32(i)), Name: "Office", Email: "office@office.example"})
			require.NoError(t, err)
			for name, on := range map[string]bool{"self_service_users": o.SelfService, "admin_only_clients": o.AdminOnly} {
				require.NoError(t, tx.SetSetting(ctx, sys, w.Tenant(int32(i)), model.Must(model.ParseSetting(name)), on))
			}
		}
		for i, u := range w.Users {
			id := w.UserID(int32(i))
			_, err := tx.AddPerson(ctx, sys, authz.Person{ID: id, FirstName: "F", LastName: "L"})
			require.NoError(t, err)
			m := authz.NewMember{User: id}
			if u.Staff != 0 {
				m.Profiles = []model.Profile{model.Must(model.ParseProfile(u.Staff.Name()))}
			}
			require.NoError(t, tx.AddMember(ctx, sys, model.TenantDomain(w.Tenant(u.Office)), m))
		}
		for i, d := range w.Dossiers {
			at := w.DossierDomain(int32(i))
			want := authz.Dossier{
				ID: at.Dossier(), Name: "Dossier", Private: d.Private,
				Configuration: model.Must(model.ParseConfiguration(string(d.Configuration))),
			}
			for name, on := range map[string]bool{"payment": d.Payment, "financial": d.Financial} {
				if on {
					want.Modules = append(want.Modules, model.Must(model.ParseModule(name)))
				}
			}
			if d.Worklist {
				want.Flags = []model.Flag{model.Must(model.ParseFlag("worklist"))}
			}
			for _, l := range w.Links {
				switch {
				case l.Dossier != int32(i):
				case l.Manager:
					want.Manager = w.UserID(l.User)
				default:
					want.Supporting = append(want.Supporting, w.UserID(l.User))
				}
			}
			_, err := tx.CreateDossier(ctx, sys, at.Tenant(), want)
			require.NoError(t, err)
		}
		for _, p := range w.Places {
			require.NoError(t, tx.Grant(ctx, sys, authz.Grant{
				Subject: w.Subject(p.User), Profile: model.Must(model.ParseProfile(p.Profile.Name())), Domain: w.DossierDomain(p.Dossier),
			}))
		}
		return nil
	}))
}

// dump is every row of every table but the ledger, without what tells of the
// moment or of the order of writing.
func dump(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	var all []string
	for table, columns := range map[string]string{
		"volmacht_streams":       "name",
		"volmacht_tenants":       "id, name, email, closed_at",
		"volmacht_people":        "id, first_name, last_name, locale",
		"volmacht_addresses":     "person, canonical",
		"volmacht_members":       "tenant, person, state, external",
		"volmacht_teams":         "tenant, id",
		"volmacht_dossiers":      "tenant, id, name, closed_at, configuration, pending, failure, private, manager, team",
		"volmacht_supporting":    "tenant, dossier, person",
		"casbin_rule":            "ptype, v0, v1, v2, v3, v4, v5, tenant, granted_by, valid_from, valid_until",
		"volmacht_shelved_rules": "ptype, v0, v1, v2, v3, v4, v5, tenant",
	} {
		rows, err := db.Table(table).Select(strings.Split(columns, ", ")).Rows()
		require.NoError(t, err)
		names, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			line := table
			for i, v := range values {
				line += fmt.Sprintf(" %s=%s", names[i], text(v))
			}
			all = append(all, line)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	require.NotEmpty(t, all)
	slices.Sort(all)
	return all
}

// text is a value as every driver would give it.
func text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprint(v)
}
