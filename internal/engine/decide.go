package engine

import (
	"strings"
	"time"
)

// A Question is an object and an action, with the rows that speak of them. It
// is made by the policy of the snapshots that it is asked of; one of another
// policy is answered as well, but not fast. It never changes.
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
	parts [maxParts][]uint64 // those of one source after the other
	ends  [maxDynamic]uint8  // by dynamic source
	n     uint8
	now   func() time.Time
	at    int64 // by the clock, once a row with a time asked for it; else 0
	until int64 // when the answer may become another one; 0 is never
}

// More sources than these make a matcher that the fast way does not take, and
// more parts a subject.
const maxDynamic, maxParts = 8, 8

func (a *answer) add(bits []uint64) bool {
	if a.n == maxParts {
		return false
	}
	a.parts[a.n] = bits
	a.n++
	return true
}

// holds reports whether t holds now.
func (a *answer) holds(t *timed) bool {
	if a.at == 0 {
		a.at = a.now().UnixMicro()
	}
	a.expires(t.next(a.at))
	return t.holds(a.at)
}

func (a *answer) expires(at int64) {
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
	if s.casbin != nil {
		return s.Enforce(Request{subject, domain, q.object, q.action}, now())
	}
	q = s.own(q)
	var a answer
	a.now = now
	if !s.gather(&a, subject, domain) || !s.answers(q) {
		return s.exactly(Request{subject, domain, q.object, q.action}, now().UnixMicro()), nil
	}
	return s.policy.decide(&a, q), nil
}

// own returns q as a question of the policy of s.
func (s *Snapshot) own(q *Question) *Question {
	if q.policy != s.policy {
		q = s.policy.Question(q.object, q.action)
	}
	return q
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
func (p *Policy) decide(a *answer, q *Question) bool { return p.verdict(p.matches(a, q)) }

// matches reports whether a row matches that allows, and one that denies.
func (p *Policy) matches(a *answer, q *Question) (allows, denies bool) {
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
				if t.dynamic < 0 {
					met |= q.parts[t.source][t.offset+w]
					continue
				}
				first := uint8(0)
				if t.dynamic > 0 {
					first = a.ends[t.dynamic-1]
				}
				for _, bits := range a.parts[first:a.ends[t.dynamic]] {
					met |= bits[t.offset+w]
				}
			}
			rows &= met
		}
		allow |= rows & p.allow[w]
		deny |= rows & p.deny[w]
	}
	return allow != 0, deny != 0
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
	for k, i := range p.dynamic {
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
				ok = a.add(k.closed)
			}
			ok = ok && s.collect(a, src.graph, from, &in, false)
		case equal:
			if bits := src.rows[text]; bits != nil {
				ok = a.add(bits)
			}
		case matched:
			for pattern, bits := range src.rows {
				if keyMatch(text, pattern) {
					ok = ok && a.add(bits)
				}
			}
		case asksText:
			if text == src.text {
				ok = a.add(p.every)
			}
		}
		if !ok {
			return false
		}
		a.ends[k] = a.n
	}
	return true
}

// collect adds what links that hold in a domain lead to. Those of a team, say,
// are followed once.
func (s *Snapshot) collect(a *answer, graph int, links []link, in *spot, followed bool) bool {
	for i := range links {
		at, set := links[i].at, links[i].set
		if set.graph != graph {
			if set.graph == spilled && in.name != nil {
				if _, there := set.many.find(in.hash, in.text); !s.collect(a, graph, there, in, followed) {
					return false
				}
			}
			continue
		}
		if at != nil && at != in.name && !s.covers(at, in.text) {
			continue
		}
		if set.bits != nil && !a.add(set.bits) {
			return false
		}
		for _, text := range set.extra {
			if !s.through(a, graph, text, in, followed) {
				return false
			}
		}
		for j := range set.timed {
			t := &set.timed[j]
			switch {
			case !a.holds(t):
			case t.bits != nil:
				if !a.add(t.bits) {
					return false
				}
			case !s.through(a, graph, t.name, in, followed):
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
			return strings.HasPrefix(domain, s.patterns[i].prefix)
		}
	}
	return false
}

// through adds what a name leads to that the pack does not know.
func (s *Snapshot) through(a *answer, graph int, text string, in *spot, followed bool) bool {
	if s.hub.bits != nil && text == s.hub.text && s.hub.graph == graph {
		return a.add(s.hub.bits)
	}
	_, links := s.names.find(hashOf(text), text)
	return links == nil || !followed && s.collect(a, graph, links, in, true)
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
