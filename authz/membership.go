package authz

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/volmacht/volmacht/model"
)

// memberships remembers which tenants people are members of, as the cache of
// states remembers what they may do there: for as long as the staleness bound, and
// no longer than until the next change that is made through this Authz.
type memberships struct {
	changes atomic.Uint64 // how many have been made

	mu    sync.RWMutex
	known map[model.UserID]membership
}

type membership struct {
	tenants []model.TenantID
	changes uint64 // those made before the database was asked
	asked   int64
}

const maxMemberships = 10_000

// of returns the tenants of u as they are remembered, or as ask finds them.
func (m *memberships) of(u model.UserID, staleness int64, ask func() ([]model.TenantID, error)) ([]model.TenantID, error) {
	m.mu.RLock()
	found, known := m.known[u]
	m.mu.RUnlock()
	at, changes := now(), m.changes.Load()
	if known && found.changes == changes && at-found.asked < staleness {
		return found.tenants, nil
	}
	tenants, err := ask()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || !known && len(m.known) >= maxMemberships {
		m.known = make(map[model.UserID]membership)
	}
	if m.known[u].asked <= at { // else somebody who asked later was answered earlier
		m.known[u] = membership{tenants, changes, at}
	}
	return tenants, nil
}

// tenantsOf returns the tenants that u is an active member of, by ID.
func (az *Authz) tenantsOf(ctx context.Context, u model.UserID) ([]model.TenantID, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ask := func() ([]model.TenantID, error) { return tenantsOf(az.db(ctx), u) }
	if az.tx != nil {
		return ask()
	}
	return az.memberships.of(u, int64(az.cache.staleness), ask)
}
