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

// Recalls reports whether what the subject may do in the domain is recalled at once, and
// whether that is what all that the two meet leads to, without a clock.
func (s *Snapshot) Recalls(subject, domain string) (recalled, same bool) {
	who, where := s.names.pair(KeyOf(subject), KeyOf(domain))
	v := s.recallAtOnce(who, where, domain)
	if v == nil {
		return false, true
	}
	timed := false
	a := answer{now: func() time.Time { timed = true; return time.Now() }}
	same = s.meet(&a, KeyOf(subject), KeyOf(domain), who, where) && s.policy.recall(&a) == v && !timed
	return true, same
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
