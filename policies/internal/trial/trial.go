// Package trial puts a pack to the test of its scenarios.
package trial

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// Run returns a fault for every wrong answer of p to scenarios, which were read
// from file and are asked of ask. The error means that there are no answers.
func Run(ask Asker, p *model.Pack, file string, scenarios []model.Scenario) (model.Faults, error) {
	var faults model.Faults
	for _, s := range scenarios {
		got, err := ask.results(p.Model, slices.Concat(p.Rules, s.Rules), s.Checks)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, s.Line, err)
		}
		for i, c := range s.Checks {
			if got[i] != c.Allow {
				faults = append(faults, model.Fault{
					File: file, Line: c.Line,
					Message: fmt.Sprintf("%s in %s, %q: %s, want %s", c.Subject, c.Domain, c.Permission, answer(got[i]), answer(c.Allow)),
				})
			}
		}
	}
	nevers, err := ask.runNevers(p, file, scenarios)
	if err != nil {
		return nil, err
	}
	faults = append(faults, nevers...)
	slices.SortStableFunc(faults, func(a, b model.Fault) int { return a.Line - b.Line })
	return faults, nil
}

// Idle returns the positions in p.Rules of the rows without which scenarios
// would have the same answers.
func Idle(p *model.Pack, scenarios []model.Scenario) ([]int, error) {
	ask := Asker(Ours)
	before := make([][]bool, len(scenarios))
	for i, s := range scenarios {
		got, err := ask.results(p.Model, slices.Concat(p.Rules, s.Rules), s.Checks)
		if err != nil {
			return nil, err
		}
		before[i] = got
	}
	var idle []int
	for r := range p.Rules {
		rest := slices.Delete(slices.Clone(p.Rules), r, r+1)
		decides := false
		for i, s := range scenarios {
			after, err := ask.results(p.Model, slices.Concat(rest, s.Rules), s.Checks)
			if err != nil {
				return nil, err
			}
			if decides = !slices.Equal(before[i], after); decides {
				break
			}
		}
		if !decides {
			idle = append(idle, r)
		}
	}
	return idle, nil
}

func (ask Asker) results(m *model.Model, rules []model.Rule, checks []model.Check) ([]bool, error) {
	allowed, err := ask.answers(m, rules)
	if err != nil {
		return nil, err
	}
	got := make([]bool, len(checks))
	for i, c := range checks {
		if got[i], err = allowed(c.Subject, c.Domain, c.Permission); err != nil {
			return nil, err
		}
	}
	return got, nil
}

func answer(allow bool) string {
	if allow {
		return "allowed"
	}
	return "denied"
}
