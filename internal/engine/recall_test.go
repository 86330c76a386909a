package engine_test

import (
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
	require.False(t, s.Recalls("user:a", "x/d"), "nothing was asked")
	require.True(t, ask(s, "user:a", "x/d"))
	require.True(t, s.Recalls("user:a", "x/d"))
	require.True(t, s.Recalls("user:b", "x/e"))
	require.False(t, s.Recalls("user:a", "x/e"))
	require.False(t, ask(s, "user:a", "x/e"))
	require.True(t, s.Recalls("user:b", "x/d"))
	require.False(t, ask(s, "user:b", "x/d"))

	closed, err := s.With([]engine.Row{row("g2", "x/*", "closed")}, nil)
	require.NoError(t, err)
	require.False(t, closed.Recalls("user:a", "x/d"))
	require.False(t, ask(closed, "user:a", "x/d"))
	require.True(t, closed.Recalls("user:b", "x/e"))
	require.False(t, ask(closed, "user:b", "x/e"))

	timed := row("g", "user:c", "client", "x/d")
	timed.Until = noon.Add(-time.Hour)
	past, err := s.With([]engine.Row{timed, row("g", "user:c", "member", "x/*")}, nil)
	require.NoError(t, err)
	require.False(t, ask(past, "user:c", "x/d"))
	require.False(t, past.Recalls("user:c", "x/d"), "that depends on the time")

	require.True(t, ask(s, "user:a", "x/d"), "an old snapshot stays what it is")
}

// A domain in which somebody has rows is a name without rows of its own. Where the
// pack gives it something as a subject, what others without rows have is not all.
func TestRecallOfNameOfPack(t *testing.T) {
	t.Parallel()
	s, ask := recalling(t, []model.Rule{
		model.NewRule("p", "x/d", "any", "any", "figure", "view", "allow"),
		model.NewRule("p", "any", "any", "shared", "figure", "view", "allow"),
	},
		row("g2", "x/e", "shared"), row("g", "user:a", "any", "x/d"), row("g", "user:a", "any", "x/*"),
	)
	require.False(t, ask(s, "user:nobody", "x/e"))
	require.True(t, ask(s, "x/d", "x/e"))
}
