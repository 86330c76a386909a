package ours

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

const (
	spell = 500 * time.Millisecond // of one measurement
	pause = 10 * time.Millisecond  // of the writer, between two changes
)

// measureParallel counts the checks of one goroutine and of two, alone and while
// a writer grants and withdraws; and of the floor of integers, which says what
// two goroutines can be on this machine.
func measureParallel(ctx context.Context, d *Database, w *world.World, checks []world.Check) (*report.Parallel, error) {
	e, err := Load(ctx, d.DB, w)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	floor, err := peer.Makers[0].New(ctx, w)
	if err != nil {
		return nil, err
	}
	places := w.Vacant(100, 2)
	var counts [6][]float64
	for range 5 {
		for i, n := range []int{1, 2, 1, 2, 1, 2} {
			engine, stop := peer.Engine(e), func() error { return nil }
			switch i / 2 {
			case 1:
				stop = write(ctx, e, places)
			case 2:
				engine = floor
			}
			count, err := together(ctx, n, engine, checks)
			if err == nil {
				err = stop()
			}
			if err != nil {
				return nil, err
			}
			counts[i] = append(counts[i], count)
		}
	}
	m := report.Median
	return &report.Parallel{
		One: m(counts[0]), Two: m(counts[1]), OneWriter: m(counts[2]), TwoWriter: m(counts[3]),
		Floor: m(counts[5]) / m(counts[4]),
	}, nil
}

// together returns the checks a second of n goroutines.
func together(ctx context.Context, n int, e peer.Engine, checks []world.Check) (float64, error) {
	var all sync.WaitGroup
	var total atomic.Int64
	var failed atomic.Pointer[error]
	asks := make([]func(int) (bool, error), n)
	for g := range asks {
		asks[g] = e.Ask(checks)
	}
	began := time.Now()
	for g, ask := range asks {
		all.Go(func() {
			for i := g * len(checks) / n; time.Since(began) < spell && ctx.Err() == nil; {
				for range 100 {
					if _, err := ask(i % len(checks)); err != nil {
						failed.Store(&err)
						return
					}
					i++
				}
				total.Add(100)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(total.Load()) / time.Since(began).Seconds(), ctx.Err()
}

// write grants and withdraws until it is stopped.
func write(ctx context.Context, e peer.Engine, places []world.Place) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			p := places[i%len(places)]
			if err := e.Grant(p); err != nil {
				done <- err
				return
			}
			time.Sleep(pause)
			if err := e.Revoke(p); err != nil {
				done <- err
				return
			}
			time.Sleep(pause)
		}
		done <- nil
	}()
	return func() error {
		cancel()
		return <-done
	}
}
