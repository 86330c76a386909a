package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

const (
	maxTries = 20                     // of one transaction
	maxPause = 100 * time.Millisecond // between two tries
)

// A Tx is a transaction. It is for the goroutine that runs the function given
// to [Store.Transaction], until that function returns.
type Tx struct {
	reader
	conn    *txConn
	locked  map[string]Head
	assumed map[string]assumption
	err     error // of the first write that failed: nothing more may happen
}

// Looking returns a Tx that only reads, in the session db: it takes no locks, and
// whatever would lock or write fails. What it reads one after the other may change in
// between.
func Looking(db *gorm.DB) *Tx { return &Tx{reader: reader{db}, err: errLooking} }

var errLooking = errors.New("store: this only reads")

// Failing returns a Tx in which everything fails with err, in the session db.
func Failing(db *gorm.DB, err error) *Tx {
	db = db.Session(&gorm.Session{NewDB: true})
	_ = db.AddError(err)
	return &Tx{reader: reader{db}, err: err}
}

// Transaction runs fn in a database transaction and commits it when fn returns
// nil. When the database asks for that (a deadlock, a lock-wait time-out, a
// busy file), all of fn runs again, up to 20 times: fn must not change
// anything outside of the transaction that it cannot set again.
//
// An error from fn rolls back and comes back as it is, and a panic rolls back
// and goes on. When a write of the Tx fails, the transaction fails, whatever fn
// makes of the error. [ErrUnavailable] means that the database would not begin
// or that there were too many tries, or that the commit got no answer, and may
// have happened. When ctx ends, nothing happens, except that a commit on the
// way may fail as just said.
func (s *Store) Transaction(ctx context.Context, fn func(tx *Tx) error) error {
	return retry(ctx, func() (error, bool) { return s.attempt(ctx, fn) })
}

// retry makes attempts until one does not ask for another, up to 20 times.
func retry(ctx context.Context, attempt func() (_ error, again bool)) error {
	for try := 1; ; try++ {
		err, again := attempt()
		if !again {
			return err
		}
		if try == maxTries {
			return fmt.Errorf("%w: gave up after %d tries: %w", ErrUnavailable, try, err)
		}
		// Those who met must not meet again: any pause up to twice the last one's.
		pause := rand.N(min(time.Millisecond<<try, maxPause))
		select {
		case <-ctx.Done():
			return fault(ctx, err)
		case <-time.After(pause):
		}
	}
}

// attempt runs fn in one transaction. It reports again when nothing has
// happened and the same may well succeed.
func (s *Store) attempt(ctx context.Context, fn func(tx *Tx) error) (_ error, again bool) {
	if err := ctx.Err(); err != nil {
		return err, false
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return err, kindOf(err) == kindRetry
	}
	committed := false
	defer func() {
		if !committed { // an error, a panic, or runtime.Goexit
			_ = tx.conn.Rollback() // fails when the transaction is gone already
		}
	}()
	err = fn(tx)
	switch doomed := tx.conn.ready(); {
	case kindOf(doomed) == kindRetry:
		return doomed, true
	case err == nil:
		err = Translate(doomed)
	}
	if err != nil {
		return err, kindOf(err) == kindRetry
	}
	if tx.err != nil {
		return tx.err, false
	}
	if err := ctx.Err(); err != nil {
		return err, false
	}
	err = tx.conn.Commit()
	committed = err == nil
	return commitFault(ctx, err)
}

// commitFault says what an error of the commit means. Only a database that
// answered has not committed.
func commitFault(ctx context.Context, err error) (_ error, again bool) {
	switch kind := kindOf(err); {
	case err == nil:
		return nil, false
	case errors.Is(err, sql.ErrTxDone): // ctx had ended, and the commit was not sent
		return fault(ctx, err), false
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return fmt.Errorf("store: commit: a statement had failed and its error was passed over: %w", err), false
	case kind == kindRetry:
		return err, true
	case kind == kindConflict:
		return Translate(fmt.Errorf("store: commit: %w", err)), false
	}
	return fmt.Errorf("%w: commit, of unknown outcome: %w", ErrUnavailable, err), false
}

func (s *Store) begin(ctx context.Context) (*Tx, error) {
	db := s.db.Session(&gorm.Session{NewDB: true, Context: ctx})
	conn := &txConn{sqlite: db.Name() == sqliteName}
	var err error
	if conn.sqlite {
		conn.Tx, err = beginSQLite(ctx, db)
	} else {
		conn.Tx, err = beginServer(ctx, db)
	}
	if err != nil {
		return nil, err
	}
	db.Statement.ConnPool = conn
	return &Tx{reader: reader{db}, conn: conn, locked: map[string]Head{}, assumed: map[string]assumption{}}, nil
}

func beginServer(ctx context.Context, db *gorm.DB) (gorm.Tx, error) {
	begun := db.Begin(&sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if begun.Error != nil {
		return nil, beginFault(ctx, begun.Error)
	}
	tx, ok := begun.Statement.ConnPool.(gorm.Tx)
	if !ok {
		_ = begun.Rollback()
		return nil, fmt.Errorf("store: the handle begins a %T: want a transaction", begun.Statement.ConnPool)
	}
	return tx, nil
}

// beginFault is fault for a transaction that the database would not begin.
func beginFault(ctx context.Context, err error) error {
	if err = fault(ctx, err); ctx.Err() == nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: begin: %w", ErrUnavailable, err)
	}
	return err
}

// DB returns gorm's handle for the transaction, for rows other than rules,
// streams and ledger. Its errors are as the driver gave them: see [Translate].
func (tx *Tx) DB() *gorm.DB { return tx.db }

// fail keeps err, so that the transaction cannot be committed with half of
// what the caller asked for.
func (tx *Tx) fail(err error) error {
	if err = Translate(err); err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}
