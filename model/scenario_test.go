package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

const scenarios = `case, "one, with a comma"
tenant, acme, setting:strict, activated:news
dossier, acme/d1, configuration:C, worklist
dossier, acme/d2, private
g, user:carl, administrator, acme/d1
g, user:carl, admin, acme/*
g, user:emil, team:north, acme/*
g, team:north, assigned, acme/d2
allow, user:carl, acme/d1, document:own, view
deny,  user:zoe,  acme/,   member, invite
never, admin, *, *, view
never, client, module:payment, profile:admin, grant

case, two
tenant, acme, released:news
deny, user:carl, acme/, profile:admin, grant
`

func TestReadScenarios(t *testing.T) {
	t.Parallel()
	got, err := model.ReadScenarios("scenarios.csv", []byte(scenarios))
	require.NoError(t, err)
	require.Len(t, got, 2)
	one, two := got[0], got[1]
	require.Equal(t, "one, with a comma", one.Text)
	require.Equal(t, 1, one.Line)
	rules := make([]string, len(one.Rules))
	for i, r := range one.Rules {
		rules[i] = r.String()
	}
	require.Equal(t, []string{
		"g2, acme/, tenant", "g2, acme/, acme/*", "g2, acme/*, *", "g2, acme/*, setting:strict", "g2, acme/*, activated:news",
		"g2, acme/d1, dossier", "g2, acme/d1, acme/*", "g2, acme/d1, shared", "g2, acme/d1, configuration:C", "g2, acme/d1, worklist",
		"g2, acme/d2, dossier", "g2, acme/d2, acme/*", "g2, acme/d2, private",
		"g, user:carl, administrator, acme/d1", "g, user:carl, member, acme/*", "g, user:carl, admin, acme/*",
		"g, user:emil, team:north, acme/*", "g, user:emil, member, acme/*",
		"g, team:north, assigned, acme/d2",
	}, rules)
	require.Equal(t, []model.Check{
		{Line: 9, Allow: true, Subject: "user:carl", Domain: d1, Permission: permission("document:own", "view")},
		{Line: 10, Allow: false, Subject: "user:zoe", Domain: model.TenantDomain(acme), Permission: permission("member", "invite")},
	}, one.Checks)
	require.Equal(t, []model.Never{
		{Line: 11, Profile: profile("admin"), Object: "*", Action: "view"},
		{Line: 12, Profile: profile("client"), Trait: model.Must(model.ParseTrait("module:payment")), Object: "profile:admin", Action: "grant"},
	}, one.Nevers)
	require.True(t, one.Nevers[0].Covers(permission("figure", "view")))
	require.False(t, one.Nevers[0].Covers(permission("figure", "edit")))
	require.False(t, one.Nevers[1].Covers(permission("profile:support", "grant")))
	require.Len(t, two.Rules, 4, "a case begins with an empty world")
	require.Len(t, two.Checks, 1)
}

