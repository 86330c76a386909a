package measure

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/world"
)

const lists = 12 // of each kind are compared

// SameLists compares lists with what the world says of each of their parts.
func SameLists(l peer.Lister, w *world.World, seed uint64) error {
	for _, staff := range []world.Staff{0, world.Admin, world.Employee, world.Support} {
		checks := w.Of(staff, lists, seed)
		permissionsOf, dossiersOf := l.Permissions(checks), l.Dossiers(checks)
		for i, c := range checks {
			permissions, err := permissionsOf(i)
			if err != nil {
				return fmt.Errorf("permissions %+v: %w", c, err)
			}
			slices.Sort(permissions)
			if want := w.PermissionsOf(c); !slices.Equal(permissions, want) {
				return fmt.Errorf("permissions %+v: lists %v, want %v", c, permissions, want)
			}
			dossiers, err := dossiersOf(i)
			if err != nil {
				return fmt.Errorf("dossiers %+v: %w", c, err)
			}
			want := w.DossiersFor(c)
			slices.Sort(dossiers)
			slices.Sort(want)
			if !slices.Equal(dossiers, want) {
				return fmt.Errorf("dossiers %+v: lists %d, want %d", c, len(dossiers), len(want))
			}
		}
	}
	return nil
}

// Fresh revokes places, asks at once, and grants them again: it reports whether
// every answer after a revocation was right. An answer that is wrong before, or
// after the place is back, is an error.
func Fresh(e peer.Engine, w *world.World, seed uint64) (bool, error) {
	places := w.Lone(20, seed)
	checks := make([]world.Check, len(places))
	for i, p := range places {
		checks[i] = world.Check{User: p.User, Office: w.Dossiers[p.Dossier].Office, Dossier: p.Dossier, Permission: world.EnterPortal}
	}
	ask := e.Ask(checks)
	fresh := true
	for i, p := range places {
		before, err := ask(i)
		if err != nil {
			return false, err
		}
		if !before {
			return false, fmt.Errorf("place %+v: denied, want allowed", p)
		}
		if err := e.Revoke(p); err != nil {
			return false, fmt.Errorf("revoke %+v: %w", p, err)
		}
		revoked, err := ask(i)
		if err != nil {
			return false, err
		}
		fresh = fresh && !revoked
		if err := e.Grant(p); err != nil {
			return false, fmt.Errorf("grant %+v: %w", p, err)
		}
		after, err := ask(i)
		if err != nil {
			return false, err
		}
		if !after {
			return false, fmt.Errorf("place %+v: denied when granted again, want allowed", p)
		}
	}
	return fresh, nil
}
