package storetest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// A Commit decides what becomes of a transaction: it calls the real commit, or not, and
// returns what the caller is to see.
type Commit func(real func() error) error

// Committing returns another handle for the database of a handle that Each or Servers
// gave, whose transactions end in commit.
func Committing(t *testing.T, db *gorm.DB, commit Commit) *gorm.DB {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	c := &connector{driver: pool.Driver(), commit: commit}
	var dialector gorm.Dialector
	switch d := db.Dialector.(type) {
	case *postgres.Dialector:
		c.dsn, dialector = d.DSN, postgres.New(postgres.Config{Conn: sql.OpenDB(c)})
	case *mysql.Dialector:
		c.dsn, dialector = d.DSN, mysql.New(mysql.Config{Conn: sql.OpenDB(c)})
	case *sqlite.Dialector:
		c.dsn, c.leaves, dialector = d.DSN, true, &sqlite.Dialector{Conn: sql.OpenDB(c)}
	}
	opened, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	return closing(t, opened)
}

type connector struct {
	driver driver.Driver
	dsn    string
	commit Commit
	leaves bool // a transaction open when it fails to commit, which SQLite does
}

func (c *connector) Driver() driver.Driver { return c.driver }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.dsn)
	return &conn{opened, c}, err
}

// A conn is one of the database's own, which has what it is asked for.
type conn struct {
	driver.Conn
	*connector
}

func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begun, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, options)
	return &tx{begun, c.connector}, err
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type tx struct {
	driver.Tx
	*connector
}

func (tx *tx) Commit() error {
	called := false
	err := tx.commit(func() error {
		called = true
		return tx.Tx.Commit()
	})
	if !called && !tx.leaves {
		_ = tx.Tx.Rollback()
	}
	return err
}
