package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

var (
	acme  = model.Must(model.ParseTenantID("acme"))
	beta  = model.Must(model.ParseTenantID("beta"))
	ann   = model.Must(model.ParseUserID("ann"))
	bob   = model.Must(model.ParseUserID("bob"))
	epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
)

// open opens a store with the streams of the pack, of acme and of beta.
func open(t *testing.T, db *gorm.DB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	require.NoError(t, err)
	require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
		for _, stream := range []string{store.PackStream, store.TenantStream(acme), store.TenantStream(beta)} {
			if _, err := tx.Create(stream); err != nil {
				return err
			}
		}
		return nil
	}))
	return s
}

// write locks e's stream and records e, in one transaction.
func write(t *testing.T, s *store.Store, e *store.Entry) error {
	t.Helper()
	return s.Transaction(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Lock(e.Stream); err != nil {
			return err
		}
		return tx.Record(e)
	})
}

// entry is an entry of acme's that adds and removes rows.
func entry(added, removed []store.Row) *store.Entry {
	return &store.Entry{
		Stream: store.TenantStream(acme), At: epoch, Actor: "user:ann", Action: "grant", Reason: "because",
		Added: added, Removed: removed,
	}
}

// rows are rules of acme's, one for each field.
func rows(fields ...string) []store.Row {
	var rows []store.Row
	for _, f := range fields {
		rows = append(rows, store.Row{
			Rule: model.NewRule("g", "user:"+f, "admin", "acme/*"), Tenant: acme,
			GrantedBy: "user:ann", GrantedAt: epoch,
		})
	}
	return rows
}

func TestRecordAndLoad(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		limited := rows("ann", "bob")
		limited[1].From, limited[1].Until = epoch.Add(time.Hour), epoch.Add(2*time.Hour)
		e := entry(limited, nil)
		e.Detail = []byte(` { "note" : "é <&> \u2028" } `)
		require.NoError(t, write(t, s, e))
		require.Equal(t, uint64(1), e.Revision)

		pack := &store.Entry{Stream: store.PackStream, At: epoch, Actor: "system", Action: "pack",
			Added: []store.Row{{Rule: model.NewRule("p", "admin", "any", "any", "*", "*", "allow")}}}
		require.NoError(t, write(t, s, pack))

		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, store.Loaded{
			Head: store.Head{Revision: 1, Hash: e.Hash}, PackHead: store.Head{Revision: 1, Hash: pack.Hash},
			Rows: limited, PackRows: pack.Added,
		}, got)

		entries, err := s.Ledger(t.Context(), e.Stream, 0, 10)
		require.NoError(t, err)
		require.Equal(t, []store.Entry{*e}, normalized(entries))
		require.NoError(t, s.VerifyLedger(t.Context(), e.Stream))

		got, err = s.Load(t.Context(), beta)
		require.NoError(t, err)
		require.Empty(t, got.Rows)
		require.Zero(t, got.Head)
		_, err = s.Load(t.Context(), model.Must(model.ParseTenantID("nobody")))
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func normalized(entries []store.Entry) []store.Entry {
	for i := range entries {
		if entries[i].Added == nil {
			entries[i].Added = []store.Row{}
		}
	}
	return entries
}
