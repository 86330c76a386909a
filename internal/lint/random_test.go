package lint_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/lint"
	"github.com/volmacht/volmacht/model"
)

const randomCatalog = `pack, office, , 1, a, b, c
profile, boss, tenant, , a, b, c
profile, clerk, tenant, , a, b, c
profile, client, dossier, , a, b, c
profile, both, tenant dossier, , a, b, c
profile, group, none, , a, b, c
profile, ghost, none, , a, b, c
profile, member, none, , a, b, c
permission, report view, dossier, , a, b, c
permission, report edit, tenant dossier, , a, b, c
permission, office view, tenant, , a, b, c
configuration, B, , , a, b, c
configuration, C, , , a, b, c
module, extra, , , a, b, c
setting, open, , , a, b, c
`

// TestRowsThatDecideNothing goes through every small world to see that no
// answer changes without the rows that lint reports, and that some answer
// changes without any other.
func TestRowsThatDecideNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	packs := 40
	if testing.Short() {
		packs = 10
	}
	reported := map[string]int{}
	unseen := func() []string { // a check that never finds anything would pass
		return slices.DeleteFunc([]string{"shadowed", "idle-deny", "idle-link", "inapplicable"}, func(name string) bool { return reported[name] > 0 })
	}
	for n := 0; n < packs || len(unseen()) > 0; n++ {
		require.Less(t, n, 1000, "never found: %v", unseen())
		p := randomPack(t, r)
		before := answers(t, p, p.Rules)
		dead, nobody := map[int]bool{}, map[string]bool{}
		for _, f := range lint.Pack(p) {
			reported[f.Check]++
			if f.Check == "unreachable" { // reported once, for all of its rows
				nobody[strings.Split(f.Message, `"`)[1]] = true
			}
			if f.File != model.PolicyFile {
				continue
			}
			row := slices.IndexFunc(p.Rules, func(r model.Rule) bool { return p.Line(slices.Index(p.Rules, r)) == f.Line })
			switch f.Check {
			case "unreachable", "escalation", "any-trait", "unset-trait":
				continue
			case "unchecked", "cycle", "chain":
				t.Fatal(f)
			}
			dead[row] = true
			if f.Check == "inapplicable" { // where the catalog has it asked
				require.Equal(t, before.asked, answers(t, p, without(p.Rules, row)).asked, "%s in\n%s", f, text(p))
			} else {
				require.Equal(t, before.all, answers(t, p, without(p.Rules, row)).all, "%s in\n%s", f, text(p))
			}
		}
		rest := without(p.Rules, slices.Collect(keys(dead))...)
		left := answers(t, p, rest)
		require.Equal(t, before.asked, left.asked, "all reported together in\n%s", text(p))
		for i, rule := range p.Rules {
			if dead[i] || rule.PType != "p" || nobody[rule.V[0]] || nobody[rule.V[1]] {
				continue
			}
			if !slices.Equal(before.all, answers(t, p, without(p.Rules, i)).all) {
				continue
			}
			// Of rows that stand in for each other, one is reported and one is
			// not: a deny may have what it denies, or its stand-in, among those.
			undenied := without(p.Rules, slices.Collect(denies(p.Rules, dead))...)
			require.True(t, changes(t, p, rest, rule) || changes(t, p, undenied, rule),
				"%s decides nothing, and is not reported, in\n%s", rule, text(p))
		}
	}
}

// TestWhoMayGrant asks in every small world whether somebody may grant what
// lint says nobody may, and the other way round.
func TestWhoMayGrant(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	packs := 100
	if testing.Short() {
		packs = 20
	}
	var yes, no int
	for range packs {
		p := randomPack(t, r)
		var nobody []string
		for _, f := range lint.Pack(p) {
			if f.Check == "ungrantable" {
				nobody = append(nobody, f.Message)
			}
		}
		allowed := answers(t, p, p.Rules).granted
		for _, profile := range []string{"boss", "clerk", "client", "both"} {
			reported := slices.ContainsFunc(nobody, func(m string) bool { return strings.Contains(m, `profile "`+profile+`"`) })
			require.Equal(t, !allowed[profile], reported, "%s in\n%s", profile, text(p))
			if reported {
				no++
			} else {
				yes++
			}
		}
	}
	require.Positive(t, yes)
	require.Positive(t, no)
}

// changes reports whether answers by rules change without the rule.
func changes(t *testing.T, p *model.Pack, rules []model.Rule, rule model.Rule) bool {
	t.Helper()
	return !slices.Equal(answers(t, p, rules).all, answers(t, p, without(rules, slices.Index(rules, rule))).all)
}

func denies(rules []model.Rule, rows map[int]bool) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range rows {
			if rules[i].PType == "p" && rules[i].V[5] == "deny" && !yield(i) {
				return
			}
		}
	}
}

func keys(set map[int]bool) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range set {
			if !yield(i) {
				return
			}
		}
	}
}

func without(rules []model.Rule, rows ...int) []model.Rule {
	var rest []model.Rule
	for i, r := range rules {
		if !slices.Contains(rows, i) {
			rest = append(rest, r)
		}
	}
	return rest
}

func text(p *model.Pack) string {
	var b strings.Builder
	for i, r := range p.Rules {
		fmt.Fprintf(&b, "%d: %s\n", p.Line(i), r)
	}
	return b.String()
}

// randomPack returns a pack with few enough names that its rows meet.
func randomPack(t *testing.T, r *rand.Rand) *model.Pack {
	t.Helper()
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	for {
		var b strings.Builder
		for range 3 + r.IntN(9) {
			object, action := pick("report", "report", "office", "report:own", "papers", "*", "profile:boss", "profile:client", "profiles"), "*"
			switch object {
			case "report", "report:own", "*", "papers":
				action = pick("view", "edit", "*")
			case "office":
				action = pick("view", "*")
			default:
				action = pick("grant", "*")
			}
			fmt.Fprintf(&b, "p, %s, %s, %s, %s, %s, %s\n",
				pick("boss", "clerk", "client", "both", "group", "group", "ghost", "member", "assigned"),
				pick("any", "any", "any", "assigned", "group", "boss"),
				pick("tenant", "dossier", "*", "any", "shared", "private", "configuration:B", "configuration:C", "module:extra", "setting:open", "released:news"),
				object, action, pick("allow", "allow", "deny"))
		}
		for range r.IntN(4) {
			fmt.Fprintf(&b, "g, %s, %s, *\n", pick("boss", "clerk", "client", "both", "member"), pick("group", "clerk", "both"))
		}
		b.WriteString("g3, report:own, report\n")
		for range r.IntN(3) {
			b.WriteString(pick("g3, report, papers\n", "g3, office, papers\n", "g3, profile:boss, profiles\n", "g3, profile:clerk, profiles\n", "g2, *, released:news\n"))
		}
		p, err := model.ReadPack(fstest.MapFS{
			model.ModelFile:   {Data: []byte(engine.Standard)},
			model.PolicyFile:  {Data: []byte(b.String())},
			model.CatalogFile: {Data: []byte(randomCatalog)},
		}, "office")
		var faults model.Faults
		if errors.As(err, &faults) { // a row twice, or a group that is empty
			continue
		}
		require.NoError(t, err)
		if slices.ContainsFunc(lint.Pack(p), func(f lint.Finding) bool { return f.Check == "cycle" }) {
			continue
		}
		return p
	}
}
