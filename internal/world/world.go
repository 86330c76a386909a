// Package world makes the smallest worlds in which the answers of a pack can
// differ, and asks in them: every sort of tenant and dossier that its rows
// tell apart, and people who hold a profile or two.
//
//	perm := accountancy.ViewFigure
//	domains, err := world.Domains(model.AtDossier, world.Traits(pack, perm))
//	answers, err := world.Ask(world.Ours, pack, perm, domains, []world.Holder{{"full_access"}})
//	answers[0][i] // whether the holder may, in domains[i]
//
// What is true of all of these worlds is true of every tenant, because a
// decision by the model of the shipped packs depends on nothing but the roles
// of who asks and the traits of the domain.
package world

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// maxTraits bounds the combinations to try: with one more there are twice as
// many.
const maxTraits = 14

// A Domain is a tenant or a dossier, by all that is true of it.
type Domain struct {
	Place  model.Place   // AtTenant or AtDossier
	Traits []model.Trait // tenant, or dossier and shared or private, before those that vary
}

// Has reports whether t is true of d.
func (d Domain) Has(t model.Trait) bool { return slices.Contains(d.Traits, t) }

// OfTenant reports whether t is a trait of a tenant, which its dossiers share.
func OfTenant(t model.Trait) bool {
	switch t.Kind() {
	case model.KindSetting, model.KindActivated, model.KindReleased:
		return true
	}
	return false
}

// Domains returns a domain at place for every set of traits that can be true
// of one together, those with the fewest first. A dossier is shared or
// private, and has one configuration at most; it is shared when traits have
// neither.
func Domains(place model.Place, traits []model.Trait) ([]Domain, error) {
	vary := varying(place, traits)
	if len(vary) > maxTraits {
		return nil, fmt.Errorf("the rules tell %d traits apart, want at most %d to try all combinations", len(vary), maxTraits)
	}
	var sets []int
	for set := range 1 << len(vary) {
		if configurations(vary, set) < 2 {
			sets = append(sets, set)
		}
	}
	slices.SortStableFunc(sets, func(a, b int) int { return cmp.Compare(bits.OnesCount(uint(a)), bits.OnesCount(uint(b))) })
	domains := make([]Domain, len(sets))
	for i, set := range sets {
		d := Domain{place, []model.Trait{model.TraitTenant}}
		if place == model.AtDossier {
			d.Traits = []model.Trait{model.TraitDossier, model.TraitShared}
		}
		for j, t := range vary {
			switch {
			case set&(1<<j) == 0:
			case t == model.TraitPrivate:
				d.Traits[1] = t
			default:
				d.Traits = append(d.Traits, t)
			}
		}
		domains[i] = d
	}
	return domains, nil
}

// varying returns which of traits a domain at place may have or not have.
// Private stands for itself and for shared.
func varying(place model.Place, traits []model.Trait) []model.Trait {
	var vary []model.Trait
	for _, t := range traits {
		switch {
		case t == model.TraitShared:
			t = model.TraitPrivate
		case t.IsZero(), t == model.TraitTenant, t == model.TraitDossier:
			continue
		}
		if (place == model.AtDossier || OfTenant(t)) && !slices.Contains(vary, t) {
			vary = append(vary, t)
		}
	}
	return vary
}

func configurations(vary []model.Trait, set int) (n int) {
	for i, t := range vary {
		if set&(1<<i) != 0 && t.Kind() == model.KindConfiguration {
			n++
		}
	}
	return n
}
