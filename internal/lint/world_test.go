package lint_test

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

// An answered is the answers to every question in every small world.
type answered struct {
	all     []bool
	asked   []bool // those that the catalog says are asked there
	granted map[string]bool
}

// answers asks an engine with rules, which are those of p or fewer.
func answers(t *testing.T, p *model.Pack, rules []model.Rule) answered {
	t.Helper()
	a := answered{granted: map[string]bool{}}
	policy := text(p)
	for set := range 1 << len(varying) {
		if slices.ContainsFunc(varying, func(word string) bool {
			return set&(1<<slices.Index(varying, word)) != 0 && !strings.Contains(policy, word)
		}) || set&8 != 0 && strings.Contains(policy, "g2, *, released:news") { // it is set already
			continue
		}
		for _, configuration := range []string{"", "configuration:B", "configuration:C"} {
			if !strings.Contains(policy, configuration) {
				continue
			}
			e, err := engine.New(p.Model, rules, worldRows(set, configuration))
			require.NoError(t, err)
			a.ask(t, p, e)
		}
	}
	return a
}

// varying are the words of a policy on which a bit of a set matters.
var varying = []string{"module:extra", "setting:open", "both", "released:news"}

var holdings = []string{"boss", "clerk", "client", "both", "assigned"}

func worldRows(set int, configuration string) []engine.Row {
	var rows []engine.Row
	add := func(fields ...string) {
		rows = append(rows, engine.Row{Rule: model.NewRule(fields[0], fields[1:]...)})
	}
	add("g2", "t/", "tenant")
	add("g2", "t/", "t/*")
	add("g2", "t/*", "*")
	for _, d := range []string{"shared", "private"} {
		add("g2", "t/"+d, "dossier")
		add("g2", "t/"+d, d)
		add("g2", "t/"+d, "t/*")
		if configuration != "" {
			add("g2", "t/"+d, configuration)
		}
		if set&1 != 0 {
			add("g2", "t/"+d, "module:extra")
		}
	}
	if set&2 != 0 {
		add("g2", "t/*", "setting:open")
	}
	if set&8 != 0 {
		add("g2", "t/*", "released:news")
	}
	for who := range 1 << len(holdings) {
		user := fmt.Sprintf("user:%d", who)
		add("g", user, "member", "t/*")
		for i, role := range holdings {
			switch {
			case who&(1<<i) == 0:
			case role == "client" || role == "assigned" || role == "both" && set&4 != 0:
				add("g", user, role, "t/shared")
				add("g", user, role, "t/private")
				add("g", user, role, "t/closed")
			default:
				add("g", user, role, "t/*")
			}
		}
	}
	return rows
}

func (a *answered) ask(t *testing.T, p *model.Pack, e engine.Engine) {
	t.Helper()
	questions := [][2]string{
		{"report", "view"}, {"report", "edit"}, {"report:own", "view"}, {"report:own", "edit"}, {"office", "view"},
		{"profile:boss", "grant"}, {"profile:clerk", "grant"}, {"profile:client", "grant"}, {"profile:both", "grant"},
	}
	for who := range 1 << len(holdings) {
		for _, q := range questions {
			entry, listed := p.Catalog.Permission(model.Must(model.ParsePermission(q[0], q[1])))
			if !listed {
				continue
			}
			for i, domain := range []string{"t/", "t/shared", "t/private", "t/closed"} {
				place := []model.Place{model.AtTenant, model.AtDossier, model.AtDossier, 0}[i]
				ok, err := e.Enforce(engine.Request{Subject: fmt.Sprintf("user:%d", who), Domain: domain, Object: q[0], Action: q[1]}, time.Time{})
				require.NoError(t, err)
				a.all = append(a.all, ok)
				if entry.Place&place != 0 {
					a.asked = append(a.asked, ok)
					if profile, found := strings.CutPrefix(q[0], "profile:"); found && ok {
						a.granted[profile] = true
					}
				}
			}
		}
	}
}
