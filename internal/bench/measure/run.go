// Package measure loads the engines with one world, makes sure that they agree
// on every decision, and then times them in turns.
package measure

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

// Options are what a run is asked for.
type Options struct {
	Size     world.Size
	Makers   []peer.Maker // are loaded and timed together
	Apart    []peer.Maker // one after the other together with those, and closed again: where memory is short
	Rounds   int
	Checks   int                           // in each stream
	Seed     uint64                        // of the world and the streams
	Agree    time.Duration                 // how long an engine may take to be compared; a slow one answers a share
	Slice    time.Duration                 // how long it may take in one round
	Progress func(format string, a ...any) // nil is silence
}

// A subject is an engine on its way through a run.
type subject struct {
	peer.Maker
	engine  peer.Engine
	result  report.Engine
	streams []asker
	cost    time.Duration // of a check, about

	had, wanted time.Duration // processor time and time, of the rounds of checks
}

type asker struct {
	skew   world.Skew
	checks []world.Check
	ask    func(int) (bool, error)
	times  []float64 // of the rounds, ns a check
}

// Run does it all for the engines of o. What only Volmacht is asked is apart:
// see [Ours].
func Run(ctx context.Context, o Options) (report.Result, error) {
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	u := run{Options: o, w: world.New(o.Size, o.Seed), share: 1}
	u.streams = []asker{
		{skew: world.Uniform, checks: u.w.Checks(o.Checks, world.Uniform, o.Seed)},
		{skew: world.Zipf, checks: u.w.Checks(o.Checks, world.Zipf, o.Seed)},
	}
	base, done, err := u.open(ctx, o.Makers, nil)
	defer done()
	if err != nil {
		return report.Result{}, err
	}
	r := Describe(o)
	if r.Engines, err = u.time(ctx, base); err != nil {
		return report.Result{}, err
	}
	for _, m := range o.Apart {
		beside, err := u.apart(ctx, m, base)
		if err != nil {
			return report.Result{}, err
		}
		last := len(base) // its own row comes last
		r.Engines = append(r.Engines, beside[last])
		r.Engines[len(r.Engines)-1].Beside = beside[:last]
	}
	r.Share = u.share
	return r, nil
}

// A run is the options of one, with what all of its engines are asked.
type run struct {
	Options
	w       *world.World
	streams []asker
	share   float64 // of a processor, the least that an engine had
}

