package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Enforce reports whether user may do p in domain, now. Whatever goes wrong,
// the answer is false: [ErrInvalid] for a request that no pack could answer,
// [ErrStale] when the database could not be asked for longer than
// [Config.Staleness] allows. A tenant or dossier that does not exist is no
// error; nobody may do anything there.
func (az *Authz) Enforce(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (bool, error) {
	ok, err := az.enforce(ctx, user, domain, p)
	if err != nil {
		return false, fmt.Errorf("authz: enforce: %w", err)
	}
	return ok, nil
}

// enforce is the whole of a decision: it finds the tenant's rows, as new as
// they must be, and the compiled question, and asks the one the other.
func (az *Authz) enforce(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (bool, error) {
	st, err := az.ask(ctx, domain)
	if err != nil {
		return false, err
	}
	entry, err := st.pack.asks(user, domain, p)
	if err != nil {
		return false, err
	}
	if az.verifier != nil {
		return az.check(ctx, st, Request{user, domain, p}, az.now())
	}
	return st.rows.Decide(engine.KeyOf(model.UserSubject(user).String()), engine.KeyOf(domain.String()), entry.question, az.tick)
}

// ask returns what requests in a domain are decided by.
func (az *Authz) ask(ctx context.Context, domain model.Domain) (*state, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return az.view(ctx, domain.Tenant())
}

// view is [Authz.state], or a state without rows for a tenant that does not
// exist: nobody may do anything there.
func (az *Authz) view(ctx context.Context, t model.TenantID) (*state, error) {
	st, err := az.state(ctx, t)
	if err != nil && errors.Is(err, ErrNotFound) {
		in := az.packs.last.Load()
		return newState(t, store.Head{}, in, in.pack.empty), nil
	}
	return st, err
}

// Require is [Authz.Enforce] for code that goes on only when allowed: nil is
// yes, and no is a [*DeniedError], which is an [ErrDenied].
func (az *Authz) Require(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) error {
	var ok bool
	st, err := az.ask(ctx, domain)
	at := az.now()
	if err == nil {
		_, err = st.pack.asks(user, domain, p)
	}
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

// asks returns what u asks with p, and refuses what the pack could not answer.
func (c *pack) asks(u model.UserID, d model.Domain, p model.Permission) (*asked, error) {
	if err := named(u, d); err != nil {
		return nil, err
	}
	entry := c.permission(u, p)
	if entry == nil {
		return nil, fmt.Errorf("permission %q: the pack %s declares none of that name: %w", p, c.Name, ErrInvalid)
	}
	if !entry.place.Covers(d) {
		return nil, fmt.Errorf("permission %q is asked in a %v, not in %v: %w", p, entry.place, d, ErrInvalid)
	}
	return entry, nil
}

// named refuses a user or a domain that is not set.
func named(u model.UserID, d model.Domain) error {
	switch {
	case u.IsZero():
		return fmt.Errorf("user is not set: %w", ErrInvalid)
	case d.IsZero():
		return fmt.Errorf("domain is not set: %w", ErrInvalid)
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
			_, err = st.pack.asks(r.User, r.Domain, r.Permission)
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
