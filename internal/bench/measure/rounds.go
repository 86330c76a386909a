package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

// turns calls f for each subject in each round, in another order each time, so that
// nobody always comes after the same neighbour. What that one leaves behind is collected
// before the turn begins, and in nobody's time.
func turns(ctx context.Context, what string, subjects []*subject, o Options, f func(s *subject, round int) error) error {
	var left garbage
	for round := range o.Rounds {
		o.Progress("%s: round %d of %d", what, round+1, o.Rounds)
		for _, i := range rand.New(rand.NewPCG(o.Seed, uint64(round))).Perm(len(subjects)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			s := subjects[i]
			left.collect()
			if err := f(s, round); err != nil {
				return fmt.Errorf("%s: %s: %w", s.Name, what, err)
			}
		}
	}
	return nil
}

// garbage is what turns leave behind.
type garbage struct{ total, live uint64 } // what was allocated and what was kept, when it was last collected

// collect collects it once it may be an eighth of the heap: less brings no collection on
// during a turn, and to collect gigabytes for nothing takes an hour at L.
func (g *garbage) collect() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if 8*(m.TotalAlloc-g.total) < g.live {
		return
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	g.total, g.live = m.TotalAlloc, m.HeapAlloc
}

// timeChecks times both streams. An engine too slow for all of a stream in one
// round takes the next part of it in each.
func timeChecks(ctx context.Context, _ *world.World, subjects []*subject, o Options) error {
	err := turns(ctx, "checks", subjects, o, func(s *subject, round int) error {
		for i := range s.streams {
			st := &s.streams[i]
			n := share(len(st.checks), o.Slice, s.cost)
			s.result.Timed = n
			had, began := cpu(), time.Now()
			ns, err := lap(ctx, n, func(i int) error {
				_, err := st.ask((round*n + i) % len(st.checks))
				return err
			})
			if err != nil {
				return err
			}
			s.had, s.wanted = s.had+cpu()-had, s.wanted+time.Since(began)
			st.times = append(st.times, ns)
		}
		return nil
	})
	for _, s := range subjects {
		s.result.Uniform, s.result.UniformWorst = report.Median(s.streams[0].times), slices.Max(append(s.streams[0].times, 0))
		s.result.Zipf = report.Median(s.streams[1].times)
		s.result.Allocations = allocations(s)
	}
	return err
}

// lap is the time of one of n calls, in nanoseconds.
func lap(ctx context.Context, n int, f func(i int) error) (float64, error) {
	began := time.Now()
	for i := range n {
		if err := f(i); err != nil {
			return 0, err
		}
		if i&0xfff == 0xfff && ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return float64(time.Since(began)) / float64(n), nil
}

// allocations of a check, by the runtime's own count.
func allocations(s *subject) float64 {
	st := s.streams[0]
	n := share(min(2000, len(st.checks)), 500*time.Millisecond, s.cost)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range n {
		_, _ = st.ask(i)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// timeLists times the three lists.
func timeLists(ctx context.Context, w *world.World, subjects []*subject, o Options) error {
	kinds := []struct {
		name  string
		staff world.Staff
		list  func(peer.Lister, []world.Check) func(int) error
		into  func(s *subject) *float64
	}{
		{"permissions", 0, permissions, func(s *subject) *float64 { return &s.result.Permissions }},
		{"dossiers of an admin", world.Admin, dossiers, func(s *subject) *float64 { return &s.result.Admin }},
		{"dossiers of a client", 0, dossiers, func(s *subject) *float64 { return &s.result.Client }},
	}
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(s *subject) bool {
		_, ok := s.engine.(peer.Lister)
		return !ok || s.Handle
	})
	for _, k := range kinds {
		checks := w.Of(k.staff, 1000, o.Seed)
		times := make(map[*subject][]float64)
		list := make(map[*subject]func(int) error)
		for _, s := range subjects {
			list[s] = k.list(s.engine.(peer.Lister), checks)
		}
		err := turns(ctx, k.name, subjects, o, func(s *subject, round int) error {
			began := time.Now()
			if err := list[s](round % len(checks)); err != nil { // to see what one costs
				return err
			}
			n := min(len(checks), max(1, int(o.Slice/2/max(1, time.Since(began)))))
			ns, err := lap(ctx, n, func(i int) error { return list[s]((round*n + i) % len(checks)) })
			times[s] = append(times[s], ns)
			return err
		})
		if err != nil {
			return err
		}
		for _, s := range subjects {
			*k.into(s) = report.Median(times[s])
		}
	}
	return nil
}

func permissions(l peer.Lister, checks []world.Check) func(int) error {
	return only(l.Permissions(checks))
}

func dossiers(l peer.Lister, checks []world.Check) func(int) error { return only(l.Dossiers(checks)) }

// only lists, and leaves what is found.
func only[T any](list func(int) (T, error)) func(int) error {
	return func(i int) error {
		_, err := list(i)
		return err
	}
}

// timeGrants times a grant together with the check that sees it. The place is
// taken back, untimed, for the next engine's turn and the next round's.
func timeGrants(ctx context.Context, w *world.World, subjects []*subject, o Options) error {
	const perRound = 5
	places := w.Vacant(o.Rounds*perRound, o.Seed)
	if len(places) < o.Rounds*perRound {
		return fmt.Errorf("%d places to grant: want %d: fewer rounds, or a larger size", len(places), o.Rounds*perRound)
	}
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(s *subject) bool { return s.Handle })
	times := make(map[*subject][]float64)
	err := turns(ctx, "grant until visible", subjects, o, func(s *subject, round int) error {
		for _, p := range places[round*perRound : (round+1)*perRound] {
			// A check that nobody asked before, so that no cache has an answer.
			ask := s.engine.Ask([]world.Check{{
				User: p.User, Office: w.Dossiers[p.Dossier].Office, Dossier: p.Dossier, Permission: world.SeeDossier,
			}})
			began := time.Now()
			if err := s.engine.Grant(p); err != nil {
				return err
			}
			seen, err := ask(0)
			times[s] = append(times[s], float64(time.Since(began)))
			if err != nil {
				return err
			}
			if !seen && !s.Stale { // a cache may know the answer from a stream
				return fmt.Errorf("place %+v is granted and not seen", p)
			}
			if err := s.engine.Revoke(p); err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range subjects {
		s.result.Grant = report.Median(times[s])
	}
	return err
}
