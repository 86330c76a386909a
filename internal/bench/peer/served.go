package peer

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/bench/world"
)

// Served is the floor of strings with what a service could not do without and the
// floors leave out. Checks go on, without a lock, while the office changes, and see the
// whole of a change or nothing of it: an office is maps that never change, behind a
// pointer, and a change copies them, which is what makes it dear. A check reads the
// clock, to go by nothing that is older than it may be. Permissions are names, as
// policies and requests have them.

type served struct {
	w           *world.World
	began       time.Time
	offices     map[string]*servedOffice
	permissions map[string]world.Permission
}

type servedOffice struct {
	now     atomic.Pointer[servedMaps]
	checked atomic.Int64 // when now was last known to be the newest, since served began
}

type servedMaps struct {
	members  map[string]member
	dossiers map[string]facts
	links    map[[2]string]roles
}

// servedFor is longer than any run.
const servedFor = 24 * time.Hour

var errServed = errors.New("served: out of date, or asked for what there is not")

func newServed(_ context.Context, w *world.World) (Engine, error) {
	own := w.Copy()
	e := &served{w: w, began: time.Now(), offices: make(map[string]*servedOffice), permissions: make(map[string]world.Permission)}
	for p := range world.Permissions {
		e.permissions[p.String()] = p
	}
	offices := make([]*servedMaps, len(own.Offices))
	for i, o := range own.Offices {
		offices[i] = &servedMaps{make(map[string]member), make(map[string]facts), make(map[[2]string]roles)}
		e.offices[o.ID] = &servedOffice{}
		e.offices[o.ID].now.Store(offices[i])
	}
	for _, d := range own.Dossiers {
		offices[d.Office].dossiers[d.ID] = factsOf(own, d)
	}
	for _, u := range own.Users {
		offices[u.Office].members[u.ID] = memberOf(own, u)
	}
	link := func(user, dossier int32, r roles) {
		d := own.Dossiers[dossier]
		offices[d.Office].links[[2]string{own.Users[user].ID, d.ID}] |= r
	}
	for _, l := range own.Links {
		link(l.User, l.Dossier, assigned)
	}
	for _, p := range own.Places {
		link(p.User, p.Dossier, 1<<p.Profile)
	}
	return e, nil
}

func (e *served) Ask(checks []world.Check) func(int) (bool, error) {
	type request struct {
		text
		permission string
	}
	requests := make([]request, len(checks))
	var names [world.Permissions]string // constants of a host
	for p := range names {
		names[p] = world.Permission(p).String()
	}
	for i, c := range checks {
		requests[i] = request{textOf(e.w, c), names[c.Permission]}
	}
	return func(i int) (bool, error) {
		q := &requests[i]
		at := time.Since(e.began)
		office, known := e.offices[q.office]
		if !known {
			return false, nil
		}
		p, declared := e.permissions[q.permission]
		if !declared || at-time.Duration(office.checked.Load()) > servedFor {
			return false, errServed
		}
		m := office.now.Load()
		who := m.members[q.user]
		if q.dossier == "" {
			return inOffice(who, p), nil
		}
		return onDossier(who, m.links[[2]string{q.user, q.dossier}], m.dossiers[q.dossier])&(1<<p) != 0, nil
	}
}

// change sets what a user has on a dossier, in maps of its own.
func (e *served) change(p world.Place, to func(roles) roles) {
	d := e.w.Dossiers[p.Dossier]
	office := e.offices[e.w.Offices[d.Office].ID]
	next := *office.now.Load()
	next.links = maps.Clone(next.links)
	key := [2]string{strings.Clone(e.w.Users[p.User].ID), strings.Clone(d.ID)}
	next.links[key] = to(next.links[key])
	office.now.Store(&next)
}

func (e *served) Grant(p world.Place) error {
	e.change(p, func(r roles) roles { return r | 1<<p.Profile })
	return nil
}

func (e *served) Revoke(p world.Place) error {
	e.change(p, func(r roles) roles { return r &^ (1 << p.Profile) })
	return nil
}

func (e *served) Close() error { return nil }
