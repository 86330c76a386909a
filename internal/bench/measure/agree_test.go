package measure_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/bench/measure"
	"github.com/volmacht/volmacht/internal/bench/ours"
	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

const seed = 7

func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	w := world.New(world.XS, seed)
	checks := w.Checks(2000, world.Uniform, seed)
	source := &ours.Source{World: w, Progress: t.Logf}
	t.Cleanup(func() { require.NoError(t, source.Close()) })
	for i, m := range slices.Concat(source.Makers(), peer.Makers) {
		t.Run(m.Name, func(t *testing.T) {
			if i >= len(source.Makers()) { // which share a database
				t.Parallel()
			}
			e, err := m.New(t.Context(), w)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, e.Close()) })
			ask := e.Ask(checks)
			for i, c := range checks {
				got, err := ask(i)
				require.NoError(t, err)
				require.Equal(t, w.Allowed(c), got, "%+v: %v by %+v on %+v of %+v", c, c.Permission, w.Users[c.User], at(w, c), w.Offices[c.Office])
			}
			if m.Handle {
				return
			}
			if l, ok := e.(peer.Lister); ok {
				require.NoError(t, measure.SameLists(l, w, seed))
			}
			fresh, err := measure.Fresh(e, w, seed)
			require.NoError(t, err)
			require.Equal(t, !m.Stale, fresh, "right after a revocation")
		})
	}
}

func at(w *world.World, c world.Check) world.Dossier {
	if c.Dossier < 0 {
		return world.Dossier{}
	}
	return w.Dossiers[c.Dossier]
}

// An engine that is timed apart is held against the others as they were in its rounds.
func TestTimedApart(t *testing.T) {
	t.Parallel()
	var floors, apart []peer.Maker
	opened, closed := 0, 0
	for _, m := range peer.Makers {
		switch m.Name {
		case "ints", "strings":
			floors = append(floors, m)
		case "cedar", "casbin":
			open := m.New
			m.New = func(ctx context.Context, w *world.World) (peer.Engine, error) {
				require.Equal(t, opened, closed, "one at a time")
				opened++
				e, err := open(ctx, w)
				return closing{e.(lister), &closed}, err
			}
			apart = append(apart, m)
		}
	}
	r, err := measure.Run(t.Context(), measure.Options{
		Size: world.XS, Makers: floors, Apart: apart, Rounds: 1, Checks: 500, Seed: seed, Agree: time.Second, Slice: 5 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Equal(t, 2, closed)
	require.Equal(t, []string{"ints", "strings", "cedar", "casbin"}, names(r.Engines))
	for i, e := range r.Engines {
		require.Positive(t, e.Uniform, e.Name)
		if i < len(floors) {
			require.Empty(t, e.Beside)
			continue
		}
		require.Equal(t, []string{"ints", "strings"}, names(e.Beside))
		require.NotEqual(t, r.Engines[0].Uniform, e.Beside[0].Uniform, "timed anew")
	}
}

type lister interface {
	peer.Engine
	peer.Lister
}

type closing struct {
	lister
	n *int
}

func (c closing) Close() error {
	*c.n++
	return c.lister.Close()
}

func names(engines []report.Engine) (all []string) {
	for _, e := range engines {
		all = append(all, e.Name)
	}
	return all
}
