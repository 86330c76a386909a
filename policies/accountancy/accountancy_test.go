package accountancy_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

// requirements are those that the pack answers for.
var requirements = []string{
	"ACC-01", "ACC-02", "ACC-03", "ACC-04", "ACC-05", "ACC-06", "ACC-07",
	"ACC-10", "ACC-11", "ACC-12", "ACC-13", "ACC-14", "ACC-15", "ACC-16", "ACC-17",
	"ACC-20", "ACC-21", "ACC-22", "ACC-23",
	"ACC-30", "ACC-31", "ACC-32", "ACC-33", "ACC-34", "ACC-35", "ACC-36", "ACC-37", "ACC-38", "ACC-39",
	"ACC-40", "ACC-41", "ACC-42",
}

func scenarios(t *testing.T) []model.Scenario {
	t.Helper()
	text, err := fs.ReadFile(accountancy.Files(), model.ScenariosFile)
	require.NoError(t, err)
	all, err := model.ReadScenarios(model.ScenariosFile, text)
	require.NoError(t, err)
	require.NoError(t, accountancy.Pack().CheckScenarios(model.ScenariosFile, all))
	return all
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]trial.Asker{"ours": trial.Ours, "Casbin": trial.Casbin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults, err := trial.Run(ask, accountancy.Pack(), model.ScenariosFile, scenarios(t))
			require.NoError(t, err)
			require.Empty(t, faults, "%v", faults)
		})
	}
}

func TestEveryRowDecides(t *testing.T) {
	t.Parallel()
	pack := accountancy.Pack()
	idle, err := trial.Idle(pack, scenarios(t))
	require.NoError(t, err)
	for _, i := range idle {
		t.Errorf("%s:%d: %s: every scenario has the same answers without it", model.PolicyFile, pack.Line(i), pack.Rules[i])
	}
}

func TestEveryRequirementIsShown(t *testing.T) {
	t.Parallel()
	shown := map[string]int{}
	for _, s := range scenarios(t) {
		for word := range strings.FieldsSeq(s.Text) {
			if strings.HasPrefix(word, "ACC-") {
				shown[word] += len(s.Checks)
			}
		}
	}
	for _, id := range requirements {
		require.Positive(t, shown[id], id)
	}
	for id := range shown {
		require.Contains(t, requirements, id)
	}
}
