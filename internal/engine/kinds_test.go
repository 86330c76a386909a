package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// The kinds of model that Casbin's documentation names and that take a domain,
// each in a case of our own. Some have an index, and Casbin answers for the
// others; the answers are the same.
func TestKindsOfModel(t *testing.T) {
	t.Parallel()
	const (
		allow   = "some(where (p.eft == allow))"
		capped  = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
		plain   = "sub, dom, obj, act"
		effects = "sub, dom, obj, act, eft"
	)
	for name, kind := range map[string]struct {
		fields, links, effect, matcher string
		pack, tenant                   []string
		indexed                        bool
		allowed                        []string // of all that can be asked
	}{
		"RBAC with domains": {plain, "g = _, _, _", allow, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
			[]string{"p, baker, mill, bread, bake", "p, baker, shop, bread, sell"},
			[]string{"g, ann, baker, mill", "g, bob, baker, shop"}, true,
			[]string{"ann, mill, bread, bake", "bob, shop, bread, sell"}},
		"RBAC with domain patterns": {plain, "g = _, _, _", allow, "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && r.obj == p.obj && r.act == p.act",
			[]string{"p, baker, m*, bread, bake", "p, baker, shop, bread, sell"},
			[]string{"g, ann, baker, *", "g, bob, baker, mi*"}, true,
			[]string{"ann, mill, bread, bake", "ann, shop, bread, sell", "bob, mill, bread, bake"}},
		"resource roles": {plain, "g = _, _, _\ng2 = _, _, _", allow, "g(r.sub, p.sub, r.dom) && g2(r.obj, p.obj, r.dom) && r.dom == p.dom && r.act == p.act",
			[]string{"p, baker, mill, food, bake", "p, ann, shop, food, sell"},
			[]string{"g, ann, baker, mill", "g2, bread, food, mill", "g2, pie, food, *"}, true,
			[]string{"ann, mill, bread, bake", "ann, mill, pie, bake", "ann, shop, pie, sell"}},
		"deny": {effects, "g = _, _, _", capped, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
			[]string{"p, baker, mill, bread, bake, allow", "p, guest, mill, bread, bake, deny", "p, guest, shop, bread, sell, allow"},
			[]string{"g, ann, baker, mill", "g, bob, baker, mill", "g, bob, guest, *"}, true,
			[]string{"ann, mill, bread, bake", "bob, shop, bread, sell"}},
		"allow and deny, allowed unless denied": {effects, "g = _, _, _", engine.AllowUnlessDenied, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
			[]string{"p, guest, mill, bread, bake, deny"},
			[]string{"g, bob, guest, mill"}, true,
			[]string{"!bob, mill, bread, bake"}},
		"priority": {effects, "g = _, _, _", model.FirstMatch, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
			[]string{"p, ann, mill, bread, bake, deny", "p, baker, mill, bread, bake, allow", "p, baker, shop, bread, sell, allow", "p, bob, shop, bread, sell, deny"},
			[]string{"g, ann, baker, *", "g, bob, baker, *"}, false,
			[]string{"ann, shop, bread, sell", "bob, mill, bread, bake", "bob, shop, bread, sell"}},
		"RESTful objects": {plain, "g = _, _, _", allow, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && keyMatch(r.obj, p.obj) && (p.act == \"*\" || r.act == p.act)",
			[]string{"p, baker, mill, br*, *", "p, baker, shop, *, sell"},
			[]string{"g, ann, baker, *"}, true,
			[]string{"ann, mill, bread, bake", "ann, mill, bread, sell", "ann, shop, bread, sell", "ann, shop, pie, sell"}},
		"RESTful objects with parts": {plain, "g = _, _, _", allow, "g(r.sub, p.sub, r.dom) && r.dom == p.dom && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
			[]string{"p, baker, mill, :any, (bake)|(sell)"},
			[]string{"g, ann, baker, *"}, false,
			[]string{"ann, mill, bread, bake", "ann, mill, bread, sell", "ann, mill, pie, bake", "ann, mill, pie, sell"}},
		"a rule in the policy": {"rule, dom, obj, act", "g = _, _, _", allow, "eval(p.rule) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
			[]string{"p, r.sub != 'ann', mill, bread, bake", "p, r.sub == 'ann' && r.dom == 'shop', shop, pie, sell"},
			[]string{"g, ann, baker, mill"}, false,
			[]string{"ann, shop, pie, sell", "bob, mill, bread, bake"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			effect := strings.Replace(kind.effect, engine.AllowUnlessDenied, capped, 1)
			if kind.effect != engine.AllowUnlessDenied {
				effect = kind.effect
			}
			m, err := model.ReadModel("model.conf", []byte("[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = "+kind.fields+
				"\n[role_definition]\n"+kind.links+"\n[policy_effect]\ne = "+effect+"\n[matchers]\nm = "+kind.matcher+"\n"))
			require.NoError(t, err)
			m.Effect, m.Text = kind.effect, strings.Replace(m.Text, "e = "+effect, "e = "+kind.effect, 1)
			require.Equal(t, kind.indexed, engine.Compiles(m))
			var pack []model.Rule
			var rows, all []engine.Row
			for _, text := range slices.Concat(kind.pack, kind.tenant) {
				f := strings.Split(text, ", ")
				r := model.NewRule(f[0], f[1:]...)
				all = append(all, engine.Row{Rule: r})
				if f[0] == "p" {
					pack = append(pack, r)
				} else {
					rows = append(rows, engine.Row{Rule: r})
				}
			}
			s, err := engine.New(m, pack, nil)
			require.NoError(t, err)
			s, err = s.With(rows, nil)
			require.NoError(t, err)
			casbin, err := engine.NewCasbin(m.Text, all)
			require.NoError(t, err)
			var allowed, refused []string
			for _, sub := range []string{"ann", "bob"} {
				for _, dom := range []string{"mill", "shop"} {
					for _, obj := range []string{"bread", "pie"} {
						for _, act := range []string{"bake", "sell"} {
							q := engine.Request{Subject: sub, Domain: dom, Object: obj, Action: act}
							want, err := casbin.Enforce(q, noon)
							require.NoError(t, err)
							ok, err := s.Enforce(q, noon)
							require.NoError(t, err)
							require.Equal(t, want, ok, "%v", q)
							x, err := s.Explain(q, noon)
							require.NoError(t, err)
							require.Equal(t, want, x.Allowed, "%v", q)
							if ok {
								allowed = append(allowed, q.String())
							} else {
								refused = append(refused, "!"+q.String())
							}
						}
					}
				}
			}
			if strings.HasPrefix(kind.allowed[0], "!") {
				allowed = refused
			}
			require.Equal(t, kind.allowed, allowed)
		})
	}
}

// Rows that the tenant has of its own, p rows among them, come and go.
func TestRowsOfATenant(t *testing.T) {
	t.Parallel()
	admin := model.NewRule("p", "admin", "any", "any", "figure", "view", "allow")
	own := model.NewRule("p", "clerk", "any", "any", "figure", "view", "allow")
	clerk := model.NewRule("g", "user:a", "clerk", "x/*")
	p, err := engine.Compile(standard(t), []model.Rule{admin})
	require.NoError(t, err)
	s, err := p.Snapshot(slices.Values([]engine.Row{{Rule: clerk}}))
	require.NoError(t, err)
	q := engine.Request{Subject: "user:a", Domain: "x/d", Object: "figure", Action: "view"}
	ask := p.Question("figure", "view")
	for _, want := range []bool{true, false, true} {
		with, without := []engine.Row{{Rule: own}}, []engine.Row(nil)
		if !want {
			with, without = nil, with
		}
		s, err = s.With(with, without)
		require.NoError(t, err)
		ok, err := s.Enforce(q, noon)
		require.NoError(t, err)
		require.Equal(t, want, ok)
		ok, err = s.Decide(engine.KeyOf(q.Subject), engine.KeyOf(q.Domain), ask, time.Now)
		require.NoError(t, err)
		require.Equal(t, want, ok)
		require.Equal(t, want, s.Has(own))
		require.True(t, s.Has(clerk))
	}
	_, err = s.With([]engine.Row{{Rule: model.NewRule("g", "user:a", "clerk")}}, nil)
	require.ErrorContains(t, err, "want 3 fields")
	_, err = s.With([]engine.Row{{Rule: model.NewRule("g9", "user:a", "clerk")}}, nil)
	require.ErrorContains(t, err, "no rows of that type")
}

// Somebody with very many dossiers, and a dossier with very many people, cost
// a change no more than others and answer like others.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	p, err := engine.Compile(standard(t), []model.Rule{model.NewRule("p", "clerk", "any", "dossier", "figure", "view", "allow")})
	require.NoError(t, err)
	s, err := p.Snapshot(slices.Values([]engine.Row(nil)))
	require.NoError(t, err)
	ask := p.Question("figure", "view")
	const n = 2000
	change := func(added, removed []engine.Row) {
		s, err = s.With(added, removed)
		require.NoError(t, err)
	}
	row := func(u, d int) []engine.Row {
		return []engine.Row{{Rule: model.NewRule("g", fmt.Sprintf("user:%d", u), "clerk", fmt.Sprintf("x/%d", d))}}
	}
	for i := range n {
		change([]engine.Row{{Rule: model.NewRule("g2", fmt.Sprintf("x/%d", i), "dossier")}}, nil)
		change(row(0, i), nil)
		change(row(i+1, 0), nil)
	}
	for i := range n {
		for _, at := range [][2]int{{0, i}, {i + 1, 0}} {
			ok, err := s.Decide(engine.KeyOf(fmt.Sprintf("user:%d", at[0])), engine.KeyOf(fmt.Sprintf("x/%d", at[1])), ask, time.Now)
			require.NoError(t, err)
			require.True(t, ok, "%v", at)
		}
		ok, err := s.Decide(engine.KeyOf(fmt.Sprintf("user:%d", i+1)), engine.KeyOf("x/1"), ask, time.Now)
		require.NoError(t, err)
		require.False(t, ok)
	}
	require.Equal(t, 3*n, s.Len())
	require.Len(t, slices.Collect(s.Of("user:0")), n)
	require.Len(t, slices.Collect(s.In("x/0")), n+1)
	built, err := p.Snapshot(s.Rows())
	require.NoError(t, err)
	require.Len(t, slices.Collect(built.In("x/0")), n+1)
	for i := range n {
		change(nil, row(0, i))
		change(nil, row(i+1, 0))
		change(nil, []engine.Row{{Rule: model.NewRule("g2", fmt.Sprintf("x/%d", i), "dossier")}})
	}
	require.Zero(t, s.Len())
	require.Empty(t, slices.Collect(s.Rows()))
	require.Len(t, slices.Collect(built.Rows()), 3*n, "the one that came from it has not changed")
}

