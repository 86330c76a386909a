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
	added, removed []store.Row
}

// detail is what the ledger says of a change, besides its rows: names of
// things, never what people are called or where they live.
type detail map[string]string

// errUnchanged ends a change that found everything as it was asked for.
var errUnchanged = errors.New("unchanged")

// write is the one path of every change to a tenant: lock it, run fn, record
// what fn did, and after the commit publish the new state. Whatever fails,
// nothing has happened.
func (az *Authz) write(ctx context.Context, by Actor, tenant model.TenantID, action string, fn func(*change) error) error {
	if tenant.IsZero() {
		return az.refuse(action, fmt.Errorf("tenant is not set: %w", ErrInvalid))
	}
	return az.record(ctx, by, store.TenantStream(tenant), action, func(c *change) (err error) {
		c.tenant = tenant
		if c.before, err = c.tx.lock(ctx, tenant); err != nil {
			return err
		}
		if !by.system && !c.before.active(by.user) {
			return unknown(model.TenantDomain(tenant)) // whatever else may be wrong
		}
		return fn(c)
	})
}

// record runs fn and then writes its row of the ledger, its policy rows and
// the next revision of the stream, which fn has locked or created.
func (az *Authz) record(ctx context.Context, by Actor, stream, action string, fn func(*change) error) error {
	if err := az.ready(); err != nil {
		return err
	}
	if err := by.check(); err != nil {
		return az.refuse(action, err)
	}
	err := az.join(ctx, func(t *transaction) error {
		c := &change{ctx: ctx, az: az, tx: t, by: by, action: action, at: az.now(), stream: stream, detail: detail{}}
		if err := fn(c); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		return c.finish()
	})
	if err != nil {
		return fmt.Errorf("authz: %s: %w", action, store.Translate(err))
	}
	return nil
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

func (c *change) finish() error {
	if err := c.keepRequired(); err != nil {
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
	if err := c.tx.store.Record(e); err != nil {
		return err
	}
	if c.before != nil {
		next := c.after()
		next.head = store.Head{Revision: e.Revision, Hash: e.Hash}
		c.tx.states[c.tenant] = next
	}
	return nil
}

// after is the state that the change makes, so far.
func (c *change) after() *state { return c.before.with(c.added, c.removed) }

func (c *change) catalog() *model.Catalog { return c.before.pack.Catalog }

func (c *change) db() *gorm.DB { return c.tx.store.DB() }

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
	same := func(o store.Row) bool { return o.Rule == r.Rule }
	there := c.before.has(r.Rule) && !slices.ContainsFunc(c.removed, same)
	if !there && !slices.ContainsFunc(c.added, same) {
		c.added = append(c.added, r)
	}
}

// remove takes rules away that are there, each once.
func (c *change) remove(rules ...model.Rule) {
	for _, rule := range rules {
		gone := slices.ContainsFunc(c.removed, func(r store.Row) bool { return r.Rule == rule })
		if row, ok := c.before.rows[rule]; ok && !gone {
			c.removed = append(c.removed, row)
		}
	}
}

// keepRequired refuses a change that takes a required profile from the last
// one who has it.
func (c *change) keepRequired() error {
	if c.before == nil || len(c.removed) == 0 || !c.before.open() {
		return nil
	}
	after := c.after()
	if !after.open() {
		return nil // the tenant itself is closed
	}
	for _, entry := range c.catalog().Profiles {
		p := entry.Profile
		if entry.Required && c.before.lasting(p, c.at) > 0 && after.lasting(p, c.at) == 0 {
			return fmt.Errorf("nobody would be left with the profile %v: %w", p, ErrConflict)
		}
	}
	return nil
}

// may reports whether the actor may do p in d.
func (c *change) may(d model.Domain, p model.Permission) (bool, error) {
	if c.by.system {
		return true, nil
	}
	return c.before.enforce(c.by.user, d, p, c.at)
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
	return fmt.Errorf("only the system may do this: %w", ErrDenied)
}

// requireDossier is require for a dossier that must be there and open.
func (c *change) requireDossier(d model.Domain, permissions ...model.Permission) (store.Dossier, error) {
	if !d.IsDossier() {
		return store.Dossier{}, fmt.Errorf("domain %q: want a dossier: %w", d, ErrInvalid)
	}
	if err := c.require(d, permissions...); err != nil {
		return store.Dossier{}, err
	}
	row, err := c.dossier(d)
	if err == nil && row.ClosedAt != 0 {
		err = fmt.Errorf("dossier %v is closed: %w", d, ErrConflict)
	}
	return row, err
}

// dossier reads a dossier's own row.
func (c *change) dossier(d model.Domain) (store.Dossier, error) {
	var row store.Dossier
	err := c.db().Where("tenant = ? AND id = ?", d.Tenant(), d.Dossier()).Take(&row).Error
	return row, notFound(store.Translate(err), "dossier %v", d)
}

// noGain refuses a change by which its own actor comes to more in the given
// domains than it had, now or when a grant of its own begins or ends.
func (c *change) noGain(domains ...model.Domain) error {
	if c.by.system {
		return nil
	}
	after := c.after()
	moments := append(c.before.edges(c.by.user, c.at), after.edges(c.by.user, c.at)...)
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range slices.CompactFunc(append([]time.Time{c.at}, moments...), time.Time.Equal) {
		for _, d := range domains {
			if err := c.noGainAt(at, after, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *change) noGainAt(at time.Time, after *state, d model.Domain) error {
	for _, p := range permissions(c.before.pack, d) {
		had, err := c.before.enforce(c.by.user, d, p, at)
		if err != nil {
			return err
		}
		has, err := after.enforce(c.by.user, d, p, at)
		if err != nil {
			return err
		}
		if has && !had {
			return fmt.Errorf("user %v would give itself %v in %v: %w", c.by.user, p, d, ErrDenied)
		}
	}
	return nil
}

// member reads a membership of the tenant.
func (c *change) member(u model.UserID) (store.Member, error) {
	if u.IsZero() {
		return store.Member{}, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	var row store.Member
	err := c.db().Where("tenant = ? AND person = ?", c.tenant, u).Take(&row).Error
	return row, notFound(store.Translate(err), "member %v of tenant %v", u, c.tenant)
}

// activeMember refuses who is no active member of the tenant.
func (c *change) activeMember(u model.UserID) error {
	m, err := c.member(u)
	if err == nil && m.State != store.Active {
		err = fmt.Errorf("member %v is %s: %w", u, m.State, ErrConflict)
	}
	return err
}
