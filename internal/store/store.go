// Package store keeps tenants, people, rules and the ledger in the host's
// database: SQLite, PostgreSQL, or MariaDB and MySQL, through gorm.
//
// There is one write path. A transaction locks the streams it is going to
// write, a tenant's or a person's or the pack's, or assumes where they stand, and
// records one entry in each; the entry carries the rules that come and go:
//
//	s, err := store.Open(ctx, db) // migrates
//	err = s.Transaction(ctx, func(tx *store.Tx) error {
//		if _, err := tx.Lock(store.TenantStream(tenant)); err != nil {
//			return err
//		}
//		if err := tx.DB().Create(&store.Team{...}).Error; err != nil {
//			return store.Translate(err)
//		}
//		return tx.Record(&store.Entry{Stream: store.TenantStream(tenant), Action: "team", ...})
//	})
//
// What may be relied on, on every database: writers of one stream come one
// after the other and leave revisions without a gap; rules change only together
// with the revision and the ledger; a transaction happens as a whole or not at
// all, and an error never means that it happened, except [ErrUnavailable] from
// the commit, which says that nobody knows; text is compared byte by byte.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// The databases that the store knows, as gorm's dialects are called.
const (
	sqliteName   = "sqlite"
	postgresName = "postgres"
	mysqlName    = "mysql" // MariaDB, too
)

// A Store is the tables in one database. It is safe for concurrent use and
// holds no state but the host's handle, which the host closes.
type Store struct {
	reader
}

// Open checks the database behind db and migrates it to the newest schema, as
// [Migrate] does. It wants the handle itself, not a transaction of it, with
// foreign_keys on for SQLite and a strict sql_mode for MariaDB and MySQL: a
// value that is cut to fit would be another rule.
//
// Nodes may open one database at the same time.
func Open(ctx context.Context, db *gorm.DB) (*Store, error) {
	db, err := session(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	return &Store{reader{db}}, nil
}

// Query returns a session for reads outside a transaction, of the tables of
// this package.
func (s *Store) Query(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

// session returns a session of the host's handle with settings of our own. The
// host's callbacks and naming strategy stay, for rows of its own that it
// writes in our transactions.
func session(ctx context.Context, host *gorm.DB) (*gorm.DB, error) {
	if host == nil || host.Config == nil {
		return nil, errors.New("store: no database handle")
	}
	if host.Error != nil {
		return nil, fmt.Errorf("store: the handle has failed before: %w", host.Error)
	}
	if _, ok := host.Statement.ConnPool.(gorm.TxCommitter); ok {
		return nil, errors.New("store: the handle is a transaction: want the handle that began it")
	}
	if _, ok := host.Plugins["gorm:db_resolver"]; ok {
		return nil, errors.New("store: the handle reads from replicas (dbresolver), which lag: want a handle for the primary alone")
	}
	db := host.Session(&gorm.Session{
		NewDB:                  true,
		Context:                context.Background(),
		SkipDefaultTransaction: true,
		Logger:                 logger.Discard,
		Initialized:            true, // with a statement of its own: WithContext would bring the host's conditions back
	}).Session(&gorm.Session{NewDB: true})
	// Session copies the configuration, and can switch these on but not off.
	db.Config.DryRun = false
	db.Config.AllowGlobalUpdate = false
	db.Config.FullSaveAssociations = false
	db.Config.PropagateUnscoped = false
	db.Config.CreateBatchSize = 0
	return db, check(ctx, db)
}

// check refuses a database on which the store could not keep its word.
func check(ctx context.Context, db *gorm.DB) error {
	switch db.Name() {
	case sqliteName:
		return checkForeignKeys(ctx, db.Statement.ConnPool)
	case postgresName:
		return nil
	case mysqlName:
		var mode string
		var database sql.NullString
		if err := one(db.WithContext(ctx).Raw("SELECT @@sql_mode, DATABASE()"), &mode, &database); err != nil {
			return fault(ctx, err)
		}
		if !database.Valid {
			return errors.New("store: the handle has no database: name one in its DSN")
		}
		if !strings.Contains(mode, "STRICT_TRANS_TABLES") && !strings.Contains(mode, "STRICT_ALL_TABLES") {
			return fmt.Errorf("store: sql_mode is %q: want STRICT_TRANS_TABLES in it, so that no value is cut to fit", mode)
		}
		return nil
	default:
		return fmt.Errorf("store: database %q: want sqlite, postgres or mysql", db.Name())
	}
}

// checkForeignKeys looks at one connection. The setting is each connection's
// own, so every transaction looks again.
func checkForeignKeys(ctx context.Context, conn gorm.ConnPool) error {
	var on bool
	rows, err := conn.QueryContext(ctx, "PRAGMA foreign_keys")
	if err == nil {
		err = first(rows, &on)
	}
	if err != nil {
		return fault(ctx, err)
	}
	if !on {
		return errors.New("store: SQLite connection without foreign keys: " +
			"add _pragma=foreign_keys(1) to the DSN, or use OpenSQLite")
	}
	return nil
}

// fault translates err, and adds the end of ctx where the driver reports it in
// words of its own.
func fault(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return Translate(err)
}

// one scans the first row of a query. Unlike gorm's Row it gives an error, not
// nil, when a callback of the host stops the query.
func one(query *gorm.DB, dest ...any) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	return first(rows, dest...)
}

// first scans the first of rows and closes them.
func first(rows *sql.Rows, dest ...any) error {
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}
