package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

// race lets two handles record n entries each in acme's stream and returns
// the errors.
func race(t *testing.T, db *gorm.DB, n int, record func(context.Context, *store.Tx, *store.Entry) error) []error {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for writer, handle := range []*gorm.DB{db, storetest.Reopen(t, db)} {
		s, err := store.Open(t.Context(), handle)
		require.NoError(t, err)
		wait.Go(func() {
			for i := range n {
				err := s.Transaction(t.Context(), func(tx *store.Tx) error {
					return record(t.Context(), tx, entry(rows(fmt.Sprintf("w%d-%d", writer, i)), nil))
				})
				if err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return errs
}

func TestWritersOfOneStream(t *testing.T) {
	t.Parallel()
	const n = 100
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		errs := race(t, db, n, locked)
		require.NoError(t, errors.Join(errs...))
		requireWritten(t, s, 2*n)
	})
}

// Of those who find no stream at the same time one makes it, and the others take it as
// it leaves it.
func TestLockOrCreateAtOnce(t *testing.T) {
	t.Parallel()
	const streams = 20
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		var stores [2]*store.Store
		for i, handle := range []*gorm.DB{db, storetest.Reopen(t, db)} {
			var err error
			stores[i], err = store.Open(t.Context(), handle)
			require.NoError(t, err)
		}
		for i := range streams {
			e := entry(nil, nil)
			e.Stream = fmt.Sprint("s", i)
			var wait sync.WaitGroup
			var errs [2]error
			for writer, s := range stores {
				wait.Go(func() {
					errs[writer] = s.Transaction(t.Context(), func(tx *store.Tx) error {
						mine := *e
						if _, err := tx.LockOrCreate(mine.Stream); err != nil {
							return err
						}
						time.Sleep(2 * time.Millisecond) // the other one has looked by then
						return tx.Record(&mine)
					})
				})
			}
			wait.Wait()
			require.NoError(t, errors.Join(errs[:]...))
			heads, err := stores[0].Heads(t.Context(), e.Stream)
			require.NoError(t, err)
			require.EqualValues(t, 2, heads[e.Stream].Revision)
		}
	})
}

// Whoever holds a stream keeps it where it stands, beside others who hold it.
func TestHold(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		s := prepared(t, db)
		other, err := store.Open(ctx, storetest.Reopen(t, db))
		require.NoError(t, err)
		stream := store.TenantStream(acme)
		recorded := make(chan error, 1)
		require.NoError(t, s.Transaction(ctx, func(tx *store.Tx) error {
			head, err := tx.Hold(stream)
			require.NoError(t, err)
			require.NoError(t, other.Transaction(ctx, func(tx *store.Tx) error {
				beside, err := tx.Hold(stream)
				require.Equal(t, head, beside)
				return err
			}))
			none, err := tx.Hold("none")
			require.NoError(t, err)
			require.Zero(t, none)
			go func() {
				recorded <- other.Transaction(ctx, func(tx *store.Tx) error { return locked(ctx, tx, entry(rows("held"), nil)) })
			}()
			select {
			case err := <-recorded:
				require.Fail(t, "it did not wait", "%v", err)
			case <-time.After(200 * time.Millisecond):
			}
			again, err := tx.Hold(stream)
			require.Equal(t, head, again)
			return err
		}))
		require.NoError(t, <-recorded)
	})
}

// Whoever waits to lock a stream is not kept waiting by those who hold it, one after the
// other and never none.
func TestLockBesideHolders(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wait sync.WaitGroup
		var held atomic.Int64
		const holders = 32
		handle := storetest.Reopen(t, db)
		pool, err := handle.DB()
		require.NoError(t, err)
		pool.SetMaxOpenConns(holders)
		other, err := store.Open(t.Context(), handle)
		require.NoError(t, err)
		for range holders {
			wait.Go(func() {
				for ctx.Err() == nil {
					_ = other.Transaction(ctx, func(tx *store.Tx) error {
						_, err := tx.Hold(store.PackStream)
						held.Add(1)
						time.Sleep(20 * time.Millisecond)
						return err
					})
				}
			})
		}
		require.Eventually(t, func() bool { return held.Load() > 20 }, time.Minute, time.Millisecond)
		within, done := context.WithTimeout(t.Context(), 10*time.Second)
		defer done()
		err = s.Transaction(within, func(tx *store.Tx) error {
			_, err := tx.LockOrCreate(store.PackStream)
			return err
		})
		cancel()
		wait.Wait()
		require.NoError(t, err)
	})
}

