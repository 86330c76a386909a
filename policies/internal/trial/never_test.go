package trial_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

func TestCounterexampleIsAScenario(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ row, want string }{
		"on a dossier, with a module": {"client, module:extra, report, view", `case, "client and never report view"
tenant, acme
dossier, acme/d1, module:extra
g, user:ann, client, acme/d1
deny, user:ann, acme/d1, report, view
`},
		"with a setting": {"client, *, report, edit", `case, "client and never report edit"
tenant, acme, setting:open
dossier, acme/d1
g, user:ann, client, acme/d1
deny, user:ann, acme/d1, report, edit
`},
		"when assigned": {"clerk, private, report, view", `case, "clerk and never report view"
tenant, acme
dossier, acme/d1, private
g, user:ann, clerk, acme/*
g, user:ann, assigned, acme/d1
deny, user:ann, acme/d1, report, view
`},
		"in a tenant": {"boss, *, *, edit", `case, "boss and never report edit"
tenant, acme
g, user:ann, boss, acme/*
deny, user:ann, acme/, report, edit
`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack, scenarios := read(t, policy, "case, x\nnever, "+c.row)
			wrong, err := trial.Try(trial.Ours, pack, "s.csv", scenarios)
			require.NoError(t, err)
			require.Len(t, wrong, 1)
			require.Equal(t, c.want, wrong[0].Scenario)
			require.Contains(t, wrong[0].Message, "by policy.csv:")
		})
	}
}

// A group stands for what is in it, and a whole not for its part.
func TestNeverOfAGroup(t *testing.T) {
	t.Parallel()
	grants := policy + "p, boss, any, tenant, staff, grant, allow\np, visitor, any, tenant, profile:visitor, grant, allow\n" +
		"g3, profile:clerk, office\ng3, office, staff\ng3, report:draft, report:own\np, visitor, any, tenant, report:draft, edit, allow\n"
	for row, want := range map[string]string{
		"boss, *, staff, grant":            `"profile:clerk grant" is allowed`,
		"boss, *, office, *":               `"profile:clerk grant" is allowed`,
		"visitor, *, staff, *":             "",
		"visitor, *, report, view":         "",
		"visitor, *, report:own, edit":     "",
		"visitor, *, report:own, view":     `"report:own view" is allowed`,
		"visitor, *, profile:visitor, *":   `"profile:visitor grant" is allowed`,
		"visitor, *, profile:clerk, *":     "",
		"clerk, private, report:own, view": `"report:own view" is allowed`,
	} {
		pack, scenarios := read(t, grants, "case, x\nnever, "+row)
		require.NoError(t, pack.CheckScenarios("s.csv", scenarios), row)
		wrong, err := trial.Try(trial.Ours, pack, "s.csv", scenarios)
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, wrong, row)
			continue
		}
		require.Len(t, wrong, 1, row)
		require.Contains(t, wrong[0].Message, want, row)
	}
}

// A draw is a random pack and random never rows, of few enough words that they
// meet.
type draw struct{ *rand.Rand }

func (d draw) pick(words ...string) string { return words[d.IntN(len(words))] }

func (d draw) policy() string {
	rows := map[string]bool{}
	for range 3 + d.IntN(8) {
		rows[fmt.Sprintf("p, %s, %s, %s, %s, %s, %s\n",
			d.pick("boss", "clerk", "client", "member", "assigned"), d.pick("any", "any", "assigned", "client"),
			d.pick("any", "tenant", "dossier", "shared", "private", "configuration:B", "module:extra", "setting:open", "activated:x"),
			d.pick("report", "report", "report:own", "*"), d.pick("view", "edit", "*"), d.pick("allow", "allow", "deny"))] = true
	}
	if d.IntN(2) == 0 {
		rows["g, boss, client, *\n"] = true
	}
	text := "g3, report:own, report\n"
	for r := range rows {
		text += r
	}
	return text
}

func (d draw) never() string {
	return "never, " + strings.Join([]string{
		d.pick("boss", "clerk", "client", "visitor", "member"),
		d.pick("*", "*", "tenant", "dossier", "shared", "private", "configuration:B", "module:extra", "setting:open", "activated:x", "released:y"),
		d.pick("*", "report", "report:own"), d.pick("*", "view", "edit"),
	}, ", ")
}

