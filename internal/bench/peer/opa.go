//go:build peers

package peer

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/volmacht/volmacht/internal/bench/world"
)

// OPA has the rules in Rego and the places as data, in objects keyed by what is
// looked up, as its guide to performance advises: no iteration but over the few
// profiles of one user on one dossier. The queries are prepared once. The store
// holds parsed values, which makes reading cheap, and the input is parsed by the
// caller, outside what is timed.
//
//go:embed accountancy.rego
var regoPolicy string

type opaEngine struct {
	w                            *world.World
	store                        storage.Store
	allow, permissions, dossiers rego.PreparedEvalQuery
}

func newOPA(ctx context.Context, w *world.World) (Engine, error) {
	o := &opaEngine{w: w, store: inmem.NewFromObjectWithOpts(opaData(w.Copy()),
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))}
	for _, q := range []struct {
		name string
		into *rego.PreparedEvalQuery
	}{{"allow", &o.allow}, {"permissions", &o.permissions}, {"dossiers", &o.dossiers}} {
		var err error
		*q.into, err = rego.New(
			rego.Query("data.accountancy."+q.name),
			rego.Module("accountancy.rego", regoPolicy),
			rego.Store(o.store),
		).PrepareForEval(ctx)
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

func opaData(w *world.World) map[string]any {
	type object = map[string]any
	offices, dossiers, users := object{}, object{}, object{}
	profiles, permissions := object{}, object{}
	for p := range world.Profiles {
		gives := object{}
		for q := range world.OnDossier {
			if q < world.Listed {
				permissions[q.String()] = true
			}
			if p.Gives(q) {
				gives[q.String()] = true
			}
		}
		profiles[p.Name()] = gives
	}
	for _, o := range w.Offices {
		offices[o.ID] = object{"admin_only": o.AdminOnly, "self_service": o.SelfService, "dossiers": object{}}
	}
	for _, d := range w.Dossiers {
		office := w.Offices[d.Office].ID
		offices[office].(object)["dossiers"].(object)[d.ID] = true
		dossiers[d.ID] = object{
			"office": office, "private": d.Private, "worklist": d.Worklist, "configuration": string(d.Configuration),
			"module": object{"payment": d.Payment, "financial": d.Financial},
		}
	}
	for _, u := range w.Users {
		staff := u.Staff.Name()
		if u.Staff == 0 {
			staff = "none"
		}
		users[u.ID] = object{"office": w.Offices[u.Office].ID, "staff": staff, "links": object{}}
	}
	link := func(u, d int32, what string) {
		links := users[w.Users[u].ID].(object)["links"].(object)
		here, ok := links[w.Dossiers[d].ID].(object)
		if !ok {
			here = object{}
			links[w.Dossiers[d].ID] = here
		}
		here[what] = true
	}
	for _, l := range w.Links {
		link(l.User, l.Dossier, "assigned")
	}
	for _, p := range w.Places {
		link(p.User, p.Dossier, p.Profile.Name())
	}
	return object{
		"offices": offices, "dossiers": dossiers, "users": users, "profiles": profiles, "permissions": permissions,
		"closes": object{
			"B": []any{"figure view", "report view", "history view"},
			"C": []any{},
			"D": []any{"document submit", "document process", "document forward", "document:own forward"},
		},
	}
}

func (o *opaEngine) input(c world.Check) ast.Value {
	t := textOf(o.w, c)
	return ast.NewObject(
		ast.Item(ast.StringTerm("user"), ast.StringTerm(t.user)),
		ast.Item(ast.StringTerm("office"), ast.StringTerm(t.office)),
		ast.Item(ast.StringTerm("dossier"), ast.StringTerm(t.dossier)),
		ast.Item(ast.StringTerm("permission"), ast.StringTerm(c.Permission.String())),
	)
}

func (o *opaEngine) Ask(checks []world.Check) func(int) (bool, error) {
	ctx := context.Background()
	inputs := make([]ast.Value, len(checks))
	for i, c := range checks {
		inputs[i] = o.input(c)
	}
	return func(i int) (bool, error) {
		result, err := o.allow.Eval(ctx, rego.EvalParsedInput(inputs[i]))
		return result.Allowed(), err
	}
}

// list evaluates a query that gives a set of texts.
func (o *opaEngine) list(q rego.PreparedEvalQuery, c world.Check, each func(string)) error {
	result, err := q.Eval(context.Background(), rego.EvalParsedInput(o.input(c)))
	if err != nil {
		return err
	}
	if len(result) != 1 {
		return errors.New("opa: no result")
	}
	values, ok := result[0].Expressions[0].Value.([]any)
	if !ok {
		return fmt.Errorf("opa: a %T: want a set", result[0].Expressions[0].Value)
	}
	for _, v := range values {
		each(v.(string))
	}
	return nil
}

func (o *opaEngine) permissionsOf(c world.Check) ([]world.Permission, error) {
	names := make(map[string]bool)
	err := o.list(o.permissions, c, func(name string) { names[name] = true })
	var all []world.Permission
	for p := range world.Listed {
		if names[p.String()] {
			all = append(all, p)
		}
	}
	return all, err
}

func (o *opaEngine) dossiersOf(c world.Check) ([]string, error) {
	var all []string
	err := o.list(o.dossiers, c, func(d string) { all = append(all, d) })
	return all, err
}

// Permissions implements [Lister].
func (o *opaEngine) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	return each(checks, o.permissionsOf)
}

// Dossiers implements [Lister].
func (o *opaEngine) Dossiers(checks []world.Check) func(int) ([]string, error) {
	return each(checks, o.dossiersOf)
}

func (o *opaEngine) Grant(p world.Place) error {
	return o.write(p, func(links map[string]any, name string) { links[name] = true })
}

func (o *opaEngine) Revoke(p world.Place) error {
	return o.write(p, func(links map[string]any, name string) { delete(links, name) })
}

// write replaces what a user has on one dossier.
func (o *opaEngine) write(p world.Place, change func(map[string]any, string)) error {
	ctx := context.Background()
	path := storage.Path{"users", o.w.Users[p.User].ID, "links", strings.Clone(o.w.Dossiers[p.Dossier].ID)}
	return storage.Txn(ctx, o.store, storage.WriteParams, func(txn storage.Transaction) error {
		here := map[string]any{}
		old, err := o.store.Read(ctx, txn, path)
		switch {
		case storage.IsNotFound(err):
		case err != nil:
			return err
		default:
			value, ok := old.(ast.Value)
			if !ok {
				return fmt.Errorf("opa: a %T: want a value", old)
			}
			decoded, err := ast.JSON(value)
			if err != nil {
				return err
			}
			here = decoded.(map[string]any)
		}
		change(here, p.Profile.Name())
		return o.store.Write(ctx, txn, storage.AddOp, path, here)
	})
}

func (o *opaEngine) Close() error { return nil }
