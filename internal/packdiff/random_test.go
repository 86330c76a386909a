package packdiff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

func replace(s, old, new string) string { return strings.Replace(s, old, new, 1) }

type draw struct{ *rand.Rand }

func (d draw) pick(words ...string) string { return words[d.IntN(len(words))] }

func (d draw) row() string {
	return fmt.Sprintf("p, %s, %s, %s, report, %s, %s\n",
		d.pick("boss", "clerk", "client", "anyone", "member", "assigned"), d.pick("any", "any", "assigned"),
		d.pick("any", "tenant", "dossier", "shared", "private", "configuration:B", "configuration:C", "module:extra", "setting:open"),
		d.pick("view", "edit", "*"), d.pick("allow", "allow", "deny"))
}

// policies returns two that differ in a few rows.
func (d draw) policies() (old, new string) {
	rows := []string{"p, boss, any, any, office, enter, allow\n"}
	for range 2 + d.IntN(5) {
		rows = append(rows, d.row())
	}
	other := slices.Clone(rows)
	for range 1 + d.IntN(3) {
		switch i := d.IntN(len(other)); {
		case i == 0 || d.IntN(2) == 0:
			other = append(other, d.row())
		default:
			other = slices.Delete(other, i, i+1)
		}
	}
	if d.IntN(2) == 0 {
		other = append(other, "g, client, anyone, *\n")
	}
	for _, all := range []*[]string{&rows, &other} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	return strings.Join(rows, ""), strings.Join(other, "")
}

// questions are all places and what can be asked there.
var questions = []struct {
	place      model.Place
	permission model.Permission
}{
	{model.AtTenant, model.Must(model.ParsePermission("report", "view"))},
	{model.AtDossier, model.Must(model.ParsePermission("report", "view"))},
	{model.AtDossier, model.Must(model.ParsePermission("report", "edit"))},
}

// What Packs says is what plain Casbin answers before and after, for every set
// of profiles in a domain with any traits, and whatever changes is said of
// somebody who holds no more.
func TestPacksEqualsBruteForce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := draw{rand.New(rand.NewPCG(seed, 0))}
	rounds, told := 40, 0
	if testing.Short() {
		rounds = 10
	}
	// At least that many, and on until enough has changed to have said something.
	for round := 0; round < rounds || told <= rounds; round++ {
		require.Less(t, round, 10*rounds, "next to nothing changes")
		oldText, newText := d.policies()
		old, new := read(t, oldText, catalog), read(t, newText, catalog)
		changes, err := packdiff.Packs(old, new)
		require.NoError(t, err)
		told += len(changes)
		for range 6 { // sorts of domain
			traits := d.traits()
			before, after := casbinFor(t, old, traits), casbinFor(t, new, traits)
			for set := range 1 << len(held) {
				for _, q := range questions {
					for _, assigned := range []bool{false, true} {
						was, is := before(set, assigned, q.place, q.permission), after(set, assigned, q.place, q.permission)
						at := world.Domain{Place: q.place, Traits: traitsAt(q.place, traits)}
						said := false
						for _, c := range changes {
							with, exact := profileSet(c)
							applies := c.Place == q.place && c.Permission == q.permission && slices.ContainsFunc(c.When, func(w world.When) bool { return w.Holds(at, assigned) })
							if applies && set == exact {
								require.True(t, is == c.Gain && was != c.Gain, "%v for %b in %v, assigned %t: was %t and is %t\n%s\n%s", lines([]packdiff.Change{c}), set, traits, assigned, was, is, oldText, newText)
							}
							said = said || applies && c.Gain == is && set&with == with
						}
						require.True(t, was == is || said, "%v %s for %b in %v, assigned %t: was %t and is %t, and all that is said is %v\n%s\n%s",
							q.place, q.permission, set, traits, assigned, was, is, lines(changes), oldText, newText)
					}
				}
			}
		}
	}
}

// held are the profiles that a set has a bit for.
var held = []string{"boss", "clerk", "client"}

// profileSet returns the profiles of c as a set.
func profileSet(c packdiff.Change) (with, exact int) {
	for i, name := range held {
		if c.Profile.String() == name || c.With.String() == name {
			with |= 1 << i
		}
	}
	return with, with
}

// traits draws those of a tenant and its dossier.
func (d draw) traits() []string {
	all := []string{d.pick("shared", "private")}
	if c := d.pick("", "configuration:B", "configuration:C"); c != "" {
		all = append(all, c)
	}
	for _, t := range []string{"module:extra", "setting:open"} {
		if d.IntN(2) == 0 {
			all = append(all, t)
		}
	}
	return all
}

func traitsAt(place model.Place, traits []string) []model.Trait {
	all := []model.Trait{model.TraitDossier}
	if place == model.AtTenant {
		all[0] = model.TraitTenant
	}
	for _, t := range traits {
		if place == model.AtDossier || strings.HasPrefix(t, "setting:") {
			all = append(all, model.Must(model.ParseTrait(t)))
		}
	}
	return all
}

// casbinFor returns what Casbin answers to who holds a set of profiles.
func casbinFor(t *testing.T, p *model.Pack, traits []string) func(set int, assigned bool, place model.Place, perm model.Permission) bool {
	t.Helper()
	var rows []engine.Row
	add := func(ptype string, fields ...string) {
		rows = append(rows, engine.Row{Rule: model.NewRule(ptype, fields...)})
	}
	for _, r := range p.Rules {
		add(r.PType, r.Fields()...)
	}
	add("g2", "a/", "tenant")
	add("g2", "a/d", "dossier")
	for _, trait := range traits {
		if strings.HasPrefix(trait, "setting:") {
			add("g2", "a/", trait)
		}
		add("g2", "a/d", trait)
	}
	for set := range 1 << len(held) {
		for _, assigned := range []bool{false, true} {
			who := fmt.Sprintf("user:%d-%t", set, assigned)
			add("g", who, "member", "a/*")
			if assigned {
				add("g", who, "assigned", "a/d")
			}
			for i, name := range held {
				if set&(1<<i) == 0 {
					continue
				}
				domain := "a/*"
				if name == "client" {
					domain = "a/d"
				}
				add("g", who, name, domain)
			}
		}
	}
	e, err := engine.NewCasbin(engine.Standard, rows)
	require.NoError(t, err)
	return func(set int, assigned bool, place model.Place, perm model.Permission) bool {
		domain := "a/d"
		if place == model.AtTenant {
			domain = "a/"
		}
		ok, err := e.Enforce(engine.Request{Subject: fmt.Sprintf("user:%d-%t", set, assigned), Domain: domain, Object: perm.Object(), Action: perm.Action()}, time.Time{})
		require.NoError(t, err)
		return ok
	}
}
