package peer

import (
	"context"
	"strings"

	"github.com/volmacht/volmacht/internal/bench/world"
)

// The floors are what somebody who writes authorization by hand for this one
// policy ends up with: three maps from keys to small bit sets, and a table of
// what the bits mean. Nothing that answers any policy can be expected to do
// less work than ints; strings has the keys that a host has.

type ints struct {
	dossiers map[int32]facts
	staff    map[int32]member
	members  map[uint64]member // user and office
	links    map[uint64]roles  // user and dossier
}

func pair(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

func newInts(_ context.Context, w *world.World) (Engine, error) {
	e := &ints{
		dossiers: make(map[int32]facts, len(w.Dossiers)),
		staff:    make(map[int32]member),
		members:  make(map[uint64]member, len(w.Users)),
		links:    make(map[uint64]roles, len(w.Places)+len(w.Links)),
	}
	for i, d := range w.Dossiers {
		e.dossiers[int32(i)] = factsOf(w, d)
	}
	for i, u := range w.Users {
		m := memberOf(w, u)
		e.members[pair(int32(i), u.Office)] = m
		if u.Staff != 0 {
			e.staff[int32(i)] = m
		}
	}
	for _, l := range w.Links {
		e.links[pair(l.User, l.Dossier)] |= assigned
	}
	for _, p := range w.Places {
		e.links[pair(p.User, p.Dossier)] |= 1 << p.Profile
	}
	return e, nil
}

func (e *ints) Ask(checks []world.Check) func(int) (bool, error) {
	return func(i int) (bool, error) {
		c := &checks[i]
		if c.Dossier < 0 {
			return inOffice(e.members[pair(c.User, c.Office)], c.Permission), nil
		}
		m := e.staff[c.User]
		if m != 0 {
			m = e.members[pair(c.User, c.Office)] // staff of another office is nobody here
		}
		s := onDossier(m, e.links[pair(c.User, c.Dossier)], e.dossiers[c.Dossier])
		return s&(1<<c.Permission) != 0, nil
	}
}

func (e *ints) Grant(p world.Place) error {
	e.links[pair(p.User, p.Dossier)] |= 1 << p.Profile
	return nil
}

func (e *ints) Revoke(p world.Place) error {
	e.links[pair(p.User, p.Dossier)] &^= 1 << p.Profile
	return nil
}

func (e *ints) Close() error { return nil }

type texts struct {
	w        *world.World
	dossiers map[string]facts
	staff    map[string]member
	members  map[[2]string]member
	links    map[[2]string]roles
	ofUser   map[string][]string // dossiers, for the lists
	ofOffice map[string][]string
}

func newStrings(_ context.Context, w *world.World) (Engine, error) {
	own := w.Copy()
	e := &texts{
		w:        w,
		dossiers: make(map[string]facts, len(w.Dossiers)),
		staff:    make(map[string]member),
		members:  make(map[[2]string]member, len(w.Users)),
		links:    make(map[[2]string]roles, len(w.Places)+len(w.Links)),
		ofUser:   make(map[string][]string, len(w.Users)),
		ofOffice: make(map[string][]string, len(w.Offices)),
	}
	for _, d := range own.Dossiers {
		office := own.Offices[d.Office].ID
		e.dossiers[d.ID] = factsOf(own, d)
		e.ofOffice[office] = append(e.ofOffice[office], d.ID)
	}
	for _, u := range own.Users {
		m := memberOf(own, u)
		e.members[[2]string{u.ID, own.Offices[u.Office].ID}] = m
		if u.Staff != 0 {
			e.staff[u.ID] = m
		}
	}
	for _, l := range own.Links {
		e.add(own.Users[l.User].ID, own.Dossiers[l.Dossier].ID, assigned)
	}
	for _, p := range own.Places {
		e.add(own.Users[p.User].ID, own.Dossiers[p.Dossier].ID, 1<<p.Profile)
	}
	return e, nil
}

func (e *texts) add(user, dossier string, r roles) {
	key := [2]string{user, dossier}
	old, known := e.links[key]
	if !known {
		e.ofUser[user] = append(e.ofUser[user], dossier)
	}
	e.links[key] = old | r
}

func (e *texts) may(user, office, dossier string) set {
	m := e.staff[user]
	if m != 0 {
		m = e.members[[2]string{user, office}]
	}
	return onDossier(m, e.links[[2]string{user, dossier}], e.dossiers[dossier])
}

// A text is a check as a host has it.
type text struct {
	user, office, dossier string
	permission            world.Permission
}

func textOf(w *world.World, c world.Check) text {
	t := text{user: strings.Clone(w.Users[c.User].ID), office: strings.Clone(w.Offices[c.Office].ID), permission: c.Permission}
	if c.Dossier >= 0 {
		t.dossier = strings.Clone(w.Dossiers[c.Dossier].ID)
	}
	return t
}

func (e *texts) Ask(checks []world.Check) func(int) (bool, error) {
	requests := e.requests(checks)
	return func(i int) (bool, error) {
		q := &requests[i]
		if q.dossier == "" {
			return inOffice(e.members[[2]string{q.user, q.office}], q.permission), nil
		}
		return e.may(q.user, q.office, q.dossier)&(1<<q.permission) != 0, nil
	}
}

func (e *texts) requests(checks []world.Check) []text {
	requests := make([]text, len(checks))
	for i, c := range checks {
		requests[i] = textOf(e.w, c)
	}
	return requests
}

func (e *texts) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	requests := e.requests(checks)
	return func(i int) ([]world.Permission, error) {
		q := &requests[i]
		s := e.may(q.user, q.office, q.dossier)
		var all []world.Permission
		for p := range world.Listed {
			if s&(1<<p) != 0 {
				all = append(all, p)
			}
		}
		return all, nil
	}
}

func (e *texts) Dossiers(checks []world.Check) func(int) ([]string, error) {
	requests := e.requests(checks)
	return func(i int) ([]string, error) {
		q := &requests[i]
		candidates := e.ofUser[q.user]
		if e.staff[q.user]&^adminOnly == admin {
			candidates = e.ofOffice[q.office]
		}
		var all []string
		for _, d := range candidates {
			if e.may(q.user, q.office, d)&(1<<q.permission) != 0 {
				all = append(all, d)
			}
		}
		return all, nil
	}
}

func (e *texts) Grant(p world.Place) error {
	user, dossier := e.w.Users[p.User].ID, e.w.Dossiers[p.Dossier].ID
	e.add(strings.Clone(user), strings.Clone(dossier), 1<<p.Profile)
	return nil
}

func (e *texts) Revoke(p world.Place) error {
	e.links[[2]string{e.w.Users[p.User].ID, e.w.Dossiers[p.Dossier].ID}] &^= 1 << p.Profile
	return nil
}

func (e *texts) Close() error { return nil }
