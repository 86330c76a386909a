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

// shadowed reports rows without which every answer is the same because of
// other rows. Those that one other row covers go first; what has gone covers
// nothing any more.
func (l *linter) shadowed() {
	rows := slices.Collect(maps.Values(l.spoken()))
	slices.SortFunc(rows, func(a, b *asked) int { return b.policy.row - a.policy.row })
	for _, one := range []bool{true, false} {
		for _, a := range rows {
			if l.idle[a.policy] || l.budget < 0 || !l.reachable(a.policy) {
				continue
			}
			by := l.cover(a)
			if l.budget < 0 || !by.covered || one && by.every == nil {
				continue
			}
			l.idle[a.policy] = true
			if by.every != nil {
				l.found(a.policy.row, "%q: every answer is the same without it: line %d covers it, %q", l.rule(a.policy), l.pack.Line(by.every.row), l.rule(by.every))
			} else {
				l.found(a.policy.row, "%q: every answer is the same without it: %s cover it together", l.rule(a.policy), l.lines(by.some))
			}
		}
	}
}

// An asked is a row, and the questions that it speaks of.
type asked struct {
	policy    *policy
	questions []*question
}

func (l *linter) spoken() map[*policy]*asked {
	all := map[*policy]*asked{}
	for i := range l.questions {
		q := &l.questions[i]
		for _, p := range q.rows {
			if all[p] == nil {
				all[p] = &asked{policy: p}
			}
			all[p].questions = append(all[p].questions, q)
		}
	}
	return all
}

// A cover says what leaves a row nothing to decide.
type cover struct {
	covered bool    // something does, wherever the row applies
	every   *policy // one row that does so everywhere
	some    map[*policy]bool
}

// cover returns what covers the row of a. An allow is covered where another
// row applies: an allow says the same, and a deny is stronger. A deny is
// covered where another deny applies, and counts only where an allow does.
func (l *linter) cover(a *asked) cover {
	c := cover{some: map[*policy]bool{}}
	var every map[*policy]bool
	try := func(w world, q *question) bool {
		here := map[*policy]bool{}
		for _, p := range q.rows {
			if p != a.policy && !l.idle[p] && (p.deny || !a.policy.deny) && l.applies(p, w) {
				here[p] = true
			}
		}
		if every == nil {
			every = maps.Clone(here)
		}
		maps.DeleteFunc(every, func(p *policy, _ bool) bool { return !here[p] })
		for p := range here {
			c.some[p] = true
		}
		return len(here) > 0 && l.budget >= 0
	}
	for _, q := range a.questions {
		for w := range l.decided(a.policy, q) {
			if !try(w, q) {
				return cover{}
			}
		}
	}
	c.covered = len(c.some) > 0
	for p := range every {
		if c.every == nil || p.row < c.every.row {
			c.every = p
		}
	}
	return c
}

// decided yields the smallest worlds in which p decides q, were it not for
// other rows of its effect.
func (l *linter) decided(p *policy, q *question) func(yield func(world) bool) {
	return func(yield func(world) bool) {
		for _, s := range sites {
			if !p.deny {
				for w := range l.worlds(world{site: s}, p) {
					if !yield(w) {
						return
					}
				}
				continue
			}
			for _, allow := range q.rows {
				if allow.deny {
					continue
				}
				for w := range l.worlds(world{site: s}, p, allow) {
					if !yield(w) {
						return
					}
				}
			}
		}
	}
}

// lines lists where rows are.
func (l *linter) lines(rows map[*policy]bool) string {
	var lines []int
	for p := range rows {
		lines = append(lines, l.pack.Line(p.row))
	}
	slices.Sort(lines)
	words := make([]string, len(lines))
	for i, n := range lines {
		words[i] = fmt.Sprint(n)
	}
	if len(words) > 1 {
		words = append(words[:len(words)-2], words[len(words)-2]+" and "+words[len(words)-1])
	}
	return "lines " + strings.Join(words, ", ")
}

// idleDenies reports denies of what no allow gives to whom they deny it.
func (l *linter) idleDenies() {
	spoken := l.spoken()
	for _, p := range l.policies {
		if !p.deny || l.idle[p] || l.budget < 0 || !l.reachable(p) || spoken[p] == nil {
			continue
		}
		counts := false
		for _, q := range spoken[p].questions {
			for range l.decided(p, q) {
				counts = true
				break
			}
		}
		if !counts && l.budget >= 0 {
			l.found(p.row, "%q denies nothing: no row allows this to anybody who is %s, where a domain is %s", l.rule(p), p.who(), p.dom)
		}
	}
}
