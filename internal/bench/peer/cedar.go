package peer

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/volmacht/volmacht/internal/bench/world"
)

// Cedar has no rules as data, so the profiles are in policies and the places are
// data. Cedar's guidance is to keep policies few and static and let the data say
// who has which role on which resource; entity tags, made for keys that no
// schema can list, hold that. cedar-go evaluates every policy for every request,
// whatever its scope, so there are six policies, and not one for a profile or a
// permission, and each asks first what most often says no. What a profile gives
// is a group of actions, which "in" finds among the action's parents. A tag on
// the user rather than on the dossier gives the lists of a client a place to
// start.
//
//go:embed accountancy.cedar
var cedarPolicies []byte

type cedarEngine struct {
	w        *world.World
	policies *cedar.PolicySet
	entities types.EntityMap
	ofOffice map[string][]types.EntityUID // candidates for the list of an admin
}

// cedarGroups are the groups of actions that an action is in.
func cedarGroups(p world.Permission) []string {
	var groups []string
	for profile := range world.Profiles {
		if profile.Gives(p) {
			groups = append(groups, profile.Name())
		}
	}
	switch p {
	case world.SeeDossier, world.UseWorklist:
		groups = append(groups, "support")
	case world.UsePayment, world.ViewBankAccount, world.InviteMember:
		groups = append(groups, "switched")
	case world.ViewFigure, world.ViewReport, world.ViewHistory:
		groups = append(groups, "feedback")
	case world.SubmitDocument, world.ProcessDocument, world.ForwardDocument, world.ForwardOwn:
		groups = append(groups, "intake")
	}
	return groups
}

func newCedar(_ context.Context, w *world.World) (Engine, error) {
	policies, err := cedar.NewPolicySetFromBytes("accountancy.cedar", cedarPolicies)
	if err != nil {
		return nil, err
	}
	own := w.Copy()
	c := &cedarEngine{
		w: w, policies: policies,
		entities: make(types.EntityMap, len(w.Users)+len(w.Dossiers)+len(w.Offices)+int(world.Permissions)),
		ofOffice: make(map[string][]types.EntityUID, len(w.Offices)),
	}
	for p := range world.Permissions {
		var parents []types.EntityUID
		for _, g := range cedarGroups(p) {
			parents = append(parents, types.NewEntityUID("Action", types.String(g)))
		}
		c.add(types.Entity{UID: actionUID(p), Parents: types.NewEntityUIDSet(parents...)})
	}
	for _, o := range own.Offices {
		c.add(types.Entity{
			UID:        types.NewEntityUID("Office", types.String(o.ID)),
			Attributes: types.NewRecord(types.RecordMap{"admin_only": types.Boolean(o.AdminOnly)}),
		})
	}
	for _, d := range own.Dossiers {
		office := own.Offices[d.Office]
		uid := types.NewEntityUID("Dossier", types.String(d.ID))
		c.ofOffice[office.ID] = append(c.ofOffice[office.ID], uid)
		c.add(types.Entity{UID: uid, Attributes: types.NewRecord(types.RecordMap{
			"id":            types.String(d.ID),
			"office":        types.NewEntityUID("Office", types.String(office.ID)),
			"configuration": types.String(d.Configuration),
			"private":       types.Boolean(d.Private),
			"worklist":      types.Boolean(d.Worklist),
			"payment":       types.Boolean(d.Payment),
			"financial":     types.Boolean(d.Financial),
			"self_service":  types.Boolean(office.SelfService),
		})})
	}
	c.addUsers(own)
	return c, nil
}

func (c *cedarEngine) addUsers(own *world.World) {
	tags := make([]types.RecordMap, len(own.Users))
	for _, l := range own.Links {
		tag(&tags[l.User], own.Dossiers[l.Dossier].ID, "assigned")
	}
	for _, p := range own.Places {
		tag(&tags[p.User], own.Dossiers[p.Dossier].ID, p.Profile.Name(), "client")
	}
	for i, u := range own.Users {
		staff := u.Staff.Name()
		if u.Staff == 0 {
			staff = "none"
		}
		c.add(types.Entity{
			UID: types.NewEntityUID("User", types.String(u.ID)),
			Attributes: types.NewRecord(types.RecordMap{
				"staff": types.String(staff), "office": types.NewEntityUID("Office", types.String(own.Offices[u.Office].ID)),
			}),
			Tags: types.NewRecord(tags[i]),
		})
	}
}

