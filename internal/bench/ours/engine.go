// Package ours is Volmacht as a host uses it, on the workload: the engine, and
// the fast way to fill a large database for it.
package ours

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Staleness is longer than any run. One process makes all changes, and no other
// engine here asks a database whether something changed.
const Staleness = 24 * time.Hour

// An Engine is Volmacht on one database.
type Engine struct {
	w  *world.World
	az *authz.Authz

	loading time.Duration
	shared  bool // whoever opened az closes it
}

// Prepare makes the tables in an empty database and fills them with w.
func Prepare(ctx context.Context, db *gorm.DB, w *world.World) error {
	return prepare(ctx, db, w, func(int) {})
}

// prepare says for each office of w how many are filled.
func prepare(ctx context.Context, db *gorm.DB, w *world.World, filled func(offices int)) error {
	az, err := OpenAuthz(ctx, db)
	if err == nil {
		err = fill(ctx, db, w, filled)
	}
	if err != nil {
		return err
	}
	return az.Close()
}

// Load opens a database that is filled with w and reads every tenant.
func Load(ctx context.Context, db *gorm.DB, w *world.World) (*Engine, error) {
	began := time.Now()
	az, err := OpenAuthz(ctx, db)
	e := &Engine{w: w, az: az}
	if err == nil {
		err = e.warm(ctx)
	}
	e.loading = time.Since(began)
	return e, err
}

// Loading is how long Load took: opening and reading, without the filling.
func (e *Engine) Loading() time.Duration { return e.loading }

// OpenAuthz opens an Authz with the accountancy pack.
func OpenAuthz(ctx context.Context, db *gorm.DB) (*authz.Authz, error) {
	return authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack(), Staleness: Staleness, Tenants: 100_000})
}

// warm reads every tenant into memory by one check in each.
func (e *Engine) warm(ctx context.Context) error {
	for u := range e.w.Users {
		if u > 0 && e.w.Users[u].Office == e.w.Users[u-1].Office {
			continue
		}
		r := request(e.w, world.Check{User: int32(u), Office: e.w.Users[u].Office, Dossier: -1, Permission: world.EditSelf})
		if ok, err := e.az.Enforce(ctx, r.User, r.Domain, r.Permission); err != nil || !ok {
			return errors.Join(err, errors.New("volmacht: a member may not edit itself"))
		}
	}
	return nil
}

// permission is one of the workload's as a host writes it for u.
func permission(p world.Permission, u model.UserID) model.Permission {
	switch p {
	case world.ForwardOwn:
		return accountancy.ForwardDocument.Of(u)
	case world.ViewOwn:
		return accountancy.ViewDocument.Of(u)
	}
	return declared[p]
}

var declared = func() (all [world.Permissions]model.Permission) {
	for p := range all {
		all[p] = model.Must(model.ParsePermission(world.Permission(p).Object(), world.Permission(p).Action()))
	}
	return all
}()

// request makes texts of its own: those of an ID of a user and of a domain are
// copies.
func request(w *world.World, c world.Check) authz.Request {
	u := model.Must(model.ParseUserID(w.Users[c.User].ID))
	tenant := model.Must(model.ParseTenantID(w.Offices[c.Office].ID))
	var d model.Domain
	if c.Dossier < 0 {
		d = model.TenantDomain(tenant)
	} else {
		d = model.DossierDomain(tenant, model.Must(model.ParseDossierID(w.Dossiers[c.Dossier].ID)))
	}
	return authz.Request{User: u, Domain: d, Permission: permission(c.Permission, u)}
}

func requests(w *world.World, checks []world.Check) []authz.Request {
	all := make([]authz.Request, len(checks))
	for i, c := range checks {
		all[i] = request(w, c)
	}
	return all
}

// Ask implements [peer.Engine].
func (e *Engine) Ask(checks []world.Check) func(int) (bool, error) {
	ctx := context.Background()
	all := requests(e.w, checks)
	return func(i int) (bool, error) {
		r := &all[i]
		return e.az.Enforce(ctx, r.User, r.Domain, r.Permission)
	}
}

// Permissions implements [peer.Lister]. What the workload has no name for is
// read and left out.
func (e *Engine) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	all := requests(e.w, checks)
	return func(i int) ([]world.Permission, error) {
		r := &all[i]
		var found []world.Permission
		rest := listed
		for p, err := range e.az.Permissions(context.Background(), r.User, r.Domain) {
			if err != nil {
				return nil, err
			}
			for rest[0].key != p.Key() { // both are in the order of the catalog
				rest = rest[1:]
			}
			if rest[0].known {
				found = append(found, rest[0].number)
			}
		}
		return found, nil
	}
}

// A listing is a permission of a list and what the workload calls it.
type listing struct {
	key    model.PermissionKey
	number world.Permission
	known  bool
}

// listed are the permissions on a dossier in the order of lists.
var listed = func() (all []listing) {
	numbers := make(map[model.PermissionKey]world.Permission)
	for p := range world.OnDossier {
		numbers[declared[p].Key()] = p
	}
	add := func(p model.Permission) {
		number, known := numbers[p.Key()]
		all = append(all, listing{p.Key(), number, known})
	}
	catalog := accountancy.Pack().Catalog
	for _, e := range catalog.Permissions {
		add(e.Permission)
	}
	for _, e := range catalog.Profiles {
		add(model.GrantOf(e.Profile))
	}
	return all
}()

// Dossiers implements [peer.Lister].
func (e *Engine) Dossiers(checks []world.Check) func(int) ([]string, error) {
	all := requests(e.w, checks)
	return func(i int) ([]string, error) {
		r := &all[i]
		var found []string
		for d, err := range e.az.Dossiers(context.Background(), r.User, r.Permission, model.Domain{}) {
			if err != nil {
				return nil, err
			}
			found = append(found, d.Dossier().String())
		}
		return found, nil
	}
}

// Grant implements [peer.Engine], durably: SQLite, a transaction, the ledger.
func (e *Engine) Grant(p world.Place) error {
	return e.az.Grant(context.Background(), authz.System, authz.Grant{
		Subject: e.w.Subject(p.User), Profile: profile(p), Domain: e.w.DossierDomain(p.Dossier),
	})
}

// Revoke implements [peer.Engine].
func (e *Engine) Revoke(p world.Place) error {
	return e.az.Withdraw(context.Background(), authz.System, e.w.Subject(p.User), profile(p), e.w.DossierDomain(p.Dossier))
}

func profile(p world.Place) model.Profile { return model.Must(model.ParseProfile(p.Profile.Name())) }

// Close implements [peer.Engine].
func (e *Engine) Close() error {
	if e.shared {
		return nil
	}
	return e.az.Close()
}
