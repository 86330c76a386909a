package lint

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// ungrantable reports the profiles that only the system can hand out.
func (l *linter) ungrantable() {
	for _, e := range l.pack.Catalog.Profiles {
		if e.Place == 0 || e.Profile == model.Member {
			continue
		}
		q := l.question(model.GrantOf(e.Profile))
		grantable := false
		for _, p := range q.rows {
			if grantable = grantable || l.grants(p, q, func(world) bool { return false }); grantable {
				break
			}
		}
		if !grantable && l.budget >= 0 {
			name := e.Profile.String()
			l.foundAt(model.CatalogFile, l.pack.Catalog.Line("profile", name),
				"nobody may grant the profile %q: no row allows %q in %v", name, q.Permission, placeName(e.Place))
		}
	}
}

func placeName(p model.Place) string {
	switch p {
	case model.AtTenant:
		return "a tenant"
	case model.AtDossier:
		return "a dossier"
	}
	return "a tenant or a dossier"
}

func (l *linter) question(p model.Permission) *question {
	i := slices.IndexFunc(l.questions, func(q question) bool { return q.Permission == p })
	if i < 0 { // the work was cut short
		return &question{Permission: p}
	}
	return &l.questions[i]
}

// grants calls yield with the smallest worlds where p allows q, a grant, and
// what q grants can be held; it reports whether there is one.
func (l *linter) grants(p *policy, q *question, yield func(world) bool) bool {
	found := false
	if p.deny {
		return false
	}
	for _, s := range sites {
		if q.place&s.place() == 0 {
			continue
		}
		for w := range l.worlds(world{site: s}, p) {
			if l.allowed(w, q) {
				if found = true; !yield(w) {
					return true
				}
			}
		}
	}
	return found
}

// allowed reports the answer to q in w.
func (l *linter) allowed(w world, q *question) bool {
	allowed := false
	for _, p := range q.rows {
		if p.deny || !allowed {
			if l.applies(p, w) {
				if p.deny {
					return false
				}
				allowed = true
			}
		}
	}
	return allowed
}

// escalations reports, once for each row and profile, a grant by which its
// holder can give another more than it has itself: two people who help each
// other then have all of it.
func (l *linter) escalations() {
	for _, e := range l.pack.Catalog.Profiles {
		if e.Place == 0 {
			continue
		}
		q := l.question(model.GrantOf(e.Profile))
		for _, p := range q.rows {
			l.grants(p, q, func(w world) bool {
				if l.budget < 0 {
					return false
				}
				more, where := l.more(w, e)
				if len(more) == 0 {
					return true // another holder may escalate
				}
				if l.budget >= 0 {
					l.found(p.row, "%s may grant %s, who may %s in %v, which %s may not",
						holder(w.held), e.Profile, some(more), where, holder(w.held))
				}
				return false
			})
		}
	}
}

func holder(held []string) string {
	if len(held) == 0 {
		return model.Member.String()
	}
	name := held[0]
	for _, h := range held[1:] {
		name += " and " + h
	}
	return name
}

// some names the first of what there is more of.
func some(more []model.Permission) string {
	if len(more) == 1 {
		return fmt.Sprintf("%q", more[0])
	}
	return fmt.Sprintf("%q and %d more", more[0], len(more)-1)
}

// more returns what a holder of e, granted in w, is allowed that who grants it
// there is not: in w itself, and on every dossier when w is in a tenant. Both
// are assigned to the dossier, or neither is.
func (l *linter) more(w world, e model.ProfileEntry) (more []model.Permission, where site) {
	at := []site{w.site}
	if w.site == atTenant {
		at = append(at, atShared, atPrivate)
	}
	for i := range l.questions {
		q := &l.questions[i]
		for _, s := range at {
			if q.place&s.place() != 0 && l.moreOf(w, s, e.Profile.String(), q) {
				if len(more) == 0 {
					where = s
				}
				more = append(more, q.Permission)
				break
			}
		}
	}
	return more, where
}

func (l *linter) moreOf(w world, s site, profile string, q *question) bool {
	for _, p := range q.rows {
		if p.deny {
			continue
		}
		there, ok := l.require(world{site: s, held: []string{profile}, traits: w.traits}, p.dom)
		if !ok {
			continue
		}
		by := world{site: s, held: w.held, traits: there.traits}
		if !slices.Contains(w.held, model.Assigned) && l.allowed(there, q) && !l.allowed(by, q) {
			return true
		}
		if s != atTenant {
			there.held = append(slices.Clip(there.held), model.Assigned)
			by.held = append(slices.Clip(by.held), model.Assigned)
			if l.allowed(there, q) && !l.allowed(by, q) {
				return true
			}
		}
	}
	return false
}
