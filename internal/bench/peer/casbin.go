package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/casbin/casbin/v2"
	casbinmodel "github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"

	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

const casbinModule = "github.com/casbin/casbin/v2"

// Casbin decides by the very p rows of the pack, in RBAC with domains and
// resource roles as its documentation has them. Two things differ from the rows
// that Volmacht keeps, both to Casbin's good. The request names the office as
// well as the dossier, and what is held throughout an office is held in the
// office's own domain: a domain pattern instead makes Casbin match all patterns
// and domains with each other when it loads, which at M takes minutes. For the
// same reason every client user holds client_user beside the profile, as the row
// that contains the one in the other everywhere is such a pattern.
//
// The matcher asks the cheap things first, as the documentation advises: a plain
// comparison spares the calls of g.
const casbinMatcher = `(p.act == "*" || r.act == p.act) && (p.obj == "*" || g3(r.obj, p.obj)) && ` +
	`(p.dom == "any" || g2(r.dom, p.dom)) && (g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, r.ten)) && ` +
	`(p.via == "any" || g(r.sub, p.via, r.dom))`

const casbinDefinitions = `
[role_definition]
g = _, _, _
g2 = _, _
g3 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
`

// Shared: the p rows are there once, for all offices.
const casbinShared = `
[request_definition]
r = ten, sub, dom, obj, act

[policy_definition]
p = sub, via, dom, obj, act, eft
` + casbinDefinitions + `
[matchers]
m = ` + casbinMatcher

// Per tenant: every office has rows of its own, as in the documentation's first
// example of RBAC with domains, so that one can differ from another.
const casbinPerTenant = `
[request_definition]
r = ten, sub, dom, obj, act

[policy_definition]
p = ten, sub, via, dom, obj, act, eft
` + casbinDefinitions + `
[matchers]
m = r.ten == p.ten && ` + casbinMatcher

// enforcer is what the three kinds have in common.
type enforcer interface {
	Enforce(...any) (bool, error)
	BatchEnforce([][]any) ([]bool, error)
	AddGroupingPolicies([][]string) (bool, error)
	RemoveGroupingPolicies([][]string) (bool, error)
}

type casbinEngine struct {
	w      *world.World
	e      enforcer
	cached bool
}

func newCasbin(_ context.Context, w *world.World) (Engine, error) {
	e, err := casbin.NewEnforcer()
	if err == nil {
		err = loadCasbin(e, w, casbinShared, false)
	}
	return &casbinEngine{w: w, e: e}, err
}

func newCasbinTenants(_ context.Context, w *world.World) (Engine, error) {
	e, err := casbin.NewEnforcer()
	if err == nil {
		err = loadCasbin(e, w, casbinPerTenant, true)
	}
	return &casbinEngine{w: w, e: e}, err
}

func newCasbinCached(_ context.Context, w *world.World) (Engine, error) {
	e, err := casbin.NewSyncedCachedEnforcer()
	if err == nil {
		err = loadCasbin(e.SyncedEnforcer.Enforcer, w, casbinShared, false)
	}
	return &casbinEngine{w: w, e: e, cached: true}, err
}

func loadCasbin(e *casbin.Enforcer, w *world.World, text string, tenants bool) error {
	m, err := casbinmodel.NewModelFromString(text)
	if err != nil {
		return err
	}
	if err := e.InitWithModelAndAdapter(m, nil); err != nil {
		return err
	}
	own := w.Copy()
	load := func(r model.Rule, before ...string) {
		if err == nil {
			err = persist.LoadPolicyArray(append(append([]string{r.PType}, before...), r.Fields()...), m)
		}
	}
	for _, r := range accountancy.Pack().Rules {
		if r.PType == "g" {
			continue // client users hold client_user beside
		}
		if r.PType != "p" || !tenants {
			load(r)
			continue
		}
		for _, o := range own.Offices {
			load(r, o.ID+"/")
		}
	}
	own.Rules(func(_ int32, r model.Rule) {
		if r.PType == "g" {
			r.V[2] = strings.TrimSuffix(r.V[2], "*") // what holds throughout an office
		}
		load(r)
	})
	for _, p := range own.Places {
		load(clientRule(own, p))
	}
	if err != nil {
		return err
	}
	return e.BuildRoleLinks()
}

func (c *casbinEngine) request(q world.Check) []any {
	office := model.TenantDomain(c.w.Tenant(q.Office)).String()
	return []any{office, c.w.Subject(q.User).String(), c.w.Domain(q).String(), q.Permission.Object(), q.Permission.Action()}
}

func (c *casbinEngine) Ask(checks []world.Check) func(int) (bool, error) {
	requests := make([][]any, len(checks))
	for i, q := range checks {
		requests[i] = c.request(q)
	}
	return func(i int) (bool, error) { return c.e.Enforce(requests[i]...) }
}

func (c *casbinEngine) permissions(q world.Check) ([]world.Permission, error) {
	requests := make([][]any, world.Listed)
	for p := range world.Listed {
		q.Permission = p
		requests[p] = c.request(q)
	}
	allowed, err := c.batch(requests)
	var all []world.Permission
	for p := range allowed {
		if allowed[p] {
			all = append(all, world.Permission(p))
		}
	}
	return all, err
}

// dossiers asks about each of the office: Casbin keeps no index from a user to
// domains that it could start from.
func (c *casbinEngine) dossiers(q world.Check) ([]string, error) {
	from, until := c.w.DossiersOf(q.Office)
	var requests [][]any
	for q.Dossier = from; q.Dossier < until; q.Dossier++ {
		requests = append(requests, c.request(q))
	}
	allowed, err := c.batch(requests)
	var all []string
	for i := range allowed {
		if allowed[i] {
			all = append(all, c.w.Dossiers[int(from)+i].ID)
		}
	}
	return all, err
}

// batch asks one by one where there is a cache, which a batch goes past.
func (c *casbinEngine) batch(requests [][]any) ([]bool, error) {
	if !c.cached {
		return c.e.BatchEnforce(requests)
	}
	allowed := make([]bool, len(requests))
	var err error
	for i, r := range requests {
		if allowed[i], err = c.e.Enforce(r...); err != nil {
			return nil, err
		}
	}
	return allowed, nil
}

func clientRule(w *world.World, p world.Place) model.Rule {
	r := w.PlaceRule(p)
	r.V[1] = "client_user"
	return r
}

func (c *casbinEngine) rules(p world.Place) [][]string {
	return [][]string{c.w.PlaceRule(p).Fields(), clientRule(c.w, p).Fields()}
}

// Permissions implements [Lister].
func (c *casbinEngine) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	return each(checks, c.permissions)
}

// Dossiers implements [Lister].
func (c *casbinEngine) Dossiers(checks []world.Check) func(int) ([]string, error) {
	return each(checks, c.dossiers)
}

func (c *casbinEngine) Grant(p world.Place) error {
	done, err := c.e.AddGroupingPolicies(c.rules(p))
	if err == nil && !done {
		err = fmt.Errorf("casbin: %v is there already", c.rules(p))
	}
	return err
}

// Revoke takes client_user along: a place is the only one of its user on the
// dossier, wherever the workload takes one away.
func (c *casbinEngine) Revoke(p world.Place) error {
	done, err := c.e.RemoveGroupingPolicies(c.rules(p))
	if err == nil && !done {
		err = fmt.Errorf("casbin: %v is not there", c.rules(p))
	}
	return err
}

func (c *casbinEngine) Close() error { return nil }
