package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

const (
	migrationsTable = "volmacht_migrations"
	// lockKey keeps migrations of one PostgreSQL database apart: "volmacht" in ASCII.
	lockKey = 0x766f6c6d61636874
	// lockWait is how long a node waits for another one's migration on MariaDB, in seconds.
	lockWait = 300
)

//go:embed migrations/*.sql
var files embed.FS

// versions are the schema's, oldest first. A version that was released never
// changes; a change to the schema is a version more.
var versions = []string{"0001_tables", "0002_packs", "0003_invitations", "0004_messages", "0005_contacts", "0006_reviews",
	"0007_moot"}

// Migrate brings the schema to the newest version. Any number of processes may
// do so at the same time, and one that was interrupted may do so again. A
// database that a newer version of the code has migrated is refused.
func Migrate(ctx context.Context, db *gorm.DB) error {
	db, err := session(ctx, db)
	if err != nil {
		return err
	}
	return migrate(ctx, db)
}

// Rollback removes all that Migrate made, with everything in it. On a database
// without our tables it does nothing. It may be run again when it was
// interrupted.
func Rollback(ctx context.Context, db *gorm.DB) error {
	db, err := session(ctx, db)
	if err != nil {
		return err
	}
	return alone(ctx, db, func(db *gorm.DB) error {
		if found, err := hasTable(db, migrationsTable); !found {
			return err
		}
		if err := refuseNewer(db); err != nil {
			return err
		}
		s, err := schemaOf(db)
		if err != nil {
			return err
		}
		all := migrations(s)
		// All, not only those that are written down as done: one that was
		// interrupted on MariaDB is not, and has left tables.
		for _, m := range slices.Backward(all) {
			if err := gormigrate.New(db, options(), all).RollbackMigration(m); err != nil {
				return err
			}
		}
		return db.Exec("DROP TABLE " + migrationsTable).Error
	})
}

func migrate(ctx context.Context, db *gorm.DB) error {
	return alone(ctx, db, func(db *gorm.DB) error {
		s, err := schemaOf(db)
		if err != nil {
			return err
		}
		// Made here, gormigrate would give it the database's own collation.
		found, err := hasTable(db, migrationsTable)
		if err != nil {
			return err
		}
		if !found {
			if err := s.exec(db, "CREATE TABLE "+migrationsTable+" (id {text(100)} NOT NULL PRIMARY KEY){table}"); err != nil {
				return err
			}
		}
		if err := refuseNewer(db); err != nil {
			return err
		}
		return gormigrate.New(db, options(), migrations(s)).Migrate()
	})
}

func options() *gormigrate.Options {
	return &gormigrate.Options{TableName: migrationsTable, IDColumnSize: 100, ValidateUnknownMigrations: true}
}

func migrations(s schema) []*gormigrate.Migration {
	var all []*gormigrate.Migration
	for _, version := range versions {
		all = append(all, &gormigrate.Migration{
			ID:      version,
			Migrate: func(db *gorm.DB) error { return s.run(db, version+".up.sql") },
			Rollback: func(db *gorm.DB) error {
				// First of all forget that it ran. Were this interrupted, Migrate
				// would take what is left for the whole.
				if err := db.Exec("DELETE FROM "+migrationsTable+" WHERE id = ?", version).Error; err != nil {
					return err
				}
				return s.run(db, version+".down.sql")
			},
		})
	}
	return all
}

func refuseNewer(db *gorm.DB) error {
	var done []string
	if err := db.Table(migrationsTable).Order("id").Pluck("id", &done).Error; err != nil {
		return err
	}
	for _, version := range done {
		if !slices.Contains(versions, version) {
			return fmt.Errorf("store: the database has schema version %q, the code knows up to %q: use a newer version of volmacht",
				version, versions[len(versions)-1])
		}
	}
	return nil
}

// alone runs f on one connection while no other process does. On SQLite and
// PostgreSQL that is one transaction; MariaDB and MySQL commit at each DDL
// statement, so there each statement of a migration can be run again.
func alone(ctx context.Context, db *gorm.DB, f func(*gorm.DB) error) (err error) {
	pool, err := db.DB()
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fault(ctx, fmt.Errorf("store: migrate: %w", err))
	}
	defer conn.Close()
	tx := db.Session(&gorm.Session{NewDB: true, Context: ctx})
	tx.Statement.ConnPool = conn

	// What is there is seen after the wait for the lock, whatever the host's default is.
	begin, commit, rollback := "BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT", "ROLLBACK"
	switch db.Name() {
	case sqliteName:
		begin = "BEGIN IMMEDIATE"
	case mysqlName:
		// The lock is the server's, so its name holds the database's.
		begin = ""
		commit = "DO RELEASE_LOCK(CONCAT('volmacht:', MD5(DATABASE())))"
		rollback = commit
	}
	err = retry(ctx, func() (error, bool) {
		err := acquire(tx, begin)
		return err, db.Name() == sqliteName && kindOf(err) == kindRetry // a file with no time to wait for its lock
	})
	if err != nil {
		discard(conn)
		return fault(ctx, fmt.Errorf("store: migrate: lock: %w", err))
	}
	done := false
	defer func() {
		if done {
			return
		}
		if _, failed := conn.ExecContext(context.WithoutCancel(ctx), rollback); failed != nil {
			discard(conn)
		}
	}()
	if err := f(tx); err != nil {
		return fault(ctx, fmt.Errorf("store: migrate: %w", err))
	}
	if _, err := conn.ExecContext(ctx, commit); err != nil {
		return fault(ctx, fmt.Errorf("store: migrate: %w", err))
	}
	done = true
	return nil
}

func acquire(tx *gorm.DB, begin string) error {
	if tx.Name() == mysqlName {
		var got sql.NullInt64
		err := one(tx.Raw("SELECT GET_LOCK(CONCAT('volmacht:', MD5(DATABASE())), ?)", lockWait), &got)
		if err == nil && got.Int64 != 1 {
			err = fmt.Errorf("another process has been migrating for %d s: %w", lockWait, ErrUnavailable)
		}
		return err
	}
	if err := tx.Exec(begin).Error; err != nil || tx.Name() == sqliteName {
		return err
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(lockKey)).Error
}

// discard keeps conn out of the pool: nobody knows what it still holds.
func discard(conn *sql.Conn) {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		return // it is closed already
	}
}
