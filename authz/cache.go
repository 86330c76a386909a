package authz

import (
	"context"
	"errors"
	"fmt"
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

	slots slots
}

// A slot is the newest state of one tenant that this node knows.
type slot struct {
	hash    uint64
	tenant  model.TenantID
	state   atomic.Pointer[state]
	checked atomic.Int64 // when state was last known to be the newest
	used    atomic.Int64
	busy    chan struct{} // holds one while the database is asked, and to publish
}

// use notes that the tenant was asked about. Once a second is enough: a note in
// every check would have checks on several processors wait for each other.
func (s *slot) use(at int64) {
	if at-s.used.Load() > int64(time.Second) {
		s.used.Store(at)
	}
}

// current returns the state, or nil when there is none that is new enough.
func (s *slot) current(at int64, staleness time.Duration) *state {
	// Before the state: put stores the two the other way round, so what is found is
	// the state that was checked then, or a newer one.
	checked := s.checked.Load()
	if st := s.state.Load(); st != nil && at-checked < int64(staleness) {
		return st
	}
	return nil
}

// put makes st the state, which was the newest when it was asked for.
func (s *slot) put(st *state, asked int64) {
	s.state.Store(st)
	s.checked.Store(asked)
}

// started is what the cache's clock counts from: real, monotonic time, which
// has nothing to do with the clock that decides.
var started = time.Now()

func now() int64 { return int64(time.Since(started)) }

// current returns the tenant's state, no older than the staleness bound.
func (c *cache) current(ctx context.Context, t model.TenantID) (*state, error) {
	at := now() // first: a processor reads nothing ahead of its clock
	if s := c.slots.find(t); s != nil {
		if st := s.current(at, c.staleness); st != nil {
			s.use(at)
			return st, nil
		}
	}
	return c.refresh(ctx, t)
}

// fresh reports whether checks would still go by st without asking the database.
func (c *cache) fresh(st *state) bool {
	at := now()
	s := c.slots.find(st.tenant)
	return s != nil && s.current(at, c.staleness) == st
}

// known returns the newest state in memory, however old, or nil.
func (c *cache) known(t model.TenantID) *state {
	if s := c.slots.find(t); s != nil {
		return s.state.Load()
	}
	return nil
}

// refresh asks the database whether the tenant's state is still the newest,
// and loads it if not.
func (c *cache) refresh(ctx context.Context, t model.TenantID) (*state, error) {
	s := c.slots.open(t)
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.busy }()
	asked := now()
	if st := s.current(asked, c.staleness); st != nil {
		return st, nil // somebody else has just done it
	}
	st := s.state.Load()
	fresh, err := c.fetch(ctx, t, st)
	if err != nil && (st == nil || errors.Is(err, ErrNotFound)) {
		c.slots.drop(t)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound), ctx.Err() != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	s.put(fresh, asked)
	s.used.Store(asked)
	if st == nil {
		c.slots.trim(c.limit)
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
	return c.packs.load(ctx, c.store, t)
}

// publish makes st, which a transaction has just committed, the tenant's
// state unless a newer one is there. since is when the transaction began. A
// tenant that is not in memory is left to the next check: st may not be the
// newest any more. So is one whose state somebody is still loading, perhaps an
// older one, when ctx ends.
func (c *cache) publish(ctx context.Context, st *state, since int64) {
	s := c.slots.find(st.tenant)
	if s == nil {
		return
	}
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		c.slots.drop(st.tenant)
		return
	}
	defer func() { <-s.busy }()
	old := s.state.Load()
	switch {
	case old == nil || old.head.Revision > st.head.Revision:
	case old.packHead.Revision > st.packHead.Revision:
		// Neither has both changes; the next check loads what has.
		s.state.Store(nil)
	default:
		s.put(st, since)
		s.used.Store(now())
	}
}
