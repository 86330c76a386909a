package engine

import (
	"maps"
	"slices"
	"strings"
)

// A change makes a snapshot of another one. It touches the entries of the rows
// that come and go, and no other.
type change struct {
	from    *Snapshot
	entries map[string]*pending
	sets    map[slot]*draft
	order   []slot
	next    *Snapshot
	mine    bool // next.patterns are its own
	loading bool // there was nothing before
}

// A pending entry is put into the table at the end.
type pending struct {
	name  *name // the first of its text
	isNew bool
	links []link
}

// done returns the name that goes into the table.
func (p *pending) done() *name {
	if !p.isNew {
		return p.name.with(p.links)
	}
	p.name.fill(p.links)
	return p.name
}

// A draft is a set that is being changed, or loaded.
type draft struct {
	names  []string
	times  []timed
	placed bool // its links are made
}

func newChange(s *Snapshot) *change {
	next := *s
	next.tally = slices.Clone(s.tally)
	return &change{from: s, entries: make(map[string]*pending), sets: make(map[slot]*draft), next: &next}
}

func (c *change) draft(r Row) (slot, *draft, error) {
	at, err := c.from.policy.slot(r.Rule)
	if err != nil {
		return slot{}, nil, err
	}
	d := c.sets[at]
	if d == nil {
		d = &draft{}
		_, links := c.from.names.find(hashOf(at.of), at.of)
		if set := c.from.setAt(links, at); set != nil {
			d.names, d.times = slices.Clone(set.names), slices.Clone(set.timed)
		}
		c.sets[at] = d
		c.order = append(c.order, at)
	}
	return at, d, nil
}

func (c *change) remove(r Row) error {
	at, d, err := c.draft(r)
	if err == nil && d.remove(r.V[1]) {
		c.counted(at, -1)
	}
	return err
}

func (d *draft) remove(text string) bool {
	if i := slices.Index(d.names, text); i >= 0 {
		d.names = slices.Delete(d.names, i, i+1)
		return true
	}
	if i := slices.IndexFunc(d.times, func(t timed) bool { return t.name == text }); i >= 0 {
		d.times = slices.Delete(d.times, i, i+1)
		return true
	}
	return false
}

func (c *change) add(r Row) error {
	at, d, err := c.draft(r)
	if err != nil {
		return err
	}
	if !d.remove(r.V[1]) {
		c.counted(at, 1)
	}
	if r.From.IsZero() && r.Until.IsZero() {
		d.names = append(d.names, r.V[1])
	} else {
		d.times = append(d.times, timed{name: r.V[1], from: micros(r.From), until: micros(r.Until)})
	}
	return nil
}

func (c *change) counted(at slot, n int) {
	c.next.tally[at.graph].rows += n
	if c.from.policy.graphs[at.graph].known(at.of) != nil {
		c.next.tally[at.graph].inner += n
	}
}

// snapshot returns what the change has made.
func (c *change) snapshot() *Snapshot {
	if len(c.order) == 0 {
		return c.from
	}
	common := c.from.common
	if len(common) < maxCommon {
		common = maps.Clone(common)
	} else {
		common = make(map[string]*set)
		for _, h := range c.from.hubs {
			common[h.set.key(h.set.names)] = h.set
		}
	}
	c.next.common = common
	for _, at := range c.order {
		d := c.sets[at]
		var new *set
		if len(d.names)+len(d.times) > 0 {
			new = c.from.policy.newSet(at, d.names, d.times, common)
		}
		c.set(at, new)
	}
	e := edit(c.from.names)
	for _, p := range c.entries {
		e.put(p.done())
	}
	c.next.names = e.table
	c.next.hubs = c.hubs()
	c.next.crowd = c.from.crowd.after(c)
	c.next.settle()
	if c.from.casbin != nil {
		c.next.casbin = &lazyCasbin{}
	}
	return c.next
}

// maxCommon is how many sets a snapshot remembers to share. They are more only
// where sets hardly repeat.
const maxCommon = 256

func (c *change) entry(text string) *pending {
	p := c.entries[text]
	if p == nil {
		p = &pending{}
		var links []link
		p.name, links = c.from.names.find(hashOf(text), text)
		if p.name == nil {
			p.name, p.isNew = newName(text), c.loading
		}
		p.links = slices.Clone(links)
		c.entries[text] = p
	}
	return p
}