// open loads engines, beside some that are, and sees that they agree. done closes
// them, with an error, too.
func (u *run) open(ctx context.Context, makers []peer.Maker, loaded []*subject) (subjects []*subject, done func(), err error) {
	done = func() {
		for _, s := range subjects {
			_ = s.engine.Close()
		}
	}
	for _, m := range makers {
		u.Progress("load %s", m.Name)
		s, err := load(ctx, m, u.w, slices.Concat(loaded, subjects))
		if err != nil {
			return subjects, done, fmt.Errorf("%s: load: %w", m.Name, err)
		}
		subjects = append(subjects, s)
	}
	for _, s := range subjects {
		for _, st := range u.streams {
			st.ask = s.engine.Ask(st.checks)
			s.streams = append(s.streams, st)
		}
		if err := s.agree(ctx, u.w, u.Options); err != nil {
			return subjects, done, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return subjects, done, nil
}

// apart loads an engine, times it together with base, and closes it.
func (u *run) apart(ctx context.Context, m peer.Maker, base []*subject) ([]report.Engine, error) {
	opened, done, err := u.open(ctx, []peer.Maker{m}, base)
	defer done()
	if err != nil {
		return nil, err
	}
	again := make([]*subject, len(base))
	for i, s := range base {
		copied := *s
		copied.streams = slices.Clone(s.streams)
		for k := range copied.streams {
			copied.streams[k].times = nil
		}
		copied.had, copied.wanted = 0, 0
		again[i] = &copied
	}
	return u.time(ctx, append(again, opened...))
}

func (u *run) time(ctx context.Context, subjects []*subject) ([]report.Engine, error) {
	for _, step := range []func(context.Context, *world.World, []*subject, Options) error{timeChecks, timeLists, timeGrants} {
		if err := step(ctx, u.w, subjects, u.Options); err != nil {
			return nil, err
		}
	}
	results := make([]report.Engine, len(subjects))
	for i, s := range subjects {
		results[i] = s.result
		// An engine that starts goroutines has more than one processor at times.
		u.share = min(u.share, float64(s.had)/float64(max(1, s.wanted)))
	}
	return results, nil
}

func load(ctx context.Context, m peer.Maker, w *world.World, loaded []*subject) (*subject, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, s := range loaded {
		if m.Of == nil {
			break
		}
		if e := m.Of(s.engine); e != nil {
			return &subject{Maker: m, engine: e, result: report.Engine{Name: m.Name, Title: m.Title, Module: m.Module}}, nil
		}
	}
	before := heap()
	began := time.Now()
	e, err := m.New(ctx, w)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	if l, ok := e.(interface{ Loading() time.Duration }); ok {
		took = l.Loading()
	}
	r := report.Engine{Name: m.Name, Title: m.Title, Module: m.Module, Load: float64(took)}
	if after := heap(); after > before {
		r.Memory = after - before
	}
	return &subject{Maker: m, engine: e, result: r}, nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// agree compares the engine with the world on both streams, on lists, and right
// after revocations.
func (s *subject) agree(ctx context.Context, w *world.World, o Options) error {
	s.cost = cost(s.streams[0])
	n := share(len(s.streams[0].checks), o.Agree/time.Duration(len(s.streams)), s.cost)
	if s.Stale {
		n = len(s.streams[0].checks) // which warms the cache, too
	}
	s.result.Agreed = n
	o.Progress("agree %s on %d of %d checks of each stream", s.Name, n, len(s.streams[0].checks))
	for _, st := range s.streams {
		which := rand.New(rand.NewPCG(o.Seed, 4)).Perm(len(st.checks))[:n]
		slices.Sort(which)
		for k, i := range which {
			if k%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			got, err := st.ask(i)
			if err != nil {
				return fmt.Errorf("check %+v: %w", st.checks[i], err)
			}
			if want := w.Allowed(st.checks[i]); got != want {
				return fmt.Errorf("check %+v: answers %v, want %v", st.checks[i], got, want)
			}
		}
	}
	s.cost = cost(s.streams[0]) // again, now that caches are warm
	if s.Handle {
		return nil
	}
	if l, ok := s.engine.(peer.Lister); ok {
		if err := SameLists(l, w, o.Seed); err != nil {
			return err
		}
	}
	fresh, err := Fresh(s.engine, w, o.Seed)
	if err != nil {
		return err
	}
	s.result.Fresh = &fresh
	if !fresh && !s.Stale {
		return errors.New("still allows what was revoked")
	}
	return nil
}

// cost is what a check costs, about, for a plan of how many can be asked.
func cost(st asker) time.Duration {
	began, n := time.Now(), 0
	for n < len(st.checks) && n < 1000 && time.Since(began) < 200*time.Millisecond {
		_, _ = st.ask(n)
		n++
	}
	return max(1, time.Since(began)/time.Duration(n))
}

// share is how many checks of that cost fit into a time, at least a few.
func share(all int, budget, cost time.Duration) int {
	return min(all, max(50, int(budget/cost)))
}

// Describe fills in what a result says of the run itself.
func Describe(o Options) report.Result {
	return report.Result{
		Size:  o.Size.Name,
		Shape: fmt.Sprintf("%d × %d × %d", o.Size.Offices, o.Size.Dossiers, o.Size.Clients), Assignments: o.Size.Assignments(),
		Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(), Go: runtime.Version(), Versions: versions(),
		Seed: o.Seed, Rounds: o.Rounds, Checks: o.Checks,
	}
}
