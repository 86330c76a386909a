package main

import (
	"fmt"
	"os"
	"strings"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/authz"
)

// openDB opens the database that dsn names: a file of SQLite that is there,
// postgres://… or USER:PASSWORD@tcp(HOST)/NAME for MariaDB and MySQL. The
// caller calls the function when done.
func openDB(dsn string) (*gorm.DB, func() error, error) {
	db, err := dial(dsn)
	if err != nil {
		return nil, nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, nil, err
	}
	return db, pool.Close, nil
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func dial(dsn string) (*gorm.DB, error) {
	silent := &gorm.Config{Logger: logger.Discard} // errors come back, too
	switch {
	case isPostgres(dsn):
		// pgx quotes what it cannot read, or takes for the name of a database, which may be a password.
		if config, err := pgx.ParseConfig(dsn); err != nil || strings.Contains(config.Database, "@") {
			return nil, fmt.Errorf("database: no URL that PostgreSQL can be reached by: want postgres://USER:PASSWORD@HOST/NAME, "+
				"with what is no letter or digit of a password as %%XX: %w", errUsage)
		}
		return gorm.Open(postgres.Open(dsn), silent)
	case strings.Contains(dsn, "@") && strings.Contains(dsn, ")/"):
		config, err := gomysql.ParseDSN(dsn)
		if err != nil {
			return nil, fmt.Errorf("database: %v: %w", err, errUsage)
		}
		config.ParseTime = true
		return gorm.Open(mysql.Open(config.FormatDSN()), silent)
	}
	// SQLite would make a file that is not there, and find it empty.
	if _, err := os.Stat(dsn); err != nil { // which may quote a password
		return nil, fmt.Errorf("database: no such file; want one, postgres://… or USER:PASSWORD@tcp(HOST)/NAME: %w", errUsage)
	}
	return authz.OpenSQLite(dsn)
}
