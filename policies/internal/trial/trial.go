// Package trial puts a pack to the test of its scenarios.
package trial

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// A Wrong is a wrong answer of a pack, with the row that gave it in the
// message.
type Wrong struct {
	model.Fault
	// Scenario is, for a never row, the rows of a case in which it does not
	// hold. Pasted into a scenarios.csv they are a check that fails.
	Scenario string
}

// Try returns every wrong answer of p to scenarios, which were read from file
// and are asked of ask. The error means that there are no answers.
func Try(ask Asker, p *model.Pack, file string, scenarios []model.Scenario) ([]Wrong, error) {
	var wrong []Wrong
	for _, s := range scenarios {
		got, err := ask.results(p, s)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, s.Line, err)
		}
		for i, c := range s.Checks {
			if got[i].allowed != c.Allow {
				wrong = append(wrong, Wrong{Fault: model.Fault{
					File: file, Line: c.Line,
					Message: fmt.Sprintf("%s in %s, %q: %s, want %s: %s", c.Subject, c.Domain, c.Permission,
						answer(got[i].allowed), answer(c.Allow), got[i].by),
				}})
			}
		}
	}
	nevers, err := ask.tryNevers(p, file, scenarios)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, nevers...)
	slices.SortStableFunc(wrong, func(a, b Wrong) int { return a.Line - b.Line })
	return wrong, nil
}

// Run returns the faults of [Try].
func Run(ask Asker, p *model.Pack, file string, scenarios []model.Scenario) (model.Faults, error) {
	wrong, err := Try(ask, p, file, scenarios)
	if err != nil {
		return nil, err
	}
	var faults model.Faults
	for _, w := range wrong {
		faults = append(faults, w.Fault)
	}
	return faults, nil
}

// Idle returns the positions in p.Rules of the rows without which the checks
// of scenarios would have the same answers: what no scenario reaches.
func Idle(p *model.Pack, scenarios []model.Scenario) ([]int, error) {
	ask := Asker(Ours)
	before := make([][]bool, len(scenarios))
	for i, s := range scenarios {
		got, err := ask.answers(p.Model, slices.Concat(p.Rules, s.Rules), s.Checks)
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
			after, err := ask.answers(p.Model, slices.Concat(rest, s.Rules), s.Checks)
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

func answer(allow bool) string {
	if allow {
		return "allowed"
	}
	return "denied"
}
