package engine

import (
	"strings"
	"time"
)

// A Question is an object and an action, with the rows that speak of them. It
// is made by the policy of the snapshots that it is asked of; one of another
// policy is answered as well, but not fast. It does not change
// once its policy has snapshots.
type Question struct {
	policy         *Policy
	object, action string
	base           []uint64 // rows that meet all clauses about these two alone
	parts          []*mask  // by source, what the values meet

	remembered bool // by the policy, under this number
	number     uint16
}

// Question returns the question for an object and an action.
func (p *Policy) Question(object, action string) *Question {
	q := &Question{policy: p, object: object, action: action}
	if !p.indexed {
		return q
	}
	q.parts = make([]*mask, len(p.sources))
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
				met |= q.parts[t.source].bits[t.offset+w]
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
func (p *Policy) meets(i int, value string) *mask {
	src := &p.sources[i]
	switch src.atomKind {
	case linked:
		if k := p.graphs[src.graph].known(value); k != nil {
			return k.closed
		}
		return p.masks.of(p.none(len(p.graphs[src.graph].asked)))
	case equal:
		if rows := src.rows[value]; rows != nil {
			return rows
		}
	case matched:
		bits := p.none(1)
		for pattern, rows := range src.rows {
			if keyMatch(value, pattern) {
				union(bits, rows.bits)
			}
		}
		return p.masks.of(bits)
	case asksText:
		if value == src.text {
			return p.every
		}
	}
	return p.masks.of(p.none(1))
}

// An answer gathers the sets of rows that a subject meets in a domain.
type answer struct {
	parts [maxParts]*mask   // those of one source after the other
	ends  [maxDynamic]uint8 // by dynamic source
	n     uint8
	now   func() time.Time
	at    int64 // by the clock, once something asked for it: see time; else 0
	until int64 // when the answer may become another one; 0 is never
}

// More sources than these make a matcher that the fast way does not take, and
// more parts a subject.
const maxDynamic, maxParts = 8, 8

func (a *answer) add(m *mask) bool {
	if a.n == maxParts {
		return false
	}
	a.parts[a.n] = m
	a.n++
	return true
}

// holds reports whether t holds now.
func (a *answer) holds(t *timed) bool {
	a.expires(t.next(a.time()))
	return t.holds(a.time())
}

// time is when all of an answer is decided. It reads the clock once.
func (a *answer) time() int64 {
	if a.at == 0 {
		a.at = a.now().UnixMicro()
	}
	return a.at
}

func (a *answer) expires(at int64) {
	if at != 0 && (a.until == 0 || at < a.until) {
		a.until = at
	}
}

// A Key is a subject or a domain as snapshots look it up.
type Key struct {
	text string
	hash uint32
}

// KeyOf returns the key of a text.
func KeyOf(text string) Key { return Key{text, hashOf(text)} }

// A spot is the domain of a request as the table knows it; name is nil when it
// does not.
type spot struct {
	Key
	name *name
}

// Decide reports whether subject is allowed what q asks in domain. The clock
// is only asked when a row with a start or an end may matter. On an error the
// answer is false.
func (s *Snapshot) Decide(subject, domain Key, q *Question, now func() time.Time) (bool, error) {
	who, where := s.names.pair(subject, domain)
	return s.decide(subject, domain, who, where, q, now)
}

// decide is Decide, with the entries of the two.
func (s *Snapshot) decide(subject, domain Key, who, where *name, q *Question, now func() time.Time) (bool, error) {
	if subject.text == "" || domain.text == "" || q.object == "" || q.action == "" {
		return false, errEmpty
	}
	if s.casbin != nil {
		return s.Enforce(Request{subject.text, domain.text, q.object, q.action}, now())
	}
	q = s.own(q)
	if q.remembered {
		if v := s.recallAtOnce(who, where, domain.text); v != nil {
			return v.allows(q.number), nil
		}
	}
	a := answer{now: now}
	if !s.meet(&a, subject, domain, who, where) {
		return s.exactly(Request{subject.text, domain.text, q.object, q.action}, a.time()), nil
	}
	if q.remembered {
		if v := s.policy.recall(&a); v != nil {
			return v.allows(q.number), nil
		}
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

// settle notes what checks may go by, once all else of s is there.
func (s *Snapshot) settle() {
	s.plain = s.isPlain()
	s.only = pattern{} // a change begins with a copy
	if s.plain && s.policy.paired && s.policy.memo != nil && len(s.patterns) == 1 {
		s.only = s.patterns[0]
	}
}

// isPlain reports whether the sets of rows tell all: those of names, unless the
// tenant's own rows add to what the pack says of them, and those of questions,
// unless these rows make objects parts of others.
func (s *Snapshot) isPlain() bool {
	if !s.policy.whole {
		return false
	}
	for _, i := range s.policy.dynamic {
		if g := s.policy.sources[i].graph; g >= 0 && s.tally[g].inner > 0 {
			return false
		}
	}
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
					met |= q.parts[t.source].bits[t.offset+w]
					continue
				}
				first := uint8(0)
				if t.dynamic > 0 {
					first = a.ends[t.dynamic-1]
				}
				for _, m := range a.parts[first:a.ends[t.dynamic]] {
					met |= m.bits[t.offset+w]
				}
			}
			rows &= met
		}
		allow |= rows & p.allow[w]
		deny |= rows & p.deny[w]
	}
	return allow != 0, deny != 0
}

