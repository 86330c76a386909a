package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/model"
)

// Enforce reports whether user may do p in domain, now. Whatever goes wrong,
// the answer is false: [ErrInvalid] for a request that no pack could answer,
// [ErrStale] when the database could not be asked for longer than
// [Config.Staleness] allows. A tenant or dossier that does not exist is no
// error; nobody may do anything there.
func (az *Authz) Enforce(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (bool, error) {
	st, at, err := az.ask(ctx, user, domain, p)
	if err != nil || st == nil {
		return false, err
	}
	ok, err := st.enforce(user, domain, p, at)
	if err != nil {
		return false, fmt.Errorf("authz: enforce: %w", err)
	}
	return ok, nil
}

// ask checks a request and returns what it is decided by: nothing when there
// is no such tenant.
func (az *Authz) ask(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (*state, time.Time, error) {
	if err := az.ready(); err != nil {
		return nil, time.Time{}, err
	}
	if err := az.checkRequest(user, domain, p); err != nil {
		return nil, time.Time{}, fmt.Errorf("authz: enforce: %w", err)
	}
	st, err := az.state(ctx, domain.Tenant())
	if errors.Is(err, ErrNotFound) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("authz: enforce: %w", err)
	}
	return st, az.now(), nil
}

func (az *Authz) checkRequest(user model.UserID, domain model.Domain, p model.Permission) error {
	switch {
	case user.IsZero():
		return fmt.Errorf("user is not set: %w", ErrInvalid)
	case domain.IsZero():
		return fmt.Errorf("domain is not set: %w", ErrInvalid)
	}
	if _, ok := az.pack.Catalog.Permission(p.For(user)); !ok {
		return fmt.Errorf("permission %q: the pack %s declares none of that name: %w", p, az.pack.Name, ErrInvalid)
	}
	return nil
}

// Require is [Authz.Enforce] for code that goes on only when allowed: nil is
// yes, and no is a [*DeniedError], which is an [ErrDenied].
func (az *Authz) Require(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) error {
	st, at, err := az.ask(ctx, user, domain, p)
	if err != nil {
		return err
	}
	if st == nil {
		return nowhere(user, domain, p)
	}
	ok, err := st.enforce(user, domain, p, at)
	if err != nil {
		return fmt.Errorf("authz: require: %w", err)
	}
	if !ok {
		return az.denied(st, user, domain, p, at)
	}
	return nil
}

// A Request is one question of [Authz.EnforceBatch].
type Request struct {
	User       model.UserID
	Domain     model.Domain
	Permission model.Permission
}

// EnforceBatch answers many requests, in their order. All those about one
// tenant are answered at the same revision of it, and all at the same time.
// On an error there is no answer at all.
func (az *Authz) EnforceBatch(ctx context.Context, requests []Request) ([]bool, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	at := az.now()
	states := make(map[model.TenantID]*state)
	answers := make([]bool, len(requests))
	for i, r := range requests {
		err := az.checkRequest(r.User, r.Domain, r.Permission)
		st, known := states[r.Domain.Tenant()]
		if err == nil && !known {
			if st, err = az.state(ctx, r.Domain.Tenant()); errors.Is(err, ErrNotFound) {
				st, err = nil, nil
			}
			states[r.Domain.Tenant()] = st
		}
		if err == nil && st != nil {
			answers[i], err = st.enforce(r.User, r.Domain, r.Permission, at)
		}
		if err != nil {
			return nil, fmt.Errorf("authz: enforce: request %d: %w", i, err)
		}
	}
	return answers, nil
}
