package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

func TestErrorOfFunction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := prepared(t, db)
		before := dump(t, db)
		err := s.Transaction(t.Context(), func(tx *store.Tx) error {
			require.NoError(t, everything(tx))
			return errUndo
		})
		require.True(t, err == errUndo, "unchanged")
		require.Equal(t, before, dump(t, db))
		require.NoError(t, s.Transaction(t.Context(), everything))
	})
}

func TestPanicInFunction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		single(t, db)
		s := prepared(t, db)
		before := dump(t, db)
		require.PanicsWithValue(t, "oops", func() {
			_ = s.Transaction(t.Context(), func(tx *store.Tx) error {
				require.NoError(t, everything(tx))
				panic("oops")
			})
		})
		require.Equal(t, before, dump(t, db))
		require.NoError(t, s.Transaction(t.Context(), everything), "the connection is free again")
	})
}

// single leaves db one connection: a transaction that is not ended blocks the
// next.
func single(t *testing.T, db *gorm.DB) {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	pool.SetMaxOpenConns(1)
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		single(t, db)
		s := prepared(t, db)
		before := dump(t, db)
		t.Run("before", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := s.Transaction(ctx, func(*store.Tx) error { panic("must not run") })
			require.ErrorIs(t, err, context.Canceled)
			_, err = s.Load(ctx, acme)
			require.ErrorIs(t, err, context.Canceled)
			_, err = s.Heads(ctx, store.PackStream)
			require.ErrorIs(t, err, context.Canceled)
			_, err = s.Ledger(ctx, store.PackStream, 0, 1)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, s.VerifyLedger(ctx, store.PackStream), context.Canceled)
		})
		t.Run("inside", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Transaction(ctx, func(tx *store.Tx) error {
				require.NoError(t, everything(tx))
				cancel()
				return tx.Record(entry(rows("more"), nil))
			})
			require.ErrorIs(t, err, context.Canceled)
		})
		t.Run("before the commit", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Transaction(ctx, func(tx *store.Tx) error {
				defer cancel()
				return everything(tx)
			})
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, store.ErrUnavailable, "it is known not to have happened")
		})
		t.Run("at the commit", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := store.Open(t.Context(), storetest.Committing(t, db, func(func() error) error {
				cancel()
				return sql.ErrTxDone // what database/sql says when it has rolled back
			}))
			require.NoError(t, err)
			err = s.Transaction(ctx, everything)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, store.ErrUnavailable, "it is known not to have happened")
		})
		t.Run("during the commit", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := store.Open(t.Context(), storetest.Committing(t, db, func(real func() error) error {
				if err := real(); err != nil {
					return err
				}
				cancel()
				return ctx.Err() // all that pgx says of a COMMIT that was on its way
			}))
			require.NoError(t, err)
			err = s.Transaction(ctx, func(*store.Tx) error { return nil })
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, store.ErrUnavailable, "nobody knows whether it happened")
		})
		t.Run("between tries", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			runs := 0
			err := s.Transaction(ctx, func(tx *store.Tx) error {
				if runs++; runs == 3 {
					cancel()
				}
				return retryable{errInjected}
			})
			require.ErrorIs(t, err, errInjected)
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 3, runs)
		})
		require.Equal(t, before, dump(t, db))
		require.NoError(t, s.Transaction(t.Context(), everything))
	})
}

// While somebody else holds the lock, a context that ends is noticed.
func TestContextEndsWaiting(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Lock(store.TenantStream(acme))
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err = s.Transaction(ctx, func(tx *store.Tx) error {
				_, err := tx.Lock(store.TenantStream(acme))
				return err
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return nil
		}))
	})
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		runs := 0
		err := s.Transaction(t.Context(), func(*store.Tx) error {
			runs++
			return fmt.Errorf("wrapped: %w", retryable{errInjected})
		})
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, errInjected)
		require.Equal(t, 20, runs)
	})
}

// violation stands for a constraint that is checked at the commit.
type violation struct{ error }

func (violation) SQLState() string { return "23503" }

func TestCommitFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		before := dump(t, prepare(t, db))
		cases := []struct {
			name   string
			commit func(commit func() error) error
			want   error
		}{
			{"before it happened", func(func() error) error { return driver.ErrBadConn }, store.ErrUnavailable},
			{"conflict", func(func() error) error { return violation{errInjected} }, store.ErrConflict},
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				tries := 0
				s, err := store.Open(t.Context(), storetest.Committing(t, db, func(commit func() error) error {
					tries++
					return c.commit(commit)
				}))
				require.NoError(t, err)
				require.ErrorIs(t, s.Transaction(t.Context(), everything), c.want)
				require.Equal(t, 1, tries)
				require.Zero(t, connsInUse(t, db))
				require.Equal(t, before, dump(t, db))
			})
		}
		t.Run("retry", func(t *testing.T) {
			tries := 0
			s, err := store.Open(t.Context(), storetest.Committing(t, db, func(func() error) error {
				tries++
				return retryable{errInjected}
			}))
			require.NoError(t, err)
			require.ErrorIs(t, s.Transaction(t.Context(), everything), store.ErrUnavailable)
			require.Equal(t, 20, tries)
		})
		t.Run("after it happened", func(t *testing.T) {
			s, err := store.Open(t.Context(), storetest.Committing(t, db, func(commit func() error) error {
				return errors.Join(commit(), driver.ErrBadConn)
			}))
			require.NoError(t, err)
			err = s.Transaction(t.Context(), everything)
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.ErrorContains(t, err, "unknown outcome")
			require.NotEqual(t, before, dump(t, db))
			require.Zero(t, connsInUse(t, db))
		})
	})
}

func prepare(t *testing.T, db *gorm.DB) *gorm.DB {
	prepared(t, db)
	return db
}

func connsInUse(t *testing.T, db *gorm.DB) int {
	t.Helper()
	pool, err := db.DB()
	require.NoError(t, err)
	return pool.Stats().InUse
}

// The server closes the connection just before the commit.
func TestConnectionKilled(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s, other := prepared(t, db), storetest.Reopen(t, db)
		before := dump(t, db)
		own, kill := "SELECT pg_backend_pid()", "SELECT pg_terminate_backend(?)"
		if db.Name() == "mysql" {
			own, kill = "SELECT CONNECTION_ID()", "KILL ?"
		}
		doomed := func(then func(*store.Tx) error) error {
			return s.Transaction(t.Context(), func(tx *store.Tx) error {
				require.NoError(t, everything(tx))
				var id int64
				require.NoError(t, tx.DB().Raw(own).Scan(&id).Error)
				require.NoError(t, other.Exec(kill, id).Error)
				time.Sleep(50 * time.Millisecond)
				return then(tx)
			})
		}
		require.ErrorIs(t, doomed(func(*store.Tx) error { return nil }), store.ErrUnavailable)
		require.ErrorIs(t, doomed(func(tx *store.Tx) error { return tx.Record(entry(rows("more"), nil)) }), store.ErrUnavailable)
		require.Equal(t, before, dump(t, db))
		require.NoError(t, s.Transaction(t.Context(), everything), "the pool has recovered")
	})
}

func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		pool, err := db.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
		require.ErrorIs(t, s.Transaction(t.Context(), everything), store.ErrUnavailable)
		_, err = s.Load(t.Context(), acme)
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = s.Heads(t.Context(), store.PackStream)
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = s.Ledger(t.Context(), store.PackStream, 0, 1)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, s.VerifyLedger(t.Context(), store.PackStream), store.ErrUnavailable)
		_, err = store.Open(t.Context(), db)
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = store.Open(t.Context(), db.Session(&gorm.Session{NewDB: true, PrepareStmt: true}))
		require.ErrorIs(t, err, store.ErrUnavailable)
	})
}

// On PostgreSQL a transaction in which a statement failed cannot be committed,
// and is not taken for committed.
func TestStatementErrorPassedOver(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		err := s.Transaction(t.Context(), func(tx *store.Tx) error {
			require.NoError(t, tx.DB().Create(&store.Tenant{ID: acme}).Error)
			require.ErrorIs(t, store.Translate(tx.DB().Create(&store.Tenant{ID: acme}).Error), store.ErrConflict)
			return nil
		})
		var n int64
		require.NoError(t, db.Model(&store.Tenant{}).Count(&n).Error)
		if db.Name() == "postgres" {
			require.ErrorContains(t, err, "passed over")
			require.Zero(t, n)
		} else {
			require.NoError(t, err)
			require.Equal(t, int64(1), n)
		}
	})
}

