package engine

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Allowed answers many questions about one subject in one domain: bit i of the
// words, which are not the caller's to change, is the answer to qs[i]. The clock is
// only asked when a row with a start or an end may matter. The answers stay so until
// the time that is returned; zero is as long as the rows stay.
func (s *Snapshot) Allowed(subject, domain Key, qs []*Question, now func() time.Time) (bits []uint64, until time.Time, err error) {
	if subject.text == "" || domain.text == "" {
		return nil, time.Time{}, errEmpty
	}
	if s.casbin != nil {
		bits = make([]uint64, (len(qs)+63)/64)
		until, err = s.askCasbin(subject.text, domain.text, qs, now(), bits)
		return bits, until, err
	}
	who, where := s.names.pair(subject, domain)
	remembered := s.policy.remembers(qs)
	if remembered {
		if v := s.recallAtOnce(who, where, domain.text); v != nil {
			return v[:(len(qs)+63)/64], time.Time{}, nil
		}
	}
	a := answer{now: now}
	fast := s.meet(&a, subject, domain, who, where)
	if fast && remembered {
		if v := s.policy.recall(&a); v != nil {
			return v[:(len(qs)+63)/64], moment(a.until), nil
		}
	}
	bits = make([]uint64, (len(qs)+63)/64)
	for i, q := range qs {
		q, ok := s.own(q), false
		if fast {
			ok = s.policy.decide(&a, q)
		} else {
			r := s.read(Request{subject.text, domain.text, q.object, q.action}, a.time(), nil)
			a.expires(r.until)
			_, ok = r.decides()
		}
		if ok {
			set1(bits, i)
		}
	}
	return bits, moment(a.until), nil
}

func (s *Snapshot) askCasbin(subject, domain string, qs []*Question, at time.Time, bits []uint64) (until time.Time, err error) {
	c, err := s.casbin.of(s)
	if err != nil {
		return until, err
	}
	for i, q := range qs {
		ok, err := c.Enforce(Request{subject, domain, q.object, q.action}, at)
		if err != nil {
			clear(bits)
			return until, err
		}
		if ok {
			set1(bits, i)
		}
	}
	return c.next(at), nil
}

// A Subject is one of a snapshot that is asked about in many domains, and looked up
// once.
type Subject struct {
	Key
	in   *Snapshot
	name *name
}

// Subject returns the subject of a key.
func (s *Snapshot) Subject(key Key) Subject {
	return Subject{key, s, s.names.entry(key.hash, key.text)}
}

// Decide is [Snapshot.Decide].
func (u Subject) Decide(domain Key, q *Question, now func() time.Time) (bool, error) {
	return u.in.decide(u.Key, domain, u.name, u.in.names.entry(domain.hash, domain.text), q, now)
}

// Places yields the domains behind after in which u is allowed what q asks, in order,
// of those with a g2 row that gives them the trait. It looks only where the subject or
// one of its teams has a row, and reports false when that is not enough, as something
// that holds in many domains may allow it.
func (u Subject) Places(trait string, q *Question, after string, at time.Time, yield func(string) bool) (few bool, err error) {
	s := u.in
	q = s.own(q)
	places, few := u.places(q, at)
	if !few {
		return false, nil
	}
	next, found := slices.BinarySearch(places, after)
	if found {
		next++
	}
	of := s.policy.kind(s.policy.graph("g2"), trait)
	now := func() time.Time { return at }
	for _, domain := range places[next:] {
		key := KeyOf(domain)
		where := s.names.entry(key.hash, domain)
		if !where.isA(of, trait) {
			continue
		}
		ok, err := s.decide(u.Key, key, u.name, where, q, now)
		if err != nil {
			return true, err
		}
		if ok && !yield(strings.Clone(domain)) {
			break
		}
	}
	return true, nil
}

