package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// Whoever comes to more than most members have is found by Subjects, and so is
// who has it on one dossier only, however the rows came about.
func TestSubjectsOutsideTheCrowd(t *testing.T) {
	t.Parallel()
	p, err := engine.Compile(standard(t), []model.Rule{
		model.NewRule("p", "boss", "any", "any", "*", "*", "allow"),
		model.NewRule("p", "clerk", "any", "any", "figure", "view", "allow"),
		model.NewRule("p", "member", "any", "any", "self", "edit", "allow"),
	})
	require.NoError(t, err)
	user := func(i int) string { return fmt.Sprintf("user:%d", i) }
	var members []engine.Row
	for i := range 100 {
		members = append(members, row("g", user(i), "member", "x/*"))
	}
	members = append(members, row("g", user(200), "member", "x/*"), row("g", user(200), "boss", "x/*"))
	loaded, err := p.Snapshot(slices.Values(members))
	require.NoError(t, err)
	grown, err := p.Snapshot(slices.Values([]engine.Row(nil)))
	require.NoError(t, err)
	for _, r := range members {
		grown, err = grown.With([]engine.Row{r}, nil)
		require.NoError(t, err)
	}
	view, edit := p.Question("figure", "view"), p.Question("self", "edit")
	for name, s := range map[string]*engine.Snapshot{"loaded": loaded, "grown": grown} {
		check := func(q *engine.Question, domain string, want ...string) {
			t.Helper()
			var got []string
			for u, err := range s.Subjects("member", "x/*", domain, q, noon) {
				require.NoError(t, err)
				got = append(got, u)
			}
			require.ElementsMatch(t, want, got, "%s: %s", name, domain)
		}
		change := func(added, removed []engine.Row) {
			t.Helper()
			s, err = s.With(added, removed)
			require.NoError(t, err)
		}
		check(view, "x/d", user(200))
		change([]engine.Row{row("g", user(7), "boss", "x/*"), row("g", user(8), "clerk", "x/d"), row("g", user(9), "clerk", "x/e")}, nil)
		check(view, "x/d", user(200), user(7), user(8))
		check(view, "x/e", user(200), user(7), user(9))
		change([]engine.Row{row("g", user(10), "team:t", "x/*"), row("g", "team:t", "clerk", "x/e")}, []engine.Row{row("g", user(7), "boss", "x/*")})
		check(view, "x/d", user(200), user(8))
		check(view, "x/e", user(200), user(9), user(10))
		change(nil, []engine.Row{row("g", user(10), "team:t", "x/*"), row("g", user(8), "clerk", "x/d")})
		check(view, "x/d", user(200))
		everybody := []string{user(200)}
		for i := range 100 {
			everybody = append(everybody, user(i))
		}
		check(edit, "x/d", everybody...)
	}
}

// lists says how a request's answer differs from the lists that it belongs in.
func lists(s *engine.Snapshot, policy *engine.Policy, q engine.Request, at time.Time, want bool) string {
	ask := policy.Question(q.Object, q.Action)
	bits, until, err := s.Allowed(engine.KeyOf(q.Subject), engine.KeyOf(q.Domain), []*engine.Question{ask, ask}, func() time.Time { return at })
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
	who, clock := s.Subject(engine.KeyOf(q.Subject)), func() time.Time { return at }
	if ok, err := who.Decide(engine.KeyOf(q.Domain), ask, clock); err != nil || ok != want {
		return fmt.Sprintf("asked by its entry: %v, %v, want %v", ok, err, want)
	}
	for _, trait := range []string{"dossier", "shared"} {
		places, few, err := placesOf(who, trait, ask, "", at)
		if err != nil || !few {
			if err != nil || len(places) > 0 {
				return fmt.Sprintf("places that are %s: %v, %v, though there are many", trait, places, err)
			}
			continue
		}
		var want []string
		for d := range s.Names("g2", trait, "") {
			ok, err := s.Enforce(engine.Request{Subject: q.Subject, Domain: d, Object: q.Object, Action: q.Action}, at)
			if same, wrong := who.Decide(engine.KeyOf(d), ask, clock); err != nil || wrong != nil || same != ok {
				return fmt.Sprintf("in %s, asked by its entry: %v, %v, want %v, %v", d, same, wrong, ok, err)
			}
			if ok {
				want = append(want, d)
			}
		}
		slices.Sort(want)
		if !slices.Equal(places, want) {
			return fmt.Sprintf("places that are %s: %v, want %v", trait, places, want)
		}
		for i, after := range want {
			if behind, _, err := placesOf(who, trait, ask, after, at); err != nil || !slices.Equal(behind, want[i+1:]) {
				return fmt.Sprintf("places that are %s behind %s: %v, %v, want %v", trait, after, behind, err, want[i+1:])
			}
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

func placesOf(who engine.Subject, trait string, q *engine.Question, after string, at time.Time) (places []string, few bool, err error) {
	few, err = who.Places(trait, q, after, at, func(place string) bool {
		places = append(places, place)
		return true
	})
	return places, few, err
}
