package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/volmacht/volmacht/model"
)

// A closure is what can be reached from a name: each name with the row by
// which it was first reached, in order of reaching.
type closure []step

type step struct {
	name string
	by   model.Rule
	prev int // the step that by starts from; -1 at the start
}

func (c closure) find(text string) int {
	return slices.IndexFunc(c, func(s step) bool { return s.name == text })
}

// path returns the rows that lead to text, the first link first.
func (c closure) path(text string) []model.Rule {
	var rows []model.Rule
	for i := c.find(text); i >= 0 && c[i].prev >= 0; i = c[i].prev {
		rows = append(rows, c[i].by)
	}
	slices.Reverse(rows)
	return rows
}

// A walk follows links at one time, as far as Casbin does.
type walk struct {
	snapshot *Snapshot
	domain   string
	at       int64
	until    int64       // when it may come out differently; 0 is never
	also     *model.Rule // a row that is there for this walk
}

// from returns what links of a graph lead to from a name in a number of steps.
func (w *walk) from(graph int, start string, steps int) closure {
	c := closure{{name: start, prev: -1}}
	g := &w.snapshot.policy.graphs[graph]
	for depth, done := 0, 0; depth < steps && done < len(c); depth++ {
		for level := len(c); done < level; done++ {
			reach := func(to string, by model.Rule) {
				if c.find(to) < 0 {
					c = append(c, step{to, by, done})
				}
			}
			from := c[done].name
			for _, l := range g.links[from] {
				if g.fields == 2 || keyMatch(w.domain, l.domain) {
					reach(l.to, l.row)
				}
			}
			for _, r := range w.rows(graph, from) {
				reach(r.V[1], r)
			}
			if w.also != nil && w.also.PType == g.key && w.also.V[0] == from {
				reach(w.also.V[1], *w.also)
			}
		}
	}
	return c
}

// rows returns the tenant's rows from a name that hold, in order.
func (w *walk) rows(graph int, from string) []model.Rule {
	var rows []model.Rule
	n, links := w.snapshot.names.find(hashOf(from), from)
	var look func(links []link)
	look = func(links []link) {
		for _, l := range links {
			if l.set.graph == spilled {
				_, there := l.set.many.find(hashOf(w.domain), w.domain)
				look(there)
			}
			if l.set.graph != graph || l.at != nil && !keyMatch(w.domain, l.at.text()) {
				continue
			}
			for t := range l.set.all {
				if next := t.next(w.at); next != 0 && (w.until == 0 || next < w.until) {
					w.until = next
				}
				if t.holds(w.at) {
					rows = append(rows, w.snapshot.rule(graph, n.text(), t.name, l.text()))
				}
			}
		}
	}
	look(links)
	slices.SortFunc(rows, model.Rule.Compare)
	return rows
}

// A reading is a request with all that can be reached from it.
type reading struct {
	policy  *Policy
	request Request
	reached []closure  // by source, of the linked ones
	bits    [][]uint64 // by source, what is met
	until   int64
}

// read walks all links from q, and also those from a row that is not there.
func (s *Snapshot) read(q Request, at int64, also *model.Rule) *reading {
	p := s.policy
	r := &reading{policy: p, request: q, reached: make([]closure, len(p.sources)), bits: make([][]uint64, len(p.sources))}
	w := walk{snapshot: s, domain: q.Domain, at: at, also: also}
	for i := range p.sources {
		src := &p.sources[i]
		if src.atomKind != linked {
			r.bits[i] = p.meets(i, q.field(src.ask)).bits
			continue
		}
		g := &p.graphs[src.graph]
		r.reached[i] = w.from(src.graph, q.field(src.ask), maxChain)
		r.bits[i] = g.direct(r.reached[i], p)
	}
	r.until = w.until
	return r
}

func (g *graph) direct(c closure, p *Policy) []uint64 {
	bits := p.none(len(g.asked))
	for _, s := range c {
		if k := g.names[s.name]; k != nil {
			union(bits, k.direct)
		}
	}
	return bits
}

