package engine_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// Readers of every snapshot and the one who makes the next do not disturb each
// other: what is shared never changes.
func TestReadersAndWriters(t *testing.T) {
	t.Parallel()
	p, err := engine.Compile(standard(t), []model.Rule{model.NewRule("p", "clerk", "any", "dossier", "figure", "view", "allow")})
	require.NoError(t, err)
	first, err := p.Builder().Snapshot()
	require.NoError(t, err)
	var newest atomic.Pointer[engine.Snapshot]
	newest.Store(first)
	ask := p.Question("figure", "view")
	var group sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				s := newest.Load()
				rows := 0
				for range s.Rows() {
					rows++
				}
				if rows != s.Len() || rows%2 != 0 {
					t.Errorf("%d rows, counted %d", rows, s.Len())
					return
				}
				u, d := fmt.Sprintf("user:%d", i%50), fmt.Sprintf("x/%d", i%50)
				ok, err := s.Decide(engine.KeyOf(u), engine.KeyOf(d), ask, time.Now)
				if has := s.Has(model.NewRule("g", u, "clerk", d)); err != nil || ok != has {
					t.Errorf("%s in %s: %v, %v, want %v", u, d, ok, err, has)
					return
				}
			}
		})
	}
	for i := range 2000 {
		u, d := fmt.Sprintf("user:%d", i%50), fmt.Sprintf("x/%d", i%50)
		rows := []engine.Row{{Rule: model.NewRule("g", u, "clerk", d)}, {Rule: model.NewRule("g2", d, "dossier")}}
		s := newest.Load()
		if s.Has(rows[0].Rule) {
			s, err = s.With(nil, rows)
		} else {
			s, err = s.With(rows, nil)
		}
		require.NoError(t, err)
		newest.Store(s)
	}
	close(done)
	group.Wait()
}
