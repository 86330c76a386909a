package trial_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

const policy = `p, boss,    any,      tenant,          report, edit, allow
p, boss,    any,      shared,          report, view, allow
p, clerk,   assigned, dossier,         report, view, allow
p, client,  any,      dossier,         report, view, allow
p, client,  any,      configuration:B, report, view, deny
p, client,  any,      setting:open,    report, edit, allow
p, visitor, any,      private,         report:own, view, allow
g3, report:own, report
`

const catalog = `pack, office, , 1, a, b, c
profile, boss, tenant, , a, b, c
profile, clerk, tenant, , a, b, c
profile, client, dossier, , a, b, c
profile, visitor, tenant, , a, b, c
profile, member, none, , a, b, c
permission, report view, dossier, , a, b, c
permission, report edit, tenant dossier, , a, b, c
configuration, B, , , a, b, c
setting, open, , , a, b, c
module, extra, , , a, b, c
`

// read returns the pack with policy, and scenarios of it.
func read(t *testing.T, policy, text string) (*model.Pack, []model.Scenario) {
	t.Helper()
	conf, err := accountancy.Files().Open(model.ModelFile)
	require.NoError(t, err)
	info, err := conf.Stat()
	require.NoError(t, err)
	confText := make([]byte, info.Size())
	_, err = conf.Read(confText)
	require.NoError(t, err)
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile:   {Data: confText},
		model.PolicyFile:  {Data: []byte(policy)},
		model.CatalogFile: {Data: []byte(catalog)},
	}, "office")
	require.NoError(t, err)
	scenarios, err := model.ReadScenarios("s.csv", []byte(text))
	require.NoError(t, err)
	require.NoError(t, pack.CheckScenarios("s.csv", scenarios))
	return pack, scenarios
}

const world = `case, x
tenant, acme
dossier, acme/d1
dossier, acme/d2, private, configuration:B
g, user:ben, boss, acme/*
g, user:kim, client, acme/d1
g, user:kim, client, acme/d2
g, user:tim, team:north, acme/*
g, user:tim, clerk, acme/*
g, team:north, assigned, acme/d2
`

func TestRunReportsWrongAnswers(t *testing.T) {
	t.Parallel()
	pack, scenarios := read(t, policy, world+`allow, user:ben, acme/,   report, edit
allow, user:ben, acme/d1, report, view
allow, user:ben, acme/d2, report, view
deny,  user:kim, acme/d1, report, view
deny,  user:kim, acme/d2, report, view
allow, user:tim, acme/d2, report, view
`)
	faults, err := trial.Run(trial.Ours, pack, "s.csv", scenarios)
	require.NoError(t, err)
	require.Equal(t, model.Faults{
		{File: "s.csv", Line: 13, Message: `user:ben in acme/d2, "report view": denied, want allowed: no row allows it`},
		{File: "s.csv", Line: 14, Message: `user:kim in acme/d1, "report view": allowed, want denied: by policy.csv:4: p, client, any, dossier, report, view, allow`},
	}, faults)
}

func TestRunTriesEveryCombinationForNever(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ row, want string }{ // want is "" when the row holds
		"ceiling":                    {"client, configuration:B, report, view", ""},
		"without the ceiling":        {"client, *, report, view", `"report view" is allowed`},
		"trait that no rule has":     {"client, module:extra, report, view", `a domain that is dossier, shared, module:extra: "report view"`},
		"only in private dossiers":   {"boss, private, report, *", ""},
		"shared ones are open":       {"boss, shared, *, view", `boss, not assigned, in a domain that is dossier, shared: "report view"`},
		"only when assigned":         {"clerk, *, report, *", `clerk, assigned, in a domain that is dossier, shared: "report view" is allowed`},
		"a tenant has its own":       {"boss, tenant, report, edit", `boss, not assigned, in a domain that is tenant: "report edit"`},
		"not by a setting":           {"client, *, report, edit", `in a domain that is dossier, shared, setting:open: "report edit"`},
		"a dossier's profile":        {"client, tenant, report, edit", ""},
		"star finds the part":        {"visitor, *, *, view", `visitor, not assigned, in a domain that is dossier, private: "report:own view"`},
		"the whole is not the part":  {"visitor, *, report, view", ""},
		"nobody grants":              {"boss, *, *, grant", ""},
		"membership alone":           {"member, *, *, *", ""},
		"tenant wide edit elsewhere": {"boss, dossier, report, edit", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack, scenarios := read(t, policy, "case, x\nnever, "+c.row)
			faults, err := trial.Run(trial.Ours, pack, "s.csv", scenarios)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, faults)
				return
			}
			require.Len(t, faults, 1)
			require.Equal(t, 2, faults[0].Line)
			require.Contains(t, faults[0].Message, c.want)
		})
	}
}

func TestIdleFindsRowsThatDecideNothing(t *testing.T) {
	t.Parallel()
	pack, scenarios := read(t, policy, world+`allow, user:ben, acme/,   report, edit
allow, user:ben, acme/d1, report, view
allow, user:kim, acme/d1, report, view
deny,  user:kim, acme/d2, report, view
allow, user:tim, acme/d2, report, view
`)
	idle, err := trial.Idle(pack, scenarios)
	require.NoError(t, err)
	require.Equal(t, []int{5, 6, 7}, idle)
}

func TestRunRefusesWhatItCannotTry(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for range 15 {
		many.WriteString("p, boss, any, activated:" + "x" + strings.Repeat("y", many.Len()/40) + ", report, view, allow\n")
	}
	pack, scenarios := read(t, many.String(), "case, x\nnever, clerk, *, report, view")
	_, err := trial.Run(trial.Ours, pack, "s.csv", scenarios)
	require.ErrorContains(t, err, "s.csv:2: the rules tell 15 traits apart, want at most 14")
}
