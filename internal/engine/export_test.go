package engine

import "time"

// Fast reports whether the sets of rows alone answer q, without a walk of the
// links.
func (s *Snapshot) Fast(q Request, at time.Time) bool {
	a := answer{now: func() time.Time { return at }}
	subject, domain := KeyOf(q.Subject), KeyOf(q.Domain)
	who, where := s.names.pair(subject, domain)
	return s.casbin == nil && s.meet(&a, subject, domain, who, where)
}

// RememberFew is Remember with a memo of so many bits' slots.
func (p *Policy) RememberFew(qs []*Question, bits uint8) { p.remember(qs, bits) }

// Recalls reports whether who may do what in the domain is remembered, and found
// without a look at more than a few links.
func (s *Snapshot) Recalls(subject, domain string) bool {
	who, where := s.names.pair(KeyOf(subject), KeyOf(domain))
	return s.recall(who, where, domain) != nil
}

// Remembered returns the questions that p remembers the answers to.
func (p *Policy) Remembered() []*Question {
	if p.memo == nil {
		return nil
	}
	return p.memo.questions
}

// Asks reports whether q asks for the action on the object.
func (q *Question) Asks(object, action string) bool { return q.object == object && q.action == action }

// MaxRemembered is how many questions a memo can be made for.
const MaxRemembered = 64 * len(verdict{})
