package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

var tables = []string{
	"casbin_rule", "volmacht_account_requests", "volmacht_addresses", "volmacht_contacts", "volmacht_copies",
	"volmacht_dossiers", "volmacht_invitations", "volmacht_invited_grants", "volmacht_ledger", "volmacht_members",
	"volmacht_messages", "volmacht_migrations", "volmacht_moot_offers", "volmacht_packs", "volmacht_people", "volmacht_preferences",
	"volmacht_review_items", "volmacht_review_schedules", "volmacht_reviews", "volmacht_shelved_rules",
	"volmacht_streams", "volmacht_supporting", "volmacht_teams", "volmacht_tenants", "volmacht_tokens",
}

// tablesOf returns the names of the database's tables, in order.
func tablesOf(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	names, err := db.Migrator().GetTables()
	require.NoError(t, err)
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "sqlite_") })
	slices.Sort(names)
	return names
}

func TestSchemaUpAndDown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.NoError(t, store.Rollback(t.Context(), db), "nothing to roll back")
		for range 2 {
			require.NoError(t, store.Migrate(t.Context(), db))
			require.Equal(t, tables, tablesOf(t, db))
			require.NoError(t, store.Migrate(t.Context(), db), "up to date")
			s := open(t, db)
			require.NoError(t, write(t, s, entry(rows("ann"), nil)))
			require.NoError(t, store.Rollback(t.Context(), db))
			require.Empty(t, tablesOf(t, db))
		}
	})
}

// Every node of a cluster opens the store when it starts.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		const nodes = 8
		handles := []*gorm.DB{db}
		for len(handles) < nodes {
			handles = append(handles, storetest.Reopen(t, db))
		}
		if d, ok := db.Dialector.(*postgres.Dialector); ok { // whatever the host's transactions see
			handles = append(handles[:1], strictly(t, d.DSN, nodes-1)...)
		}
		var wait sync.WaitGroup
		errs := make([]error, len(handles))
		for i, handle := range handles {
			wait.Go(func() { _, errs[i] = store.Open(t.Context(), handle) })
		}
		wait.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, tables, tablesOf(t, db))
		var done []string
		require.NoError(t, db.Table("volmacht_migrations").Pluck("id", &done).Error)
		require.Equal(t, store.Versions, done)
	})
}

// A migration that stops at any statement, up or down, can be run again, and
// can be turned back.
func TestMigrationInterrupted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		faults := inject(t, db)
		for at := 1; ; at++ {
			faults.arm(at, errInjected)
			err := recovered(func() error { return store.Migrate(t.Context(), db) })
			if !faults.disarm() {
				require.NoError(t, err)
				require.Greater(t, at, 20, "statements of the migration")
				break
			}
			if err == nil { // gormigrate takes a failed look for its table for a no, and goes on
				require.Equal(t, tables, tablesOf(t, db), "statement %d", at)
			} else {
				require.ErrorIs(t, err, errInjected, "statement %d", at)
			}
			if at%2 == 0 {
				require.NoError(t, store.Migrate(t.Context(), db), "statement %d", at)
				require.Equal(t, tables, tablesOf(t, db))
			}
			require.NoError(t, store.Rollback(t.Context(), db), "statement %d", at)
			require.Empty(t, tablesOf(t, db), "statement %d", at)
		}
		for at := 1; ; at++ {
			require.NoError(t, store.Migrate(t.Context(), db))
			faults.arm(at, errInjected)
			err := recovered(func() error { return store.Rollback(t.Context(), db) })
			if !faults.disarm() {
				require.NoError(t, err)
				require.Greater(t, at, 12, "statements of the rollback")
				break
			}
			require.ErrorIs(t, err, errInjected, "statement %d", at)
			if at%2 == 0 {
				require.NoError(t, store.Rollback(t.Context(), db), "statement %d", at)
				require.Empty(t, tablesOf(t, db), "statement %d", at)
			} else {
				require.NoError(t, store.Migrate(t.Context(), db), "statement %d", at)
				require.Equal(t, tables, tablesOf(t, db), "statement %d", at)
			}
		}
		require.Empty(t, tablesOf(t, db))
	})
}

// recovered runs f. Where gorm looks for a table it panics when a callback
// stops the query, and that leaves a migration in the middle like any error.
func recovered(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errInjected
		}
	}()
	return f()
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.NoError(t, store.Migrate(t.Context(), db))
		require.NoError(t, db.Exec("INSERT INTO volmacht_migrations (id) VALUES ('9999_future')").Error)
		_, err := store.Open(t.Context(), db)
		require.ErrorContains(t, err, `schema version "9999_future"`)
		require.ErrorContains(t, store.Rollback(t.Context(), db), `schema version "9999_future"`)
		require.Equal(t, tables, tablesOf(t, db))
	})
}

