package authz

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Tx is an [Authz] whose changes become real together, or not at all. Its
// checks and lists see the changes made so far. It is for one goroutine, and
// ends with the function it was given to.
type Tx struct{ *Authz }

// DB is the open database transaction, for the host's own rows. Do not commit
// it or roll it back.
func (tx *Tx) DB() *gorm.DB { return tx.tx.store.DB() }

// Transaction runs fn and makes its changes, those of tx and the rows written
// through tx.DB(), real together. If fn returns an error or panics, or if any
// change made through tx failed, nothing of it remains; the error is returned.
//
// fn runs again from its start when the database ends the transaction to
// resolve a deadlock, so it should do nothing else that cannot be done twice.
// What fn checks with tx in a tenant that it has not changed may be changed by
// others before the commit. Use tx inside fn, not az: az knows nothing of what fn has done, and a
// change through az waits for tx to end: on SQLite any, elsewhere one of the same tenant,
// and all of them while a pack waits to be published. A Transaction inside fn
// joins the one around it.
func (az *Authz) Transaction(ctx context.Context, fn func(tx *Tx) error) error {
	if err := az.ready(); err != nil {
		return err
	}
	return az.join(ctx, func(t *transaction) error {
		return fn(&Tx{&Authz{core: az.core, tx: t}})
	})
}

// A transaction is one database transaction and the states it has made so far.
type transaction struct {
	core   *core
	store  *store.Tx
	since  int64
	pack   *store.Head
	states map[model.TenantID]*state // of the tenants that are locked
	mails  bool                      // some were put into the outbox
	err    error                     // the first failure; nothing goes on after it
	done   bool
	looks  bool // it only reads, and locks nothing
}

var errPanicked = errors.New("a change in it panicked")

func (t *transaction) usable() error {
	if t.done {
		return fmt.Errorf("authz: the transaction is over: %w", ErrInvalid)
	}
	if t.err != nil {
		return fmt.Errorf("authz: the transaction has failed: %w", t.err)
	}
	return nil
}

// join runs fn in the open transaction, or in one of its own that it commits
// and publishes.
func (az *Authz) join(ctx context.Context, fn func(*transaction) error) error {
	if az.tx != nil {
		return az.tx.run(ctx, fn)
	}
	var t *transaction
	err := az.store.Transaction(ctx, func(tx *store.Tx) error {
		t = &transaction{core: az.core, store: tx, since: now(), states: make(map[model.TenantID]*state)}
		defer func() { t.done = true }()
		if err := fn(t); err != nil {
			return err
		}
		return t.err
	})
	if err != nil {
		return err
	}
	az.memberships.changes.Add(1)
	for _, st := range t.states {
		az.cache.publish(ctx, st, t.since)
	}
	if t.mails {
		az.mail.wake()
	}
	return nil
}

func (t *transaction) run(ctx context.Context, fn func(*transaction) error) error {
	if err := t.usable(); err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned && t.err == nil {
			t.err = errPanicked // whoever recovers, half a change is not kept
		}
	}()
	err := ctx.Err()
	if err == nil {
		err = fn(t)
	}
	if returned = true; err != nil && t.err == nil {
		t.err = err
	}
	return err
}

// lock takes the tenant for this transaction and returns its state.
func (t *transaction) lock(ctx context.Context, id model.TenantID) (*state, error) {
	if st, ok := t.states[id]; ok {
		return st, nil
	}
	head, err := t.store.Lock(store.TenantStream(id))
	if err != nil {
		return nil, notFound(err, "tenant %v", id)
	}
	pack, err := t.holdPack()
	if err != nil {
		return nil, err
	}
	st := t.core.cache.known(id)
	if st == nil || st.head != head || st.packHead != pack {
		if st, err = t.load(ctx, id); err != nil {
			return nil, err
		}
	}
	t.states[id] = st
	return st, nil
}

// holdPack tells which pack is in force, and keeps it there until the transaction ends.
func (t *transaction) holdPack() (store.Head, error) {
	if t.pack == nil {
		head, err := t.store.Hold(store.PackStream)
		if err != nil {
			return store.Head{}, err
		}
		t.pack = &head
	}
	return *t.pack, nil
}

// state returns the tenant's state as this transaction sees it.
func (t *transaction) state(ctx context.Context, id model.TenantID) (*state, error) {
	if st, ok := t.states[id]; ok {
		return st, nil
	}
	return t.load(ctx, id)
}

func (t *transaction) load(ctx context.Context, id model.TenantID) (*state, error) {
	st, err := t.core.packs.load(ctx, t.store, id)
	return st, notFound(err, "tenant %v", id)
}

// notFound names what was not found, and leaves other errors alone.
func notFound(err error, format string, args ...any) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrNotFound)
	}
	return err
}