func TestReadScenariosReportsFaults(t *testing.T) {
	t.Parallel()
	const head = "case, x\ntenant, acme\ndossier, acme/d1\ndeny, user:a, acme/, self, edit\n"
	cases := map[string]struct {
		text string
		want []string // without "scenarios.csv:"
	}{
		"before a case":           {"tenant, acme", []string{"1: tenant stands before the first case"}},
		"unknown verb":            {head + "forbid, user:a", []string{`5: "forbid": want case, tenant, dossier, g, allow, deny or never first`}},
		"capital verb":            {head + "Deny, user:a, acme/, self, edit", []string{`5: "Deny": want case`}},
		"case without a text":     {"case", []string{"1: case has 0 fields, want 1: TEXT"}},
		"text with a comma":       {"case, a, b", []string{"1: case has 2 fields, want 1: TEXT"}},
		"case that asks nothing":  {"case, a\ntenant, acme\n" + head, []string{"1: the case asks nothing"}},
		"tenant without a name":   {head + "tenant", []string{"5: tenant has 0 fields, want 2: TENANT, TRAIT…"}},
		"tenant with a slash":     {head + "tenant, bond/", []string{`5: tenant id "bond/"`}},
		"tenant twice":            {head + "tenant, acme", []string{"5: tenant acme is there already"}},
		"tenant with a module":    {head + "tenant, bond, module:x", []string{`5: trait "module:x": no tenant row can give it`}},
		"dossier with a setting":  {head + "dossier, acme/d2, setting:x", []string{`5: trait "setting:x": no dossier row can give it`}},
		"dossier as a tenant":     {head + "dossier, acme/d2, tenant", []string{`5: trait "tenant": no dossier row can give it`}},
		"trait twice":             {head + "dossier, acme/d2, worklist, worklist", []string{`5: trait "worklist" is given twice`}},
		"bad trait":               {head + "dossier, acme/d2, modul:x", []string{`5: trait "modul:x": want`}},
		"dossier twice":           {head + "dossier, acme/d1", []string{"5: dossier acme/d1 is there already"}},
		"dossier of no tenant":    {head + "dossier, bond/d1", []string{"5: tenant bond is not there: it wants a row above"}},
		"tenant as a dossier":     {head + "dossier, acme/", []string{`5: domain "acme/": want TENANT/DOSSIER`}},
		"shared and private":      {head + "dossier, acme/d2, shared, private", []string{"5: dossier acme/d2 is shared and private: want one"}},
		"two configurations":      {head + "dossier, acme/d2, configuration:B, configuration:C", []string{"5: dossier acme/d2 has two configurations: want one"}},
		"g for a profile":         {head + "g, admin, client, acme/*", []string{`5: subject "admin": want user:ID or team:ID`}},
		"g for a star":            {head + "g, user:*, admin, acme/*", []string{`5: subject "user:*"`}},
		"g in the tenant alone":   {head + "g, user:a, admin, acme/", []string{`5: domain "acme/": want "acme/*" for all of the tenant, or a dossier`}},
		"g in no tenant":          {head + "g, user:a, admin, bond/*", []string{"5: bond/ is not there: it wants a row above"}},
		"g on no dossier":         {head + "g, user:a, admin, acme/d9", []string{"5: acme/d9 is not there"}},
		"g everywhere":            {head + "g, user:a, admin, *", []string{`5: domain "*": want TENANT/ or TENANT/DOSSIER`}},
		"g of any":                {head + "g, user:a, any, acme/*", []string{`5: profile "any"`}},
		"g twice":                 {head + "g, user:a, admin, acme/*\ng, user:a, admin, acme/*", []string{`6: "g, user:a, admin, acme/*" is there already`}},
		"team on a dossier":       {head + "g, user:a, team:n, acme/d1", []string{"5: team:n: want a user in a team throughout the tenant"}},
		"team in a team":          {head + "g, team:m, team:n, acme/*", []string{"5: team:n: want a user in a team throughout the tenant"}},
		"bad team":                {head + "g, user:a, team:*, acme/*", []string{`5: subject "team:*"`}},
		"check of a team":         {head + "deny, team:n, acme/, self, edit", []string{"5: team:n: only a user asks"}},
		"check nowhere":           {head + "deny, user:a, acme/d9, self, edit", []string{"5: acme/d9 is not there"}},
		"check in all":            {head + "deny, user:a, acme/*, self, edit", []string{`5: domain "acme/*"`}},
		"check of a star":         {head + "deny, user:a, acme/, *, edit", []string{`5: object "*"`}},
		"check without an action": {head + "deny, user:a, acme/, self", []string{"5: deny has 3 fields, want 4: WHO, DOMAIN, OBJECT, ACTION"}},
		"empty field":             {head + "deny, user:a, acme/, , edit", []string{"5: field 3 is empty"}},
		"never for a user":        {head + "never, user:a, *, self, edit", []string{`5: profile "user:a"`}},
		"never anywhere":          {head + "never, a, any, self, edit", []string{`5: trait "any"`}},
		"never of nonsense":       {head + "never, a, *, self edit, *", []string{`5: object "self edit"`}},
		"comment behind":          {head + "tenant, bond # b", []string{`5: "bond # b" holds a #`}},
		"all at once":             {"case, x\nx\ntenant, a b\ndeny, a", []string{"1: the case", `2: "x"`, "3: tenant id", "4: deny has"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := model.ReadScenarios("scenarios.csv", []byte(c.text))
			require.Nil(t, got)
			faults := faultsOf(t, err)
			require.Len(t, faults, len(c.want), "%q", faults)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(faults[i], "scenarios.csv:"+want), "got %s\nwant scenarios.csv:%s", faults[i], want)
			}
		})
	}
}

func TestCheckScenariosFindsUndeclaredNames(t *testing.T) {
	t.Parallel()
	p := readPack(t, packFiles(packPolicy))
	check := func(text string) []string {
		got, err := model.ReadScenarios("scenarios.csv", []byte(text))
		require.NoError(t, err)
		return faultsOf(t, p.CheckScenarios("scenarios.csv", got))
	}
	require.Empty(t, check("case, x\ntenant, acme, activated:news\ndossier, acme/d1, configuration:D, private\n"+
		"g, user:a, admin, acme/*\ng, user:a, assigned, acme/d1\ndeny, user:a, acme/d1, document:own, view\n"+
		"never, client, module:payment, staff, grant\nnever, client, *, *, *\n"))
	require.Equal(t, []string{
		`scenarios.csv:2: setting "lax": not declared in catalog.csv`,
		`scenarios.csv:3: configuration "E": not declared in catalog.csv`,
		`scenarios.csv:3: flag "wrklist": not declared in catalog.csv; did you mean "worklist"?`,
		`scenarios.csv:4: profile "boss": not declared in catalog.csv`,
		`scenarios.csv:5: permission "figure edit": not declared in catalog.csv`,
		`scenarios.csv:6: permission "staff grant": not declared in catalog.csv`,
		`scenarios.csv:7: permission "figures *": not declared in catalog.csv; did you mean "figure"?`,
		`scenarios.csv:7: profile "clint": not declared in catalog.csv; did you mean "client"?`,
		`scenarios.csv:7: module "pay": not declared in catalog.csv`,
	}, check("case, x\ntenant, acme, setting:lax\ndossier, acme/d1, configuration:E, wrklist\ng, user:a, boss, acme/*\n"+
		"deny, user:a, acme/d1, figure, edit\ndeny, user:a, acme/d1, staff, grant\nnever, clint, module:pay, figures, *\n"))
}

func FuzzReadScenarios(f *testing.F) {
	f.Add([]byte(scenarios))
	f.Add([]byte("case, x\ng, user:a, , *\nnever, *, *, *, *"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := model.ReadScenarios("scenarios.csv", text)
		if err != nil {
			require.NotEmpty(t, faultsOf(t, err))
			return
		}
		for _, s := range got {
			require.NotEmpty(t, s.Text)
			require.Positive(t, len(s.Checks)+len(s.Nevers))
			for _, r := range s.Rules {
				require.Contains(t, []string{"g", "g2"}, r.PType)
				require.NotContains(t, r.Fields(), "")
			}
			for _, c := range s.Checks {
				require.False(t, c.Domain.IsZero())
				require.True(t, strings.HasPrefix(c.Subject, "user:"))
				require.NotContains(t, c.Permission.String(), "*")
			}
		}
	})
}
