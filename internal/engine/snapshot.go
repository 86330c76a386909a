package engine

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A Snapshot is the rows of a tenant at one moment, and the index on them. It
// never changes and is safe for concurrent use. [Snapshot.With] makes another
// one that shares with it what has not changed.
//
// All that rows name in their first field, and all domains in their third, are
// entries of one table. An entry holds its links by domain, and a domain also
// who has rows in it.
type Snapshot struct {
	names    table
	policy   *Policy
	casbin   *lazyCasbin // decides when the policy has no index
	plain    bool        // checks need no walk of the links: see isPlain
	only     pattern     // the only one, when recallAtOnce may go by it; else zero
	hubs     []hub
	patterns []pattern    // domains of rows that are patterns, such as acme/*
	extra    []model.Rule // p rows, which a tenant seldom has
	common   map[string]*set
	tally    []tally // by graph
	crowd    crowd
}

// A pattern is a domain that stands for many. Its rows have the same name at.
type pattern struct {
	at     *name
	prefix string // of the domains
	links  int    // that have it
}

// A tally counts the rows of a graph, and those of them whose first field the
// pack speaks of: what the pack's sets say of that name is not all.
type tally struct{ rows, inner int }

// A slot is where in a snapshot a row is.
type slot struct {
	kind
	of string // the first field
	at string // the third
}

// Snapshot returns the snapshot of rows, those of the pack left out. It refuses
// what the model has no room for.
func (p *Policy) Snapshot(rows iter.Seq[Row]) (*Snapshot, error) {
	b := p.Builder()
	for r := range rows {
		if err := b.Add(r); err != nil {
			return nil, err
		}
	}
	return b.Snapshot()
}

// With returns the snapshot after a change. A row that is added and there
// already takes the place of the other; one that is removed need not be there.
func (s *Snapshot) With(added, removed []Row) (*Snapshot, error) {
	if slices.ContainsFunc(added, isRow) || slices.ContainsFunc(removed, isRow) {
		return s.rebuilt(added, removed)
	}
	c := newChange(s)
	for _, r := range removed {
		if err := c.remove(r); err != nil {
			return nil, err
		}
	}
	for _, r := range added {
		if err := c.add(r); err != nil {
			return nil, err
		}
	}
	return c.snapshot(), nil
}

func isRow(r Row) bool { return r.PType == "p" }

// rebuilt is With for changes of the tenant's own p rows.
func (s *Snapshot) rebuilt(added, removed []Row) (*Snapshot, error) {
	rows := make(map[model.Rule]Row)
	for r := range s.Rows() {
		rows[r.Rule] = r
	}
	for _, r := range removed {
		delete(rows, r.Rule)
	}
	for _, r := range added {
		rows[r.Rule] = r
	}
	// The pack alone, without the p rows of this tenant.
	pack := s.policy.pack[:len(s.policy.pack)-len(s.extra)]
	p, err := Compile(s.policy.model, pack)
	if err != nil {
		return nil, err
	}
	return p.Snapshot(maps.Values(rows))
}

// Len is the number of rows.
func (s *Snapshot) Len() int {
	n := len(s.extra)
	for _, t := range s.tally {
		n += t.rows
	}
	return n
}

// Has reports whether r is one of the rows.
func (s *Snapshot) Has(r model.Rule) bool {
	_, found := s.Find(r)
	return found
}

// Find returns a row with the time in which it holds.
func (s *Snapshot) Find(r model.Rule) (Row, bool) {
	if r.PType == "p" {
		return Row{Rule: r}, slices.Contains(s.extra, r)
	}
	at, err := s.policy.slot(r)
	if err != nil {
		return Row{}, false
	}
	_, links := s.names.find(hashOf(at.of), at.of)
	t, found := timed{}, false
	if set := s.setAt(links, at); set != nil {
		t, found = set.link(r.V[1])
	}
	return Row{r, moment(t.from), moment(t.until)}, found
}

// setAt returns the set of a slot among an entry's links, or nil.
func (s *Snapshot) setAt(links []link, at slot) *set {
	for set := range setsAt(links, at.at) {
		if set.kind == at.kind {
			return set
		}
	}
	return nil
}

