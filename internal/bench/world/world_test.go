package world_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/bench/world"
)

func TestSameSeedSameWorldAndStream(t *testing.T) {
	t.Parallel()
	a, b := world.New(world.S, 3), world.New(world.S, 3)
	require.Equal(t, a, b)
	require.Equal(t, a.Copy().Users, a.Users)
	for _, skew := range []world.Skew{world.Uniform, world.Zipf} {
		require.Equal(t, a.Checks(5000, skew, 4), b.Checks(5000, skew, 4))
		require.NotEqual(t, a.Checks(5000, skew, 4), a.Checks(5000, skew, 5))
	}
	require.NotEqual(t, a.Users, world.New(world.S, 4).Users)
}

// The numbers are of this seed: another world under the same seed would make
// results of before incomparable without a word.
func TestWorldStays(t *testing.T) {
	t.Parallel()
	w := world.New(world.S, 1)
	require.Equal(t, "0190490f-4dca-78a5-af1e-7da7935e9b56", w.Users[0].ID)
	require.Equal(t, [4]int{596, 200, 610, 233}, [4]int{len(w.Users), len(w.Dossiers), len(w.Places), len(w.Links)})
}

func TestHalfIsAllowed(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for _, size := range []world.Size{world.XS, world.S, world.M} {
		w := world.New(size, 1)
		for _, skew := range []world.Skew{world.Uniform, world.Zipf} {
			checks := w.Checks(n, skew, 1)
			allowed := 0
			asked := make(map[int32]int)
			permissions := make(map[world.Permission][2]int)
			for _, c := range checks {
				answer := permissions[c.Permission]
				if w.Allowed(c) {
					allowed++
					answer[1]++
				} else {
					answer[0]++
				}
				permissions[c.Permission] = answer
				asked[c.User]++
			}
			require.Equal(t, n/2, allowed, "%s %s", size.Name, skew)
			if size != world.S || skew == world.Zipf { // which may hardly ask about an admin
				permissions = nil
			} else {
				require.Len(t, permissions, int(world.Permissions))
			}
			for p, answers := range permissions {
				require.NotZero(t, answers[1], "%v is never allowed", p)
				if p != world.EditSelf { // every member may, and nobody asks in another office
					require.NotZero(t, answers[0], "%v is never denied", p)
				}
			}
			most := 0
			for _, n := range asked {
				most = max(most, n)
			}
			if skew == world.Zipf {
				require.Greater(t, most, n/20)
			} else {
				require.Less(t, most, 10*(n/len(w.Users)+10))
			}
		}
	}
}

// Each ceiling, each sort of staff and both at once must be there to disagree
// about.
func TestWorldHasEverySortOfCase(t *testing.T) {
	t.Parallel()
	w := world.New(world.S, 1)
	places := make(map[world.Profile]bool)
	configurations := make(map[byte]bool)
	var private, worklist, both, managed int
	for _, p := range w.Places {
		places[p.Profile] = true
		if w.Users[p.User].Staff != 0 {
			both++
		}
	}
	for _, d := range w.Dossiers {
		configurations[d.Configuration] = true
		if d.Private {
			private++
		}
		if d.Worklist {
			worklist++
		}
	}
	for _, l := range w.Links {
		if l.Manager {
			managed++
		}
	}
	require.Len(t, places, int(world.Profiles))
	require.Len(t, configurations, 3)
	require.Equal(t, world.S.Offices, both)
	require.NotZero(t, private)
	require.NotZero(t, worklist)
	require.NotZero(t, managed)
	require.Less(t, managed, len(w.Dossiers))
	require.Len(t, w.Lone(20, 1), 20)
	for _, p := range w.Vacant(20, 1) {
		require.False(t, w.Allowed(world.Check{User: p.User, Office: w.Users[p.User].Office, Dossier: p.Dossier}))
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	size, err := world.ParseSize("M")
	require.NoError(t, err)
	require.Equal(t, 30_000, size.Assignments())
	_, err = world.ParseSize("m")
	require.EqualError(t, err, `size "m": want XS, S, M or L`)
}
