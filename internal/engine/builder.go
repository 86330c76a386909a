package engine

import (
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A Builder makes a snapshot of rows that come one at a time, in any order,
// each once. It is for one goroutine.
type Builder struct {
	policy *Policy
	own    []model.Rule
	drafts map[slot]*draft
	order  []slot
	last   slot
	draft  *draft            // of last
	texts  map[string]string // roles and domains, which repeat
}

// Builder returns a builder without rows.
func (p *Policy) Builder() *Builder {
	return &Builder{policy: p, drafts: make(map[slot]*draft), texts: make(map[string]string)}
}

// Add adds a row. It refuses one that the model has no room for.
func (b *Builder) Add(r Row) error {
	if r.PType == "p" {
		if !r.From.IsZero() || !r.Until.IsZero() {
			return errTimed(r)
		}
		b.own = append(b.own, r.Rule)
		return nil
	}
	at, err := b.policy.slot(r.Rule)
	if err != nil {
		return err
	}
	if b.draft == nil || at != b.last {
		d := b.drafts[at]
		if d == nil {
			at.at = b.text(at.at)
			d = &draft{}
			b.drafts[at] = d
			b.order = append(b.order, at)
		}
		b.last, b.draft = at, d
	}
	b.draft.remove(r.V[1])
	role := b.text(r.V[1])
	if r.From.IsZero() && r.Until.IsZero() {
		b.draft.names = append(b.draft.names, role)
	} else {
		b.draft.times = append(b.draft.times, timed{name: role, from: micros(r.From), until: micros(r.Until)})
	}
	return nil
}

func (b *Builder) text(s string) string {
	known, found := b.texts[s]
	if !found {
		known = s
		b.texts[s] = s
	}
	return known
}

// Snapshot returns the snapshot of all rows added.
func (b *Builder) Snapshot() (*Snapshot, error) {
	if len(b.own) > 0 {
		return b.withOwn()
	}
	s := &Snapshot{policy: b.policy, common: make(map[string]*set), tally: make([]tally, len(b.policy.graphs))}
	if !b.policy.indexed {
		s.casbin = &lazyCasbin{}
	}
	c := newChange(s)
	c.next, c.loading = s, true
	for _, at := range b.order {
		d := b.drafts[at]
		c.counted(at, len(d.names)+len(d.times))
		b.place(c, at, b.policy.newSet(at, d.names, d.times, s.common))
		d.placed = true
	}
	names := make([]*name, 0, len(c.entries))
	for _, p := range c.entries {
		if !slices.IsSortedFunc(p.links, holdersLast) {
			slices.SortStableFunc(p.links, holdersLast)
		}
		if len(p.links) > maxLinks {
			p.links = spill(p.links)
		}
		names = append(names, p.done())
	}
	s.names = newTable(names)
	s.hubs = c.hubs()
	s.crowd = crowd{}.after(c)
	s.settle()
	return s, nil
}

func (b *Builder) place(c *change, at slot, new *set) {
	of := c.entry(at.of)
	switch {
	case at.at == "":
		of.links = append(of.links, link{nil, new})
	case strings.Contains(at.at, "*"):
		place := c.pattern(at.at)
		c.count(place, 1)
		of.links = append(of.links, link{place, new})
	default:
		p := c.entry(at.at)
		of.links = append(of.links, link{p.name, new})
		if !b.isPlaced(at) {
			p.links = append(p.links, link{of.name, held})
		}
	}
}

// isPlaced reports whether other rows of the same entry at the same domain have been
// placed before.
func (b *Builder) isPlaced(at slot) bool {
	for g := range b.policy.graphs {
		for _, foreign := range []bool{false, true} {
			other := slot{kind{g, foreign}, at.of, at.at}
			if b.policy.graphs[g].fields < 3 || other == at {
				continue
			}
			if d := b.drafts[other]; d != nil && d.placed {
				return true
			}
		}
	}
	return false
}

// holdersLast is the order of the links of an entry: see join.
func holdersLast(a, b link) int {
	switch {
	case a.isHolder() == b.isHolder():
		return 0
	case b.isHolder():
		return -1
	}
	return 1
}

// withOwn adds the tenant's own p rows to those of the pack.
func (b *Builder) withOwn() (*Snapshot, error) {
	p, err := Compile(b.policy.model, slices.Concat(b.policy.pack, b.own))
	if err != nil {
		return nil, err
	}
	again := p.Builder() // for what was foreign may not be any more
	for _, at := range b.order {
		d := b.drafts[at]
		for t := range (&set{names: d.names, timed: d.times}).all {
			rule := model.NewRule(p.graphs[at.graph].key, at.of, t.name, at.at)
			if err := again.Add(Row{rule, moment(t.from), moment(t.until)}); err != nil {
				return nil, err
			}
		}
	}
	s, err := again.Snapshot()
	if err == nil {
		s.extra = b.own
	}
	return s, err
}
