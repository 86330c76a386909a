// Package peer holds the engines that Volmacht is measured beside, each with
// the accountancy policy written in its own terms, as its own documentation
// advises. The comment at the head of each says why it is modelled so.
package peer

import (
	"context"
	"slices"

	"github.com/volmacht/volmacht/internal/bench/world"
)

// An Engine answers for one world.
type Engine interface {
	// Ask makes the engine's own requests of checks, which is not timed: a host
	// has them. What it returns answers the i-th, and is for one goroutine. The
	// text in the requests is nobody else's, as in a request from outside.
	Ask(checks []world.Check) func(i int) (bool, error)

	// Grant adds a place and Revoke takes one away. The next check is to know.
	Grant(world.Place) error
	Revoke(world.Place) error

	Close() error
}

// A Lister is an engine that can list, which the floor of strings and all but the
// floors do. As with Ask, its own requests are made before what it returns is called.
type Lister interface {
	// Permissions lists what the user of the i-th check may do on the dossier, of the
	// permissions that are listed ([world.Listed]).
	Permissions(checks []world.Check) func(i int) ([]world.Permission, error)

	// Dossiers lists the IDs of the dossiers on which the user of the i-th check may
	// do the permission, in any order.
	Dossiers(checks []world.Check) func(i int) ([]string, error)
}

// each is a list of an engine that takes a check as it is.
func each[T any](checks []world.Check, list func(world.Check) (T, error)) func(int) (T, error) {
	return func(i int) (T, error) { return list(checks[i]) }
}

// A Maker makes an engine and loads it with w.
type Maker struct {
	Name   string // as in flags and tables
	Title  string
	Stale  bool   // answers from a cache that a revocation does not reach at once
	Handle bool   // what Ask returns keeps to the moment of Ask, so changes are not for it
	Module string // the module that its version is taken from; "" for the floors
	New    func(ctx context.Context, w *world.World) (Engine, error)

	// Of returns the engine as another way to ask one that was loaded before,
	// which goes on to close it; or nil. It may be left out.
	Of func(Engine) Engine
}

// Makers are the engines that are not ours. OPA and OpenFGA are among them in a
// build with the tag peers: they bring so many modules that compiling them takes
// longer than all of the rest, and vet and tests go without.
var Makers = slices.Concat([]Maker{
	{Name: "ints", Title: "floor: hand-written maps, keyed by integers", New: newInts},
	{Name: "strings", Title: "floor: the same, keyed by strings", New: newStrings},
	{Name: "served", Title: "floor: keyed by strings, and fit to serve", New: newServed},
	{Name: "casbin-cached", Title: "Casbin, SyncedCachedEnforcer, warm", Stale: true, Module: casbinModule, New: newCasbinCached},
	{Name: "cedar", Title: "cedar-go", Module: "github.com/cedar-policy/cedar-go", New: newCedar},
	{Name: "casbin", Title: "Casbin, shared profile rules", Module: casbinModule, New: newCasbin},
	{Name: "casbin-tenants", Title: "Casbin, rules per tenant", Module: casbinModule, New: newCasbinTenants},
}, heavy)
