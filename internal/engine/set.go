package engine

import (
	"slices"
	"strings"
	"time"
)

// A set is what one entry is linked to at one place by rows of one sort. Equal
// sets are one where that saves memory: few sets of profiles and of traits
// make up a tenant.
type set struct {
	graph int      // or one of the two below
	meets *mask    // what the names of the pack among names lead to, by asking field; or nil
	extra []string // the other ones among names, such as teams
	timed []timed  // linked to for a time, by name
	names []string // linked to for good, in order
	many  *table   // the links of an entry that has too many, by place
}

const (
	holders = -1 - iota // the place is whoever has a row at the entry
	spilled             // the links are in many
)

type timed struct {
	name        string
	from, until int64 // unix microseconds; 0 is no bound
	meets       *mask // what a name of the pack leads to, or nil
}

func (t *timed) holds(at int64) bool {
	return (t.from == 0 || t.from <= at) && (t.until == 0 || at < t.until)
}

// next returns the first moment after at when t begins or ends, or 0.
func (t *timed) next(at int64) int64 {
	switch {
	case t.from > at:
		return t.from
	case t.until > at:
		return t.until
	}
	return 0
}

var held = &set{graph: holders}

// link returns how text is linked to, and whether it is.
func (s *set) link(text string) (t timed, found bool) {
	if _, found := slices.BinarySearch(s.names, text); found {
		return timed{name: text}, true
	}
	for _, t := range s.timed {
		if t.name == text {
			return t, true
		}
	}
	return timed{}, false
}

func (s *set) all(yield func(timed) bool) {
	for _, n := range s.names {
		if !yield(timed{name: n}) {
			return
		}
	}
	for _, t := range s.timed {
		if !yield(t) {
			return
		}
	}
}

// newSet returns the set of links in a graph. Common holds sets that may be
// shared besides those of the policy; one that is new may be added to it.
func (p *Policy) newSet(graph int, names []string, times []timed, common map[string]*set) *set {
	slices.Sort(names)
	g := &p.graphs[graph]
	key, own := "", common
	if len(times) == 0 {
		key = string(rune(graph)) + strings.Join(names, "\x00")
		if !slices.ContainsFunc(names, func(n string) bool { return g.names[n] == nil }) {
			p.mu.Lock()
			defer p.mu.Unlock()
			own = p.sets
		}
		if s := own[key]; s != nil {
			return s
		}
	}
	s := &set{graph: graph, names: names, timed: times}
	if p.indexed {
		p.fill(s)
	}
	if key != "" && own != nil {
		own[key] = s
	}
	return s
}

// fill makes the sets of rows of s.
func (p *Policy) fill(s *set) {
	g := &p.graphs[s.graph]
	var bits []uint64
	for _, n := range s.names {
		k := g.names[n]
		if k == nil {
			s.extra = append(s.extra, n)
			continue
		}
		if bits == nil {
			bits = p.none(len(g.asked))
		}
		union(bits, k.closed.bits)
	}
	if bits != nil {
		s.meets = p.masks.of(bits)
	}
	for i := range s.timed {
		if k := g.names[s.timed[i].name]; k != nil {
			s.timed[i].meets = k.closed
		}
	}
	slices.SortFunc(s.timed, func(a, b timed) int { return strings.Compare(a.name, b.name) })
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}
