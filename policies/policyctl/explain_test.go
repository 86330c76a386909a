package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ run, question, want string }{
		"allowed": {"F-2", "user:carl, acme/d1, report:own, view", `user:carl in acme/d1, "report:own view": allowed
  by  DIR/policy.csv:12: p, client, any, dossier, report:own, view, allow
  and DIR/scenarios.csv:9: g, user:carl, client, acme/d1
  and DIR/scenarios.csv:9: g2, acme/d1, dossier
`},
		"denied by a row": {"F-1", "user:carl,acme/d1,report,view", `user:carl in acme/d1, "report view": denied
  by  DIR/policy.csv:15: p, anyone, any, configuration:B, report, view, deny
  and DIR/scenarios.csv:1: g, user:carl, client, acme/d1
  and DIR/policy.csv:16: g, client, anyone, *
  and DIR/scenarios.csv:1: g2, acme/d1, configuration:B
  what would lift that:
  - the trait configuration:B gone: from here user:ann; whoever is boss
`},
		"a module, or another profile": {"F-2", "user:carl, acme/d1, report, view", `user:carl in acme/d1, "report view": denied
  no row allows it; what is missing:
  - the trait module:extra: from here user:ann; whoever is boss
  - the profile boss in acme/: from here user:ann; whoever is boss
`},
		"an assignment": {"F-2", "user:tim, acme/d1, report, view", `user:tim in acme/d1, "report view": denied
  no row allows it; what is missing:
  - being assigned: from here user:ann; whoever is boss or clerk and assigned
  - the profile boss in acme/: from here user:ann; whoever is boss
`},
		"what nobody there can give": {"F-2", "user:ann, acme/d2, report, view", `user:ann in acme/d2, "report view": denied
  no row allows it; what is missing:
  - the trait shared: nobody can give it here
  - being assigned: from whoever is boss and assigned or clerk and assigned
`},
		"no member": {"F-2", "user:zoe, acme/, tenant, edit", `user:zoe in acme/, "tenant edit": denied
  no row allows it; what is missing:
  - being a member of acme: from here user:ann; whoever is boss
    and the profile boss in acme/: from here user:ann; whoever is boss
`},
		"no dossier": {"F-2", "user:ann, acme/d9, report, view", `user:ann in acme/d9, "report view": denied
  no row allows it; what is missing:
  - the dossier acme/d9, which is not in the case: nobody can give it here
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ctl(firm(t, nil), "explain", "DIR", "DIR/scenarios.csv", "-run", c.run, c.question)
			require.Empty(t, errOut)
			require.Equal(t, c.want, out)
			require.Zero(t, code)
		})
	}
}

// Nobody gives to oneself; and when no profile alone would do, the rows say
// what would.
func TestExplainOtherPolicies(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]string{
		firmPolicy + "p, client, any, dossier, dossier, configure, allow\n": `user:carl in acme/d1, "report view": denied
  no row allows it; what is missing:
  - the trait module:extra: from here user:ann; whoever is boss or client
  - the profile boss in acme/: from here user:ann; whoever is boss
`,
		"p, reader, any, module:extra, report, view, allow\np, boss, any, dossier, dossier, configure, allow\ng3, report:own, report\n": `user:carl in acme/d1, "report view": denied
  no row allows it; what is missing:
  - the profile reader: from those who may give it, or one that contains it
    and the trait module:extra: from here user:ann; whoever is boss
`,
	} {
		code, out, errOut := ctl(firm(t, map[string]string{"policy.csv": policy}), "explain", "DIR", "DIR/scenarios.csv", "-run", "F-2", "user:carl, acme/d1, report, view")
		require.Zero(t, code, errOut)
		require.Equal(t, want, out)
	}
}

// A trait that is not all that stands in the way is no way out.
func TestExplainTwoDenials(t *testing.T) {
	t.Parallel()
	const also = "p, anyone, any, module:extra, report, view, deny\n"
	code, out, errOut := ctl(firm(t, map[string]string{"policy.csv": firmPolicy + also}),
		"explain", "DIR", "DIR/scenarios.csv", "-run", "F-1", "user:carl, acme/d1, report, view")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "denied")
	require.NotContains(t, out, " gone")
}

func TestExplainJSON(t *testing.T) {
	t.Parallel()
	code, out, errOut := ctl(firm(t, nil), "explain", "-json", "DIR", "DIR/scenarios.csv", "-run", "F-1", "user:carl, acme/d1, report, view")
	require.Zero(t, code, errOut)
	golden(t, "explain.json", out)
}

func TestExplainWrongUse(t *testing.T) {
	t.Parallel()
	for question, want := range map[string]string{
		"user:carl, acme/d1":                  "want WHO, DOMAIN, OBJECT, ACTION",
		"carl, acme/d1, report, view":         `subject "carl": want user:ID or team:ID`,
		"team:x, acme/d1, report, view":       "only a user asks",
		"user:carl, acme, report, view":       "want TENANT/ or TENANT/DOSSIER",
		"user:carl, acme/d1, report, delete":  `"report delete" is not declared in DIR/catalog.csv`,
		"user:carl, acme/d1, report, view, x": "want WHO, DOMAIN, OBJECT, ACTION",
	} {
		code, _, errOut := ctl(firm(t, nil), "explain", "DIR", "DIR/scenarios.csv", "-run", "F-1", question)
		require.Equal(t, 2, code)
		require.Contains(t, errOut, want)
	}
	code, _, errOut := ctl(firm(t, nil), "explain", "DIR", "DIR/scenarios.csv", "user:carl, acme/d1, report, view")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "2 cases, want one: choose with -run: wrong arguments\n  DIR/scenarios.csv:1: F-1 a client under B sees nothing\n")
	code, out, errOut := ctl(t.TempDir(), "explain", "accountancy", "scenarios.csv", "-run", "ACC-03", "user:carl, acme/d1, figure, view")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "by  accountancy/policy.csv:")
}