// meet finds what subject meets in domain, with the entries of the two. It reports
// false when there is more to it than it can tell: then the links must be walked.
func (s *Snapshot) meet(a *answer, subject, domain Key, who, where *name) bool {
	if !s.plain {
		return false
	}
	p := s.policy
	in := spot{Key: domain}
	if where != nil {
		in.name = where.first
	}
	for k, i := range p.dynamic {
		src := &p.sources[i]
		text, from := subject.text, who
		if src.ask == askDom {
			text, from = domain.text, where
		}
		ok := true
		switch src.atomKind {
		case linked:
			if k := p.graphs[src.graph].known(text); k != nil {
				ok = a.add(k.closed)
			}
			ok = ok && s.collect(a, src.graph, from, &in, false)
		case equal:
			if rows := src.rows[text]; rows != nil {
				ok = a.add(rows)
			}
		case matched:
			for pattern, rows := range src.rows {
				if keyMatch(text, pattern) {
					ok = ok && a.add(rows)
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

// collect adds what those links of from that hold in a domain lead to. Those of a
// team, say, are followed once.
func (s *Snapshot) collect(a *answer, graph int, from *name, in *spot, followed bool) bool {
	if from == nil {
		return true
	}
	for i := range from.front {
		l := from.link(i)
		at, set := l.at, l.set
		if at == nil {
			// Known by its address: what a hub leads to is at hand, and its set is not.
			if h := s.hub(set); h != nil {
				if h.graph == graph && !a.add(h.meets) {
					return false
				}
				continue
			}
		}
		if set.graph != graph {
			if set.graph == spilled && in.name != nil {
				if !s.collect(a, graph, set.many.entry(in.hash, in.text), in, followed) {
					return false
				}
			}
			continue
		}
		if at != nil && at != in.name && !s.covers(at, in.text) {
			continue
		}
		if set.meets != nil && !a.add(set.meets) {
			return false
		}
		if set.foreign {
			for _, text := range set.names {
				if !s.step(a, graph, text, in, followed) {
					return false
				}
			}
		}
		for j := range set.timed {
			t := &set.timed[j]
			switch {
			case !a.holds(t):
			case t.meets != nil:
				if !a.add(t.meets) {
					return false
				}
			case !s.step(a, graph, t.name, in, followed):
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

// step adds what a name leads to that the pack does not know.
func (s *Snapshot) step(a *answer, graph int, text string, in *spot, followed bool) bool {
	n := s.names.entry(hashOf(text), text)
	return n == nil || !followed && s.collect(a, graph, n, in, true)
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
