package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A change is one change to one tenant, or to one person: everything between
// its lock and its row in the ledger.
type change struct {
	ctx    context.Context
	az     *Authz
	tx     *transaction
	by     Actor
	action string
	at     time.Time
	stream string
	detail detail

	// Of a change to a tenant:
	tenant         model.TenantID
	before         *state
	assumed        bool  // before is what this node knows: nobody has asked whether it is the newest
	moved          error // why nothing can be done with this change: it was not the newest, above all
	added, removed []store.Row
	ended          []model.Rule // memberships, which may have been without a row
}

// detail is what the ledger says of a change, besides its rows: names of
// things, never what people are called or where they live.
type detail map[string]string

// errUnchanged ends a change that found everything as it was asked for.
var errUnchanged = errors.New("unchanged")

// write is the one path of every change to a tenant: lock it, run fn, record
// what fn did, and after the commit publish the new state. Whatever fails,
// nothing has happened.
//
// The lock waits until fn asks the database for something: see [change.assume].
// So fn may run twice, and the second time by another state and another pack.
func (az *Authz) write(ctx context.Context, by Actor, tenant model.TenantID, action string, fn func(*change) error) error {
	if tenant.IsZero() {
		return az.refuse(action, fmt.Errorf("tenant is not set: %w", ErrInvalid))
	}
	return az.record(ctx, by, store.TenantStream(tenant), action, func(c *change) (err error) {
		c.tenant = tenant
		if c.assume() {
			return fn(c)
		}
		if err := c.strangerOf(tenant); err != nil {
			return err
		}
		if c.before, err = c.tx.lock(ctx, tenant); err != nil {
			return err
		}
		if !by.system && !c.before.active(by.user) {
			return unknown(model.TenantDomain(tenant)) // whatever else may be wrong
		}
		return fn(c)
	})
}

// assume begins a change with the state that this node knows, without a lock and
// without a question to the database. Some changes, to grant a profile to a user above
// all, are decided by the state alone, and are recorded on condition that it is the
// newest. A change that needs more takes the lock when it asks for it, and so does one
// that is refused; when the state turns out not to be the newest, all is done again
// from one that is.
func (c *change) assume() bool {
	if c.tx.states[c.tenant] != nil {
		return false
	}
	st := c.az.cache.known(c.tenant)
	if st == nil || !c.by.system && !st.active(c.by.user) {
		return false
	}
	c.before, c.assumed = st, true
	return true
}

// lock takes the lock of a change that has gone on without it.
func (c *change) lock() {
	if !c.assumed {
		return
	}
	c.assumed = false
	st, err := c.tx.lock(c.ctx, c.tenant)
	if err == nil && (st.head != c.before.head || st.packHead != c.before.packHead) {
		err = store.ErrMoved
	}
	c.moved = err
}

// store is the transaction, with the tenant locked. When that has failed, so does all
// that it is asked.
func (c *change) store() *store.Tx {
	c.lock()
	if c.moved != nil {
		return store.Failing(c.tx.store.DB(), c.moved)
	}
	return c.tx.store
}

func (c *change) db() *gorm.DB { return c.store().DB() }

// strangerOf refuses an actor who is no member, before it takes or waits for
// the tenant's lock.
func (c *change) strangerOf(tenant model.TenantID) error {
	if c.by.system {
		return nil
	}
	var n int64
	err := c.db().Model(&store.Member{}).Where("tenant = ? AND person = ?", tenant, c.by.user).Count(&n).Error
	if err == nil && n == 0 {
		err = unknown(model.TenantDomain(tenant))
	}
	return err
}