// set gives an entry its set at a place, or takes it away when new is nil.
func (c *change) set(at slot, new *set) {
	of := c.entry(at.of)
	was := c.from.setAt(of.links, at) != nil
	if !was && new == nil {
		return
	}
	var place *name
	wild := strings.Contains(at.at, "*")
	switch {
	case at.at == "":
	case wild:
		place = c.pattern(at.at)
	default:
		place = c.entry(at.at).name
	}
	of.links = replace(of.links, place, at.kind, new, !wild && place != nil)
	if place == nil || was == (new != nil) {
		return
	}
	if wild {
		if was {
			c.count(place, -1)
		} else {
			c.count(place, 1)
		}
		return
	}
	p := c.entry(at.at)
	switch {
	case new != nil:
		p.links = replace(p.links, of.name, held.kind, held, true)
	case len(slices.Collect(setsAt(of.links, at.at))) == 0:
		p.links = replace(p.links, of.name, held.kind, nil, true)
	}
}

// pattern returns the name of the domain of rows that hold in many.
func (c *change) pattern(text string) *name {
	for _, p := range c.next.patterns {
		if p.at.text() == text {
			return p.at
		}
	}
	if !c.mine {
		c.next.patterns, c.mine = slices.Clone(c.next.patterns), true
	}
	n := newName(text)
	c.next.patterns = append(c.next.patterns, pattern{at: n, prefix: text[:strings.IndexByte(text, '*')]})
	return n
}

func (c *change) count(at *name, n int) {
	if !c.mine {
		c.next.patterns, c.mine = slices.Clone(c.next.patterns), true
	}
	i := slices.IndexFunc(c.next.patterns, func(p pattern) bool { return p.at == at })
	c.next.patterns[i].links += n
	if c.next.patterns[i].links == 0 {
		c.next.patterns = slices.Delete(c.next.patterns, i, i+1)
	}
}

// maxLinks is how many links an entry has before those at domains spill into a
// table of their own, which one change does not copy.
const maxLinks = 32

// replace returns links with another set at a place, or none when new is nil.
// Those at literal places may be spilled.
func replace(links []link, at *name, of kind, new *set, literal bool) []link {
	if i := slices.IndexFunc(links, func(l link) bool { return l.set.graph == spilled }); literal && i >= 0 {
		many := edit(*links[i].set.many)
		_, there := many.find(hashOf(at.text()), at.text())
		many.put(at.apart(replace(slices.Clone(there), at, of, new, false)))
		if many.size == 0 {
			return slices.Delete(links, i, i+1)
		}
		links[i].set = &set{kind: kind{graph: spilled}, many: &many.table}
		return links
	}
	i := slices.IndexFunc(links, func(l link) bool { return l.at == at && l.set.kind == of })
	switch {
	case i >= 0 && new == nil:
		return slices.Delete(links, i, i+1)
	case i >= 0:
		links[i].set = new
		return links
	case new == nil:
		return links
	}
	links = join(links, link{at, new})
	if literal && len(links) > maxLinks {
		return spill(links)
	}
	return links
}

// join adds a link where it belongs: those of holders are the last.
func join(links []link, l link) []link {
	i := len(links)
	if first := slices.IndexFunc(links, link.isHolder); first >= 0 && !l.isHolder() {
		i = first
	}
	return slices.Insert(links, i, l)
}

// spill moves the links at literal places into a table.
func spill(links []link) []link {
	var rest []link
	byPlace := make(map[*name][]link)
	for _, l := range links {
		if !l.isHolder() && (l.at == nil || strings.Contains(l.at.text(), "*")) {
			rest = append(rest, l)
		} else {
			byPlace[l.at] = append(byPlace[l.at], l)
		}
	}
	if len(byPlace) == 0 {
		return links
	}
	names := make([]*name, 0, len(byPlace))
	for at, there := range byPlace {
		names = append(names, at.apart(there))
	}
	many := newTable(names)
	return append(rest, link{set: &set{kind: kind{graph: spilled}, many: &many}})
}
