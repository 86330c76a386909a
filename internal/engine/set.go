package engine

import (
	"slices"
	"strings"
	"time"
)

// A set is what one entry is linked to at one place by rows of one kind. Equal sets
// are one: few sets of profiles and of traits make up all tenants, and are read so
// often that a processor has them at hand.
type set struct {
	kind
	meets *mask    // what the names lead to, by asking field; nil when they are foreign
	alone uint16   // the number of meets when there is nothing else; else 0
	names []string // linked to for good, in order
	timed []timed  // linked to for a time, by name
	many  *table   // the links of an entry that has too many, by place
}

// A kind is the rows of a graph that link to names that the pack knows, or those
// that link to foreign ones, such as teams.
type kind struct {
	graph   int // or one of the two below
	foreign bool
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

var held = &set{kind: kind{graph: holders}}

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

// newSet returns the set of links of a slot. Common holds the foreign sets that a
// snapshot shares; one that is new may be added to it.
func (p *Policy) newSet(at slot, names []string, times []timed, common map[string]*set) *set {
	slices.Sort(names)
	if len(times) > 0 {
		s := &set{kind: at.kind, names: names, timed: times}
		p.fill(s)
		return s
	}
	if !at.foreign {
		p.mu.Lock()
		defer p.mu.Unlock()
		common = p.sets
	}
	key := at.key(names)
	s := common[key]
	if s == nil {
		s = &set{kind: at.kind, names: names}
		p.fill(s)
		if at.foreign || len(common) < maxSets {
			common[key] = s
		}
	}
	return s
}

// maxSets is how many sets a policy remembers to share.
const maxSets = 1 << 14

// key is what a set of names for good is shared by.
func (k kind) key(names []string) string { return string(rune(k.graph)) + strings.Join(names, "\x00") }

// fill makes the sets of rows of s.
func (p *Policy) fill(s *set) {
	g := &p.graphs[s.graph]
	if !s.foreign {
		if len(s.names) > 0 {
			bits := p.none(len(g.asked))
			for _, n := range s.names {
				union(bits, g.names[n].closed.bits)
			}
			s.meets = p.masks.of(bits)
		}
		for i := range s.timed {
			s.timed[i].meets = g.names[s.timed[i].name].closed
		}
	}
	if s.meets != nil && len(s.timed) == 0 {
		s.alone = s.meets.number
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
