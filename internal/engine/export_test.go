package engine

import "time"

// Fast reports whether the sets of rows alone answer q, without a walk of the
// links.
func (s *Snapshot) Fast(q Request, at time.Time) bool {
	var a answer
	a.now = func() time.Time { return at }
	return s.casbin == nil && s.gather(&a, q.Subject, q.Domain) && s.answers(s.policy.Question(q.Object, q.Action))
}