// COMMIT on SQLite without WAL fails while somebody reads, and leaves the
// transaction open; the connection must not go back to the pool like that.
func TestSQLiteCommitBusy(t *testing.T) {
	t.Parallel()
	dsn := "file:" + t.TempDir() + "/plain.db?_pragma=busy_timeout(1)&_pragma=foreign_keys(1)&_pragma=journal_mode(DELETE)"
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	defer pool.Close()
	s := prepared(t, db)
	reader, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, reader.QueryRow("SELECT COUNT(*) FROM casbin_rule").Scan(&n))
	before := dump(t, db)
	runs := 0
	err = s.Transaction(t.Context(), func(tx *store.Tx) error { runs++; return everything(tx) })
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Greater(t, runs, 1)
	require.Equal(t, before, dump(t, db))
	require.NoError(t, reader.Rollback())
	require.NoError(t, s.Transaction(t.Context(), everything))
}

// SQLite ends the transaction when a statement is interrupted or the disk is full. What
// comes after it must not be committed by itself, whichever way it comes.
func TestSQLiteEndsTransaction(t *testing.T) {
	t.Parallel()
	const endless = "INSERT INTO host (note) " +
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(1000)) FROM n"
	ways := map[string]func(db *gorm.DB, query string) error{
		"executed": func(db *gorm.DB, query string) error { return db.Exec(query).Error },
		"scanned": func(db *gorm.DB, query string) error {
			return db.Raw(query + " RETURNING note").Scan(new(string)).Error
		},
		"row": func(db *gorm.DB, query string) error {
			return db.Raw(query + " RETURNING note").Row().Scan(new(string))
		},
		"prepared": func(db *gorm.DB, query string) error {
			return db.Session(&gorm.Session{PrepareStmt: true}).Exec(query).Error
		},
	}
	all := []string{"executed", "prepared", "scanned", "row"}
	ends := []struct {
		name string
		by   []string // the driver does not interrupt the others, nor does SQLite end it when they find no room
		fail func(db *gorm.DB, by func(*gorm.DB, string) error) error
	}{
		{"interrupted", all[:2], func(db *gorm.DB, by func(*gorm.DB, string) error) error {
			ctx, cancel := context.WithTimeout(db.Statement.Context, 20*time.Millisecond)
			defer cancel()
			return by(db.WithContext(ctx), endless)
		}},
		{"full", all[:2], func(db *gorm.DB, by func(*gorm.DB, string) error) error {
			if err := db.Exec("PRAGMA max_page_count = 1").Error; err != nil { // as many as there are
				return err
			}
			return by(db, "INSERT INTO host (note) VALUES (hex(zeroblob(1000000)))")
		}},
		{"conflict", all, func(db *gorm.DB, by func(*gorm.DB, string) error) error {
			return by(db, "INSERT OR ROLLBACK INTO host (note) VALUES (NULL)")
		}},
	}
	for _, end := range ends {
		for _, first := range end.by {
			for _, second := range all {
				t.Run(end.name+" "+first+", then "+second, func(t *testing.T) {
					t.Parallel()
					db, err := store.OpenMemory()
					require.NoError(t, err)
					s := prepared(t, db)
					require.NoError(t, db.Exec("CREATE TABLE host (note TEXT NOT NULL)").Error)
					before := dump(t, db)
					err = s.Transaction(t.Context(), func(tx *store.Tx) error {
						require.NoError(t, everything(tx))
						require.Error(t, end.fail(tx.DB(), ways[first]))
						require.Error(t, ways[second](tx.DB(), "INSERT INTO host VALUES ('later')"))
						return nil
					})
					require.Error(t, err)
					require.NotContains(t, err.Error(), "unknown outcome")
					require.Equal(t, before, dump(t, db))
					var notes int64
					require.NoError(t, db.Table("host").Count(&notes).Error)
					require.Zero(t, notes)
					require.Zero(t, connsInUse(t, db))
					require.NoError(t, s.Transaction(t.Context(), everything))
					pool, err := db.DB()
					require.NoError(t, err)
					require.NoError(t, pool.Close())
				})
			}
		}
	}
}

// A statement for which there was no time is not taken for done: the driver leaves it
// out and reports no error.
func TestSQLiteStatementLeftOut(t *testing.T) {
	t.Parallel()
	db, err := store.OpenMemory()
	require.NoError(t, err)
	s := prepared(t, db)
	before := dump(t, db)
	err = s.Transaction(t.Context(), func(tx *store.Tx) error {
		require.NoError(t, everything(tx))
		return tx.DB().WithContext(late{t.Context()}).Exec("SELECT 1").Error
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, before, dump(t, db))
	pool, err := db.DB()
	require.NoError(t, err)
	require.NoError(t, pool.Close())
}

// late is a context that ends while a statement runs.
type late struct{ context.Context }

func (late) Err() error { return context.DeadlineExceeded }
