package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// anyTrait reports allow rows without a trait. A closed dossier keeps the rows
// of the tenant, and has no traits.
func (l *linter) anyTrait() {
	for _, p := range l.policies {
		if !p.deny && p.dom == model.Any {
			l.found(p.row, "%q allows in closed and unknown domains, too: want tenant, dossier or another trait, or * for both", l.rule(p))
		}
	}
}

// unsetTraits reports, once each, features that rows ask for and that no g2
// row releases. The catalog knows what sets all other traits.
func (l *linter) unsetTraits() {
	reported := map[string]bool{}
	for _, p := range l.policies {
		t, err := model.ParseTrait(p.dom)
		if err != nil || t.Kind() != model.KindReleased || l.released[p.dom] || reported[p.dom] {
			continue
		}
		reported[p.dom] = true
		hint := fmt.Sprintf(`it waits for "g2, *, %s"`, p.dom)
		if near := model.Nearest(p.dom, maps.Keys(l.released), len(t.Name())/3); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		l.found(p.row, "nothing sets %s: %s", p.dom, hint)
	}
}

// nearMisses reports traits of the vendor that differ from an earlier one in a
// letter.
func (l *linter) nearMisses() {
	var before []string
	for _, p := range l.policies {
		t, err := model.ParseTrait(p.dom)
		undeclared := err == nil && (t.Kind() == model.KindActivated || t.Kind() == model.KindReleased && l.released[p.dom])
		if !undeclared || slices.Contains(before, p.dom) {
			continue
		}
		if near := model.Nearest(p.dom, slices.Values(before), 1); near != "" && withoutDigits(near) != withoutDigits(p.dom) {
			l.found(p.row, "%q: did you mean %q?", p.dom, near)
		}
		before = append(before, p.dom)
	}
}

// withoutDigits leaves what tells names apart that are numbered.
func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, s)
}

// unreachable reports, once each, profiles that can be held neither by
// themselves nor through another: at the first row that wants one, or in the
// catalog.
func (l *linter) unreachable() {
	for _, e := range l.pack.Catalog.Profiles {
		name := e.Profile.String()
		if !l.nobody(name) {
			continue
		}
		const fault = "nobody can hold the profile %q: it has no place in the catalog, and no profile that has contains it"
		i := slices.IndexFunc(l.policies, func(p *policy) bool { return p.sub == name || p.via == name })
		if i < 0 {
			l.foundAt(model.CatalogFile, l.pack.Catalog.Line("profile", name), fault, name)
		} else {
			l.found(l.policies[i].row, fault, name)
		}
	}
}

// nobody reports whether nobody can have the role, wherever.
func (l *linter) nobody(role string) bool {
	if l.has(world{}, role) {
		return false
	}
	return len(l.waysTo(role, atNowhere)) == 0
}

// reachable reports whether somebody can have the roles that p wants.
func (l *linter) reachable(p *policy) bool { return !l.nobody(p.sub) && !l.nobody(p.via) }

// inapplicable reports rows that apply in no world, or only where nobody asks
// for what they speak of.
func (l *linter) inapplicable() {
	var places = map[*policy]model.Place{}
	for _, q := range l.questions {
		for _, p := range q.rows {
			places[p] |= q.place
		}
	}
	for _, p := range l.policies {
		if !l.reachable(p) || l.budget < 0 {
			continue
		}
		var at []site
		asked := false
		for _, s := range sites {
			for range l.worlds(world{site: s}, p) {
				at = append(at, s)
				asked = asked || places[p]&s.place() != 0
				break
			}
		}
		switch {
		case l.budget < 0:
		case !slices.ContainsFunc(at, func(s site) bool { return s != atNowhere }):
			l.found(p.row, "%q never applies: nobody who is %s is in a domain that is %s", l.rule(p), p.who(), p.dom)
		case !asked && len(l.questions) > 0:
			l.found(p.row, "%q never applies: the catalog has nobody ask for it in %v", l.rule(p), at[0])
		default:
			continue
		}
		l.idle[p] = true
	}
}

func (p *policy) who() string {
	if p.via == model.Any {
		return p.sub
	}
	return p.sub + " and " + p.via
}
