package engine_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// heap is what is in use. Tests that ask it are not parallel: nothing else of
// the package runs beside them.
func heap() int {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func bosses(t *testing.T) *engine.Policy {
	t.Helper()
	p, err := engine.Compile(standard(t), []model.Rule{model.NewRule("p", "boss", "any", "any", "*", "*", "allow")})
	require.NoError(t, err)
	return p
}

func row(ptype string, fields ...string) engine.Row {
	return engine.Row{Rule: model.NewRule(ptype, fields...)}
}

// What comes and goes leaves nothing behind, although each newcomer was linked to
// somebody who is gone by now.
func TestChurnLeavesNothing(t *testing.T) {
	s, err := bosses(t).Snapshot(slices.Values([]engine.Row(nil)))
	require.NoError(t, err)
	user := func(i int) string { return fmt.Sprintf("user:%036d", i) }
	dossier := func(i int) string { return fmt.Sprintf("acme/%036d", i) }
	with := func(added, removed []engine.Row) {
		s, err = s.With(added, removed)
		require.NoError(t, err)
	}
	with([]engine.Row{row("g", user(0), "boss", "acme/*")}, nil)
	round := func(i int) {
		with([]engine.Row{row("g2", dossier(i), "dossier"), row("g", user(i-1), "assigned", dossier(i))}, nil)
		with([]engine.Row{row("g", user(i), "member", "acme/*"), row("g", user(i), "boss", dossier(i))}, nil)
		gone := slices.Collect(s.Of(user(i - 1)))
		gone = slices.AppendSeq(gone, s.In(dossier(i-1)))
		with(nil, slices.AppendSeq(gone, s.Of(dossier(i-1))))
	}
	for i := range 1000 {
		round(i + 1)
	}
	before := heap()
	for i := range 10_000 {
		round(i + 1001)
	}
	require.Less(t, heap()-before, 1<<20, "a hundred bytes a round")
	require.Equal(t, 3, s.Len())
}

// A text that was read from a snapshot does not keep the snapshot.
func TestTextsKeepNothing(t *testing.T) {
	const people = 20_000
	p := bosses(t)
	before := heap()
	var kept []string
	func() {
		rows := p.Builder()
		for i := range people {
			u, d := fmt.Sprintf("user:%036d", i), fmt.Sprintf("acme/%036d", i)
			for _, r := range []engine.Row{row("g2", d, "dossier"), row("g", "user:boss", "assigned", d), row("g", u, "member", "acme/*"), row("g", u, "boss", d)} {
				require.NoError(t, rows.Add(r))
			}
		}
		s, err := rows.Snapshot()
		require.NoError(t, err)
		for name := range s.Names("g", "member", "acme/*") {
			kept = append(kept, name)
			break
		}
		for r := range s.Rows() {
			kept = append(kept, r.V[0], r.V[2])
			break
		}
		places, few, err := placesOf(s.Subject(engine.KeyOf("user:"+fmt.Sprintf("%036d", 7))), "dossier", p.Question("figure", "view"), "", noon)
		require.NoError(t, err)
		require.True(t, few)
		kept = append(kept, places...)
		require.Len(t, kept, 4)
		require.Greater(t, heap()-before, people*100, "while the snapshot is there")
		runtime.KeepAlive(s)
	}()
	require.Less(t, heap()-before, people*10)
	runtime.KeepAlive(kept)
}

// Texts that differ only where the hash does not look cost a search, and nothing
// more.
func TestTextsOfOneHash(t *testing.T) {
	p := bosses(t)
	user := func(i int) string { return fmt.Sprintf("user:%03d%040d", i, 7) }
	var rows []engine.Row
	for i := range 100 {
		rows = append(rows, row("g", user(i), "boss", "acme/*"))
	}
	before := heap()
	loaded, err := p.Snapshot(slices.Values(rows))
	require.NoError(t, err)
	changed, err := p.Snapshot(slices.Values([]engine.Row(nil)))
	require.NoError(t, err)
	for _, r := range rows {
		changed, err = changed.With([]engine.Row{r}, nil)
		require.NoError(t, err)
	}
	require.Less(t, heap()-before, 1<<20)
	for _, s := range []*engine.Snapshot{loaded, changed} {
		s, err = s.With(nil, rows[:99])
		require.NoError(t, err)
		for i := range rows {
			ok, err := s.Decide(engine.KeyOf(user(i)), engine.KeyOf("acme/d"), p.Question("figure", "view"), time.Now)
			require.NoError(t, err)
			require.Equal(t, i == 99, ok, user(i))
		}
	}
	runtime.KeepAlive(loaded)
}
