package engine

import (
	"iter"
	"slices"
)

// A crowd is the one link in many domains that most subjects have, such as that
// of the members of a tenant, and beside it the entries that have another one. Who
// may do something is looked for among these and among the holders of the domain,
// when the link of the crowd does not give it.
type crowd struct {
	link  link
	other table // without their links
	chose int   // how many entries there were when link was chosen
}

// A snapshot of fewer entries is searched as fast without a crowd.
const small = 8

// after returns the crowd of the snapshot that c makes.
func (w crowd) after(c *change) crowd {
	s := c.next
	if !s.policy.indexed {
		return w
	}
	if s.names.size > 2*w.chose+small && (w.chose == 0 || w.other.size > s.names.size/2) {
		return s.choose()
	}
	e := edit(w.other)
	for _, p := range c.entries {
		e.put(p.name.apart(w.mark(s, p.name, p.links)))
	}
	w.other = e.table
	return w
}

// mark returns the links that an entry has among the others: one, or none.
func (w crowd) mark(s *Snapshot, n *name, links []link) []link {
	if w.isOther(s, n, links) {
		return []link{{set: held}}
	}
	return nil
}

// isOther reports whether an entry has a link in many domains that is not the
// crowd's, or the pack knows its name.
func (w crowd) isOther(s *Snapshot, n *name, links []link) bool {
	for g := range s.policy.graphs {
		if s.policy.asksSubject(g) && s.policy.graphs[g].known(n.text()) != nil {
			return true
		}
	}
	return slices.ContainsFunc(links, func(l link) bool { return s.isWide(l) && l != w.link })
}

// isWide reports whether a link may give a subject something in many domains.
func (s *Snapshot) isWide(l link) bool {
	return l.set.graph >= 0 && s.policy.asksSubject(l.set.graph) &&
		(l.at == nil || slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.at == l.at }))
}

func (p *Policy) asksSubject(graph int) bool {
	return slices.ContainsFunc(p.sources, func(src source) bool { return src.ask == askSub && src.graph == graph })
}

// choose finds the link that most entries have. It looks at all of them.
func (s *Snapshot) choose() crowd {
	w := crowd{chose: s.names.size}
	counts := make(map[link]int)
	for _, links := range s.names.all {
		for _, l := range links {
			if s.isWide(l) {
				if counts[l]++; counts[l] > counts[w.link] {
					w.link = l
				}
			}
		}
	}
	var others []*name
	for n, links := range s.names.all {
		if mark := w.mark(s, n, links); mark != nil {
			others = append(others, n.apart(mark))
		}
	}
	w.other = newTable(others)
	return w
}

// near yields the entries outside the crowd, and those with rows in a domain, in
// no order and some of them twice.
func (w crowd) near(s *Snapshot, domain Key) iter.Seq2[*name, []link] {
	return func(yield func(*name, []link) bool) {
		found := func(n *name) bool {
			n, links := s.names.find(hashOf(n.text()), n.text())
			return n == nil || yield(n, links)
		}
		for n := range w.other.all {
			if !found(n) {
				return
			}
		}
		_, links := s.names.find(domain.hash, domain.text)
		for l := range each(links) {
			if l.isHolder() && !found(l.at) {
				return
			}
		}
	}
}