// A host that used gorm-adapter before has a casbin_rule without our columns.
func TestForeignTableIsLeftAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.NoError(t, db.Exec("CREATE TABLE casbin_rule (id int, ptype varchar(100))").Error)
		require.NoError(t, db.Exec("INSERT INTO casbin_rule VALUES (1, 'p')").Error)
		require.ErrorContains(t, store.Migrate(t.Context(), db), "casbin_rule")
		require.NoError(t, store.Rollback(t.Context(), db))
		require.Equal(t, []string{"casbin_rule"}, tablesOf(t, db))
		var n int64
		require.NoError(t, db.Table("casbin_rule").Count(&n).Error)
		require.Equal(t, int64(1), n)
	})
}

// What a host configures for its own tables does not reach ours.
func TestHostConfiguration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		host, err := gorm.Open(db.Dialector, &gorm.Config{
			NamingStrategy:       schema.NamingStrategy{TablePrefix: "host_", SingularTable: true, NoLowerCase: true},
			DryRun:               true,
			PrepareStmt:          true,
			CreateBatchSize:      1,
			QueryFields:          true,
			FullSaveAssociations: true,
			TranslateError:       true,
			PropagateUnscoped:    true,
		})
		require.NoError(t, err)
		pool, err := host.DB()
		require.NoError(t, err)
		t.Cleanup(func() { _ = pool.Close() })
		pool.SetMaxOpenConns(4)
		s := open(t, host.Where("1 = 0").Session(&gorm.Session{}))
		require.Equal(t, tables, tablesOf(t, db))
		require.NoError(t, write(t, s, entry(rows("ann", "bob"), nil)))
		require.ErrorIs(t, write(t, s, entry(rows("ann"), nil)), store.ErrConflict)
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			if err := tx.DB().Create(&store.Tenant{ID: acme, Name: "Acme"}).Error; err != nil {
				return err
			}
			var tenant store.Tenant
			if err := tx.DB().First(&tenant).Error; err != nil {
				return err
			}
			require.Equal(t, store.Tenant{ID: acme, Name: "Acme"}, tenant, "no field filled in")
			return tx.DB().Delete(&tenant).Error
		}))
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
	})
}

// Text is compared byte by byte, in keys and in conditions, on every database.
func TestTextComparesBytewise(t *testing.T) {
	t.Parallel()
	spellings := []string{
		"a", "A", "á", "a\u0301", "ä", "a ", "a  ", " a", "a\t", "ａ", "ß", "ss", "SS", "ı", "i", "I", "İ",
		"\u212b", "\u00e5", "ﬁ", "fi", "😀", "😁", "", " ", "-", "_", "a\u200b", "a\u00ad", "%",
	}
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		columns := map[string]struct {
			insert string // with the text three times at most
			where  string
			order  string
		}{
			"streams": {
				"INSERT INTO volmacht_streams (name, revision, hash) VALUES (?, 0, '')",
				"SELECT name FROM volmacht_streams WHERE name = ?",
				"SELECT name FROM volmacht_streams WHERE revision = 0 AND hash = '' ORDER BY name",
			},
			"tenants": {
				"INSERT INTO volmacht_tenants (id, name, email, closed_at, created_at) VALUES (?, '', '', 0, 0)",
				"SELECT id FROM volmacht_tenants WHERE id = ?",
				"SELECT id FROM volmacht_tenants ORDER BY id",
			},
			"rules": {
				"INSERT INTO casbin_rule (ptype, v0) VALUES ('p', ?)",
				"SELECT v0 FROM casbin_rule WHERE v0 = ?",
				"SELECT v0 FROM casbin_rule ORDER BY v0",
			},
			"shelved rules": {
				"INSERT INTO volmacht_shelved_rules (ptype, v5) VALUES ('p', ?)",
				"SELECT v5 FROM volmacht_shelved_rules WHERE v5 = ?",
				"SELECT v5 FROM volmacht_shelved_rules ORDER BY v5",
			},
			"ledger": {
				"INSERT INTO volmacht_ledger (stream, revision, at, actor, action, reason, detail, delta, prev, hash) VALUES (?, 1, 1, '', '', '', '', '', '', '')",
				"SELECT stream FROM volmacht_ledger WHERE stream = ?",
				"SELECT stream FROM volmacht_ledger ORDER BY stream",
			},
			"addresses": {
				"INSERT INTO volmacht_addresses (person, canonical, typed, label, verified_at, added_at) VALUES ('ann', ?, '', '', 1, 1)",
				"SELECT verified_key FROM volmacht_addresses WHERE verified_key = ?",
				"SELECT canonical FROM volmacht_addresses ORDER BY canonical",
			},
			"long text": {
				"INSERT INTO volmacht_dossiers (tenant, id, name, closed_at, failure, private, created_at) SELECT 'bytewise', COUNT(*), '', 0, ?, ?, 0 FROM volmacht_dossiers",
				"SELECT failure FROM volmacht_dossiers WHERE failure = ?",
				"SELECT failure FROM volmacht_dossiers ORDER BY failure",
			},
		}
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			return tx.DB().Create(&store.Person{ID: ann}).Error
		}))
		for name, c := range columns {
			t.Run(name, func(t *testing.T) {
				if name == "long text" {
					require.NoError(t, db.Exec("INSERT INTO volmacht_tenants (id, name, email, closed_at, created_at) VALUES ('bytewise', '', '', 0, 0)").Error)
				}
				for _, text := range spellings {
					args := []any{text}
					if strings.Count(c.insert, "?") == 2 {
						args = append(args, false)
					}
					require.NoError(t, db.Exec(c.insert, args...).Error, "%+q", text)
				}
				for _, text := range spellings {
					var found []string
					require.NoError(t, db.Raw(c.where, text).Scan(&found).Error)
					require.Equal(t, []string{text}, found, "%+q", text)
				}
				var ordered []string
				require.NoError(t, db.Raw(c.order).Scan(&ordered).Error)
				require.True(t, slices.IsSorted(ordered), "%+q", ordered)
			})
		}
	})
}

