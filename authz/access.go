package authz

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// require refuses an actor who may not do all of the permissions in d. One
// who may not even know of d learns no more than of a d that does not exist.
func require(st *state, by Actor, at time.Time, d model.Domain, permissions ...model.Permission) error {
	if by.system {
		if !st.open() {
			return fmt.Errorf("tenant %v is closed: %w", d.Tenant(), ErrConflict)
		}
		return nil
	}
	for _, p := range permissions {
		ok, err := st.enforce(by.user, d, p, at)
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		if err := know(st, by.user, at, d); err != nil {
			return err
		}
		return denied(st, by.user, d, p, at)
	}
	return nil
}

// know refuses a user who may not know that d exists.
func know(st *state, u model.UserID, at time.Time, d model.Domain) error {
	if !st.active(u) {
		return unknown(model.TenantDomain(d.Tenant())) // nor which of its dossiers there are
	}
	sees, err := st.sees(u, d, at)
	if err == nil && !sees {
		err = unknown(d)
	}
	return err
}

// sees reports whether u may know that d exists.
func (s *state) sees(u model.UserID, d model.Domain, at time.Time) (bool, error) {
	if !d.IsDossier() {
		return s.active(u), nil
	}
	return s.enforce(u, d, model.SeeDossier, at)
}

// finds reports whether u could come upon another member in what it may read: by
// "member view" in a list of the tenant, or of a dossier on which the other holds
// something or is a contact; or as a contact of a place to which u may invite, for
// who may works with the contacts there.
func finds(db *gorm.DB, st *state, u, other model.UserID, at time.Time) (bool, error) {
	var contact []string // of these dossiers, or of the tenant: ""
	err := db.Model(&store.Contact{}).Distinct("dossier").Where("tenant = ? AND person = ?", st.tenant, other).
		Order("dossier").Pluck("dossier", &contact).Error
	if err != nil {
		return false, err
	}
	type list struct {
		in    model.Domain
		takes model.Permission
	}
	lists := []list{{model.TenantDomain(st.tenant), model.ViewMember}}
	for _, r := range st.find(heldBy(model.UserSubject(other))) {
		if d, err := model.ParseDomain(r.Rule.V[2]); err == nil && d.IsDossier() {
			lists = append(lists, list{d, model.ViewMember})
		}
	}
	for _, dossier := range contact {
		d, err := domainIn(st.tenant, dossier)
		if err != nil {
			return false, err
		}
		lists = append(lists, list{d, model.ViewMember}, list{d, model.InviteMember})
	}
	for _, l := range lists {
		if ok, err := st.enforce(u, l.in, l.takes, at); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// unknown is what is said of a domain that is not there, or not for the actor.
func unknown(d model.Domain) error {
	if d.IsDossier() {
		return fmt.Errorf("dossier %v: %w", d, ErrNotFound)
	}
	return fmt.Errorf("tenant %v: %w", d.Tenant(), ErrNotFound)
}

// A query is one read by an actor who may make it.
type query struct {
	db    *gorm.DB
	state *state
}

// read runs fn for an actor who may do p in d, or, when p is zero, may know of
// d. The system may read a closed tenant.
func read[T any](ctx context.Context, az *Authz, by Actor, d model.Domain, p model.Permission, what string, fn func(*query) (T, error)) (T, error) {
	var found, none T
	err := az.ready()
	if err != nil {
		return none, err
	}
	if err = by.check(); err == nil {
		var q *query
		if q, err = az.query(ctx, d); err == nil {
			switch {
			case by.system:
				err = q.exists(d)
			case p.IsZero():
				err = know(q.state, by.user, az.now(), d)
			default:
				err = require(q.state, by, az.now(), d, p)
			}
		}
		if err == nil {
			found, err = fn(q)
		}
	}
	if err != nil {
		return none, fmt.Errorf("authz: %s: %w", what, store.Translate(err))
	}
	return found, nil
}

func (az *Authz) query(ctx context.Context, d model.Domain) (*query, error) {
	st, err := az.state(ctx, d.Tenant())
	if err != nil {
		return nil, notFound(err, "tenant %v", d.Tenant())
	}
	return &query{db: az.db(ctx), state: st}, nil
}

// exists refuses a dossier that is not there, open or closed.
func (q *query) exists(d model.Domain) error {
	if !d.IsDossier() {
		return nil
	}
	var n int64
	err := q.db.Model(&store.Dossier{}).Where("tenant = ? AND id = ?", d.Tenant(), d.Dossier()).Count(&n).Error
	if err == nil && n == 0 {
		err = unknown(d)
	}
	return err
}

// db is the database as az sees it: inside a transaction, with its changes.
func (az *Authz) db(ctx context.Context) *gorm.DB {
	if az.tx != nil {
		return az.tx.store.DB()
	}
	return az.store.Query(ctx)
}
