package ours

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

// colds is a database of many small tenants.
var colds = world.Size{Name: "cold", Offices: 10_000, Dossiers: 4, Clients: 2}

// measureCold times the first check in tenants that are not in memory, and
// counts its queries.
func measureCold(ctx context.Context, d *Database) (*report.Cold, error) {
	w := world.New(colds, 1)
	if err := Prepare(ctx, d.DB, w); err != nil {
		return nil, err
	}
	if err := d.analyze(ctx); err != nil {
		return nil, err
	}
	var queries atomic.Int64
	count := func(*gorm.DB) { queries.Add(1) }
	for _, p := range []interface {
		Register(string, func(*gorm.DB)) error
	}{d.DB.Callback().Query().Before("*"), d.DB.Callback().Row().Before("*"), d.DB.Callback().Raw().Before("*")} {
		if err := p.Register("bench:count", count); err != nil {
			return nil, err
		}
	}
	az, err := OpenAuthz(ctx, d.DB)
	if err != nil {
		return nil, err
	}
	e := &Engine{w: w, az: az}
	var times []float64
	cold := &report.Cold{Tenants: colds.Offices}
	for i, o := range rand.New(rand.NewPCG(1, 7)).Perm(colds.Offices)[:200] {
		u := w.First(int32(o), world.Admin)
		ask := e.Ask([]world.Check{{User: u, Office: int32(o), Dossier: -1, Permission: world.EditTenant}})
		queries.Store(0)
		began := time.Now()
		ok, err := ask(0)
		if err == nil && !ok {
			err = errors.New("cold: an admin is denied")
		}
		if err != nil {
			return nil, err
		}
		if i == 0 {
			continue // this one reads the pack, too
		}
		times = append(times, float64(time.Since(began)))
		cold.Queries = max(cold.Queries, float64(queries.Load()))
	}
	cold.Median, cold.Worst = report.Median(times), slices.Max(times)
	return cold, az.Close()
}
