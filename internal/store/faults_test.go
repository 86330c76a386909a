package store_test

import (
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
