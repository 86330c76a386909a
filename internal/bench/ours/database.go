package ours

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/store"
)

// A Database is one that a measurement has to itself. Close drops it.
type Database struct {
	Name  string // sqlite or postgres
	DB    *gorm.DB
	Close func() error
}

// SQLite is a file that a commit reaches: as durable as in production.
func SQLite() (*Database, error) {
	dir, err := os.MkdirTemp("", "volmacht-bench-")
	if err != nil {
		return nil, err
	}
	db, err := store.OpenSQLite(filepath.Join(dir, "bench.db"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Database{"sqlite", db, func() error { return errors.Join(closePool(db), os.RemoveAll(dir)) }}, nil
}

// Postgres is a fresh schema on the server of dsn, a URL.
func Postgres(ctx context.Context, dsn string) (*Database, error) {
	u, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, errors.Join(errors.New("want a URL, postgres://user@host/database"), err)
	}
	admin, err := gorm.Open(postgres.Open(dsn), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, err
	}
	schema := "volmacht_bench_" + strings.ToLower(rand.Text())
	if err := admin.WithContext(ctx).Exec("CREATE SCHEMA " + schema).Error; err != nil {
		return nil, errors.Join(err, closePool(admin))
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	db, err := gorm.Open(postgres.Open(u.String()), &gorm.Config{Logger: logger.Discard})
	drop := func() error {
		return errors.Join(admin.Exec("DROP SCHEMA "+schema+" CASCADE").Error, closePool(admin))
	}
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return &Database{"postgres", db, func() error { return errors.Join(closePool(db), drop()) }}, nil
}

func closePool(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// fill makes the tables and fills them with w.
func (d *Database) fill(ctx context.Context, w *world.World, progress func(format string, a ...any)) error {
	const every = 10 * time.Second
	said := time.Now()
	progress("fill %s", d.Name)
	err := prepare(ctx, d.DB, w, func(offices int) {
		if time.Since(said) > every {
			progress("fill %s: %d of %d offices", d.Name, offices, len(w.Offices))
			said = time.Now()
		}
	})
	if err != nil {
		return fmt.Errorf("%s: fill: %w", d.Name, err)
	}
	return d.analyze(ctx)
}

// analyze lets PostgreSQL know what it holds, as its own daemon would have done
// before long.
func (d *Database) analyze(ctx context.Context) error {
	if d.Name != "postgres" {
		return nil
	}
	if err := d.DB.WithContext(ctx).Exec("ANALYZE").Error; err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