// setsAt yields the sets of an entry's links at a place.
func setsAt(links []link, place string) iter.Seq[*set] {
	return func(yield func(*set) bool) {
		for _, l := range links {
			if l.set.graph == spilled && place != "" {
				_, there := l.set.many.find(hashOf(place), place)
				for _, l := range there {
					if !l.isHolder() && !yield(l.set) {
						return
					}
				}
			}
			if l.set.graph >= 0 && l.text() == place && !yield(l.set) {
				return
			}
		}
	}
}

func (l link) text() string {
	if l.at == nil {
		return ""
	}
	return l.at.text()
}

// Rows yields every row, in no order.
func (s *Snapshot) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, r := range s.extra {
			if !yield(Row{Rule: r}) {
				return
			}
		}
		for n, links := range s.names.all {
			for r := range s.rowsOf(n.text(), links) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// Of yields the rows with text in their first field, in no order.
func (s *Snapshot) Of(text string) iter.Seq[Row] {
	n, links := s.names.find(hashOf(text), text)
	if n == nil {
		return func(func(Row) bool) {}
	}
	return s.rowsOf(n.text(), links)
}

// In yields the rows with domain in their third field, in no order. For a
// pattern it looks at every row.
func (s *Snapshot) In(domain string) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		if strings.Contains(domain, "*") {
			for r := range s.Rows() {
				if r.V[2] == domain && r.PType != "p" && !yield(r) {
					return
				}
			}
			return
		}
		_, links := s.names.find(hashOf(domain), domain)
		for l := range each(links) {
			if l.set.graph != holders {
				continue
			}
			_, theirs := s.names.find(hashOf(l.at.text()), l.at.text())
			for set := range setsAt(theirs, domain) {
				for t := range set.all {
					if !yield(s.row(set.graph, l.at.text(), t, domain)) {
						return
					}
				}
			}
		}
	}
}

// Names yields the first fields of the rows that link to role in the domain
// field, which is empty for rows without one. Of a pattern it looks at every
// entry, and of a domain at who has rows in it.
func (s *Snapshot) Names(ptype, role, domain string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if domain != "" && !strings.Contains(domain, "*") {
			_, links := s.names.find(hashOf(domain), domain)
			for l := range each(links) {
				if l.set.graph != holders {
					continue
				}
				_, theirs := s.names.find(hashOf(l.at.text()), l.at.text())
				if s.links(l.at, theirs, ptype, role, domain) && !yield(strings.Clone(l.at.text())) {
					return
				}
			}
			return
		}
		for n, links := range s.names.all {
			if s.links(n, links, ptype, role, domain) && !yield(strings.Clone(n.text())) {
				return
			}
		}
	}
}

// links reports whether one of the links of n is a row that links it to role in
// the domain field.
func (s *Snapshot) links(n *name, links []link, ptype, role, domain string) bool {
	g := s.policy.graph(ptype)
	if g < 0 {
		return false
	}
	set := s.setAt(links, slot{s.policy.kind(g, role), n.text(), domain})
	if set == nil {
		return false
	}
	_, found := set.link(role)
	return found
}

// each yields links, those of a spilled entry too.
func each(links []link) iter.Seq[link] {
	return func(yield func(link) bool) {
		for _, l := range links {
			if l.set.graph != spilled {
				if !yield(l) {
					return
				}
				continue
			}
			for _, there := range l.set.many.all {
				for _, l := range there {
					if !yield(l) {
						return
					}
				}
			}
		}
	}
}

func (s *Snapshot) rowsOf(text string, links []link) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for l := range each(links) {
			if l.set.graph == holders {
				continue
			}
			for t := range l.set.all {
				if !yield(s.row(l.set.graph, text, t, l.text())) {
					return
				}
			}
		}
	}
}

func (s *Snapshot) row(graph int, of string, t timed, at string) Row {
	return Row{s.rule(graph, of, t.name, at), moment(t.from), moment(t.until)}
}

func (s *Snapshot) rule(graph int, of, to, at string) model.Rule {
	return model.Rule{PType: s.policy.graphs[graph].key, V: [6]string{strings.Clone(of), to, strings.Clone(at)}}
}

// Policy returns what the snapshot decides by: questions must be its own to be
// answered fast. It is the one that made it, unless the tenant has p rows.
func (s *Snapshot) Policy() *Policy { return s.policy }
