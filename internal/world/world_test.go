package world_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

func traits(names ...string) []model.Trait {
	var all []model.Trait
	for _, n := range names {
		all = append(all, model.Must(model.ParseTrait(n)))
	}
	return all
}

func TestDomains(t *testing.T) {
	t.Parallel()
	some := traits("setting:open", "shared", "configuration:B", "configuration:C", "private", "dossier", "setting:open")
	tenants, err := world.Domains(model.AtTenant, some)
	require.NoError(t, err)
	require.Equal(t, []world.Domain{
		{Place: model.AtTenant, Traits: traits("tenant")},
		{Place: model.AtTenant, Traits: traits("tenant", "setting:open")},
	}, tenants)
	dossiers, err := world.Domains(model.AtDossier, some)
	require.NoError(t, err)
	require.Len(t, dossiers, 2*2*3, "open or not, private or shared, and B, C or neither")
	require.Equal(t, world.Domain{Place: model.AtDossier, Traits: traits("dossier", "shared")}, dossiers[0])
	for _, d := range dossiers {
		require.NotEqual(t, d.Has(model.TraitShared), d.Has(model.TraitPrivate))
		require.False(t, d.Has(traits("configuration:B")[0]) && d.Has(traits("configuration:C")[0]))
	}
}

// Simplify says yes where the answers do, no where they do, and says nothing
// that it could leave out.
func TestSimplify(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	domains, err := world.Domains(model.AtDossier, traits("private", "configuration:B", "configuration:C", "module:extra"))
	require.NoError(t, err)
	for range 300 {
		answers := map[string]world.Answer{}
		some := r.IntN(4) + 1
		answer := func(i int, assigned bool) world.Answer { return answers[fmt.Sprint(i, assigned)] }
		for i := range domains {
			for _, assigned := range []bool{false, true} {
				if r.IntN(4) < some {
					answers[fmt.Sprint(i, assigned)] = world.Answer(r.IntN(3))
				}
			}
		}
		right := func(whens []world.When) (sound, complete bool) {
			sound, complete = true, true
			for i, d := range domains {
				for _, assigned := range []bool{false, true} {
					holds := slices.ContainsFunc(whens, func(w world.When) bool { return w.Holds(d, assigned) })
					sound = sound && !(holds && answer(i, assigned) == world.No)
					complete = complete && (holds || answer(i, assigned) != world.Yes)
				}
			}
			return sound, complete
		}
		whens := world.Simplify(domains, answer)
		sound, complete := right(whens)
		require.True(t, sound && complete, "%v for %v", whens, answers)
		for i, w := range whens {
			for j := range w {
				shorter := slices.Delete(slices.Clone(w), j, j+1)
				sound, _ := right(append(slices.Delete(slices.Clone(whens), i, i+1), shorter))
				require.False(t, sound, "%v needs not %v", w, w[j])
			}
		}
	}
	require.Nil(t, world.Simplify(domains, func(int, bool) world.Answer { return world.No }))
	always := world.Simplify(domains, func(int, bool) world.Answer { return world.Yes })
	require.Equal(t, []world.When{nil}, always)
	require.Equal(t, "", world.Any(always))
	require.Equal(t, "always", always[0].String())
}

func TestWords(t *testing.T) {
	t.Parallel()
	w := world.When{{Not: true}, {Trait: model.TraitPrivate}, {Trait: traits("module:extra")[0], Not: true}}
	require.Equal(t, "when not assigned and private and not module:extra", w.String())
	require.Equal(t, "when not assigned and private and not module:extra, or when assigned", world.Any([]world.When{w, {{}}}))
}
