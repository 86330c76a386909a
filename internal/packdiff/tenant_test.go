package packdiff_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/model"
)

var noon = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

func row(ptype string, fields ...string) engine.Row {
	return engine.Row{Rule: model.NewRule(ptype, fields...)}
}

// office is the rows of a tenant with some dossiers.
func office(dossiers ...string) []engine.Row {
	rows := []engine.Row{row("g2", "acme/", "tenant"), row("g2", "acme/", "acme/*"), row("g2", "acme/*", "*")}
	for _, d := range dossiers {
		rows = append(rows, row("g2", d, "dossier"), row("g2", d, "acme/*"))
	}
	return rows
}

func TestTenant(t *testing.T) {
	t.Parallel()
	over := row("g", "user:tim", "client", "acme/d2")
	over.Until = noon
	soon := row("g", "user:sue", "client", "acme/d2")
	soon.From = noon.Add(time.Hour)
	rows := append(office("acme/d1", "acme/d2", "acme/d3"), over, soon,
		row("g2", "acme/d1", "configuration:B"), row("g2", "acme/d2", "configuration:B"),
		row("g", "user:kim", "client", "acme/d1"), row("g", "user:kim", "client", "acme/d2"), row("g", "user:kim", "client", "acme/d3"),
		row("g", "user:ann", "team:north", "acme/*"), row("g", "user:ann", "clerk", "acme/*"),
		row("g", "team:north", "assigned", "acme/d2"),
	)
	old := read(t, base, catalog)
	new := read(t, replace(replace(base, "p, anyone, any, configuration:B, report, view, deny\n", ""), "p, clerk, assigned", "p, clerk, client"), catalog)
	people, err := packdiff.Tenant(old, new, rows, noon)
	require.NoError(t, err)
	view := model.Must(model.ParsePermission("report", "view"))
	require.Equal(t, []packdiff.PersonChange{
		{Gain: true, User: user("kim"), Permission: view, Domains: []model.Domain{domain("acme/d1"), domain("acme/d2")}},
		{User: user("ann"), Permission: view, Domains: []model.Domain{domain("acme/d2")}},
	}, people)

	people, err = packdiff.Tenant(old, old, rows, noon)
	require.NoError(t, err)
	require.Empty(t, people)
}

func user(id string) model.UserID     { return model.Must(model.ParseUserID(id)) }
func domain(text string) model.Domain { return model.Must(model.ParseDomain(text)) }

// Tenant says what plain Casbin answers before and after, to everybody about
// everything.
func TestTenantEqualsBruteForce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := draw{rand.New(rand.NewPCG(seed, 1))}
	rounds, told := 150, 0
	if testing.Short() {
		rounds = 30
	}
	domains := []string{"acme/", "acme/d1", "acme/d2", "acme/d3"}
	users := []string{"ann", "ben", "kim"}
	// At least that many, and on until enough has changed to have said something.
	for round := 0; round < rounds || told <= rounds/2; round++ {
		require.Less(t, round, 10*rounds, "next to nothing changes")
		oldText, newText := d.policies()
		packs := []*model.Pack{read(t, oldText, catalog), read(t, newText, catalog)}
		rows := d.rows(domains, users)
		people, err := packdiff.Tenant(packs[0], packs[1], rows, noon)
		require.NoError(t, err)
		said := map[string]bool{}
		for _, p := range people {
			for _, in := range p.Domains {
				said[fmt.Sprint(p.User, in, p.Permission, p.Gain)] = true
			}
		}
		told += len(said)
		var casbin []engine.Engine
		for _, p := range packs {
			all := append([]engine.Row(nil), rows...)
			for _, r := range p.Rules {
				all = append(all, engine.Row{Rule: r})
			}
			e, err := engine.NewCasbin(engine.Standard, all)
			require.NoError(t, err)
			casbin = append(casbin, e)
		}
		want := map[string]bool{}
		for _, u := range users {
			for _, in := range domains {
				for _, q := range questions {
					if (q.place == model.AtDossier) != domain(in).IsDossier() {
						continue
					}
					var got [2]bool
					for i, e := range casbin {
						got[i], err = e.Enforce(engine.Request{Subject: "user:" + u, Domain: in, Object: "report", Action: q.permission.Action()}, noon)
						require.NoError(t, err)
					}
					if got[0] != got[1] {
						want[fmt.Sprint(user(u), domain(in), q.permission, got[1])] = true
					}
				}
			}
		}
		require.Equal(t, want, said, "%s\n%s\n%v", oldText, newText, rows)
	}
}

// rows draws those of a tenant: who holds what, in teams too and for some time,
// and what is true of the dossiers.
func (d draw) rows(domains, users []string) []engine.Row {
	rows := office(domains[1:]...)
	seen := map[model.Rule]bool{}
	add := func(fields ...string) {
		r := row("g", fields...)
		switch d.IntN(6) {
		case 0:
			r.From = noon.Add(time.Duration(d.IntN(3)-1) * time.Hour)
		case 1:
			r.Until = noon.Add(time.Duration(d.IntN(3)-1) * time.Hour)
		}
		if !seen[r.Rule] {
			seen[r.Rule] = true
			rows = append(rows, r)
		}
	}
	for _, in := range domains[1:] {
		for _, trait := range d.traits() {
			if d.IntN(3) > 0 {
				rows = append(rows, row("g2", in, trait))
			}
		}
	}
	for _, u := range users {
		if d.IntN(4) > 0 {
			add("user:"+u, "member", "acme/*")
		}
		if d.IntN(2) > 0 {
			add("user:"+u, "team:north", "acme/*")
		}
	}
	for range 3 + d.IntN(8) {
		who := d.pick("user:ann", "user:ben", "user:kim", "team:north")
		add(who, d.pick("boss", "clerk", "client", "assigned"), d.pick("acme/*", "acme/d1", "acme/d2", "acme/d3"))
	}
	return rows
}
