package trial

import (
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// An Asker makes what answers by a model and rules: [Ours], what a host gets,
// or [Casbin], what it must equal.
type Asker func(m *model.Model, rules []model.Rule) (engine.Engine, error)

// Ours is the engine that answers a host's checks.
func Ours(m *model.Model, rules []model.Rule) (engine.Engine, error) {
	return engine.New(m, rules, nil)
}

// Casbin is plain Casbin.
func Casbin(m *model.Model, rules []model.Rule) (engine.Engine, error) {
	rows := make([]engine.Row, len(rules))
	for i, r := range rules {
		rows[i] = engine.Row{Rule: r}
	}
	return engine.NewCasbin(m.Text, rows)
}

// answers says whether a subject is allowed something.
type answers func(subject string, d model.Domain, p model.Permission) (bool, error)

// answers returns the answers of rules. Nothing in them depends on the time.
func (ask Asker) answers(m *model.Model, rules []model.Rule) (answers, error) {
	e, err := ask(m, rules)
	if err != nil {
		return nil, err
	}
	return func(subject string, d model.Domain, p model.Permission) (bool, error) {
		return e.Enforce(engine.Request{Subject: subject, Domain: d.String(), Object: p.Object(), Action: p.Action()}, time.Time{})
	}, nil
}
