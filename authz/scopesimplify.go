package authz

import (
	"cmp"
	"slices"
)

func (f fact) compare(o fact) int {
	return cmp.Or(cmp.Compare(f.who, o.who), cmp.Compare(f.name, o.name))
}

func (a atom) equal(b atom) bool { return a.ptype == b.ptype && slices.Equal(a.rows, b.rows) }

// implies reports whether b holds wherever a does: it takes the same rows, and
// perhaps others too.
func (a atom) implies(b atom) bool {
	return a.ptype == b.ptype && !slices.ContainsFunc(a.rows, func(f fact) bool { return !slices.Contains(b.rows, f) })
}

func (a atom) or(b atom) atom {
	rows := slices.Concat(a.rows, b.rows)
	slices.SortFunc(rows, fact.compare)
	return atom{a.ptype, slices.Compact(rows)}
}

// implies reports whether d holds wherever c does.
func (c conjunction) implies(d conjunction) bool {
	return !slices.ContainsFunc(d, func(b atom) bool {
		return !slices.ContainsFunc(c, func(a atom) bool { return a.implies(b) })
	})
}

// tidy leaves out the atoms that others imply.
func (c conjunction) tidy() conjunction {
	var kept conjunction
	for i, a := range c {
		if !slices.ContainsFunc(c[i+1:], func(b atom) bool { return b.implies(a) }) &&
			!slices.ContainsFunc(kept, func(b atom) bool { return b.implies(a) }) {
			kept = append(kept, a)
		}
	}
	slices.SortFunc(kept, func(a, b atom) int {
		return cmp.Or(cmp.Compare(a.ptype, b.ptype), slices.CompareFunc(a.rows, b.rows, fact.compare))
	})
	return kept
}

// join returns one conjunction for c or d, when they differ in no more than one
// atom of one sort.
func (c conjunction) join(d conjunction) (conjunction, bool) {
	if len(c) != len(d) {
		return nil, false
	}
	only := func(x, y conjunction) conjunction {
		return slices.DeleteFunc(slices.Clone(x), func(a atom) bool { return slices.ContainsFunc(y, a.equal) })
	}
	mine, theirs := only(c, d), only(d, c)
	if len(mine) != 1 || len(theirs) != 1 || mine[0].ptype != theirs[0].ptype {
		return nil, false
	}
	joined := slices.DeleteFunc(slices.Clone(c), mine[0].equal)
	return append(joined, mine[0].or(theirs[0])).tidy(), true
}

// simplify returns conjunctions of which one holds wherever one of all does:
// fewer and shorter ones, in an order that depends on what they say alone.
func simplify(all []conjunction) []conjunction {
	var kept []conjunction
	for _, c := range all {
		kept = insert(kept, c.tidy())
	}
	slices.SortFunc(kept, func(a, b conjunction) int {
		return slices.CompareFunc(a, b, func(x, y atom) int {
			return cmp.Or(cmp.Compare(x.ptype, y.ptype), slices.CompareFunc(x.rows, y.rows, fact.compare))
		})
	})
	return kept
}

// insert adds c, joined with what it can be joined with, in place of what it
// makes superfluous.
func insert(kept []conjunction, c conjunction) []conjunction {
	if slices.ContainsFunc(kept, func(k conjunction) bool { return c.implies(k) }) {
		return kept
	}
	kept = slices.DeleteFunc(kept, func(k conjunction) bool { return k.implies(c) })
	for i, k := range kept {
		if joined, ok := k.join(c); ok {
			return insert(slices.Delete(kept, i, i+1), joined)
		}
	}
	return append(kept, c)
}
