package trial

import (
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// An Asker makes what answers by a model and rules: [Ours], what a host gets,
// or [Casbin], what it must equal.
type Asker world.Engine

// Ours is the engine that answers a host's checks.
func Ours(m *model.Model, rules []model.Rule) (engine.Engine, error) { return world.Ours(m, rules) }

// Casbin is plain Casbin.
func Casbin(m *model.Model, rules []model.Rule) (engine.Engine, error) {
	rows := make([]engine.Row, len(rules))
	for i, r := range rules {
		rows[i] = engine.Row{Rule: r}
	}
	return engine.NewCasbin(m.Text, rows)
}

// A result is the answer to a check, and for people the row that gave it.
type result struct {
	allowed bool
	by      string
}

// results returns what p answers to the checks of s. Nothing in scenarios
// depends on the time.
func (ask Asker) results(p *model.Pack, s model.Scenario) ([]result, error) {
	e, err := ask(p.Model, slices.Concat(p.Rules, s.Rules))
	if err != nil {
		return nil, err
	}
	got := make([]result, len(s.Checks))
	for i, c := range s.Checks {
		x, err := e.Explain(request(c), time.Time{})
		if err != nil {
			return nil, err
		}
		got[i] = result{x.Allowed, "no row allows it"}
		if len(x.Rows) > 0 {
			got[i].by = "by " + located(p, x.Rows[0])
		}
	}
	return got, nil
}

// answers are the results without the rows, which take longer to find.
func (ask Asker) answers(m *model.Model, rules []model.Rule, checks []model.Check) ([]bool, error) {
	e, err := ask(m, rules)
	if err != nil {
		return nil, err
	}
	got := make([]bool, len(checks))
	for i, c := range checks {
		if got[i], err = e.Enforce(request(c), time.Time{}); err != nil {
			return nil, err
		}
	}
	return got, nil
}

func request(c model.Check) engine.Request {
	return engine.Request{Subject: c.Subject, Domain: c.Domain.String(), Object: c.Permission.Object(), Action: c.Permission.Action()}
}

// located returns a row of p with its place.
func located(p *model.Pack, r model.Rule) string {
	return fmt.Sprintf("%s:%d: %s", model.PolicyFile, p.Line(slices.Index(p.Rules, r)), r)
}
