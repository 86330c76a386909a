package authz

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A state is what decisions in one tenant depend on, at one revision. It
// never changes.
type state struct {
	pack     *pack
	rows     engine.Snapshot // not a pointer: a check follows enough of them
	tenant   model.TenantID
	head     store.Head
	packHead store.Head
	listed   *dossierList
}

func newState(t model.TenantID, head store.Head, in *published, rows *engine.Snapshot) *state {
	return &state{tenant: t, head: head, packHead: in.head, pack: in.pack, rows: *rows, listed: new(dossierList)}
}

// with returns the state after a change.
func (s *state) with(added, removed []store.Row) (*state, error) {
	rows, err := s.rows.With(engineRows(added), engineRows(removed))
	if err != nil {
		return nil, err
	}
	next := *s
	next.rows = *rows
	next.listed = s.listed.after(added, removed)
	return &next, nil
}

func engineRows(rows []store.Row) []engine.Row {
	all := make([]engine.Row, len(rows))
	for i, r := range rows {
		all[i] = engine.Row{Rule: r.Rule, From: r.From, Until: r.Until}
	}
	return all
}

// storeRow is r without who granted it and when, which only the database knows.
func (s *state) storeRow(r engine.Row) store.Row {
	return store.Row{Rule: r.Rule, Tenant: s.tenant, From: r.From, Until: r.Until}
}

func (s *state) has(r model.Rule) bool { return s.rows.Has(r) }

// open reports whether the tenant is open: a closed one has no rows.
func (s *state) open() bool { return s.has(model.TenantRules(s.tenant)[0]) }

// active reports whether u is an active member.
func (s *state) active(u model.UserID) bool {
	return s.has(model.GrantRule(model.UserSubject(u), model.Member, model.TenantDomain(s.tenant)))
}

// enforce answers at a given time. It refuses what the pack does not declare.
func (s *state) enforce(u model.UserID, d model.Domain, p model.Permission, at time.Time) (bool, error) {
	return s.rows.Decide(engine.KeyOf(model.UserSubject(u).String()), engine.KeyOf(d.String()), s.pack.question(u, p), func() time.Time { return at })
}

// allowed answers every question of the pack about u in d, by its number, and says
// until when the answers stay so unless rows change; zero is for good. The bits are
// not the caller's to change.
func (s *state) allowed(u model.UserID, d model.Domain, now func() time.Time) (bits []uint64, until time.Time, err error) {
	return s.rows.Allowed(engine.KeyOf(model.UserSubject(u).String()), engine.KeyOf(d.String()), s.pack.questions, now)
}

func request(u model.UserID, d model.Domain, p model.Permission) engine.Request {
	p = p.For(u)
	return engine.Request{
		Subject: model.UserSubject(u).String(),
		Domain:  d.String(),
		Object:  p.Object(),
		Action:  p.Action(),
	}
}

// find returns the rows of a selection, in order.
func (s *state) find(of selection) []store.Row {
	var found []store.Row
	for r := range of.from(&s.rows) {
		if of.wants(r.Rule) {
			found = append(found, s.storeRow(r))
		}
	}
	slices.SortFunc(found, func(a, b store.Row) int { return a.Rule.Compare(b.Rule) })
	return slices.CompactFunc(found, func(a, b store.Row) bool { return a.Rule == b.Rule })
}

// users returns the active members, in order.
func (s *state) users() []model.UserID {
	return s.holding(model.Member.String(), model.Everywhere(s.tenant))
}

// holding returns the users with a row that gives them role in the domain
// field, in order.
func (s *state) holding(role, domain string) []model.UserID {
	var users []model.UserID
	for name := range s.rows.Names("g", role, domain) {
		if who, err := model.ParseSubject(name); err == nil {
			if u, ok := who.User(); ok {
				users = append(users, u)
			}
		}
	}
	slices.SortFunc(users, compareIDs)
	return users
}

// usersOf returns who is who, active or not: the user, or those of the team.
func (s *state) usersOf(who model.Subject) []model.UserID {
	if u, ok := who.User(); ok {
		return []model.UserID{u}
	}
	return s.holding(who.String(), model.Everywhere(s.tenant))
}

// teamsOf returns the teams that u is one of, in order.
func (s *state) teamsOf(u model.UserID) []model.Subject {
	var teams []model.Subject
	for _, r := range s.find(heldBy(model.UserSubject(u))) {
		if r.Rule.V[2] != model.Everywhere(s.tenant) {
			continue
		}
		if t, err := model.ParseSubject(r.Rule.V[1]); err == nil {
			teams = append(teams, t)
		}
	}
	return teams
}

// edges returns when, after at, a row of u or of one of its teams begins or ends
// to hold.
func (s *state) edges(u model.UserID, at time.Time) []time.Time {
	var times []time.Time
	for _, who := range append(s.teamsOf(u), model.UserSubject(u)) {
		for r := range s.rows.Of(who.String()) {
			for _, edge := range []time.Time{r.From, r.Until} {
				if edge.After(at) {
					times = append(times, edge)
				}
			}
		}
	}
	return times
}

// profiles returns the profiles that u has rows for in d, by itself or
// through a team, whether they hold now or not.
func (s *state) profiles(u model.UserID, d model.Domain) []model.Profile {
	held := make(map[model.Profile]bool)
	for _, who := range append(s.teamsOf(u), model.UserSubject(u)) {
		for _, p := range s.granted(who, d) {
			held[p] = true
		}
	}
	return sorted(held)
}

// assigned reports whether u is linked to d, by itself or through a team, whether
// that holds now or not.
func (s *state) assigned(u model.UserID, d model.Domain) bool {
	return slices.ContainsFunc(append(s.teamsOf(u), model.UserSubject(u)), func(who model.Subject) bool {
		return s.has(model.AssignedRule(who, d))
	})
}

// granted returns the profiles that who itself has rows for in d.
func (s *state) granted(who model.Subject, d model.Domain) []model.Profile {
	held := make(map[model.Profile]bool)
	for r := range s.rows.Of(who.String()) {
		if p, err := model.ParseProfile(r.V[1]); err == nil && p != model.Member && r.Rule == model.GrantRule(who, p, d) {
			held[p] = true
		}
	}
	return sorted(held)
}

func sorted(set map[model.Profile]bool) []model.Profile {
	return slices.SortedFunc(maps.Keys(set), func(a, b model.Profile) int {
		return cmp.Compare(a.String(), b.String())
	})
}

// lasting returns the active members who hold p throughout the tenant, by
// themselves or through a team, with no end in sight.
func (s *state) lasting(p model.Profile, at time.Time) []model.UserID {
	holders := make(map[model.UserID]bool)
	everywhere := model.Everywhere(s.tenant)
	for name := range s.rows.Names("g", p.String(), everywhere) {
		r, _ := s.rows.Find(model.NewRule("g", name, p.String(), everywhere))
		who, err := model.ParseSubject(name)
		if err != nil || !r.Until.IsZero() || r.From.After(at) {
			continue
		}
		if u, ok := who.User(); ok {
			holders[u] = true
			continue
		}
		for _, u := range s.holding(name, everywhere) {
			holders[u] = true
		}
	}
	return slices.Collect(maps.Keys(holders))
}
