package engine_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
)

// lists says how a request's answer differs from the lists that it belongs in.
func lists(s *engine.Snapshot, policy *engine.Policy, q engine.Request, at time.Time, want bool) string {
	ask := policy.Question(q.Object, q.Action)
	bits, until, err := s.Allowed(engine.KeyOf(q.Subject), engine.KeyOf(q.Domain), []*engine.Question{ask, ask}, at)
	if err != nil || bits[0] != map[bool]uint64{false: 0, true: 3}[want] {
		return fmt.Sprintf("asked for many: %v, %v, want %v", bits, err, want)
	}
	if !until.IsZero() {
		last, err := s.Enforce(q, until.Add(-time.Microsecond))
		if err != nil || last != want || !until.After(at) {
			return fmt.Sprintf("until %v: just before that it is %v, %v", until, last, err)
		}
	} else if later, err := s.Enforce(q, at.Add(100*time.Hour)); err != nil || later != want {
		return fmt.Sprintf("for ever: but later it is %v, %v", later, err)
	}
	for _, trait := range []string{"dossier", "shared"} {
		places, few := s.Places(engine.KeyOf(q.Subject), trait, ask, at)
		if !few {
			continue
		}
		if !slices.IsSorted(places) || len(slices.Compact(slices.Clone(places))) < len(places) {
			return fmt.Sprintf("places that are %s: %v", trait, places)
		}
		for d := range s.Names("g2", trait, "") {
			ok, err := s.Enforce(engine.Request{Subject: q.Subject, Domain: d, Object: q.Object, Action: q.Action}, at)
			i, listed := slices.BinarySearch(places, d)
			if err != nil || ok && !listed {
				return fmt.Sprintf("places that are %s: %s is allowed, %v, and not among %v", trait, d, err, places)
			}
			if listed {
				places = slices.Delete(places, i, i+1)
			}
		}
		if len(places) > 0 {
			return fmt.Sprintf("places that are not %s: %v", trait, places)
		}
	}
	listed := make(map[string]bool)
	for u, err := range s.Subjects("client", "x/*", q.Domain, ask, at) {
		if err != nil || listed[u] {
			return fmt.Sprintf("subjects: %q, %v", u, err)
		}
		listed[u] = true
	}
	for u := range s.Names("g", "client", "x/*") {
		if ok, err := s.Enforce(engine.Request{Subject: u, Domain: q.Domain, Object: q.Object, Action: q.Action}, at); err != nil || ok != listed[u] {
			return fmt.Sprintf("subjects: %s is listed: %v, want %v", u, listed[u], ok)
		}
		delete(listed, u)
	}
	if len(listed) > 0 {
		return fmt.Sprintf("subjects that are not clients are listed: %v", listed)
	}
	return ""
}