func TestLengthsAreLimited(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		require.NoError(t, store.Migrate(t.Context(), db))
		insert := func(n int) error {
			return db.Exec("INSERT INTO casbin_rule (ptype, v0) VALUES ('p', ?)", strings.Repeat("é", n)).Error
		}
		require.NoError(t, insert(100))
		require.Error(t, insert(101))
		require.NoError(t, db.Exec("INSERT INTO volmacht_tenants (id, name, email, closed_at, created_at) VALUES (?, '', ?, 0, 0)",
			strings.Repeat("x", 36), strings.Repeat("x", 320)).Error)
		require.Error(t, db.Exec("INSERT INTO volmacht_tenants (id, name, email, closed_at, created_at) VALUES (?, '', '', 0, 0)",
			strings.Repeat("y", 37)).Error)
	})
}

// dump returns all rows of our tables, to tell whether anything changed.
func dump(t *testing.T, db *gorm.DB) string {
	t.Helper()
	var lines []string
	for _, table := range tables {
		rows, err := db.Raw("SELECT * FROM " + table).Rows()
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, text := make([]any, len(columns)), make([][]byte, len(columns))
			for i := range values {
				values[i] = &text[i]
			}
			require.NoError(t, rows.Scan(values...))
			lines = append(lines, fmt.Sprintf("%s %q", table, text))
		}
		require.NoError(t, rows.Close())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// strictly returns handles of a PostgreSQL database whose transactions see what there
// was at their first statement.
func strictly(t *testing.T, dsn string, n int) (handles []*gorm.DB) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	config.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	for range n {
		pool := stdlib.OpenDB(*config)
		t.Cleanup(func() { require.NoError(t, pool.Close()) })
		db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
		require.NoError(t, err)
		handles = append(handles, db)
	}
	return handles
}

// A file that somebody writes to, opened with little time to wait for its lock, is tried
// again.
func TestMigrateBusyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "busy.db")
	writer, err := store.OpenSQLite(path)
	require.NoError(t, err)
	pool, err := writer.DB()
	require.NoError(t, err)
	defer pool.Close()
	busy, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	db, err := gorm.Open(sqlite.Open("file:"+path+"?_pragma=busy_timeout(1)&_pragma=foreign_keys(1)"), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	impatient, err := db.DB()
	require.NoError(t, err)
	defer impatient.Close()
	opened := make(chan error, 1)
	go func() { _, err := store.Open(t.Context(), db); opened <- err }()
	select {
	case err := <-opened:
		require.Fail(t, "it did not wait", "%v", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, busy.Rollback())
	require.NoError(t, <-opened)
	require.Equal(t, tables, tablesOf(t, db))
}
