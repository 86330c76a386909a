package model_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

const policy = `# p, profile,  via,      trait,           object,        action, effect
p,   support,   assigned, worklist,        worklist,      use,    allow
p ,  client , any , "configuration:B", figure , view , deny

  # indented comment
p, admin, support, any, *, *, allow
p, assigned, any, *, document:own, view, allow
g,   admin,     client,   *
g2,  *,         released:invoices
g3,  document:own, document
`

func TestReadRules(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as written":       policy,
		"CRLF":             strings.ReplaceAll(policy, "\n", "\r\n"),
		"no last line end": strings.TrimSuffix(policy, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, lines, err := model.ReadRules("policy.csv", []byte(text), readConf(t))
			require.NoError(t, err)
			require.Equal(t, []model.Rule{
				model.NewRule("p", "support", "assigned", "worklist", "worklist", "use", "allow"),
				model.NewRule("p", "client", "any", "configuration:B", "figure", "view", "deny"),
				model.NewRule("p", "admin", "support", "any", "*", "*", "allow"),
				model.NewRule("p", "assigned", "any", "*", "document:own", "view", "allow"),
				model.NewRule("g", "admin", "client", "*"),
				model.NewRule("g2", "*", "released:invoices"),
				model.NewRule("g3", "document:own", "document"),
			}, rules)
			require.Equal(t, []int{2, 3, 6, 7, 8, 9, 10}, lines)
		})
	}
}

func TestReadRulesReportsFaults(t *testing.T) {
	t.Parallel()
	const row = "p, a, any, any, document, view, allow"
	long := strings.Repeat("x", 101)
	cases := map[string]struct {
		text string
		want []string // without "policy.csv:"
	}{
		"capital Deny":           {"p, a, any, any, document, view, Deny", []string{`1: effect "Deny": want allow or deny`}},
		"comment after a rule":   {row + " # note", []string{`1: "allow # note" holds a #: a comment wants a line of its own`}},
		"comment after a g row":  {"g, a, b, * # note", []string{`1: "* # note" holds a #`}},
		"comment as a field":     {"g3, a, b, # note", []string{`1: "# note" holds a #`}},
		"line break in a value":  {"g3, a, \"b\np, eve, any, any, *, *, allow\"", []string{`1: a quote that does not end with its field: a value cannot hold a line break`, `2: a quote inside a field`}},
		"quote inside":           {`p, a"b, any, any, document, view, allow`, []string{`1: a quote inside a field`}},
		"blank after a quote":    {`p, "a" , any, any, document, view, allow`, []string{`1: a quote that does not end with its field`}},
		"text after a quote":     {`p, "a"b, any, any, document, view, allow`, []string{`1: a quote that does not end with its field`}},
		"escaped quote":          {`p, "a""b", any, any, document, view, allow`, []string{`1: profile "a\"b": want only`}},
		"field too few":          {"p, a, any, document, view, allow", []string{`1: p has 5 fields, want 6: sub, via, dom, obj, act, eft`}},
		"field too many":         {row + ", x", []string{`1: p has 7 fields, want 6`}},
		"comma at the end":       {row + ",", []string{`1: p has 7 fields, want 6`}},
		"g with two fields":      {"g, a, b", []string{`1: g has 2 fields, want 3: profile, profile, domain`}},
		"type alone":             {"p", []string{`1: p has 0 fields, want 6`}},
		"no type":                {", a", []string{`1: "": want p, g, g2 or g3 first`}},
		"unknown type":           {"p2, a", []string{`1: "p2": want p, g, g2 or g3 first`}},
		"capital type":           {"P, a, any, any, document, view, allow", []string{`1: "P": want p`}},
		"empty fields":           {`p, , any, "", document, " ", allow`, []string{"1: sub is empty", "1: dom is empty", "1: act is empty"}},
		"long value":             {"p, " + long + ", any, any, document, view, allow", []string{`1: sub "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is 101 bytes long, want at most 100`}},
		"subject as a profile":   {"p, user:carl, any, any, document, view, allow", []string{`1: profile "user:carl"`}},
		"any as a profile":       {"p, any, any, any, document, view, allow", []string{`1: profile "any": the word has a meaning of its own`}},
		"star as a profile":      {"p, *, any, any, document, view, allow", []string{`1: profile "*"`}},
		"team as a via":          {"p, a, team:north, any, document, view, allow", []string{`1: profile "team:north"`}},
		"other trait":            {"p, a, any, modul:x, document, view, allow", []string{`1: trait "modul:x": want configuration:, module:`}},
		"domain as a trait":      {"p, a, any, acme/d1, document, view, allow", []string{`1: trait "acme/d1"`}},
		"three-part object":      {"p, a, any, any, a:b:c, view, allow", []string{`1: object "b:c"`}},
		"action with a part":     {"p, a, any, any, document, view:own, allow", []string{`1: action "view:own"`}},
		"several in one row":     {"p, a b, so me, x:y, *a, *b, maybe", []string{"1: profile", "1: profile", "1: trait", "1: object", "1: action", "1: effect"}},
		"g for a person":         {"g, user:carl, admin, *", []string{`1: profile "user:carl"`}},
		"g in a tenant":          {"g, a, b, acme/*", []string{`1: domain "acme/*": want *`}},
		"g to itself":            {"g, a, a, *", []string{`1: "a" contains itself`}},
		"g3 to itself":           {"g3, a, a", []string{`1: "a" contains itself`}},
		"g2 of a tenant":         {"g2, acme/*, setting:x", []string{`1: domain "acme/*": want *`, `1: trait "setting:x": a pack can give a trait to every tenant only as released:`}},
		"setting for everybody":  {"g2, *, setting:x", []string{`1: trait "setting:x": a pack can give`}},
		"g3 star":                {"g3, *, document", []string{`1: object "*"`}},
		"the same row":           {row + "\n\n" + strings.ReplaceAll(row, " ", "  "), []string{`3: "p, a, any, any, document, view, allow" is already on line 1`}},
		"capitals apart":         {row + "\np, A, any, any, document, view, allow", []string{`2: "p, A, any, any, document, view, allow" differs from line 1 in capitals only`}},
		"NUL":                    {"g3, a\x00, b", []string{"1: character U+0000: want printable text and plain spaces"}},
		"tab":                    {"g3,\ta, b", []string{"1: character U+0009"}},
		"carriage return":        {"# note\rg3, a, b", []string{"1: character U+000D"}},
		"zero width":             {"g3, a\u200b, b", []string{"1: character U+200B"}},
		"no-break space":         {"g3,\u00a0a, b", []string{"1: character U+00A0"}},
		"bidi override":          {"# \u202e\ng3, a, b", []string{"1: character U+202E"}},
		"no UTF-8":               {"g3, a, b\ng3, \xff, c", []string{"2: byte 0xFF is not UTF-8"}},
		"byte order mark":        {"\ufeff" + row + "\ng, a", []string{"1: the file starts with a byte order mark", "2: g has 1 fields"}},
		"byte order mark inside": {row + "\n\ufeff" + row, []string{"2: character U+FEFF"}},
		"long line":              {row + "\n# " + strings.Repeat("x", 64<<10) + "\ng, a", []string{"2: the line is 65538 bytes long, want at most 65536", "3: g has 1 fields"}},
		"every fault at once":    {"p, a\ng, b\nx\ng3, a, \"b", []string{"1: p has", "2: g has", `3: "x"`, "4: a quote"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, lines, err := model.ReadRules("policy.csv", []byte(c.text), readConf(t))
			require.Nil(t, rules)
			require.Nil(t, lines)
			got := faultsOf(t, err)
			require.Len(t, got, len(c.want), "%q", got)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(got[i], "policy.csv:"+want), "got %s\nwant policy.csv:%s", got[i], want)
			}
		})
	}
}

