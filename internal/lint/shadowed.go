package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
