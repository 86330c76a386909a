package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTest(t *testing.T) {
	t.Parallel()
	const world = "case, x\ntenant, acme\ng, user:ben, boss, acme/*\n"
	cases := map[string]struct {
		files map[string]string
		args  []string
		code  int
		out   string
	}{
		"holds": {
			args: []string{"test", "DIR"},
			out:  "office: 1 cases, 1 checks and 0 nevers hold\n",
		},
		"wrong answers": {
			files: map[string]string{"scenarios.csv": world + "deny, user:ben, acme/, big_report, view_all\nallow, user:tim, acme/, big_report, view_all\nnever, boss, *, *, *\n"},
			args:  []string{"test", "DIR"},
			code:  1,
			out: `DIR/scenarios.csv:4: error: user:ben in acme/, "big_report view_all": allowed, want denied: by policy.csv:1: p, boss, any, tenant, big_report, view_all, allow (scenario)
DIR/scenarios.csv:5: error: user:tim in acme/, "big_report view_all": denied, want allowed: no row allows it (scenario)
DIR/scenarios.csv:6: error: boss, not assigned, in a domain that is tenant: "big_report view_all" is allowed, want never: by policy.csv:1: p, boss, any, tenant, big_report, view_all, allow (scenario)

case, "boss and never big_report view_all"
tenant, acme
g, user:ann, boss, acme/*
deny, user:ann, acme/, big_report, view_all

office: 3 wrong of 2 checks and 1 nevers
`,
		},
		"other files": {
			files: map[string]string{"scenarios.csv": "x", "a.csv": world + "never, boss, dossier, *, *\n", "b.csv": world + "deny, user:ben, acme/, big_report, view_all\n"},
			args:  []string{"test", "DIR", "DIR/a.csv", "DIR/b.csv"},
			code:  1,
			out: `DIR/b.csv:4: error: user:ben in acme/, "big_report view_all": allowed, want denied: by policy.csv:1: p, boss, any, tenant, big_report, view_all, allow (scenario)
office: 1 wrong of 1 checks and 1 nevers
`,
		},
		"some cases": {
			files: map[string]string{"scenarios.csv": strings.Replace(world, "x", "X-1 one", 1) + "deny, user:ben, acme/, big_report, view_all\n" +
				strings.Replace(world, "x", "X-2 two", 1) + "allow, user:ben, acme/, big_report, view_all\n"},
			args: []string{"test", "DIR", "-run", "^X-[2-9]"},
			out:  "office: 1 cases, 1 checks and 0 nevers hold\n",
		},
		"JSON": {
			files: map[string]string{"scenarios.csv": world + "never, boss, *, *, *\n"},
			args:  []string{"test", "-json", "DIR"},
			code:  1,
			out: `[
  {
    "file": "DIR/scenarios.csv",
    "line": 4,
    "severity": "error",
    "check": "scenario",
    "message": "boss, not assigned, in a domain that is tenant: \"big_report view_all\" is allowed, want never: by policy.csv:1: p, boss, any, tenant, big_report, view_all, allow",
    "scenario": "case, \"boss and never big_report view_all\"\ntenant, acme\ng, user:ann, boss, acme/*\ndeny, user:ann, acme/, big_report, view_all\n"
  }
]
`,
		},
		"JSON of nothing": {args: []string{"test", "-json", "DIR"}, out: "[]\n"},
		"coverage": {
			files: map[string]string{"policy.csv": "p, boss, any, tenant, big_report, view_all, allow\np, member, any, tenant, big_report, view_all, deny\n", "catalog.csv": "pack, office, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\nprofile, member, none, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\n", "scenarios.csv": world + "deny, user:ben, acme/, big_report, view_all\n"},
			args:  []string{"test", "-coverage", "DIR"},
			code:  1,
			out: `DIR/policy.csv:1: warning: no case reaches the row: p, boss, any, tenant, big_report, view_all, allow (coverage)
office: 1 cases, 1 checks and 0 nevers hold
`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ctl(office(t, c.files), c.args...)
			require.Empty(t, errOut)
			require.Equal(t, c.out, out)
			require.Equal(t, c.code, code)
		})
	}
}

func TestTestReportsFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"of the pack":          {map[string]string{"policy.csv": "p, boss, any, tenant, big_report, view_all, Allow\np, boss\n"}, "DIR/policy.csv:1: error: effect \"Allow\": want allow or deny"},
		"of the scenarios":     {map[string]string{"scenarios.csv": "case, x\nx\n"}, "DIR/scenarios.csv:1: error: the case asks nothing"},
		"a misspelt name":      {map[string]string{"scenarios.csv": "case, x\ntenant, acme\ndeny, user:ben, acme/, big_report, view\n"}, "DIR/scenarios.csv:3: error: permission \"big_report view\": not declared in catalog.csv"},
		"a pack named another": {map[string]string{"catalog.csv": "pack, shop, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\n"}, "DIR/catalog.csv: error: the pack is named shop, want office"},
	} {
		code, out, errOut := ctl(office(t, c.files), "test", "DIR")
		require.Equal(t, 1, code, name)
		require.Empty(t, errOut, name)
		require.Contains(t, out, c.want, name)
	}
	for _, c := range []struct{ pattern, want string }{{"nothing", `no case matches "nothing"`}, {"(", "-run: error parsing regexp"}} {
		code, _, errOut := ctl(office(t, nil), "test", "-run", c.pattern, "DIR")
		require.Equal(t, 2, code)
		require.Contains(t, errOut, c.want)
	}
}
