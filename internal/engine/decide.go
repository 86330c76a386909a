package engine

import (
	"time"
)

// A Question is an object and an action, with the rows that speak of them. It
// belongs to the policy that made it, and is asked of its snapshots. It never
// changes.
type Question struct {
	policy         *Policy
	object, action string
	base           []uint64   // rows that meet all clauses about these two alone
	parts          [][]uint64 // by source, what the values meet
}

// Question returns the question for an object and an action.
func (p *Policy) Question(object, action string) *Question {
	q := &Question{policy: p, object: object, action: action}
	if !p.indexed {
		return q
	}
	q.parts = make([][]uint64, len(p.sources))
	r := Request{Object: object, Action: action}
	for _, i := range p.static {
		q.parts[i] = p.meets(i, r.field(p.sources[i].ask))
	}
	q.base = p.none(1)
	for i := range p.rows {
		set1(q.base, i)
	}
	for _, c := range p.clauses {
		if !c.static {
			continue
		}
		for w := range q.base {
			met := c.always[w]
			for _, t := range c.terms {
				met |= q.parts[t.source][t.offset+w]
			}
			q.base[w] &= met
		}
	}
	return q
}

func (q Request) field(i int) string {
	switch i {
	case askSub:
		return q.Subject
	case askDom:
		return q.Domain
	case askObj:
		return q.Object
	default:
		return q.Action
	}
}

// meets returns the rows that a value meets the conditions of a source of, as
// far as the pack alone can tell.
func (p *Policy) meets(i int, value string) []uint64 {
	src := &p.sources[i]
	switch src.atomKind {
	case linked:
		if k := p.graphs[src.graph].known(value); k != nil {
			return k.closed
		}
		return p.none(len(p.graphs[src.graph].asked))
	case equal:
		if bits := src.rows[value]; bits != nil {
			return bits
		}
	case matched:
		bits := p.none(1)
		for pattern, rows := range src.rows {
			if keyMatch(value, pattern) {
				union(bits, rows)
			}
		}
		return bits
	case asksText:
		if value == src.text {
			return p.every
		}
	}
	return p.none(1)
}

// An answer gathers the sets of rows that a subject meets in a domain.
type answer struct {
	parts [maxParts]part
	n     int
	now   func() time.Time
	at    int64 // by the clock, once a row with a time asked for it; else 0
	until int64 // when the answer may become another one; 0 is never
}

type part struct {
	source int
	bits   []uint64
}

const maxParts = 8

func (a *answer) add(source int, bits []uint64) bool {
	if a.n == maxParts {
		return false
	}
	a.parts[a.n] = part{source, bits}
	a.n++
	return true
}

// holds reports whether t holds now.
func (a *answer) holds(t *timed) bool {
	if a.at == 0 {
		a.at = a.now().UnixMicro()
	}
	a.ends(t.next(a.at))
	return t.holds(a.at)
}

func (a *answer) ends(at int64) {
	if at != 0 && (a.until == 0 || at < a.until) {
		a.until = at
	}
}

// A spot is the domain of a request as the table knows it; name is nil when it
// does not.
type spot struct {
	name *name
	text string
	hash uint32
}

// Decide reports whether subject is allowed what q asks in domain. The clock
// is only asked when a row with a start or an end may matter. On an error the
// answer is false.
func (s *Snapshot) Decide(subject, domain string, q *Question, now func() time.Time) (bool, error) {
	if subject == "" || domain == "" || q.object == "" || q.action == "" {
		return false, errEmpty
	}
	if s.casbin != nil || q.policy != s.policy {
		return s.Enforce(Request{subject, domain, q.object, q.action}, now())
	}
	var a answer
	a.now = now
	if !s.gather(&a, subject, domain) || !s.answers(q) {
		return s.exactly(Request{subject, domain, q.object, q.action}, now().UnixMicro()), nil
	}
	return s.policy.decide(&a, q), nil
}

// answers reports whether the sets of q tell all: the tenant's own rows may
// make objects parts of others.
func (s *Snapshot) answers(q *Question) bool {
	for _, i := range s.policy.static {
		if g := s.policy.sources[i].graph; g >= 0 && s.tally[g].rows > 0 {
			return false
		}
	}
	return true
}

