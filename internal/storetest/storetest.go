// Package storetest runs tests on every database that the store knows, each
// on a fresh one of its own:
//
//	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
//		s, err := store.Open(t.Context(), db)
//		...
//	})
//
// SQLite is always there. The servers are named by their DSNs in
// VOLMACHT_TEST_POSTGRES and VOLMACHT_TEST_MARIADB; a test on a server that is
// not named is skipped, or fails when VOLMACHT_TEST_REQUIRE_DATABASES is 1. The
// user needs the right to make schemas (PostgreSQL) or databases (MariaDB),
// and what was made is dropped again.
package storetest

import (
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sqldriver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/internal/store"
)

const (
	postgresVariable = "VOLMACHT_TEST_POSTGRES"
	mariadbVariable  = "VOLMACHT_TEST_MARIADB"
	requireVariable  = "VOLMACHT_TEST_REQUIRE_DATABASES"

	// maxConns bounds a handle's pool: tests run side by side on one server.
	maxConns = 10
)

// Each runs a parallel subtest on every database, each on an empty one.
func Each(t *testing.T, run func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t, openSQLite(t, filepath.Join(t.TempDir(), "volmacht.db")))
	})
	Servers(t, run)
}

// Servers is Each without SQLite, for what a single writer cannot show.
func Servers(t *testing.T, run func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(t, openPostgres(t, freshPostgres(t, variable(t, postgresVariable))))
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		run(t, openMariaDB(t, freshMariaDB(t, variable(t, mariadbVariable))))
	})
}

// Reopen returns another handle, with a pool of its own, for the database of a
// handle that Each or Servers gave: a second process, as far as the database
// can tell.
func Reopen(t *testing.T, db *gorm.DB) *gorm.DB {
	t.Helper()
	path := ""
	switch d := db.Dialector.(type) {
	case *postgres.Dialector:
		return openPostgres(t, d.DSN)
	case *mysql.Dialector:
		return openMariaDB(t, d.DSN)
	}
	require.Equal(t, "sqlite", db.Name())
	require.NoError(t, db.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Row().Scan(&path))
	return openSQLite(t, path)
}

// Plain returns another handle for the database of a handle that Servers gave, whose
// driver sends each statement as one text with its values in it, and prepares none.
func Plain(t *testing.T, db *gorm.DB) *gorm.DB {
	t.Helper()
	if d, ok := db.Dialector.(*mysql.Dialector); ok {
		config, err := sqldriver.ParseDSN(d.DSN)
		require.NoError(t, err)
		config.InterpolateParams = true
		return openMariaDB(t, config.FormatDSN())
	}
	simple := postgres.Config{DSN: db.Dialector.(*postgres.Dialector).DSN, PreferSimpleProtocol: true}
	opened, err := gorm.Open(postgres.New(simple), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return closing(t, opened)
}

func variable(t *testing.T, name string) string {
	t.Helper()
	dsn := os.Getenv(name)
	if dsn == "" && os.Getenv(requireVariable) == "1" {
		t.Fatalf("set %s to the DSN of a database for tests", name)
	}
	if dsn == "" {
		t.Skipf("set %s to the DSN of a database for tests to run this one", name)
	}
	return dsn
}

func openSQLite(t *testing.T, path string) *gorm.DB {
	t.Helper()
	db, err := store.OpenSQLite(path)
	require.NoError(t, err)
	return closing(t, db)
}

func openPostgres(t *testing.T, dsn string) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(postgres.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return closing(t, db)
}

func openMariaDB(t *testing.T, dsn string) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(mysql.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return closing(t, db)
}

// closing closes db when the test ends. Cleanups run last in, first out, so
// the database itself is dropped after that.
func closing(t *testing.T, db *gorm.DB) *gorm.DB {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

func freshName() string { return "volmacht_test_" + strings.ToLower(rand.Text()) }

// freshPostgres makes a schema, and returns the DSN of connections that see
// that schema alone.
func freshPostgres(t *testing.T, dsn string) string {
	t.Helper()
	name := freshName()
	around(t, postgres.Open(dsn), "CREATE SCHEMA "+name, "DROP SCHEMA "+name+" CASCADE")
	if !strings.Contains(dsn, "://") {
		return dsn + " search_path=" + name
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return u.String()
}

// freshMariaDB makes a database and returns its DSN.
func freshMariaDB(t *testing.T, dsn string) string {
	t.Helper()
	name := freshName()
	around(t, mysql.Open(dsn), "CREATE DATABASE "+name, "DROP DATABASE "+name)
	config, err := sqldriver.ParseDSN(dsn)
	require.NoError(t, err)
	config.DBName = name
	return config.FormatDSN()
}

// around executes one statement now and the other when the test ends.
func around(t *testing.T, dialector gorm.Dialector, now, later string) {
	t.Helper()
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
	require.NoError(t, db.Exec(now).Error)
	t.Cleanup(func() {
		require.NoError(t, db.Exec(later).Error)
		require.NoError(t, pool.Close())
	})
}