// A never row holds exactly when plain Casbin allows what it rules out nowhere:
// in no tenant and no dossier with any traits, to nobody. And when it does not
// hold, the scenario that comes with it is a check that fails.
func TestNeverEqualsBruteForce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := draw{rand.New(rand.NewPCG(seed, 0))}
	packs, broken, held := 10, 0, 0
	if testing.Short() {
		packs = 3
	}
	for range packs {
		policy := d.policy()
		if !strings.Contains(policy, "p, ") {
			continue
		}
		worlds := everyWorld(t, policy)
		for range 20 {
			row := d.never()
			pack, scenarios := read(t, policy, "case, x\n"+row)
			wrong, err := trial.Try(trial.Ours, pack, "s.csv", scenarios)
			require.NoError(t, err)
			want := ""
			for _, w := range worlds {
				if want = w.breaks(scenarios[0].Nevers[0]); want != "" {
					break
				}
			}
			require.Equal(t, want != "", len(wrong) == 1, "%s: found %v, want %q, with\n%s", row, wrong, want, policy)
			if want == "" {
				held++
				continue
			}
			broken++
			_, pasted := read(t, policy, wrong[0].Scenario)
			again, err := trial.Try(trial.Casbin, pack, "s.csv", pasted)
			require.NoError(t, err)
			require.Len(t, again, 1, "%s\n%s", wrong[0].Scenario, policy)
		}
	}
	require.Greater(t, broken, packs)
	require.Greater(t, held, packs)
}

// A casbinWorld is one tenant with one dossier, and what Casbin allows there.
type casbinWorld struct {
	traits  map[string][]string // by domain
	allowed map[string]bool     // by key
}

func key(profile string, assigned bool, domain string, p [2]string) string {
	return fmt.Sprintf("%s (assigned: %t), %s, %s", profile, assigned, domain, p)
}

// permissions are those of the catalog.
var permissions = [][2]string{
	{"report", "view"}, {"report", "edit"}, {"report:own", "view"}, {"report:own", "edit"},
	{"profile:boss", "grant"}, {"profile:clerk", "grant"}, {"profile:client", "grant"}, {"profile:visitor", "grant"},
}

func (w casbinWorld) breaks(n model.Never) string {
	for _, domain := range []string{"a/", "a/d"} {
		if !n.Trait.IsZero() && !slices.Contains(w.traits[domain], n.Trait.String()) {
			continue
		}
		for _, assigned := range []bool{false, true} {
			for _, p := range permissions {
				q := key(n.Profile.String(), assigned, domain, p)
				if (n.Object == "*" || n.Object == p[0]) && (n.Action == "*" || n.Action == p[1]) && w.allowed[q] {
					return q + " in " + strings.Join(w.traits[domain], ", ")
				}
			}
		}
	}
	return ""
}

// everyWorld asks Casbin all there is to ask, with any of the traits.
func everyWorld(t *testing.T, policy string) []casbinWorld {
	t.Helper()
	pack, _ := read(t, policy, "case, x\nnever, boss, *, *, *")
	onDossier := []string{"private", "configuration:B", "module:extra"}
	inTenant := []string{"setting:open", "activated:x", "released:y"}
	var worlds []casbinWorld
	for set := range 1 << 6 {
		w := casbinWorld{
			traits:  map[string][]string{"a/": {"tenant"}, "a/d": {"dossier", "shared"}},
			allowed: map[string]bool{},
		}
		var rows []engine.Row
		for _, r := range pack.Rules {
			rows = append(rows, engine.Row{Rule: r})
		}
		add := func(ptype string, fields ...string) {
			rows = append(rows, engine.Row{Rule: model.NewRule(ptype, fields...)})
		}
		for i, trait := range onDossier {
			if set&(1<<i) != 0 {
				w.traits["a/d"] = append(w.traits["a/d"], trait)
			}
		}
		if set&1 != 0 {
			w.traits["a/d"] = slices.DeleteFunc(w.traits["a/d"], func(s string) bool { return s == "shared" })
		}
		for i, trait := range inTenant {
			if set&(8<<i) != 0 {
				w.traits["a/d"] = append(w.traits["a/d"], trait)
				w.traits["a/"] = append(w.traits["a/"], trait)
			}
		}
		for domain, traits := range w.traits {
			for _, trait := range traits {
				add("g2", domain, trait)
			}
		}
		profiles := map[string]string{"boss": "a/*", "clerk": "a/*", "visitor": "a/*", "member": "a/*", "client": "a/d"}
		for profile, held := range profiles {
			for _, assigned := range []bool{false, true} {
				who := fmt.Sprint("user:", profile, assigned)
				add("g", who, profile, held)
				if profile != "member" {
					add("g", who, "member", "a/*")
				}
				if assigned {
					add("g", who, "assigned", "a/d")
				}
			}
		}
		e, err := engine.NewCasbin(pack.Model.Text, rows)
		require.NoError(t, err)
		for profile := range profiles {
			for _, assigned := range []bool{false, true} {
				for _, domain := range []string{"a/", "a/d"} {
					for _, p := range permissions {
						ok, err := e.Enforce(engine.Request{Subject: fmt.Sprint("user:", profile, assigned), Domain: domain, Object: p[0], Action: p[1]}, time.Time{})
						require.NoError(t, err)
						w.allowed[key(profile, assigned, domain, p)] = ok
					}
				}
			}
		}
		worlds = append(worlds, w)
	}
	return worlds
}
