package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A graph is the g, g2 or g3 rows of a pack, by their first field.
type graph struct {
	ptype  string
	starts []string // first fields, in the order of rows
	links  map[string][]edge
	memo   map[string]map[string]bool
}

type edge struct {
	to  string
	row int // in Rules
}

func newGraph(rules []model.Rule, ptype string) graph {
	g := graph{ptype, nil, map[string][]edge{}, map[string]map[string]bool{}}
	for i, r := range rules {
		if r.PType == ptype {
			if g.links[r.V[0]] == nil {
				g.starts = append(g.starts, r.V[0])
			}
			g.links[r.V[0]] = append(g.links[r.V[0]], edge{r.V[1], i})
		}
	}
	return g
}

// reach returns name and all that it contains. The caller does not change it.
func (g *graph) reach(name string) map[string]bool {
	if _, known := g.memo[name]; !known {
		g.memo[name] = g.reachWithout(name, nil)
	}
	return g.memo[name]
}

// reachWithout is reach as if the rows in gone were not there.
func (g *graph) reachWithout(name string, gone map[int]bool) map[string]bool {
	reached, todo := map[string]bool{name: true}, []string{name}
	for len(todo) > 0 {
		last := len(todo) - 1
		at := todo[last]
		todo = todo[:last]
		for _, e := range g.links[at] {
			if !gone[e.row] && !reached[e.to] {
				reached[e.to] = true
				todo = append(todo, e.to)
			}
		}
	}
	return reached
}

// cycles reports each row that closes one.
func (l *linter) cycles() {
	for _, ptype := range []string{"g", "g2", "g3"} {
		g := newGraph(l.pack.Rules, ptype)
		done, path := map[string]bool{}, []string(nil)
		on := map[string]bool{} // the names of path
		var visit func(name string)
		visit = func(name string) {
			if done[name] {
				return
			}
			on[name], path = true, append(path, name)
			for _, e := range g.links[name] {
				if on[e.to] {
					l.broken = true
					round := append(slices.Clone(path[slices.Index(path, e.to):]), e.to)
					l.found(e.row, "%q contains itself: %s", e.to, arrows(round))
					continue
				}
				visit(e.to)
			}
			on[name], path, done[name] = false, path[:len(path)-1], true
		}
		for _, name := range g.starts {
			visit(name)
		}
	}
}

// maxChain is how many links Casbin follows from what is asked.
const maxChain = 10

// chains reports the row at which a chain gets too long.
func (l *linter) chains() {
	if l.broken { // a cycle has no longest chain
		return
	}
	for _, ptype := range []string{"g", "g2", "g3"} {
		g := newGraph(l.pack.Rules, ptype)
		limit, before := maxChain, ""
		if ptype == "g" {
			limit, before = maxChain-2, " after the two from a person through a team"
		}
		longest := map[string][]edge{} // by where it starts
		var follow func(name string) []edge
		follow = func(name string) []edge {
			if chain, known := longest[name]; known {
				return chain
			}
			var best []edge
			for _, e := range g.links[name] {
				if rest := follow(e.to); len(rest)+1 > len(best) {
					best = append([]edge{e}, rest[:min(len(rest), limit)]...)
				}
			}
			longest[name] = best
			return best
		}
		contained, reported := map[string]bool{}, map[int]bool{}
		for _, links := range g.links {
			for _, e := range links {
				contained[e.to] = true
			}
		}
		for _, name := range g.starts {
			chain := follow(name)
			if contained[name] || len(chain) <= limit || reported[chain[limit].row] {
				continue // a chain that is too long is so from its very start
			}
			reported[chain[limit].row] = true
			l.broken = true
			names := []string{name}
			for _, e := range chain[:limit+1] {
				names = append(names, e.to)
			}
			l.found(chain[limit].row, "the chain %s is too long: Casbin follows %d links%s and leaves the rest out without a word",
				arrows(names), limit, before)
		}
	}
}

// arrows joins names, and leaves the middle out of many.
func arrows(names []string) string {
	if len(names) > 20 {
		names = slices.Concat(names[:10], []string{"…"}, names[len(names)-5:])
	}
	return strings.Join(names, " → ")
}

// idleLinks reports rows by which nothing is reached that a p row speaks of,
// or nothing that would not be reached without them.
func (l *linter) idleLinks() {
	roles, objects, traits := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range l.policies {
		roles[p.sub], roles[p.via], traits[p.dom], objects[p.obj] = true, true, true, true
	}
	for i, r := range l.pack.Rules {
		if r.PType == "g2" && !traits[r.V[1]] {
			l.found(i, "%q: no p row asks for %s", r, r.V[1])
		}
	}
	l.idleEdges(&l.roles, roles)
	l.idleEdges(&l.parts, objects)
}

// makesPart reports whether an object can be asked about only because it is in another
// that the catalog lists.
func (l *linter) makesPart(object, other string) bool {
	listed := func(object string) bool {
		return slices.ContainsFunc(l.pack.Catalog.Permissions, func(e model.PermissionEntry) bool { return e.Permission.Object() == object })
	}
	if listed(object) || strings.HasPrefix(object, "profile:") {
		return false
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(l.parts.reach(other))), listed)
}

func (l *linter) idleEdges(g *graph, used map[string]bool) {
	gone := map[int]bool{}
	for _, start := range slices.Backward(g.starts) {
		for _, e := range slices.Backward(g.links[start]) {
			if l.budget -= len(g.reach(start)); l.budget < 0 {
				return
			}
			if g == &l.parts && l.makesPart(start, e.to) {
				continue
			}
			if l.idleEdge(g, start, e, used, gone) {
				gone[e.row] = true
			}
		}
	}
}

func (l *linter) idleEdge(g *graph, start string, e edge, used map[string]bool, gone map[int]bool) bool {
	gone[e.row] = true
	defer delete(gone, e.row)
	rest := g.reachWithout(start, gone)
	speaks := false
	for name := range g.reachWithout(e.to, gone) {
		if used[name] && !rest[name] {
			return false
		}
		speaks = speaks || used[name]
	}
	if speaks {
		l.found(e.row, "%q: every answer is the same without it: %s contains what counts of %s already", l.pack.Rules[e.row], start, e.to)
	} else {
		l.found(e.row, "%q: no p row speaks of %s", l.pack.Rules[e.row], e.to)
	}
	return true
}
