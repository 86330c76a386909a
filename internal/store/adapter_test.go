package store_test

import (
	"runtime"
	"testing"

	"github.com/casbin/casbin/v2"
	casbinmodel "github.com/casbin/casbin/v2/model"
	gormadapter "github.com/casbin/gorm-adapter/v3"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

const conf = `
[request_definition]
r = sub, dom, act
[policy_definition]
p = sub, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.act == p.act
`

func enforcer(t *testing.T, db *gorm.DB) *casbin.Enforcer {
	t.Helper()
	m, err := casbinmodel.NewModelFromString(conf)
	require.NoError(t, err)
	adapter := storetest.Adapter(t, db)
	e, err := casbin.NewEnforcer(m, adapter)
	require.NoError(t, err)
	return e
}

// Casbin with gorm-adapter reads our rows; what it writes does not break us.
func TestAdapter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		require.NoError(t, write(t, s, entry(rows("ann", "bob"), nil)))
		require.NoError(t, write(t, s, &store.Entry{Stream: store.PackStream, At: epoch, Actor: "system",
			Added: []store.Row{{Rule: model.NewRule("p", "admin", "view")}}}))
		columns := schemaDump(t, db)

		e := enforcer(t, db)
		for who, want := range map[string]bool{"user:ann": true, "user:bob": true, "user:eve": false} {
			got, err := e.Enforce(who, "acme/*", "view")
			require.NoError(t, err)
			require.Equal(t, want, got, who)
		}
		added, err := e.AddPolicy("admin", "edit")
		require.NoError(t, err)
		require.True(t, added)
		removed, err := e.RemoveGroupingPolicy("user:bob", "admin", "acme/*")
		require.NoError(t, err)
		require.True(t, removed)
		require.Equal(t, columns, schemaDump(t, db), "the adapter makes no DDL")

		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, rows("ann"), got.Rows)
		require.Len(t, got.PackRows, 2)
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
		require.ErrorIs(t, write(t, s, entry(nil, rows("bob"))), store.ErrConflict)
		require.NoError(t, write(t, s, entry(rows("eve"), rows("ann"))))
		require.NoError(t, e.LoadPolicy())
		ok, err := e.Enforce("user:eve", "acme/*", "edit")
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = e.Enforce("user:ann", "acme/*", "view")
		require.NoError(t, err)
		require.False(t, ok)
	})
}

// NewAdapterByDB migrates, which commits an open transaction on MariaDB. Ours
// does not, and its end does not close the host's pool.
func TestAdapterInsideTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := prepared(t, db)
		before, columns := dump(t, db), schemaDump(t, db)
		err := s.Transaction(t.Context(), func(tx *store.Tx) error {
			require.NoError(t, everything(tx))
			adapter := storetest.Adapter(t, db)
			inside := tx.DB().Session(&gorm.Session{})
			gormadapter.TurnOffAutoMigrate(inside)
			_, err := gormadapter.NewAdapterByDB(inside)
			require.NoError(t, err)
			m, err := casbinmodel.NewModelFromString(conf)
			require.NoError(t, err)
			require.NoError(t, adapter.LoadPolicy(m))
			return errUndo
		})
		require.ErrorIs(t, err, errUndo)
		for range 3 {
			runtime.GC() // would run the adapter's finalizer
		}
		require.Equal(t, before, dump(t, db))
		require.Equal(t, columns, schemaDump(t, db))
	})
}

// schemaDump describes the columns of casbin_rule.
func schemaDump(t *testing.T, db *gorm.DB) string {
	t.Helper()
	query := map[string]string{
		"sqlite": "SELECT group_concat(sql) FROM sqlite_master WHERE tbl_name = 'casbin_rule'",
		"postgres": `SELECT string_agg(concat_ws(' ', column_name, data_type, character_maximum_length, collation_name, column_default, is_nullable), ',' ORDER BY ordinal_position)
			|| (SELECT string_agg(indexdef, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'casbin_rule' AND schemaname = CURRENT_SCHEMA())
			FROM information_schema.columns WHERE table_name = 'casbin_rule' AND table_schema = CURRENT_SCHEMA()`,
		"mysql": `SELECT concat((SELECT group_concat(concat_ws(' ', column_name, column_type, collation_name, column_default, is_nullable) ORDER BY ordinal_position)
			FROM information_schema.columns WHERE table_name = 'casbin_rule' AND table_schema = DATABASE()),
			(SELECT group_concat(concat_ws(' ', index_name, column_name) ORDER BY index_name, seq_in_index)
			FROM information_schema.statistics WHERE table_name = 'casbin_rule' AND table_schema = DATABASE()))`,
	}[db.Name()]
	var text string
	require.NoError(t, db.Raw(query).Row().Scan(&text))
	require.Contains(t, text, "idx_casbin_rule")
	return text
}
