package lint

import (
	"iter"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A decision depends on which profiles who asks holds, and on what is true of
// the domain. All conditions of a row want something to be held or true, none
// wants it not to be. So where a row applies, it applies in one of the smallest
// worlds that meet its conditions, and every other row that applies there
// applies wherever that world is part of a larger one.

// A site is a sort of domain.
type site uint8

const (
	atTenant  site = iota
	atShared       // a dossier
	atPrivate      // a dossier
	atNowhere      // a domain that is closed or unknown, of which nothing is true
)

var sites = []site{atTenant, atShared, atPrivate, atNowhere}

// place is where the catalog would say that s is.
func (s site) place() model.Place {
	switch s {
	case atTenant:
		return model.AtTenant
	case atShared, atPrivate:
		return model.AtDossier
	}
	return 0
}

func (s site) String() string {
	return []string{"a tenant", "a shared dossier", "a private dossier", "a closed domain"}[s]
}

// A world is who asks, and where.
type world struct {
	site   site
	held   []string // profiles, besides member, and assigned
	traits []string // besides those that every domain of the sort has
}

// require returns w with the trait true, unless it cannot be.
func (l *linter) require(w world, dom string) (world, bool) {
	if l.true(w, dom) {
		return w, true
	}
	t, err := model.ParseTrait(dom)
	if err != nil || w.site == atNowhere {
		return w, false
	}
	switch t.Kind() {
	case model.KindSetting, model.KindActivated, model.KindReleased:
	case model.KindPlain:
		switch t {
		case model.TraitTenant, model.TraitDossier, model.TraitShared, model.TraitPrivate:
			return w, false // true would have said so
		}
		fallthrough
	case model.KindModule:
		if w.site == atTenant {
			return w, false
		}
	case model.KindConfiguration: // a dossier has one at most
		if w.site == atTenant || slices.ContainsFunc(w.traits, isConfiguration) {
			return w, false
		}
	}
	w.traits = append(slices.Clip(w.traits), dom)
	return w, true
}

func isConfiguration(trait string) bool {
	return strings.HasPrefix(trait, string(model.KindConfiguration)+":")
}

// true reports whether the domain of w has the trait of a row.
func (l *linter) true(w world, dom string) bool {
	if dom == model.Any || slices.Contains(w.traits, dom) {
		return true
	}
	switch w.site {
	case atTenant:
		return dom == model.Everything || dom == model.TraitTenant.String() || l.released[dom]
	case atShared:
		return dom == model.Everything || dom == model.TraitDossier.String() || dom == model.TraitShared.String() || l.released[dom]
	case atPrivate:
		return dom == model.Everything || dom == model.TraitDossier.String() || dom == model.TraitPrivate.String() || l.released[dom]
	}
	return false
}

// has reports whether who asks in w has the role.
func (l *linter) has(w world, role string) bool {
	if role == model.Any || l.roles.reach(model.Member.String())[role] {
		return true
	}
	return slices.ContainsFunc(w.held, func(h string) bool { return l.roles.reach(h)[role] })
}

// applies reports whether p does in w to what it speaks of.
func (l *linter) applies(p *policy, w world) bool {
	l.budget--
	return l.has(w, p.sub) && l.has(w, p.via) && l.true(w, p.dom)
}

// An option is a role to have at a site.
type option struct {
	role string
	site site
}

// waysTo returns what one can hold to have the role at the site, as little as
// possible each.
func (l *linter) waysTo(role string, s site) []string {
	key := option{role, s}
	if ways, known := l.options[key]; known {
		return ways
	}
	var ways []string
	switch {
	case role == model.Assigned:
		if s != atTenant {
			ways = []string{role}
		}
	case l.holdable(role, s):
		ways = []string{role} // which whatever contains it gives, too
	default:
		for _, e := range l.pack.Catalog.Profiles {
			name := e.Profile.String()
			if l.holdable(name, s) && l.roles.reach(name)[role] {
				ways = append(ways, name)
			}
		}
	}
	l.options[key] = ways
	return ways
}

// holdable reports whether the profile itself can be held at the site: what is
// held in a tenant is held on its dossiers, too.
func (l *linter) holdable(profile string, s site) bool {
	place := l.profiles[profile].Place
	if s == atTenant {
		return place&model.AtTenant != 0
	}
	return place != 0
}

// worlds yields the smallest worlds at the site that contain w and in which
// all of the rows apply.
func (l *linter) worlds(w world, rows ...*policy) iter.Seq[world] {
	var roles []string
	possible := true
	for _, p := range rows {
		var ok bool
		w, ok = l.require(w, p.dom)
		possible = possible && ok
		roles = append(roles, p.sub, p.via)
	}
	return func(yield func(world) bool) {
		if possible {
			l.hold(w, roles, yield)
		}
	}
}

// hold goes through the ways to have all roles; it reports whether to go on.
func (l *linter) hold(w world, roles []string, yield func(world) bool) bool {
	for len(roles) > 0 && l.has(w, roles[0]) {
		roles = roles[1:]
	}
	if len(roles) == 0 {
		return yield(w)
	}
	for _, h := range l.waysTo(roles[0], w.site) {
		if l.budget--; l.budget < 0 {
			return false
		}
		with := w
		with.held = append(slices.Clip(w.held), h)
		if !l.hold(with, roles[1:], yield) {
			return false
		}
	}
	return true
}

// A question is a permission that the catalog knows, and the rows that speak
// of it.
type question struct {
	model.Permission
	place model.Place
	rows  []*policy
}

// allQuestions returns what authz lets anybody ask.
func (l *linter) allQuestions() []question {
	var all []question
	seen := map[model.Permission]bool{}
	byAction := map[string][]*policy{}
	for _, p := range l.policies {
		byAction[p.act] = append(byAction[p.act], p)
	}
	add := func(p model.Permission) {
		e, listed := l.pack.Catalog.Permission(p)
		if !listed || seen[p] {
			return
		}
		seen[p] = true
		q := question{Permission: p, place: e.Place}
		objects := l.parts.reach(p.Object())
		rows := append(slices.Clip(byAction[p.Action()]), byAction[model.Everything]...)
		if l.budget -= 4 * len(rows); l.budget < 0 {
			return
		}
		for _, r := range rows {
			if r.obj == model.Everything || objects[r.obj] {
				q.rows = append(q.rows, r)
			}
		}
		all = append(all, q)
	}
	actions := map[string]bool{}
	for _, e := range l.pack.Catalog.Permissions {
		add(e.Permission)
		actions[e.Permission.Action()] = true
	}
	for _, e := range l.pack.Catalog.Profiles {
		add(model.GrantOf(e.Profile))
	}
	for _, part := range l.parts.starts {
		for action := range actions {
			if p, err := model.ParsePermission(part, action); err == nil {
				add(p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b question) int { return strings.Compare(a.String(), b.String()) })
	return all
}
