package lint_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/lint"
	"github.com/volmacht/volmacht/model"
)

// TestMatchers says of matchers whether they keep domains apart.
func TestMatchers(t *testing.T) {
	t.Parallel()
	const role, dom = "g(r.sub, p.sub, r.dom)", "g2(r.dom, p.dom)"
	for matcher, want := range map[string]string{
		role + " && " + dom: "",
		dom + " && (r.act == p.act || p.act == '*') && " + role:  "",
		"(" + role + ") && (p.dom == \"any\" || " + dom + ")":    "",
		role + " && r.dom == p.dom":                              "",
		role + " && keyMatch(r.dom, p.dom) && !(r.act != p.act)": "",
		"g( r.sub,p.sub , r.dom ) && " + dom:                     "",
		role + " && " + dom + " && r.act in ('view', 'edit')":    "",
		dom:                 "unanchored",
		role:                "unanchored",
		role + " || " + dom: "unanchored",
		role + " && (" + dom + " || r.act == 'view')":                     "unanchored",
		role + " && !" + dom:                                              "unanchored",
		"!" + role + " && " + dom:                                         "unanchored",
		role + " && p.dom == 'any'":                                       "unanchored",
		"(" + role + " || r.sub == 'user:root') && " + dom:                "unanchored",
		"g(r.sub, p.via, r.dom) && " + dom:                                "unanchored",
		"g(r.sub, p.sub, 'x/') && " + dom:                                 "unanchored",
		"g(r.sub, p.sub, r.obj) && " + dom:                                "unanchored",
		"g(r.sub, p.sub, r.dom) == false && " + dom:                       "unanchored",
		"(r.act == 'x' ? " + role + " : true) && " + dom:                  "unanchored",
		role + " && " + dom + " && (true || r.act == 'view') || false":    "unanchored",
		role + " && " + dom + " && keyMatch(r.obj)":                       "undefined",
		role + " && " + dom + " && g2(r.dom)":                             "undefined",
		role + " && " + dom + " && keymatch(r.obj, p.obj)":                "undefined",
		role + " && " + dom + " && r.obj == document":                     "undefined",
		role + " && " + dom + " && r.obj.Owner == r.sub":                  "undefined",
		role + " && " + dom + " && r.obj.Owns(r.sub)":                     "undefined",
		role + " && " + dom + " && len(r.obj) > 3":                        "undefined",
		role + " && " + dom + " && r.obj &&& p.obj":                       "undefined",
		role + " && " + dom + " && r.obj > 3":                             "undefined",
		role + " && " + dom + " && (r.act == p.act || r.act == nobody)":   "undefined",
		role + " && " + dom + " && (r.act == \"||\" || r.obj == \"a(b\")": "",
	} {
		t.Run(matcher, func(t *testing.T) {
			t.Parallel()
			_, findings := lintMatcher(t, matcher)
			if want == "" {
				want = "slow-matcher"
			}
			require.NotEmpty(t, findings)
			require.Equal(t, want, findings[0].Check, "%v", findings)
			if want == "slow-matcher" {
				require.Len(t, findings, 1, "%v", findings)
			}
		})
	}
}

// lintMatcher lints a pack with the matcher.
func lintMatcher(t *testing.T, matcher string) (conf string, findings []lint.Finding) {
	t.Helper()
	conf = engine.Standard[:strings.Index(engine.Standard, "m = ")] + "m = " + matcher + "\n"
	findings, err := lint.Files(pack(map[string]string{
		model.ModelFile: conf, model.PolicyFile: "p, boss, any, tenant, report, view, allow\n", model.CatalogFile: cleanCatalog,
	}), "office")
	require.NoError(t, err)
	return conf, findings
}

// FuzzMatcher has Casbin decide by matchers that lint calls safe: nobody gets
// in without a role in the domain, whatever the row.
func FuzzMatcher(f *testing.F) {
	for _, m := range []string{
		`g(r.sub, p.sub, r.dom) && g2(r.dom, p.dom) || r.act == "x" && !(p.obj != '*')`,
		`(r.sub == p.sub ? true : g(r.sub, p.sub, r.dom)) && r.dom in ("x/", p.dom)`,
		`!!g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && 3 > 2 ?? false`,
	} {
		f.Add(m, "user:x", "x/", "x", "view")
	}
	f.Fuzz(func(t *testing.T, matcher, subject, domain, object, action string) {
		if strings.ContainsAny(matcher, "\r\n") {
			return
		}
		conf, findings := lintMatcher(t, matcher)
		if slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Severity == lint.Error }) || subject == "boss" {
			return
		}
		var rows []engine.Row
		for _, via := range []string{"any", "boss"} {
			for _, dom := range []string{"any", "*", "tenant", domain} {
				for _, obj := range []string{"*", object} {
					if r := model.NewRule("p", "boss", via, dom, obj, "*", "allow"); dom != "" && obj != "" {
						rows = append(rows, engine.Row{Rule: r})
					}
				}
			}
		}
		e, err := engine.NewCasbin(conf, rows)
		if err != nil {
			return
		}
		allowed, err := e.Enforce(engine.Request{Subject: subject, Domain: domain, Object: object, Action: action}, time.Unix(0, 0))
		require.False(t, allowed && err == nil, "%s lets %s in", matcher, subject)
	})
}