func TestFaultsAreAtTheirColumn(t *testing.T) {
	t.Parallel()
	for text, column := range map[string]int{
		"p, a, any, any, document, view, Deny":        33,
		"p,   a  ,s*me  , any, document, view, allow": 10,
		`p, "a", any, any, "docu ment", view, allow`:  19,
		"g3, a, b # c":                     8,
		"g3, a\x00, b":                     6,
		"g3, ä\x00, b":                     7,
		`g3, a, b"c`:                       9,
		"p, a, any, document, view, allow": 0,
		"  p9, a, any, any, document, view, allow":             3,
		"g, user:carl, admin, *":                               4,
		"p, a, any, any, document, , allow":                    27,
		"p, a, any, any, document, view, allow # the last one": 33,
	} {
		_, _, err := model.ReadRules("policy.csv", []byte(text), readConf(t))
		var faults model.Faults
		require.True(t, errors.As(err, &faults), text)
		require.Len(t, faults, 1, text)
		require.Equal(t, 1, faults[0].Line, text)
		require.Equal(t, column, faults[0].Column, "%s: %v", text, err)
	}
}

func TestReadRulesBoundsItsWork(t *testing.T) {
	t.Parallel()
	_, _, err := model.ReadRules("policy.csv", make([]byte, 8<<20+1), readConf(t))
	require.Equal(t, []string{"policy.csv: the file is 8388609 bytes long, want at most 8388608"}, faultsOf(t, err))

	_, _, err = model.ReadRules("policy.csv", []byte(strings.Repeat("x\n", 4<<20)), readConf(t))
	got := faultsOf(t, err)
	require.Len(t, got, 10_001)
	require.Equal(t, "policy.csv:10001: too many faults: gave up here", got[10_000])
}

func TestReadRulesFollowsTheModel(t *testing.T) {
	t.Parallel()
	text := strings.Replace(conf, "sub, via, dom, obj, act, eft", "sub, obj, act", 1)
	text = strings.Replace(text, `(p.via == "any" || g(r.sub, p.via, r.dom)) && (p.dom == "any" || g2(r.dom, p.dom)) && `, "", 1)
	m, err := model.ReadModel("model.conf", []byte(text))
	require.NoError(t, err)
	rules, _, err := model.ReadRules("policy.csv", []byte("p, admin, *, *"), m)
	require.NoError(t, err)
	require.Equal(t, []model.Rule{model.NewRule("p", "admin", "*", "*")}, rules)
	_, _, err = model.ReadRules("policy.csv", []byte("p, admin, any, any, *, *, allow"), m)
	require.Equal(t, []string{"policy.csv:1: p has 6 fields, want 3: sub, obj, act"}, faultsOf(t, err))
}

func FuzzReadRules(f *testing.F) {
	f.Add([]byte(policy))
	f.Add([]byte("g3, a, \"b\n\"\"c\"\r\n\x00# x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := readConf(t)
		rules, lines, err := model.ReadRules("policy.csv", text, m)
		if err != nil {
			require.NotEmpty(t, faultsOf(t, err))
			return
		}
		require.Len(t, lines, len(rules))
		var again strings.Builder
		for _, r := range rules {
			again.WriteString(r.String() + "\n")
		}
		reread, _, err := model.ReadRules("policy.csv", []byte(again.String()), m)
		require.NoError(t, err)
		require.Equal(t, rules, reread)
	})
}