// locked records what nobody can have come before with.
func locked(_ context.Context, tx *store.Tx, e *store.Entry) error {
	if _, err := tx.Lock(e.Stream); err != nil {
		return err
	}
	return tx.Record(e)
}

// requireWritten wants n entries with a row each, one after the other.
func requireWritten(t *testing.T, s *store.Store, n int) {
	t.Helper()
	got, err := s.Load(t.Context(), acme)
	require.NoError(t, err)
	require.Equal(t, uint64(n), got.Head.Revision)
	require.Len(t, got.Rows, n)
	require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
}

// Writers who go by what they know, and lock only when that is not so any more, leave
// what those leave who lock.
func TestWritersWhoAssume(t *testing.T) {
	t.Parallel()
	const n = 100
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		var moved atomic.Int64
		errs := race(t, db, n, func(ctx context.Context, tx *store.Tx, e *store.Entry) error {
			heads, err := s.Heads(ctx, e.Stream, store.PackStream) // as before the transaction
			if err != nil {
				return err
			}
			tx.Assume(e.Stream, heads[e.Stream], heads[store.PackStream])
			if err := tx.Record(e); !errors.Is(err, store.ErrMoved) {
				return err
			}
			moved.Add(1)
			return locked(ctx, tx, e)
		})
		require.NoError(t, errors.Join(errs...))
		if db.Name() != "sqlite" { // where one transaction waits for another to begin
			require.Positive(t, moved.Load(), "no two writers met: the test proves nothing")
		}
		requireWritten(t, s, 2*n)
	})
}

// Without the lock the same writers take the same revision; the ledger's key
// is what notices.
func TestWritersOfOneStreamControl(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		errs := race(t, db, 100, func(ctx context.Context, tx *store.Tx, e *store.Entry) error {
			if err := tx.LockWithout(ctx, e.Stream); err != nil {
				return err
			}
			return tx.Record(e)
		})
		require.NotEmpty(t, errs, "no two writers met: the test above proves nothing")
		for _, err := range errs {
			require.ErrorIs(t, err, store.ErrConflict)
		}
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
	})
}

// Two transactions lock two streams in opposite order.
func TestDeadlockRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		var met, wait sync.WaitGroup
		met.Add(2)
		var runs atomic.Int64
		errs := make([]error, 2)
		for i, order := range [][]string{
			{store.TenantStream(acme), store.TenantStream(beta)},
			{store.TenantStream(beta), store.TenantStream(acme)},
		} {
			first := true
			wait.Go(func() {
				errs[i] = s.Transaction(t.Context(), func(tx *store.Tx) error {
					runs.Add(1)
					if _, err := tx.Lock(order[0]); err != nil {
						return err
					}
					if first {
						first = false
						met.Done()
						met.Wait()
					}
					if _, err := tx.Lock(order[1]); err != nil {
						return err
					}
					return tx.Record(entry(rows(fmt.Sprintf("w%d", i)), nil))
				})
			})
		}
		wait.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Greater(t, runs.Load(), int64(2), "no deadlock: the test proves nothing")
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
		heads, err := s.Heads(t.Context(), store.TenantStream(acme))
		require.NoError(t, err)
		require.Equal(t, uint64(2), heads[store.TenantStream(acme)].Revision)
	})
}

// A deadlock ends the transaction on MariaDB. When the function passes over
// the error, what it writes next must not be committed statement by statement.
func TestDeadlockPassedOver(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		require.NoError(t, db.Create([]store.Tenant{{ID: acme}, {ID: beta}}).Error)
		var met, wait sync.WaitGroup
		met.Add(2)
		var failed atomic.Int64
		errs := make([]error, 2)
		for i, order := range [][]string{{"acme", "beta"}, {"beta", "acme"}} {
			run := 0
			wait.Go(func() {
				errs[i] = s.Transaction(t.Context(), func(tx *store.Tx) error {
					run++
					touch := func(id string) error {
						return tx.DB().Exec("UPDATE volmacht_tenants SET name = ? WHERE id = ?", fmt.Sprint(i, run), id).Error
					}
					if err := touch(order[0]); err != nil {
						return err
					}
					if run == 1 {
						met.Done()
						met.Wait()
					}
					name := "good"
					if touch(order[1]) != nil {
						failed.Add(1)
						name = "bad"
					}
					_ = tx.DB().Create(&store.Stream{Name: fmt.Sprint(name, i, run), Hash: make([]byte, 32)})
					return nil
				})
			})
		}
		wait.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Positive(t, failed.Load(), "no deadlock: the test proves nothing")
		var names []string
		require.NoError(t, db.Model(&store.Stream{}).Where("name LIKE 'good%' OR name LIKE 'bad%'").Order("name").Pluck("name", &names).Error)
		require.Len(t, names, 2)
		for _, name := range names {
			require.Contains(t, name, "good")
		}
	})
}

func TestLockWaitRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s, other := open(t, db), storetest.Reopen(t, db)
		limit := "SET LOCAL lock_timeout = '100ms'"
		if db.Name() == "mysql" {
			limit = "SET innodb_lock_wait_timeout = 1"
		}
		holder, err := store.Open(t.Context(), other)
		require.NoError(t, err)
		held, release := make(chan bool), make(chan bool)
		var wait sync.WaitGroup
		wait.Go(func() {
			_ = holder.Transaction(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Lock(store.TenantStream(acme))
				held <- err == nil
				<-release
				return err
			})
		})
		require.True(t, <-held)
		runs := 0
		err = s.Transaction(t.Context(), func(tx *store.Tx) error {
			if runs++; runs == 2 {
				close(release)
			}
			if err := tx.DB().Exec(limit).Error; err != nil {
				return err
			}
			_, err := tx.Lock(store.TenantStream(acme))
			return err
		})
		wait.Wait()
		require.NoError(t, err)
		require.GreaterOrEqual(t, runs, 2)
	})
}

// Rows belong to the revision that they come with, though a writer goes on:
// revision n leaves exactly the rule named n.
func TestLoadIsConsistent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		apart := readWhileWriting(t, s, func() (uint64, []store.Row, error) {
			got, err := s.Load(t.Context(), acme)
			return got.Head.Revision, got.Rows, err
		})
		require.Zero(t, apart)
	})
	t.Run("in a transaction", func(t *testing.T) {
		t.Parallel()
		storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
			s := open(t, db)
			apart := readWhileWriting(t, s, func() (revision uint64, rows []store.Row, err error) {
				err = s.Transaction(t.Context(), func(tx *store.Tx) error {
					got, err := tx.Load(t.Context(), acme)
					revision, rows = got.Head.Revision, got.Rows
					return err
				})
				return revision, rows, err
			})
			require.Zero(t, apart)
		})
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
			s := open(t, db)
			apart := readWhileWriting(t, s, func() (uint64, []store.Row, error) {
				heads, err := s.Heads(t.Context(), store.TenantStream(acme))
				if err != nil {
					return 0, nil, err
				}
				var found []store.CasbinRule
				err = db.Where("tenant = ?", "acme").Find(&found).Error
				var rows []store.Row
				for _, f := range found {
					row, err := f.Row()
					require.NoError(t, err)
					rows = append(rows, row)
				}
				return heads[store.TenantStream(acme)].Revision, rows, err
			})
			require.Positive(t, apart, "two statements never saw two states: the tests above prove nothing")
		})
	})
}

// readWhileWriting returns how often read found rows of another revision.
func readWhileWriting(t *testing.T, s *store.Store, read func() (uint64, []store.Row, error)) (apart int) {
	t.Helper()
	require.NoError(t, write(t, s, entry(rows("1"), nil)))
	done := make(chan error, 1)
	go func() {
		for n := 2; n <= 200; n++ {
			err := s.Transaction(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
					return err
				}
				return tx.Record(entry(rows(fmt.Sprint(n)), rows(fmt.Sprint(n-1))))
			})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			require.NoError(t, err)
			return apart
		default:
		}
		revision, got, err := read()
		require.NoError(t, err)
		if len(got) != 1 || got[0].Rule.V[0] != fmt.Sprintf("user:%d", revision) {
			apart++
		}
	}
}

// A host's own SQLite handle begins transactions that read. One that reads
// first and then writes fails when somebody wrote in between; ours must not.
func TestSQLiteDeferredHandle(t *testing.T) {
	t.Parallel()
	dsn := "file:" + t.TempDir() + "/deferred.db?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)"
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	defer pool.Close()
	s := open(t, db)
	var wait sync.WaitGroup
	var runs atomic.Int64
	const writers, each = 4, 25
	errs := make([]error, writers)
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				errs[w] = errors.Join(errs[w], s.Transaction(t.Context(), func(tx *store.Tx) error {
					runs.Add(1)
					var n int64
					if err := tx.DB().Model(&store.Stream{}).Count(&n).Error; err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
					if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
						return err
					}
					return tx.Record(entry(rows(fmt.Sprintf("w%d-%d", w, i)), nil))
				}))
			}
		})
	}
	wait.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, int64(writers*each), runs.Load(), "each ran once")
	require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
}