// places returns the domains outside which u is not allowed what q asks, in order.
func (u Subject) places(q *Question, at time.Time) (places []string, few bool) {
	s, p := u.in, u.in.policy
	if s.casbin != nil || !s.plain || p.model.Effect == AllowUnlessDenied {
		return nil, false
	}
	a := answer{now: func() time.Time { return at }}
	for k, i := range p.dynamic {
		src := &p.sources[i]
		var ok bool
		switch {
		case src.ask == askDom: // in some domain or other
			ok = a.add(p.ones)
		case src.atomKind != linked:
			ok = a.add(p.meets(i, u.text))
		default:
			places, ok = u.widely(&a, src.graph, places)
		}
		if !ok {
			return nil, false
		}
		a.ends[k] = a.n
	}
	if allow, _ := p.matches(&a, q); allow {
		return nil, false
	}
	slices.Sort(places)
	return slices.Compact(places), true
}

// widely adds what u has in many domains, and to places where it has
// something else, itself or through a team.
func (u Subject) widely(a *answer, graph int, places []string) ([]string, bool) {
	s := u.in
	if k := s.policy.graphs[graph].known(u.text); k != nil && !a.add(k.closed) {
		return nil, false
	}
	var links []link
	if u.name != nil {
		links = u.name.each()
	}
	var through []string
	for l := range each(links) {
		if l.set.graph != graph {
			continue
		}
		if l.at != nil && !strings.Contains(l.at.text(), "*") {
			places = append(places, l.at.text())
			continue
		}
		if l.set.meets != nil && !a.add(l.set.meets) || len(l.set.timed) > 0 {
			return nil, false
		}
		if l.set.foreign {
			through = append(through, l.set.names...)
		}
	}
	for _, team := range through {
		_, links := s.names.find(hashOf(team), team)
		for l := range each(links) {
			switch {
			case l.set.graph != graph:
			case l.at == nil || strings.Contains(l.at.text(), "*"):
				return nil, false
			default:
				places = append(places, l.at.text())
			}
		}
	}
	return places, true
}

// Subjects yields the names with a row that links them to role in the domain
// field in, such as the members of a tenant, that are allowed what q asks in
// domain at the given time; in no order. It looks at those that have rows in the
// domain, or something in many domains that others do not have; at all of them
// only when what most have may allow it. An error comes last, with an empty name.
func (s *Snapshot) Subjects(role, in, domain string, q *Question, at time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		q, now, where := s.own(q), func() time.Time { return at }, KeyOf(domain)
		candidates := s.names.all
		if s.crowdIsOut(q) {
			candidates = s.crowd.near(s, where)
		}
		seen := make(map[*name]bool)
		for n, links := range candidates {
			if seen[n] || !s.links(n, links, "g", role, in) {
				continue
			}
			seen[n] = true
			ok, err := s.Decide(KeyOf(n.text()), where, q, now)
			if err != nil {
				yield("", err)
				return
			}
			if ok && !yield(strings.Clone(n.text()), nil) {
				return
			}
		}
	}
}

// crowdIsOut reports whether somebody who has the link of the crowd, and nothing
// else, is allowed what q asks in no domain.
func (s *Snapshot) crowdIsOut(q *Question) bool {
	p := s.policy
	if s.casbin != nil || !s.plain || s.crowd.link.set == nil || p.model.Effect == AllowUnlessDenied ||
		slices.ContainsFunc(p.sources, func(src source) bool { return src.ask == askSub && src.atomKind != linked }) {
		return false
	}
	only := s.crowd.link.set
	return !only.foreign && len(only.timed) == 0 && !s.mayAllow(only, q) && !s.mayAllow(&set{kind: only.kind}, q)
}

// mayAllow reports whether somebody with one set of links may be allowed what
// q asks in some domain.
func (s *Snapshot) mayAllow(only *set, q *Question) bool {
	var a answer
	for k, i := range s.policy.dynamic {
		src := &s.policy.sources[i]
		switch {
		case src.ask == askDom:
			a.add(s.policy.ones)
		case src.graph == only.graph && only.meets != nil:
			a.add(only.meets)
		}
		a.ends[k] = a.n
	}
	allow, _ := s.policy.matches(&a, q)
	return allow
}