// record runs fn and then writes its row of the ledger, its policy rows and
// the next revision of the stream, which fn has locked, created or assumed.
func (az *Authz) record(ctx context.Context, by Actor, stream, action string, fn func(*change) error) error {
	if err := az.ready(); err != nil {
		return err
	}
	if err := by.check(); err != nil {
		return az.refuse(action, err)
	}
	err := az.join(ctx, func(t *transaction) error {
		at := az.now()
		for {
			c := &change{ctx: ctx, az: az, tx: t, by: by, action: action, at: at, stream: stream, detail: detail{}}
			if err := c.run(fn); !errors.Is(err, store.ErrMoved) {
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("authz: %s: %w", action, store.Translate(err))
	}
	return nil
}

// run makes the change, or fails with [store.ErrMoved] when it went by a state that is
// not the newest; then that one is locked.
func (c *change) run(fn func(*change) error) error {
	err := fn(c)
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		c.lock() // another state might not refuse
	}
	switch {
	case c.moved != nil:
		return c.moved
	case errors.Is(err, errUnchanged):
		return nil
	}
	return err
}

// refuse ends a change before it begins. An open transaction fails with it, as
// with any other change.
func (az *Authz) refuse(action string, err error) error {
	if err := az.ready(); err != nil {
		return err
	}
	if az.tx != nil {
		az.tx.err = err
	}
	return fmt.Errorf("authz: %s: %w", action, err)
}

// finish records what c has come to.
func (c *change) finish() error {
	if err := c.keepRequired(); err != nil {
		return err
	}
	if err := c.settleReview(); err != nil {
		return err
	}
	text, err := json.Marshal(c.detail)
	if err != nil {
		return err
	}
	e := &store.Entry{
		Stream: c.stream, At: c.at, Actor: c.by.String(), Action: c.action, Reason: c.by.reason,
		Detail: text, Added: c.added, Removed: c.removed,
	}
	if err := c.recorded(e); err != nil {
		return err
	}
	if c.before != nil {
		next, err := c.after()
		if err != nil {
			return err
		}
		next.head = store.Head{Revision: e.Revision, Hash: e.Hash}
		c.tx.states[c.tenant] = next
	}
	return nil
}

// recorded records e, on condition that what was assumed is so. Rows that go are read
// first, so that takes the lock.
func (c *change) recorded(e *store.Entry) error {
	if !c.assumed || len(c.removed) > 0 {
		return c.store().Record(e)
	}
	c.tx.store.Assume(c.stream, c.before.head, c.before.packHead)
	err := c.tx.store.Record(e)
	c.assumed = errors.Is(err, store.ErrMoved)
	return err
}

// after is the state that the change makes, so far.
func (c *change) after() (*state, error) { return c.before.with(c.added, c.removed) }

func (c *change) catalog() *model.Catalog { return c.before.pack.Catalog }

// add adds rules that are not there yet.
func (c *change) add(rules ...model.Rule) {
	for _, r := range rules {
		c.addRow(store.Row{Rule: r})
	}
}

func (c *change) addRow(r store.Row) {
	r.Tenant, r.GrantedBy, r.GrantedAt = c.tenant, c.by.String(), c.at
	c.put(r)
}

// put adds a row as it is, with who gave it and when.
func (c *change) put(r store.Row) {
	there := c.before.has(r.Rule) && !hasRule(c.removed, r.Rule)
	if !there && !hasRule(c.added, r.Rule) {
		c.added = append(c.added, r)
	}
}

func hasRule(rows []store.Row, rule model.Rule) bool {
	return slices.ContainsFunc(rows, func(r store.Row) bool { return r.Rule == rule })
}

// remove takes rules away that are there, each once.
func (c *change) remove(rules ...model.Rule) {
	for _, rule := range rules {
		if row, ok := c.before.rows.Find(rule); ok && !hasRule(c.removed, rule) {
			c.removed = append(c.removed, c.before.storeRow(row))
		}
	}
}

// require refuses an actor who may not do all of the permissions in d.
func (c *change) require(d model.Domain, permissions ...model.Permission) error {
	return require(c.before, c.by, c.at, d, permissions...)
}

// requireSystem refuses everybody but the host itself.
func (c *change) requireSystem() error {
	if c.by.system {
		return nil
	}
	return fmt.Errorf("only authz.System may do this: %w", ErrDenied)
}