func (c *cedarEngine) add(e types.Entity) { c.entities[e.UID] = e }

func actionUID(p world.Permission) types.EntityUID {
	return types.NewEntityUID("Action", types.String(p.String()))
}

// tag adds names to the set under the key.
func tag(tags *types.RecordMap, key string, names ...string) {
	if *tags == nil {
		*tags = types.RecordMap{}
	}
	var values []types.Value
	if old, ok := (*tags)[types.String(key)].(types.Set); ok {
		values = old.Slice()
	}
	for _, n := range names {
		values = append(values, types.String(n))
	}
	(*tags)[types.String(key)] = types.NewSet(values...)
}

func (c *cedarEngine) request(q world.Check) cedar.Request {
	t := textOf(c.w, q)
	r := cedar.Request{
		Principal: types.NewEntityUID("User", types.String(t.user)),
		Action:    actionUID(q.Permission),
		Resource:  types.NewEntityUID("Office", types.String(t.office)),
	}
	if t.dossier != "" {
		r.Resource = types.NewEntityUID("Dossier", types.String(t.dossier))
	}
	return r
}

func (c *cedarEngine) ask(r cedar.Request) (bool, error) {
	decision, diagnostic := cedar.Authorize(c.policies, c.entities, r)
	if len(diagnostic.Errors) > 0 {
		return false, errors.New(diagnostic.Errors[0].Message)
	}
	return decision == cedar.Allow, nil
}

func (c *cedarEngine) Ask(checks []world.Check) func(int) (bool, error) {
	requests := make([]cedar.Request, len(checks))
	for i, q := range checks {
		requests[i] = c.request(q)
	}
	return func(i int) (bool, error) { return c.ask(requests[i]) }
}

func (c *cedarEngine) permissions(q world.Check) ([]world.Permission, error) {
	r := c.request(q)
	var all []world.Permission
	for p := range world.Listed {
		r.Action = actionUID(p)
		ok, err := c.ask(r)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// dossiers asks about each dossier that a tag names, or each of the office for
// an admin.
func (c *cedarEngine) dossiers(q world.Check) ([]string, error) {
	r := c.request(q)
	user := c.entities[r.Principal]
	var candidates []types.EntityUID
	if staff, _ := user.Attributes.Get("staff"); staff == types.String("admin") {
		candidates = c.ofOffice[c.w.Offices[q.Office].ID]
	} else {
		for d := range user.Tags.Keys() {
			candidates = append(candidates, types.NewEntityUID("Dossier", d))
		}
	}
	var all []string
	for _, d := range candidates {
		r.Resource = d
		ok, err := c.ask(r)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, string(d.ID))
		}
	}
	return all, nil
}

// change gives a user other tags: entities are values that do not change.
func (c *cedarEngine) change(p world.Place, fn func(tags *types.RecordMap, dossier string)) error {
	uid := types.NewEntityUID("User", types.String(c.w.Users[p.User].ID))
	user, ok := c.entities[uid]
	if !ok {
		return fmt.Errorf("cedar: no %v", uid)
	}
	tags := user.Tags.Map()
	fn(&tags, strings.Clone(c.w.Dossiers[p.Dossier].ID))
	user.Tags = types.NewRecord(tags)
	c.entities[user.UID] = user
	return nil
}

// Permissions implements [Lister].
func (c *cedarEngine) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	return each(checks, c.permissions)
}

// Dossiers implements [Lister].
func (c *cedarEngine) Dossiers(checks []world.Check) func(int) ([]string, error) {
	return each(checks, c.dossiers)
}

func (c *cedarEngine) Grant(p world.Place) error {
	return c.change(p, func(tags *types.RecordMap, d string) { tag(tags, d, p.Profile.Name(), "client") })
}

func (c *cedarEngine) Revoke(p world.Place) error {
	return c.change(p, func(tags *types.RecordMap, d string) {
		old, _ := (*tags)[types.String(d)].(types.Set)
		var kept []types.Value
		client := false
		for v := range old.All() {
			if v == types.String(p.Profile.Name()) || v == types.String("client") {
				continue
			}
			kept = append(kept, v)
			client = client || v != types.String("assigned")
		}
		if client {
			kept = append(kept, types.String("client"))
		}
		delete(*tags, types.String(d))
		if len(kept) > 0 {
			(*tags)[types.String(d)] = types.NewSet(kept...)
		}
	})
}

func (c *cedarEngine) Close() error { return nil }
