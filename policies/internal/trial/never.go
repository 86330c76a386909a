package trial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// A question is what never rows ask together: one permission, in the domains
// in which it may make a difference whether they have trait.
type question struct {
	permission model.Permission
	trait      model.Trait
}

// tryNevers tries the never rows of scenarios in every sort of domain in which
// answers can differ, for who is assigned and who is not.
func (ask Asker) tryNevers(p *model.Pack, file string, scenarios []model.Scenario) ([]Wrong, error) {
	asked := map[question][]model.Never{}
	var questions []question
	permissions := world.Permissions(p)
	for _, s := range scenarios {
		for _, n := range s.Nevers {
			group := isGroup(p, n.Object)
			for _, perm := range permissions {
				in := n
				if group && slices.Contains(world.Objects(p, perm), n.Object) {
					in.Object = perm.Object()
				}
				if q := (question{perm, n.Trait}); in.Covers(perm) {
					if asked[q] == nil {
						questions = append(questions, q)
					}
					asked[q] = append(asked[q], n)
				}
			}
		}
	}
	var wrong []Wrong
	broken := map[int]bool{} // lines
	for _, q := range questions {
		nevers := slices.DeleteFunc(asked[q], func(n model.Never) bool { return broken[n.Line] })
		if len(nevers) == 0 {
			continue
		}
		found, err := ask.tryQuestion(p, q, nevers)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, nevers[0].Line, err)
		}
		for _, x := range found {
			broken[x.Line] = true
			w, err := ask.wrong(p, file, x)
			if err != nil {
				return nil, err
			}
			wrong = append(wrong, w)
		}
	}
	return wrong, nil
}

// isGroup reports whether object is one that nothing is asked about but what the pack
// puts in it. The whole of a part is none: it is asked about itself.
func isGroup(p *model.Pack, object string) bool {
	if object == model.Everything {
		return false
	}
	for e := range p.Catalog.Asked() {
		if e.Permission.Object() == object {
			return false
		}
	}
	return true
}

// A counterexample is a world in which a never row does not hold.
type counterexample struct {
	model.Never
	permission model.Permission
	domain     world.Domain
	assigned   bool
}

// tryQuestion returns a counterexample for each of nevers that does not hold,
// in a domain with as few traits as can be.
func (ask Asker) tryQuestion(p *model.Pack, q question, nevers []model.Never) ([]counterexample, error) {
	var domains []world.Domain
	for _, place := range []model.Place{model.AtTenant, model.AtDossier} {
		some, err := world.Domains(place, append(world.Traits(p, q.permission), q.trait))
		if err != nil {
			return nil, err
		}
		for _, d := range some {
			if q.trait.IsZero() || d.Has(q.trait) {
				domains = append(domains, d)
			}
		}
	}
	var holders []world.Holder
	for _, n := range nevers {
		holders = append(holders, world.Holder{n.Profile.String()}, world.Holder{n.Profile.String(), model.Assigned})
	}
	answers, err := world.Ask(world.Engine(ask), p, q.permission, domains, holders)
	if err != nil {
		return nil, err
	}
	var found []counterexample
	for i, n := range nevers {
		for j := range 2 * len(domains) {
			d, assigned := j/2, j%2
			if answers[2*i+assigned][d] {
				found = append(found, counterexample{n, q.permission, domains[d], assigned == 1})
				break
			}
		}
	}
	return found, nil
}

// wrong tells of x, whose scenario it reads and asks.
func (ask Asker) wrong(p *model.Pack, file string, x counterexample) (Wrong, error) {
	text := x.scenario(p.Catalog)
	scenarios, err := model.ReadScenarios("counterexample", []byte(text))
	if err != nil {
		return Wrong{}, err
	}
	got, err := ask.results(p, scenarios[0])
	if err != nil {
		return Wrong{}, err
	}
	link := "not assigned"
	if x.assigned {
		link = "assigned"
	}
	return Wrong{
		Fault: model.Fault{File: file, Line: x.Line, Message: fmt.Sprintf("%s, %s, in a domain that is %s: %q is allowed, want never: %s",
			x.Profile, link, traitList(x.domain.Traits), x.permission, got[0].by)},
		Scenario: text,
	}, nil
}

func traitList(traits []model.Trait) string {
	words := make([]string, len(traits))
	for i, t := range traits {
		words[i] = t.String()
	}
	return strings.Join(words, ", ")
}

// scenario returns x as rows of a scenarios.csv.
func (x counterexample) scenario(c *model.Catalog) string {
	tenant, dossier := []string{"tenant", "acme"}, []string{"dossier", "acme/d1"}
	for _, t := range x.domain.Traits {
		switch t.Kind() {
		case model.KindSetting, model.KindActivated, model.KindReleased:
			tenant = append(tenant, t.String())
		default:
			if t != model.TraitTenant && t != model.TraitDossier && t != model.TraitShared {
				dossier = append(dossier, t.String())
			}
		}
	}
	entry, _ := c.Profile(x.Profile)
	asked, held := "acme/", "acme/*"
	if x.domain.Place == model.AtDossier {
		asked = "acme/d1"
	}
	if entry.Place == model.AtDossier {
		held = "acme/d1"
	}
	rows := [][]string{{"case", fmt.Sprintf(`"%s and never %s"`, x.Profile, x.permission)}, tenant}
	if asked == "acme/d1" || held == "acme/d1" {
		rows = append(rows, dossier)
	}
	rows = append(rows, []string{"g", "user:ann", x.Profile.String(), held})
	if x.assigned {
		rows = append(rows, []string{"g", "user:ann", model.Assigned, "acme/d1"})
	}
	rows = append(rows, []string{"deny", "user:ann", asked, x.permission.Object(), x.permission.Action()})
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join(r, ", ") + "\n")
	}
	return b.String()
}
