package engine

import "time"

// Fast reports whether the sets of rows alone answer q, without a walk of the
// links.
func (s *Snapshot) Fast(q Request, at time.Time) bool {
	var a answer
	a.now = func() time.Time { return at }
	return s.casbin == nil && s.gather(&a, KeyOf(q.Subject), KeyOf(q.Domain))
}

// RememberFew is Remember with a memo of 16 slots, which is soon full.
func (p *Policy) RememberFew(qs []*Question) { p.remember(qs, 4) }

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
