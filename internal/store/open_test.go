package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/utils/tests"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), nil)
	require.ErrorContains(t, err, "no database handle")

	bare, err := gorm.Open(sqlite.Open(filepath.Join(t.TempDir(), "bare.db")), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	closeAfter(t, bare)
	_, err = store.Open(t.Context(), bare)
	require.ErrorContains(t, err, "_pragma=foreign_keys(1)")

	dummy, err := gorm.Open(tests.DummyDialector{}, &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	_, err = store.Open(t.Context(), dummy)
	require.ErrorContains(t, err, "want sqlite, postgres or mysql")

	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.ErrorContains(t, db.Transaction(func(tx *gorm.DB) error {
			_, err := store.Open(t.Context(), tx)
			return err
		}), "is a transaction")
		failed := db.Session(&gorm.Session{NewDB: true, Initialized: true})
		_ = failed.AddError(errInjected)
		_, err := store.Open(t.Context(), failed)
		require.ErrorIs(t, err, errInjected)
		require.Empty(t, tablesOf(t, db))
	})
	t.Run("lax", func(t *testing.T) {
		t.Parallel()
		storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
			if d, ok := db.Dialector.(*mysql.Dialector); ok {
				lax, err := gorm.Open(mysql.Open(d.DSN+"&sql_mode=''"), &gorm.Config{Logger: logger.Discard})
				if err != nil {
					lax, err = gorm.Open(mysql.Open(d.DSN+"?sql_mode=''"), &gorm.Config{Logger: logger.Discard})
				}
				require.NoError(t, err)
				closeAfter(t, lax)
				_, err = store.Open(t.Context(), lax)
				require.ErrorContains(t, err, "STRICT_TRANS_TABLES")
			}
		})
	})
}

// foreign_keys is a setting of each connection: one that lacks it is noticed
// by the transaction that gets it.
func TestForeignKeysOfEachConnection(t *testing.T) {
	t.Parallel()
	db, err := gorm.Open(sqlite.Open(filepath.Join(t.TempDir(), "some.db")), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	pool := closeAfter(t, db)
	pool.SetMaxOpenConns(1)
	require.NoError(t, db.Exec("PRAGMA foreign_keys = ON").Error)
	s := open(t, db)
	require.NoError(t, db.Exec("PRAGMA foreign_keys = OFF").Error)
	require.ErrorContains(t, s.Transaction(t.Context(), func(*store.Tx) error { panic("must not run") }), "without foreign keys")
}

type closer interface {
	Close() error
	SetMaxOpenConns(int)
}

func closeAfter(t *testing.T, db *gorm.DB) closer {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func TestOpenMemory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	db, err := store.OpenMemory()
	require.NoError(t, err)
	another, err := store.OpenMemory()
	require.NoError(t, err)
	s := open(t, db)
	open(t, another)

	// Others read what was committed while a transaction is open.
	require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
		require.NoError(t, everythingIn(tx))
		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Zero(t, got.Head)
		inside, err := tx.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, uint64(1), inside.Head.Revision)
		require.Len(t, inside.Rows, 1)
		return nil
	}))
	got, err := s.Load(t.Context(), acme)
	require.NoError(t, err)
	require.Len(t, got.Rows, 1)

	for _, handle := range []*gorm.DB{db, another} {
		pool, err := handle.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func everythingIn(tx *store.Tx) error {
	if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
		return err
	}
	return tx.Record(entry(rows("ann"), nil))
}

func TestOpenSQLite(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain.db", "a b.db", "100%.db", "100%41.db", "what?.db", "no#1.db", "é&=+;.db"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			db, err := store.OpenSQLite(path)
			require.NoError(t, err)
			pool := closeAfter(t, db)
			open(t, db)
			require.FileExists(t, path)
			for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "synchronous": "2", "busy_timeout": "5000"} {
				var got string
				require.NoError(t, db.Raw("PRAGMA "+pragma).Row().Scan(&got))
				require.Equal(t, want, got, pragma)
			}
			require.NoError(t, pool.Close())
			again, err := store.OpenSQLite(path)
			require.NoError(t, err)
			closeAfter(t, again)
			s, err := store.Open(t.Context(), again)
			require.NoError(t, err)
			heads, err := s.Heads(t.Context(), store.PackStream)
			require.NoError(t, err)
			require.Len(t, heads, 1)
		})
	}
	_, err := store.OpenSQLite(filepath.Join(t.TempDir(), "missing", "x.db"))
	require.Error(t, err)
}
