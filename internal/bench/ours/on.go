package ours

import (
	"context"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/model"
)

// An onEngine asks handles that are resolved before the clock starts, as a
// request resolves one and asks it many times. A handle keeps to the snapshot
// that it came from, so what is granted is seen by the next handle.
type onEngine struct{ *Engine }

// onOf asks an engine that is loaded already.
func onOf(other peer.Engine) peer.Engine {
	e, ours := other.(*Engine)
	if !ours {
		return nil
	}
	shared := *e
	shared.shared = true
	return onEngine{&shared}
}

// Ask implements [peer.Engine].
func (e onEngine) Ask(checks []world.Check) func(int) (bool, error) {
	ctx := context.Background()
	handles := make([]*authz.Resolved, len(checks))
	asked := make([]model.Permission, len(checks))
	for i, c := range checks {
		r := request(e.w, c)
		on, err := e.az.On(ctx, r.User, r.Domain)
		if err != nil {
			return func(int) (bool, error) { return false, err }
		}
		handles[i], asked[i] = on, r.Permission
	}
	return func(i int) (bool, error) { return handles[i].Can(asked[i]), nil }
}
