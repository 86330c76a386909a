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

// recalling returns the snapshot of rows, by a pack that remembers who may view
// figures, and a function that asks it who may.
func recalling(t *testing.T, pack []model.Rule, rows ...engine.Row) (*engine.Snapshot, func(s *engine.Snapshot, subject, domain string) bool) {
	t.Helper()
	p, err := engine.Compile(standard(t), pack)
	require.NoError(t, err)
	view := p.Question("figure", "view")
	p.Remember([]*engine.Question{view})
	s, err := p.Snapshot(slices.Values(rows))
	require.NoError(t, err)
	return s, func(s *engine.Snapshot, subject, domain string) bool {
		ok, err := s.Decide(engine.KeyOf(subject), engine.KeyOf(domain), view, func() time.Time { return noon })
		require.NoError(t, err)
		return ok
	}
}

// What was worked out for one user is at hand for every other one with the same rows,
// in all dossiers that are alike, and for none with other ones.
func TestRecall(t *testing.T) {
	t.Parallel()
	s, ask := recalling(t, []model.Rule{
		model.NewRule("p", "client", "any", "shared", "figure", "view", "allow"),
		model.NewRule("p", "client", "any", "closed", "figure", "view", "deny"),
		model.NewRule("p", "member", "any", "any", "self", "edit", "allow"),
	},
		row("g2", "x/d", "shared"), row("g2", "x/d", "x/*"), row("g2", "x/e", "shared"), row("g2", "x/e", "x/*"),
		row("g", "user:a", "member", "x/*"), row("g", "user:a", "client", "x/d"),
		row("g", "user:b", "member", "x/*"), row("g", "user:b", "client", "x/e"),
	)
	recalls := func(s *engine.Snapshot, subject, domain string) bool {
		recalled, same := s.Recalls(subject, domain)
		require.True(t, same)
		return recalled
	}
	require.False(t, recalls(s, "user:a", "x/d"), "nothing was asked")
	require.True(t, ask(s, "user:a", "x/d"))
	require.True(t, recalls(s, "user:a", "x/d"))
	require.True(t, recalls(s, "user:b", "x/e"))
	require.False(t, recalls(s, "user:a", "x/e"))
	require.False(t, ask(s, "user:a", "x/e"))
	require.True(t, recalls(s, "user:b", "x/d"))
	require.False(t, ask(s, "user:b", "x/d"))

	closed, err := s.With([]engine.Row{row("g2", "x/*", "closed")}, nil)
	require.NoError(t, err)
	require.False(t, recalls(closed, "user:a", "x/d"))
	require.False(t, ask(closed, "user:a", "x/d"))
	require.True(t, recalls(closed, "user:b", "x/e"))
	require.False(t, ask(closed, "user:b", "x/e"))

	timed := row("g", "user:c", "client", "x/d")
	timed.Until = noon.Add(-time.Hour)
	past, err := s.With([]engine.Row{timed, row("g", "user:c", "member", "x/*")}, nil)
	require.NoError(t, err)
	require.False(t, ask(past, "user:c", "x/d"))
	require.False(t, recalls(past, "user:c", "x/d"), "that depends on the time")

	require.True(t, ask(s, "user:a", "x/d"), "an old snapshot stays what it is")
}

// A domain in which somebody has rows is a name without rows of its own. Where the
// pack speaks of it, what others without rows meet is not all.
func TestRecallOfNameOfPack(t *testing.T) {
	t.Parallel()
	t.Run("as a subject", func(t *testing.T) {
		t.Parallel()
		s, ask := recalling(t, []model.Rule{
			model.NewRule("p", "x/d", "any", "any", "figure", "view", "allow"),
			model.NewRule("p", "any", "any", "shared", "figure", "view", "allow"),
		},
			row("g2", "x/e", "shared"), row("g", "user:a", "any", "x/d"), row("g", "user:a", "any", "x/*"),
		)
		require.False(t, ask(s, "user:nobody", "x/e"))
		require.True(t, ask(s, "x/d", "x/e"))
	})
	t.Run("as a domain", func(t *testing.T) {
		t.Parallel()
		s, ask := recalling(t, []model.Rule{
			model.NewRule("p", "clerk", "any", "x/d", "figure", "view", "allow"),
		},
			row("g", "user:a", "clerk", "x/*"), row("g", "user:b", "clerk", "x/d"), row("g", "user:b", "clerk", "x/e"),
		)
		require.False(t, ask(s, "user:a", "x/e"))
		require.True(t, ask(s, "user:a", "x/d"))
	})
}

// Many people in a dossier change nothing for each of them.
func TestRecallInCrowdedDomain(t *testing.T) {
	t.Parallel()
	rows := []engine.Row{row("g2", "x/d", "shared"), row("g2", "x/d", "x/*"), row("g2", "x/e", "x/*")}
	user := func(i int) string { return fmt.Sprintf("user:%d", i) }
	for i := range 100 {
		rows = append(rows, row("g", user(i), "member", "x/*"), row("g", user(i), "client", "x/d"))
	}
	s, ask := recalling(t, []model.Rule{
		model.NewRule("p", "client", "any", "shared", "figure", "view", "allow"),
		model.NewRule("p", "member", "any", "any", "self", "edit", "allow"),
	}, rows...)
	require.True(t, ask(s, user(0), "x/d"))
	for i := range 100 {
		recalled, same := s.Recalls(user(i), "x/d")
		require.True(t, recalled)
		require.True(t, same)
		require.True(t, ask(s, user(i), "x/d"))
	}
}