// FuzzMatcher has Casbin decide by every matcher that the index takes.
func FuzzMatcher(f *testing.F) {
	for _, m := range []string{
		`g(r.sub, p.sub, r.dom) && (p.via == "any" || g(r.sub, p.via, r.dom)) && r.act == p.act`,
		`(r.sub == 'user:a' || keyMatch(r.dom,p.dom)) && g2(r.dom, p.dom) || "*" == p.obj`,
		`g3(r.obj, p.obj) && p.act == r.act && (((r.dom == p.dom)))`,
		`p.sub == "r.sub" || p.sub == "2026-01-01" && r.sub == r.sub`,
	} {
		f.Add(m, "user:a", "x/d", "figure", "view")
	}
	f.Fuzz(func(t *testing.T, matcher, subject, domain, object, action string) {
		text := engine.Standard[:strings.Index(engine.Standard, "m = ")] + "m = " + matcher + "\n"
		m, err := model.ReadModel("model.conf", []byte(text))
		q := engine.Request{Subject: subject, Domain: domain, Object: object, Action: action}
		if err != nil || !engine.Compiles(m) || strings.ContainsAny(subject+domain+object+action, ",\x00") {
			return
		}
		rows := []engine.Row{
			{Rule: model.NewRule("p", "admin", "any", "*", "*", "*", "allow")}, {Rule: model.NewRule("p", "any", "clerk", "x/*", "figure", "view", "deny")},
			{Rule: model.NewRule("p", "clerk", "any", "dossier", "all", "edit", "allow")}, {Rule: model.NewRule("g", "user:a", "clerk", "x/*")},
			{Rule: model.NewRule("g", "clerk", "admin", "*")}, {Rule: model.NewRule("g2", "x/d", "dossier")}, {Rule: model.NewRule("g3", "figure", "all")},
		}
		s, err := engine.New(m, nil, rows)
		require.NoError(t, err)
		casbin, err := engine.NewCasbin(m.Text, rows)
		require.NoError(t, err, "%s", matcher)
		want, wantErr := casbin.Enforce(q, noon)
		got, err := s.Enforce(q, noon)
		require.Equal(t, wantErr == nil, err == nil, "%s: %v, %v", matcher, wantErr, err)
		require.Equal(t, want, got, "%s: %v", matcher, q)
	})
}
