package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"
)

// A txConn is a connection in a transaction. Once the database has ended that on its
// own, for a deadlock or a full disk, it takes no further statement: MariaDB and SQLite
// would commit each of them by itself.
type txConn struct {
	gorm.Tx
	sqlite bool
	rows   *sql.Rows // of the last query, whose error may come late
	unseen bool      // a statement ran whose error nobody sees here
	doomed error
}

// ready returns why there can be no more statements, or nil.
func (c *txConn) ready() error {
	if c.rows != nil && c.rows.Err() != nil {
		err := c.rows.Err()
		c.rows = nil
		c.judge(err)
	}
	if c.unseen && c.sqlite && c.doomed == nil && c.hasEnded() {
		c.doom(errEnded)
	}
	c.unseen = false
	return c.doomed
}

var errEnded = errors.New("store: SQLite ended the transaction")

// judge dooms the transaction when a statement's error says that it has ended.
func (c *txConn) judge(err error) {
	if c.doomed == nil && (kindOf(err) == kindRetry || c.sqlite && c.hasEnded()) {
		c.doom(err)
	}
}

// doom ends what there still is, so that there is no way around it.
func (c *txConn) doom(err error) {
	c.doomed = err
	_ = c.Tx.Rollback()
}

// hasEnded reports whether SQLite has ended the transaction, which no code of an error
// tells for sure.
func (c *txConn) hasEnded() bool {
	_, err := c.Tx.ExecContext(context.Background(), "BEGIN")
	return err == nil || !strings.Contains(err.Error(), "within a transaction")
}

// see returns the error of a statement.
func (c *txConn) see(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
		if err != nil {
			c.judge(err)
		}
		return err // as it is: gorm looks at the driver's own type
	case err != nil:
		err = fault(ctx, err)
		c.judge(err)
	case c.sqlite: // whose driver leaves out what it has no time for
		err = ctx.Err()
		c.doom(err)
	}
	return err
}

// ExecContext implements gorm.ConnPool.
func (c *txConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	result, err := c.Tx.ExecContext(ctx, query, args...)
	return result, c.see(ctx, err)
}

// QueryContext implements gorm.ConnPool.
func (c *txConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	rows, err := c.Tx.QueryContext(ctx, query, args...)
	if err == nil {
		c.rows = rows
	}
	return rows, c.see(ctx, err)
}

// QueryRowContext implements gorm.ConnPool.
func (c *txConn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_ = c.ready() // if not, the transaction is done, which the row says
	c.unseen = true
	return c.Tx.QueryRowContext(ctx, query, args...)
}

// StmtContext implements gorm.Tx.
func (c *txConn) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	_ = c.ready()
	c.unseen = true
	return c.Tx.StmtContext(ctx, stmt)
}
