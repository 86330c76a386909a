package authz

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A state is what decisions in one tenant depend on, at one revision. It
// never changes.
type state struct {
	tenant   model.TenantID
	head     store.Head
	rows     map[model.Rule]store.Row
	packHead store.Head
	packRows []model.Rule
	pack     *model.Pack

	engine func() (engine.Engine, error) // built on first use
}

func newState(tenant model.TenantID, pack *model.Pack, l store.Loaded) *state {
	s := &state{tenant: tenant, head: l.Head, packHead: l.PackHead, pack: pack}
	s.rows = make(map[model.Rule]store.Row, len(l.Rows))
	for _, r := range l.Rows {
		s.rows[r.Rule] = r
	}
	for _, r := range l.PackRows {
		s.packRows = append(s.packRows, r.Rule)
	}
	return s.ready()
}

func (s *state) ready() *state {
	s.engine = sync.OnceValues(func() (engine.Engine, error) {
		rows := make([]engine.Row, 0, len(s.rows))
		for _, r := range s.rows {
			rows = append(rows, engine.Row{Rule: r.Rule, From: r.From, Until: r.Until})
		}
		// The order of rows decides which of several reasons is shown.
		slices.SortFunc(rows, func(a, b engine.Row) int { return a.Rule.Compare(b.Rule) })
		return engine.New(s.pack.Model, s.packRows, rows)
	})
	return s
}

// with returns the state after a change.
func (s *state) with(added, removed []store.Row) *state {
	next := *s
	next.rows = maps.Clone(s.rows)
	for _, r := range removed {
		delete(next.rows, r.Rule)
	}
	for _, r := range added {
		next.rows[r.Rule] = r
	}
	return next.ready()
}

func (s *state) has(r model.Rule) bool {
	_, ok := s.rows[r]
	return ok
}

// open reports whether the tenant is open: a closed one has no rows.
func (s *state) open() bool { return s.has(model.TenantRules(s.tenant)[0]) }

// active reports whether u is an active member.
func (s *state) active(u model.UserID) bool {
	return s.has(model.GrantRule(model.UserSubject(u), model.Member, model.TenantDomain(s.tenant)))
}

func (s *state) enforce(u model.UserID, d model.Domain, p model.Permission, at time.Time) (bool, error) {
	e, err := s.engine()
	if err != nil {
		return false, err
	}
	return e.Enforce(request(u, d, p), at)
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

// find returns the rows that keep wants, in order.
func (s *state) find(keep func(store.Row) bool) []store.Row {
	var found []store.Row
	for _, r := range s.rows {
		if keep(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b store.Row) int { return a.Rule.Compare(b.Rule) })
	return found
}

// users returns the active members, in order.
func (s *state) users() []model.UserID {
	return s.holding(model.Member.String(), model.Everywhere(s.tenant))
}

// holding returns the users with a row that gives them role in the domain
// field, in order.
func (s *state) holding(role, domain string) []model.UserID {
	var users []model.UserID
	for _, r := range s.find(func(r store.Row) bool { return r.Rule.PType == "g" && r.Rule.V[1] == role && r.Rule.V[2] == domain }) {
		if who, err := model.ParseSubject(r.Rule.V[0]); err == nil {
			if u, ok := who.User(); ok {
				users = append(users, u)
			}
		}
	}
	return users
}

// usersOf returns who is who, active or not: the user, or those of the team.
func (s *state) usersOf(who model.Subject) []model.UserID {
	if u, ok := who.User(); ok {
		return []model.UserID{u}
	}
	return s.holding(who.String(), model.Everywhere(s.tenant))
}

// dossiers returns the open dossiers, in order.
func (s *state) dossiers() []model.Domain {
	var found []model.Domain
	for _, r := range s.find(func(r store.Row) bool {
		return r.Rule.PType == "g2" && r.Rule.V[1] == model.TraitDossier.String()
	}) {
		if d, err := model.ParseDomain(r.Rule.V[0]); err == nil {
			found = append(found, d)
		}
	}
	return found
}

// teamsOf returns the teams that u is one of.
func (s *state) teamsOf(u model.UserID) []model.Subject {
	var teams []model.Subject
	for _, r := range s.find(func(r store.Row) bool {
		return r.Rule.PType == "g" && r.Rule.V[0] == model.UserSubject(u).String() && r.Rule.V[2] == model.Everywhere(s.tenant)
	}) {
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
		for _, r := range s.rows {
			if r.Rule.V[0] != who.String() {
				continue
			}
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

// granted returns the profiles that who itself has rows for in d.
func (s *state) granted(who model.Subject, d model.Domain) []model.Profile {
	held := make(map[model.Profile]bool)
	for _, r := range s.rows {
		if r.Rule.V[0] != who.String() {
			continue
		}
		if p, err := model.ParseProfile(r.Rule.V[1]); err == nil && p != model.Member && r.Rule == model.GrantRule(who, p, d) {
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

// lasting counts the active members who hold p throughout the tenant, by
// themselves or through a team, with no end in sight.
func (s *state) lasting(p model.Profile, at time.Time) int {
	holders := make(map[model.UserID]bool)
	everywhere := model.Everywhere(s.tenant)
	for _, r := range s.rows {
		if r.Rule.V[1] != p.String() || r.Rule.V[2] != everywhere || !r.Until.IsZero() || r.From.After(at) {
			continue
		}
		who, err := model.ParseSubject(r.Rule.V[0])
		if err != nil {
			continue
		}
		if u, ok := who.User(); ok {
			holders[u] = true
			continue
		}
		for _, u := range s.holding(who.String(), everywhere) {
			holders[u] = true
		}
	}
	return len(holders)
}