// decide answers q by what is gathered.
func (p *Policy) decide(a *answer, q *Question) bool {
	var allow, deny uint64
	for w, rows := range q.base {
		if rows == 0 {
			continue
		}
		for i := range p.clauses {
			c := &p.clauses[i]
			if c.static {
				continue
			}
			met := c.always[w]
			for _, t := range c.terms {
				if bits := q.parts[t.source]; bits != nil {
					met |= bits[t.offset+w]
				}
				for j := range a.n {
					if a.parts[j].source == t.source {
						met |= a.parts[j].bits[t.offset+w]
					}
				}
			}
			rows &= met
		}
		allow |= rows & p.allow[w]
		deny |= rows & p.deny[w]
	}
	return p.verdict(allow != 0, deny != 0)
}

// gather finds what subject meets in domain. It reports false when there is
// more to it than it can tell: then the links must be walked.
func (s *Snapshot) gather(a *answer, subject, domain string) bool {
	p := s.policy
	if !p.whole {
		return false
	}
	in := spot{text: domain, hash: hashOf(domain)}
	var there []link
	in.name, there = s.names.find(in.hash, domain)
	_, links := s.names.find(hashOf(subject), subject)
	for _, i := range p.dynamic {
		src := &p.sources[i]
		text, from := subject, links
		if src.ask == askDom {
			text, from = domain, there
		}
		ok := true
		switch src.atomKind {
		case linked:
			ok = s.tally[src.graph].inner == 0
			if k := p.graphs[src.graph].known(text); ok && k != nil {
				ok = a.add(i, k.closed)
			}
			ok = ok && s.collect(a, i, from, &in, false)
		case equal:
			if bits := src.rows[text]; bits != nil {
				ok = a.add(i, bits)
			}
		case matched:
			for pattern, bits := range src.rows {
				if keyMatch(text, pattern) {
					ok = ok && a.add(i, bits)
				}
			}
		case asksText:
			if text == src.text {
				ok = a.add(i, p.every)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// collect adds what links that hold in a domain lead to. Those of a team, say,
// are followed once.
func (s *Snapshot) collect(a *answer, source int, links []link, in *spot, followed bool) bool {
	graph := s.policy.sources[source].graph
	for i := range links {
		at, set := links[i].at, links[i].set
		if set.graph != graph {
			if set.graph == spilled && in.name != nil {
				if _, there := set.many.find(in.hash, in.text); !s.collect(a, source, there, in, followed) {
					return false
				}
			}
			continue
		}
		if at != nil && at != in.name && !s.covers(at, in.text) {
			continue
		}
		if set.bits != nil && !a.add(source, set.bits) {
			return false
		}
		for _, text := range set.extra {
			if !s.through(a, source, text, in, followed) {
				return false
			}
		}
		for j := range set.timed {
			t := &set.timed[j]
			switch {
			case !a.holds(t):
			case t.bits != nil:
				if !a.add(source, t.bits) {
					return false
				}
			case !s.through(a, source, t.name, in, followed):
				return false
			}
		}
	}
	return true
}

// covers reports whether at is a pattern that takes domain in.
func (s *Snapshot) covers(at *name, domain string) bool {
	for i := range s.patterns {
		if s.patterns[i].at == at {
			return keyMatch(domain, at.text)
		}
	}
	return false
}

// through adds what a name leads to that the pack does not know.
func (s *Snapshot) through(a *answer, source int, text string, in *spot, followed bool) bool {
	if s.hub.bits != nil && text == s.hub.text && s.hub.graph == s.policy.sources[source].graph {
		return a.add(source, s.hub.bits)
	}
	_, links := s.names.find(hashOf(text), text)
	return links == nil || !followed && s.collect(a, source, links, in, true)
}

// keyMatch is Casbin's: a '*' in the pattern stands for everything after it.
func keyMatch(key, pattern string) bool {
	for i := range len(pattern) {
		if pattern[i] == '*' {
			return len(key) >= i && key[:i] == pattern[:i]
		}
	}
	return key == pattern
}
