package model_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

// conf is the model of all packs, as untidy as it may be.
const conf = `# comment
[request_definition]
r=sub,dom , obj,act

[policy_definition]
  p = sub, via, dom, obj, act, eft
[role_definition]
g = _,_,_
g2 = _, _
g3 = _, _
[policy_effect]
e = some(where (p.eft==allow))&&!some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub, r.dom) && (p.via == "any" || g(r.sub, p.via, r.dom)) && (p.dom == "any" || g2(r.dom, p.dom)) && (p.obj == "*" || g3(r.obj, p.obj)) && (p.act == "*" || r.act == p.act)
`

func readConf(t *testing.T) *model.Model {
	t.Helper()
	m, err := model.ReadModel("model.conf", []byte(conf))
	require.NoError(t, err)
	return m
}

// faultsOf returns the faults in err, one a string.
func faultsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	require.ErrorIs(t, err, model.ErrInvalid)
	var faults model.Faults
	require.True(t, errors.As(err, &faults))
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, len(faults), "one a line")
	for i, f := range faults {
		require.ErrorIs(t, f, model.ErrInvalid)
		require.Equal(t, f.Error(), lines[i])
	}
	return lines
}

func TestReadModelTidies(t *testing.T) {
	t.Parallel()
	m := readConf(t)
	require.Equal(t, []string{"sub", "via", "dom", "obj", "act", "eft"}, m.Fields)
	require.Equal(t, 2, m.Field("dom"))
	require.Equal(t, -1, m.Field("owner"))
	require.Equal(t, map[string]int{"g": 3, "g2": 2, "g3": 2}, m.Links)
	require.Equal(t, model.DenyOverride, m.Effect)
	require.True(t, strings.HasPrefix(m.Matcher, "g(r.sub"))
	require.True(t, strings.HasPrefix(m.Text, "[request_definition]\nr = sub, dom, obj, act\n\n[policy_definition]\n"), m.Text)

	crlf, err := model.ReadModel("model.conf", []byte(strings.ReplaceAll(conf, "\n", "\r\n")))
	require.NoError(t, err)
	require.Equal(t, m, crlf, "line ends mean nothing")
	again, err := model.ReadModel("model.conf", []byte(m.Text))
	require.NoError(t, err)
	require.Equal(t, m, again)
}

func TestReadModelReportsFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		old, new string // a change of conf
		want     []string
	}{
		"comment behind a definition": {"_,_,_", "_,_,_ # who", []string{
			`model.conf:8: "g = _,_,_ # who": want no #, ; or \ in a definition; a comment wants a line of its own`,
			`model.conf: no g in [role_definition]`, `m: g is not defined`, `m: g is not defined`}},
		"hash in the matcher": {`== "any"`, `== "#"`, []string{`want no #, ; or \`, `no m in [matchers]`}},
		"semicolon comment":   {"# comment", "; comment", []string{`model.conf:1: "; comment": want key = value`}},
		"continued line":      {"g3 = _, _", "g3 = _, \\\n_", []string{`model.conf:10:`, `model.conf:11:`, `m: g3 is not defined`}},
		"other request":       {"sub,dom , obj,act", "sub, obj, act", []string{`model.conf:3: r = sub, obj, act: want sub, dom, obj, act`}},
		"seven fields":        {"act, eft\n", "act, eft, x\n", []string{`model.conf:6: p has 7 fields: casbin_rule has room for 6`}},
		"field twice":         {"sub, via,", "sub, sub,", []string{`model.conf:6: p: field sub is given twice`, `m: p.via is not defined`, `m: p.via is not defined`}},
		"bad field":           {"sub, via,", "sub, Via,", []string{`model.conf:6: p: field "Via": want a lower-case name`, `p.via`, `p.via`}},
		"no sub":              {"p = sub, via", "p = who, via", []string{`p.sub is not defined`}},
		"no obj":              {"dom, obj, act, eft", "dom, it, act, eft", []string{`p has no field obj`, `p.obj is not defined`, `p.obj is not defined`}},
		"four-field g":        {"_,_,_", "_, _, _, _", []string{`model.conf:8: g = _, _, _, _: want _, _, or _, _, _ for links in a domain`}},
		"link without blanks": {"g3 = _, _", "g3 = a, b", []string{`model.conf:10: g3 = a, b: want _, _, or`}},
		"seventh link":        {"g3 = _, _", "g3 = _, _\ng7 = _, _", []string{`model.conf:11: "g7" in [role_definition]: want g, g2, g3`}},
		"gap in the links":    {"g2 = _, _", "g4 = _, _", []string{`model.conf:10: g3 without g2`, `model.conf:9: g4 without g2`, `m: g2 is not defined`, `m: g3 is not defined`}},
		"second matcher":      {"m = ", "m = true\nm = ", []string{`model.conf:15: m is already on line 14`}},
		"m2":                  {"m = ", "m2 = true\nm = ", []string{`model.conf:14: "m2" in [matchers]: want m`}},
		"allow unless denied": {"some(where (p.eft==allow))&&", "", []string{`model.conf:12: e = !some(where (p.eft == deny)): want some(`}},
		"subject priority":    {"some(where (p.eft==allow))&&!some(where (p.eft == deny))", "subjectPriority(p.eft) || deny", []string{`model.conf:12: e = subjectPriority`}},
		"unknown section":     {"[matchers]", "[matcher]", []string{`model.conf:13: section [matcher]: want one of request_definition`}},
		"section twice":       {"[role_definition]", "[policy_definition]\n[role_definition]", []string{`model.conf:7: section [policy_definition] is already on line 5`}},
		"missing section":     {"[policy_effect]\ne = some(where (p.eft==allow))&&!some(where (p.eft == deny))\n", "", []string{`model.conf: no e in [policy_effect]`}},
		"before any section":  {"# comment", "g = _, _, _", []string{`model.conf:1: "g = _, _, _" stands before the first section`}},
		"misspelt field":      {"r.act == p.act", "r.act == p.action", []string{`model.conf:14: m: p.action is not defined`}},
		"unknown request":     {"r.act == p.act", "r.owner == p.act", []string{`m: r.owner is not defined`}},
		"second policy":       {"r.act == p.act", "r.act == p2.act", []string{`m: p2.act is not defined`}},
		"unknown link":        {"g3(r.obj", "g4(r.obj", []string{`m: g4 is not defined`}},
		"open parenthesis":    {"r.act == p.act)", "r.act == p.act", []string{`m: the parentheses do not match`}},
		"lookalike":           {"r.act == p.act", "r.act == p.аct", []string{`m: want ASCII`}},
		"no value":            {"g2 = _, _", "g2 =", []string{`model.conf:9: "g2 =": want key = value, on one line`, `g3 without g2`, `m: g2 is not defined`, `m: g3 is not defined`}},
		"no equals sign":      {"g2 = _, _", "g2", []string{`model.conf:9: "g2"`, `g3 without g2`, `m: g2 is not defined`, `m: g3 is not defined`}},
		"long definition":     {"r.act == p.act", strings.Repeat("r.act == p.act || ", 300) + "true", []string{`model.conf:14: the definition is`, `no m`}},
		"tab":                 {"g2 = _, _", "\tg2 = _, _", []string{`model.conf:9: character U+0009: want printable text`, `g3 without g2`, `m: g2 is not defined`, `m: g3 is not defined`}},
		"byte order mark":     {"# comment", "\ufeff# comment", []string{`model.conf:1: the file starts with a byte order mark`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(conf, c.old, c.new, 1)
			require.NotEqual(t, conf, text)
			_, err := model.ReadModel("model.conf", []byte(text))
			got := faultsOf(t, err)
			require.Len(t, got, len(c.want), "%q", got)
			for _, want := range c.want {
				require.Contains(t, strings.Join(got, "\n"), want)
			}
		})
	}
	_, err := model.ReadModel("model.conf", nil)
	require.Len(t, faultsOf(t, err), 5, "an empty file lacks every definition")
}

// The groupings, the fields of a row and, of the effects, the one that goes by
// the order of rules are the author's.
func TestReadModelTakesOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		links map[string]int
	}{
		"RBAC with domains": {"p = sub, dom, obj, act\n[role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n" +
			"[matchers]\nm = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act", map[string]int{"g": 3}},
		"resource roles": {"p = sub, obj, act\n[role_definition]\ng = _, _\ng2 = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n" +
			"[matchers]\nm = g(r.sub, p.sub) && g2(r.obj, p.obj, r.dom) && r.act == p.act", map[string]int{"g": 2, "g2": 3}},
		"a rule in the policy": {"p = sub_rule, dom, obj, act, eft\n[role_definition]\ng = _, _, _\n[policy_effect]\ne = priority(p.eft) || deny\n" +
			"[matchers]\nm = eval(p.sub_rule) && r.act == p.act", map[string]int{"g": 3}},
	} {
		m, err := model.ReadModel("model.conf", []byte("[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\n"+c.text))
		require.NoError(t, err, name)
		require.Equal(t, c.links, m.Links, name)
		again, err := model.ReadModel("model.conf", []byte(m.Text))
		require.NoError(t, err, name)
		require.Equal(t, m, again, name)
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte(conf))
	f.Add([]byte("[matchers]\nm = \"\xff\n[]\n = \n[x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := model.ReadModel("model.conf", text)
		if err != nil {
			require.NotEmpty(t, faultsOf(t, err))
			return
		}
		again, err := model.ReadModel("model.conf", []byte(m.Text))
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
