package authz

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A cache holds the states of the tenants that are in use.
type cache struct {
	store     *store.Store
	packs     *packs
	staleness time.Duration
	limit     int

	mu    sync.RWMutex
	slots map[model.TenantID]*slot
}

// A slot is the newest state of one tenant that this node knows.
type slot struct {
	state   atomic.Pointer[state]
	checked atomic.Int64 // when state was last known to be the newest
	used    atomic.Int64
	busy    chan struct{} // holds one while the database is asked, and to publish
}

// started is what the cache's clock counts from: real, monotonic time, which
// has nothing to do with the clock that decides.
var started = time.Now()

func now() int64 { return int64(time.Since(started)) }

// current returns the tenant's state, no older than the staleness bound.
func (c *cache) current(ctx context.Context, t model.TenantID) (*state, error) {
	s := c.slot(t)
	if s != nil {
		if st := s.state.Load(); st != nil && now()-s.checked.Load() < int64(c.staleness) {
			s.used.Store(now())
			return st, nil
		}
	}
	return c.refresh(ctx, t)
}

// known returns the newest state in memory, however old, or nil.
func (c *cache) known(t model.TenantID) *state {
	if s := c.slot(t); s != nil {
		return s.state.Load()
	}
	return nil
}

func (c *cache) slot(t model.TenantID) *slot {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.slots[t]
}

// refresh asks the database whether the tenant's state is still the newest,
// and loads it if not.
func (c *cache) refresh(ctx context.Context, t model.TenantID) (*state, error) {
	s := c.open(t)
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.busy }()
	asked := now()
	st := s.state.Load()
	if st != nil && asked-s.checked.Load() < int64(c.staleness) {
		return st, nil // somebody else has just done it
	}
	fresh, err := c.fetch(ctx, t, st)
	if err != nil && (st == nil || errors.Is(err, ErrNotFound)) {
		c.drop(t)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound), ctx.Err() != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	s.state.Store(fresh)
	s.checked.Store(asked)
	s.used.Store(asked)
	if st == nil {
		c.trim()
	}
	return fresh, nil
}

// fetch returns the newest state, which is st when nothing has changed.
func (c *cache) fetch(ctx context.Context, t model.TenantID, st *state) (*state, error) {
	if st != nil {
		stream := store.TenantStream(t)
		heads, err := c.store.Heads(ctx, stream, store.PackStream)
		if err != nil {
			return nil, err
		}
		if heads[stream] == st.head && heads[store.PackStream] == st.packHead {
			return st, nil
		}
	}
	loaded, err := c.store.Load(ctx, t)
	if err != nil {
		return nil, err
	}
	pack, err := c.packs.at(ctx, c.store, loaded.PackHead)
	if err != nil {
		return nil, err
	}
	return newState(t, pack, loaded), nil
}

// publish makes st, which a transaction has just committed, the tenant's
// state unless a newer one is there. since is when the transaction began. A
// tenant that is not in memory is left to the next check: st may not be the
// newest any more.
func (c *cache) publish(st *state, since int64) {
	s := c.slot(st.tenant)
	if s == nil {
		return
	}
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	old := s.state.Load()
	switch {
	case old == nil || old.head.Revision > st.head.Revision:
	case old.packHead.Revision > st.packHead.Revision:
		// Neither has both changes; the next check loads what has.
		s.state.Store(nil)
	default:
		s.state.Store(st)
		s.checked.Store(since)
		s.used.Store(now())
	}
}

// open returns the tenant's slot, empty when it is new.
func (c *cache) open(t model.TenantID) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slots[t]
	if s == nil {
		s = &slot{busy: make(chan struct{}, 1)}
		s.used.Store(now())
		c.slots[t] = s
	}
	return s
}

// trim drops tenants while there are too many: each time the one that was not
// asked about for the longest time, out of a handful that the map happens to
// give. That is the least recently used, nearly, at a cost that does not grow
// with the number of tenants.
func (c *cache) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	const handful = 16
	for len(c.slots) > c.limit {
		var oldest model.TenantID
		var used int64
		seen := 0
		for t, s := range c.slots {
			if at := s.used.Load(); seen == 0 || at < used {
				oldest, used = t, at
			}
			if seen++; seen == handful {
				break
			}
		}
		delete(c.slots, oldest)
	}
}

// clear drops every tenant.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.slots)
}

func (c *cache) drop(t model.TenantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.slots, t)
}
