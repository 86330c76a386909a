package authz

import (
	"context"
	"fmt"

	"github.com/volmacht/volmacht/model"
)

// A Resolved is all that one user may do in one domain, found out once: for a
// page that asks twenty questions about the same dossier. It goes by the rows
// as they were when [Authz.On] made it, and hears of no change after that, so
// it is for one request and not for keeping. The zero Resolved allows nothing. It
// is safe for concurrent use.
type Resolved struct {
	first [4]uint64 // what Can reads lies together: the answers to the first permissions,
	pack  *pack
	user  model.UserID
	until int64 // in microseconds; 0 is for good

	more  []uint64 // and to those behind
	az    *Authz
	state *state
}

// On finds out what user may do in domain, now. Its errors are those of
// [Authz.Enforce].
func (az *Authz) On(ctx context.Context, user model.UserID, domain model.Domain) (*Resolved, error) {
	a, err := az.on(ctx, user, domain)
	if err != nil {
		return nil, fmt.Errorf("authz: on: %w", err)
	}
	return a, nil
}

func (az *Authz) on(ctx context.Context, user model.UserID, domain model.Domain) (*Resolved, error) {
	st, err := az.ask(ctx, domain)
	switch {
	case err != nil:
		return nil, err
	case user.IsZero():
		return nil, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	bits, until, err := st.allowed(user, domain, az.tick)
	if err != nil {
		return nil, err
	}
	a := &Resolved{pack: st.pack, user: user, az: az, state: st}
	if n := len(bits) - len(a.first); n > 0 {
		a.more = make([]uint64, n)
	}
	for i, asked := range st.pack.asksIn(domain) {
		*a.word(uint(i)) = bits[i] & asked
	}
	if !until.IsZero() {
		a.until = until.UnixMicro()
	}
	return a, nil
}

// word is the one of 64 answers.
func (a *Resolved) word(i uint) *uint64 {
	if i < uint(len(a.first)) {
		return &a.first[i]
	}
	return &a.more[i-uint(len(a.first))]
}

// Can reports whether the user may do p. A permission that the pack does not
// declare, or that is not asked in such a domain, is a no; [Authz.Enforce] tells of
// such mistakes. When a grant on the way to the answers has begun or ended since,
// every answer is a no, and [Resolved.Stale] says so.
func (a *Resolved) Can(p model.Permission) bool {
	if a == nil || a.pack == nil {
		return false
	}
	entry := a.pack.permission(a.user, p)
	if entry == nil || *a.word(entry.number / 64)>>(entry.number%64)&1 == 0 {
		return false
	}
	return a.until == 0 || a.az.now().UnixMicro() < a.until
}

// Stale reports whether a is out of date: the tenant or the pack has changed as
// far as this node knows, a grant has begun or ended, or the node would have to
// ask the database before it answered anew. Inside an [Authz.Transaction] it is, when
// that has changed the tenant or is over.
func (a *Resolved) Stale() bool {
	if a == nil || a.state == nil || a.az.ready() != nil || a.until != 0 && a.az.now().UnixMicro() >= a.until {
		return true
	}
	if a.az.tx != nil {
		st, locked := a.az.tx.states[a.state.tenant]
		return locked && st != a.state
	}
	return !a.az.cache.fresh(a.state)
}
