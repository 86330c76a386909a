package measure_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/bench/measure"
	"github.com/volmacht/volmacht/internal/bench/ours"
	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/world"
)

const seed = 7

func makers() []peer.Maker { return slices.Concat(ours.Makers, peer.Makers) }

func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	w := world.New(world.XS, seed)
	checks := w.Checks(2000, world.Uniform, seed)
	for _, m := range makers() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
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
