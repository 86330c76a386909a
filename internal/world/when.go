package world

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A Condition is that a trait is true of a domain, or that it is not. That of
// the zero trait is being assigned to the dossier.
type Condition struct {
	Trait model.Trait
	Not   bool
}

// A When is conditions that go together: all of them. An empty one is always.
type When []Condition

// Holds reports whether w is so in d, for who is assigned to it or not.
func (w When) Holds(d Domain, assigned bool) bool {
	return !slices.ContainsFunc(w, func(c Condition) bool {
		so := assigned
		if !c.Trait.IsZero() {
			so = d.Has(c.Trait)
		}
		return so == c.Not
	})
}

// String returns c in words, with traits as a policy writes them: "private",
// "not assigned".
func (c Condition) String() string {
	word := c.Trait.String()
	if c.Trait.IsZero() {
		word = model.Assigned
	}
	if c.Not {
		return "not " + word
	}
	return word
}

// String returns w in words: "when assigned and private", or "always".
func (w When) String() string {
	if len(w) == 0 {
		return "always"
	}
	words := make([]string, len(w))
	for i, c := range w {
		words[i] = c.String()
	}
	return "when " + strings.Join(words, " and ")
}

// Any says in words that one or more of whens hold: "" when they always do.
func Any(whens []When) string {
	words := make([]string, len(whens))
	for i, w := range whens {
		if len(w) == 0 {
			return ""
		}
		words[i] = w.String()
	}
	return strings.Join(words, ", or ")
}

// An Answer is what [Simplify] has to say of a domain.
type Answer uint8

// The answers. Either is for where it does not matter what is said.
const (
	No Answer = iota
	Yes
	Either
)

// Simplify returns few and short Whens of which one or more hold wherever the
// answer is Yes, and none where it is No. The answer is that in domains[i], for
// who is assigned to it or not; what domains leave out may be either way. There
// are none when the answer is Yes nowhere.
func Simplify(domains []Domain, answer func(i int, assigned bool) Answer) []When {
	s := simplifier{}
	for _, d := range domains {
		for _, t := range d.Traits {
			if t != model.TraitTenant && t != model.TraitDossier && t != model.TraitShared && !slices.Contains(s.vary, t) {
				s.vary = append(s.vary, t)
			}
		}
	}
	slices.SortStableFunc(s.vary, func(a, b model.Trait) int { return order(a) - order(b) })
	for i, d := range domains {
		for _, assigned := range []bool{false, true} {
			switch answer(i, assigned) {
			case Yes:
				s.on = append(s.on, s.point(d, assigned))
			case No:
				s.off = append(s.off, s.point(d, assigned))
			}
		}
	}
	var all []When
	for _, c := range s.cover() {
		all = append(all, s.when(c))
	}
	return all
}

// order is by what people ask first: the last is the first to be left out.
func order(t model.Trait) int {
	kinds := []model.TraitKind{model.KindConfiguration, model.KindModule, model.KindSetting, model.KindActivated, model.KindReleased}
	switch {
	case t == model.TraitPrivate:
		return -1
	case t.Kind() == model.KindPlain:
		return len(kinds)
	}
	return slices.Index(kinds, t.Kind())
}

// A simplifier covers the points that are on with cubes that hold no point
// that is off. Bit 0 of a point is being assigned, bit i+1 is vary[i].
type simplifier struct {
	vary    []model.Trait
	on, off []uint
}

// A cube is the points that agree with value in the bits of mask.
type cube struct{ mask, value uint }

func (c cube) has(point uint) bool { return point&c.mask == c.value }

func (s *simplifier) point(d Domain, assigned bool) uint {
	var p uint
	if assigned {
		p = 1
	}
	for i, t := range s.vary {
		if d.Has(t) {
			p |= 2 << i
		}
	}
	return p
}

// cover returns cubes, each as large as can be, that hold all of s.on.
func (s *simplifier) cover() []cube {
	var primes []cube
	for _, p := range s.on {
		c := cube{2<<len(s.vary) - 1, p}
		for bit := uint(1) << len(s.vary); bit > 0; bit >>= 1 {
			wider := cube{c.mask &^ bit, c.value &^ bit}
			if !slices.ContainsFunc(s.off, wider.has) {
				c = wider
			}
		}
		if !slices.Contains(primes, c) {
			primes = append(primes, c)
		}
	}
	slices.SortStableFunc(primes, func(a, b cube) int { return bits.OnesCount(a.mask) - bits.OnesCount(b.mask) })
	left, chosen := slices.Clone(s.on), []cube(nil)
	for len(left) > 0 {
		best, most := cube{}, 0
		for _, c := range primes {
			n := 0
			for _, p := range left {
				if c.has(p) {
					n++
				}
			}
			if n > most {
				best, most = c, n
			}
		}
		chosen = append(chosen, best)
		left = slices.DeleteFunc(left, best.has)
	}
	return chosen
}

func (s *simplifier) when(c cube) When {
	var w When
	if c.mask&1 != 0 {
		w = append(w, Condition{Not: c.value&1 == 0})
	}
	for i, t := range s.vary {
		bit := uint(2) << i
		switch {
		case c.mask&bit == 0:
		case t == model.TraitPrivate && c.value&bit == 0:
			w = append(w, Condition{Trait: model.TraitShared})
		default:
			w = append(w, Condition{t, c.value&bit == 0})
		}
	}
	return w
}
