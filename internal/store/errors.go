package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// What a caller can tell apart, with errors.Is. The cause is wrapped as well.
var (
	// ErrNotFound says that a row that was asked for is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a write meets what is already there: an equal
	// unique key, a reference to or from a row, a rule that is not where it
	// was thought to be.
	ErrConflict = errors.New("conflict")
	// ErrMoved says that a stream, or that of the pack, does not stand where it was
	// assumed to: see [Tx.Assume].
	ErrMoved = errors.New("moved")
	// ErrUnavailable says that the database is gone, too busy, or gave up. What
	// was asked may be tried again; after a failed commit it may have happened.
	ErrUnavailable = errors.New("database unavailable")
	// ErrCorrupt says that stored rows contradict each other or themselves.
	ErrCorrupt = errors.New("corrupt")
)

// Translate wraps an error of gorm or of a database driver with the sentinel
// that it stands for, on all databases alike. Any other error, and one that has
// a sentinel already, comes back as it is.
func Translate(err error) error {
	for _, sentinel := range []error{nil, ErrNotFound, ErrConflict, ErrUnavailable, ErrCorrupt} {
		if errors.Is(err, sentinel) {
			return err
		}
	}
	if sentinel := sentinelOf(err); sentinel != nil {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return err
}

func sentinelOf(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil // the caller's own doing; a driver may wrap it in a network error
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey), errors.Is(err, gorm.ErrForeignKeyViolated):
		return ErrConflict
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrUnavailable
	}
	switch kindOf(err) {
	case kindConflict:
		return ErrConflict
	case kindRetry, kindGone:
		return ErrUnavailable
	}
	// database/sql keeps the error of a closed pool to itself.
	if _, ok := errors.AsType[net.Error](err); ok || strings.Contains(err.Error(), "sql: database is closed") {
		return ErrUnavailable
	}
	return nil
}

type kind int

const (
	kindOther    kind = iota
	kindConflict      // a unique or foreign key
	kindRetry         // deadlock, serialization failure, lock-wait time-out, busy: the same again may do
	kindGone          // shutting down, out of connections, disk full, read-only
)

// kindOf reads the code that a database put into err, if any did.
func kindOf(err error) kind {
	if err == nil {
		return kindOther
	}
	// pgx and lib/pq
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return postgresKind(e.SQLState())
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlKind(e.Number)
	}
	// modernc.org/sqlite and glebarez/go-sqlite
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return sqliteKind(e.Code())
	}
	return kindOfText(err)
}

func postgresKind(state string) kind {
	switch state {
	case "23505", "23503", "23001", "23P01":
		return kindConflict
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return kindRetry
	case "25006", "25P03", "57014", "57P01", "57P02", "57P03", "57P05": // read only, timed out, shut down
		return kindGone
	}
	if strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "58") {
		return kindGone // connection, insufficient resources, system error
	}
	return kindOther
}

func mysqlKind(number uint16) kind {
	switch number {
	case 1062, 1169, 1451, 1452, 1216, 1217, 1557, 1586, 1761, 1762:
		return kindConflict
	case 1020, 1205, 1213, 1689: // changed since last read, lock wait, deadlock, wsrep
		return kindRetry
	case 1021, 1040, 1041, 1053, 1114, 1129, 1203, 1206, 1290, 1317, 1792, 1836, 1927, 1969, 3024:
		return kindGone
	}
	return kindOther
}

func sqliteKind(code int) kind {
	switch code {
	case 787, 1555, 2067, 2579: // foreign key, primary key, unique, row id
		return kindConflict
	}
	switch code & 0xff { // the extended code holds the primary one
	case 5, 6: // busy, locked
		return kindRetry
	case 8, 10, 11, 13, 14, 15, 26: // read only, I/O, malformed, full, cannot open, protocol, not a database
		return kindGone
	}
	return kindOther
}

// kindOfText knows the messages that SQLite itself writes, for drivers whose
// errors have no method that tells the code.
func kindOfText(err error) kind {
	text := err.Error()
	for part, kind := range map[string]kind{
		"UNIQUE constraint failed":      kindConflict,
		"FOREIGN KEY constraint failed": kindConflict,
		"database is locked":            kindRetry,
		"database table is locked":      kindRetry,
	} {
		if strings.Contains(text, part) {
			return kind
		}
	}
	return kindOther
}
