package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
)

var errInjected = errors.New("injected")

// faults lets one statement of a handle fail, before it reaches the database.
type faults struct {
	left  atomic.Int64 // statements until the one that fails
	fired atomic.Bool
	err   error
}

// inject registers a callback for every statement of db and its sessions.
func inject(t *testing.T, db *gorm.DB) *faults {
	t.Helper()
	f := &faults{}
	hook := func(db *gorm.DB) {
		if f.left.Add(-1) == 0 {
			f.fired.Store(true)
			_ = db.AddError(f.err)
		}
	}
	callbacks := db.Callback()
	require.NoError(t, errors.Join(
		callbacks.Create().Before("*").Register("test:faults", hook),
		callbacks.Query().Before("*").Register("test:faults", hook),
		callbacks.Update().Before("*").Register("test:faults", hook),
		callbacks.Delete().Before("*").Register("test:faults", hook),
		callbacks.Row().Before("*").Register("test:faults", hook),
		callbacks.Raw().Before("*").Register("test:faults", hook),
	))
	return f
}

// arm lets the n-th statement from now on fail with err.
func (f *faults) arm(n int, err error) {
	f.err = err
	f.fired.Store(false)
	f.left.Store(int64(n))
}

// disarm reports whether a statement failed.
func (f *faults) disarm() bool {
	f.left.Store(0)
	return f.fired.Load()
}

// A pool lets commit decide what becomes of a transaction: it may call the
// real commit, or not, and gives the error that the caller sees.
type pool struct {
	*sql.DB
	commit func(commit func() error) error
}

func (p *pool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

func (p *pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := p.DB.BeginTx(ctx, opts)
	return &poolTx{tx, p.commit}, err
}

type poolTx struct {
	*sql.Tx
	commit func(commit func() error) error
}

func (tx *poolTx) Commit() error { return tx.commit(tx.Tx.Commit) }

// ExecContext stands in for Commit on SQLite.
func (tx *poolTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if query != "COMMIT" {
		return tx.Tx.ExecContext(ctx, query, args...)
	}
	return nil, tx.commit(func() error {
		_, err := tx.Tx.ExecContext(ctx, query)
		return err
	})
}

// withCommit returns a session of db whose transactions end in commit.
func withCommit(t *testing.T, db *gorm.DB, commit func(commit func() error) error) *gorm.DB {
	t.Helper()
	real, err := db.DB()
	require.NoError(t, err)
	session := db.Session(&gorm.Session{NewDB: true, Context: context.Background()})
	session.Statement.ConnPool = &pool{real, commit}
	return session
}