// meets reports whether row i meets clause c.
func (r *reading) meets(c *condition, i int) bool {
	if has1(c.always, i) {
		return true
	}
	for _, t := range c.terms {
		if has1(r.bits[t.source][t.offset:], i) {
			return true
		}
	}
	return false
}

// decides returns the row that decides, or -1: a deny before an allow, where
// denies count.
func (r *reading) decides() (row int, allowed bool) {
	p := r.policy
	allow, deny := -1, -1
	for i := range p.rows {
		if slices.ContainsFunc(p.clauses, func(c condition) bool { return !r.meets(&c, i) }) {
			continue
		}
		if has1(p.deny, i) {
			if deny < 0 {
				deny = i
			}
		} else if allow < 0 {
			allow = i
		}
	}
	allowed = p.verdict(allow >= 0, deny >= 0)
	if !allowed && deny >= 0 && p.model.Effect != model.AllowOverride {
		return deny, false
	}
	return allow, allowed
}

// verdict is the effect of the model.
func (p *Policy) verdict(allow, deny bool) bool {
	switch p.model.Effect {
	case model.AllowOverride:
		return allow
	case AllowUnlessDenied:
		return !deny
	default:
		return allow && !deny
	}
}

// exactly answers q by walking its links.
func (s *Snapshot) exactly(q Request, at int64) bool {
	_, allowed := s.read(q, at, nil).decides()
	return allowed
}

// A hub is a foreign set that many entries of a snapshot have in no domain, such as
// that of acme/* for all dossiers, with what it leads to.
type hub struct {
	set   *set
	graph int      // the set's: a check need not read it
	meets *mask    // nil when that depends on the time
	names []string // that links from it lead to
}

// maxHubs is how many hubs a snapshot has: one for each mixture of traits that the
// pack has no rows for, where these are few.
const maxHubs = 8

// hubs returns the hubs of the snapshot that c makes.
func (c *change) hubs() []hub {
	hubs := slices.Clone(c.from.hubs)
	for i, h := range hubs {
		if slices.ContainsFunc(c.order, func(at slot) bool { return at.graph == h.set.graph && slices.Contains(h.names, at.of) }) {
			hubs[i] = c.hub(h.set)
		}
	}
	for _, set := range c.shared() {
		if len(hubs) < maxHubs && !slices.ContainsFunc(hubs, func(h hub) bool { return h.set == set }) {
			hubs = append(hubs, c.hub(set))
		}
	}
	return hubs
}

func (c *change) hub(set *set) hub {
	p := c.next.policy
	w := walk{snapshot: c.next, at: time.Now().UnixMicro()}
	var reached closure
	for _, name := range set.names {
		reached = append(reached, w.from(set.graph, name, maxChain-1)...)
	}
	h := hub{set: set, graph: set.graph}
	timed := false
	for _, s := range reached {
		h.names = append(h.names, s.name)
		_, links := c.next.names.find(hashOf(s.name), s.name)
		timed = timed || slices.ContainsFunc(links, func(l link) bool { return l.set.graph == set.graph && len(l.set.timed) > 0 })
	}
	if !timed {
		h.meets = p.masks.of(p.graphs[set.graph].direct(reached, p))
	}
	return h
}

// shared returns the foreign sets that entries have in no domain, those that most
// have first.
func (c *change) shared() []*set {
	if !c.next.policy.indexed {
		return nil
	}
	counts := make(map[*set]int)
	var sets []*set
	for _, e := range c.entries {
		for _, l := range e.links {
			if l.at != nil || !l.set.foreign || len(l.set.timed) > 0 {
				continue
			}
			if counts[l.set]++; counts[l.set] == 1 {
				sets = append(sets, l.set)
			}
		}
	}
	slices.SortFunc(sets, func(a, b *set) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.graph, b.graph), slices.Compare(a.names, b.names))
	})
	return sets
}

// hub returns the hub of a set, when it has one that depends on no time.
func (s *Snapshot) hub(of *set) *hub {
	for i := range s.hubs {
		if h := &s.hubs[i]; h.set == of && h.meets != nil {
			return h
		}
	}
	return nil
}
