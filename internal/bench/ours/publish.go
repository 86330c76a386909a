package ours

import (
	"iter"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// publishing is the tenant in which a publish is measured, and a small one
// beside it.
var publishing = world.Size{Name: "publish", Offices: 1, Dossiers: 100_000, Clients: 1}

// measurePublish times what a grant costs besides the database: the tenant's next
// snapshot, and the pointer that checks go by, in a large tenant and in a small one.
func measurePublish() (*report.Publish, error) {
	small := publishing
	small.Dossiers = 10
	var times [2][]float64
	pack := accountancy.Pack()
	policy, err := engine.Compile(pack.Model, pack.Rules)
	if err != nil {
		return nil, err
	}
	for i, size := range []world.Size{publishing, small} {
		w := world.New(size, uint64(i+1))
		snapshot, err := policy.Snapshot(rowsOf(w))
		if err != nil {
			return nil, err
		}
		var current atomic.Pointer[engine.Snapshot]
		current.Store(snapshot)
		places := w.Lone(1000, 1)
		for n := range 1000 {
			p := places[n%len(places)]
			p.Profile = (p.Profile + 1) % world.Profiles
			row := []engine.Row{{Rule: w.PlaceRule(p)}}
			began := time.Now()
			next, err := current.Load().With(row, nil)
			if err != nil {
				return nil, err
			}
			current.Store(next)
			times[i] = append(times[i], float64(time.Since(began)))
			if next, err = next.With(nil, row); err != nil {
				return nil, err
			}
			current.Store(next)
		}
	}
	return &report.Publish{Dossiers: publishing.Dossiers, Large: report.Median(times[0]), Small: report.Median(times[1])}, nil
}

// rowsOf are the rows of a world of one office.
func rowsOf(w *world.World) iter.Seq[engine.Row] {
	return func(yield func(engine.Row) bool) {
		going := true
		w.Rules(func(_ int32, r model.Rule) { going = going && yield(engine.Row{Rule: r}) })
	}
}
