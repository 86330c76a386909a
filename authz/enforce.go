package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Enforce reports whether user may do p in domain, now. Whatever goes wrong,
// the answer is false: [ErrInvalid] for a request that no pack could answer,
// [ErrStale] when the database could not be asked for longer than
// [Config.Staleness] allows. A tenant or dossier that does not exist is no
// error; nobody may do anything there.
func (az *Authz) Enforce(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (bool, error) {
	var ok bool
	st, at, err := az.ask(ctx, Request{user, domain, p})
	if err == nil {
		ok, err = az.check(ctx, st, Request{user, domain, p}, at)
	}
	if err != nil {
		return false, fmt.Errorf("authz: enforce: %w", err)
	}
	return ok, nil
}

// ask checks a request and returns what it is decided by.
func (az *Authz) ask(ctx context.Context, r Request) (*state, time.Time, error) {
	if err := az.ready(); err != nil {
		return nil, time.Time{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	st, err := az.view(ctx, r.Domain.Tenant())
	if err == nil {
		err = r.check(st.pack)
	}
	return st, az.now(), err
}

// view is [Authz.state], or a state without rows for a tenant that does not
// exist: nobody may do anything there.
func (az *Authz) view(ctx context.Context, t model.TenantID) (*state, error) {
	st, err := az.state(ctx, t)
	if errors.Is(err, ErrNotFound) {
		return newState(t, az.packs.newest(), store.Loaded{}), nil
	}
	return st, err
}

// Require is [Authz.Enforce] for code that goes on only when allowed: nil is
// yes, and no is a [*DeniedError], which is an [ErrDenied].
func (az *Authz) Require(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) error {
	var ok bool
	st, at, err := az.ask(ctx, Request{user, domain, p})
	if err == nil {
		ok, err = az.check(ctx, st, Request{user, domain, p}, at)
	}
	if err != nil {
		return fmt.Errorf("authz: require: %w", err)
	}
	if !ok {
		return az.denied(st, Request{user, domain, p}, at)
	}
	return nil
}

// A Request is one question of [Authz.EnforceBatch].
type Request struct {
	User       model.UserID
	Domain     model.Domain
	Permission model.Permission
}

// check refuses a request that the pack could not answer.
func (r Request) check(pack *model.Pack) error {
	switch {
	case r.User.IsZero():
		return fmt.Errorf("user is not set: %w", ErrInvalid)
	case r.Domain.IsZero():
		return fmt.Errorf("domain is not set: %w", ErrInvalid)
	}
	entry, ok := pack.Catalog.Permission(r.Permission.For(r.User))
	if !ok {
		return fmt.Errorf("permission %q: the pack %s declares none of that name: %w", r.Permission, pack.Name, ErrInvalid)
	}
	if !entry.Place.Covers(r.Domain) {
		return fmt.Errorf("permission %q is asked in a %v, not in %v: %w", r.Permission, entry.Place, r.Domain, ErrInvalid)
	}
	return nil
}

// EnforceBatch answers many requests, in their order. All those about one
// tenant are answered at the same revision of it, and all at the same time.
// On an error there is no answer at all.
func (az *Authz) EnforceBatch(ctx context.Context, requests []Request) ([]bool, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("authz: enforce: %w", err)
	}
	at := az.now()
	states := make(map[model.TenantID]*state)
	answers := make([]bool, len(requests))
	for i, r := range requests {
		st, known := states[r.Domain.Tenant()]
		var err error
		if !known {
			st, err = az.view(ctx, r.Domain.Tenant())
			states[r.Domain.Tenant()] = st
		}
		if err == nil {
			err = r.check(st.pack)
		}
		if err == nil {
			answers[i], err = az.check(ctx, st, r, at)
		}
		if err != nil {
			return nil, fmt.Errorf("authz: enforce: request %d: %w", i, err)
		}
	}
	return answers, nil
}
