package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// pragmas go for every connection of the pool. The time to wait for a lock
// comes first: turning on WAL needs a lock itself.
var pragmas = []string{"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(ON)"}

// OpenSQLite returns a handle for the SQLite database in the file at path,
// which it makes if there is none: readers never wait for the writer, foreign
// keys hold, writers wait five seconds for each other, and what was committed
// survives a loss of power. Close it through its DB method.
func OpenSQLite(path string) (*gorm.DB, error) {
	return openSQLite(path, sqliteDSN(path, "synchronous(FULL)"), "")
}

// OpenMemory returns a handle for a new database that is gone when the handle
// is closed, for tests and demonstrations. SQLite has no shared database in
// memory in which one connection can read while another writes, so it is a
// file in a folder of its own below [os.TempDir], which closing removes.
func OpenMemory() (*gorm.DB, error) {
	dir, err := os.MkdirTemp("", "volmacht-")
	if err != nil {
		return nil, fmt.Errorf("store: memory: %w", err)
	}
	path := filepath.Join(dir, "memory.db")
	return openSQLite(path, sqliteDSN(path, "synchronous(OFF)"), dir)
}

func sqliteDSN(path string, more ...string) string {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": append(pragmas[:len(pragmas):len(pragmas)], more...)}
	// SQLite itself decodes what comes before the question mark.
	file := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path))
	return "file:" + file + "?" + query.Encode()
}

func openSQLite(path, dsn, dir string) (*gorm.DB, error) {
	c := &connector{dsn: dsn, dir: dir}
	probe, err := sql.Open(sqlite.DriverName, dsn)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.driver = probe.Driver()
	pool := sql.OpenDB(c)
	db, err := gorm.Open(&sqlite.Dialector{DSN: dsn, Conn: pool}, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		err = errors.Join(err, probe.Close(), pool.Close())
		if strings.Contains(err.Error(), "(14)") { // SQLITE_CANTOPEN, which the driver takes for a lack of memory
			return nil, fmt.Errorf("%w: SQLite file %q cannot be opened: its folder must exist and be writable", ErrUnavailable, path)
		}
		return nil, fmt.Errorf("store: open SQLite file %q: %w", path, err)
	}
	return db, probe.Close()
}

// A connector opens connections to one SQLite database, and removes dir, if
// it has one, when the pool is closed.
type connector struct {
	driver driver.Driver
	dsn    string
	dir    string
}

func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c *connector) Driver() driver.Driver                        { return c.driver }

func (c *connector) Close() error {
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// A sqliteTx is a transaction of a SQLite file, on a connection of its own: COMMIT can
// fail and leave the transaction open, with which database/sql would put the connection
// back into the pool.
type sqliteTx struct {
	*sql.Tx
	conn *sql.Conn
}

func beginSQLite(ctx context.Context, db *gorm.DB) (gorm.Tx, error) {
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, beginFault(ctx, err)
	}
	// Nothing ends it but us: database/sql, when ctx ends, would do so at any moment.
	begun, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = conn.Close()
		return nil, beginFault(ctx, err)
	}
	tx := &sqliteTx{begun, conn}
	// A transaction that reads first and writes later fails when another one wrote in
	// between. So this one writes first, if nothing at all.
	_, err = tx.ExecContext(ctx, "UPDATE volmacht_streams SET revision = revision WHERE 0")
	if err == nil {
		err = checkForeignKeys(ctx, tx)
	}
	if err != nil {
		_ = tx.Rollback()
		return nil, fault(ctx, err)
	}
	return tx, nil
}

// Commit implements gorm.TxCommitter.
func (tx *sqliteTx) Commit() error {
	err := tx.Tx.Commit()
	if err == nil {
		return tx.conn.Close()
	}
	if _, ended := tx.conn.ExecContext(context.Background(), "ROLLBACK"); ended != nil {
		discard(tx.conn) // nobody knows what it holds
	}
	_ = tx.conn.Close()
	return err
}

// Rollback implements gorm.TxCommitter.
func (tx *sqliteTx) Rollback() error {
	err := tx.Tx.Rollback()
	if err != nil {
		discard(tx.conn) // it is closed already, or nobody knows what it holds
	}
	return errors.Join(err, tx.conn.Close())
}
