package ours

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

// Options are what is measured of Volmacht alone.
type Options struct {
	World    *world.World
	Checks   []world.Check
	Postgres string // the URL of a server; "" leaves it out
	Fixed    bool   // what does not depend on the size, too: cold tenants and publishing
	Progress func(format string, a ...any)
}

// Measure does what no other engine is asked.
func Measure(ctx context.Context, o Options) (*report.Ours, error) {
	r := &report.Ours{Load: map[string]report.Pair{}, Grant: map[string]report.Pair{}}
	o.Progress("two goroutines against one")
	var err error
	if r.Parallel, err = measureParallel(ctx, o.World, o.Checks); err != nil {
		return nil, fmt.Errorf("parallel: %w", err)
	}
	open := []func() (*Database, error){SQLite}
	if o.Postgres != "" {
		open = append(open, func() (*Database, error) { return Postgres(ctx, o.Postgres) })
	}
	for _, open := range open {
		if err := o.onDatabase(ctx, r, open); err != nil {
			return nil, err
		}
	}
	if !o.Fixed {
		return r, nil
	}
	o.Progress("publish in a tenant of %d dossiers", publishing.Dossiers)
	if r.Publish, err = measurePublish(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if o.Postgres == "" {
		return r, nil
	}
	o.Progress("cold tenants among %d", colds.Offices)
	d, err := Postgres(ctx, o.Postgres)
	if err != nil {
		return nil, err
	}
	r.Cold, err = measureCold(ctx, d)
	return r, errors.Join(err, d.Close())
}

func (o Options) onDatabase(ctx context.Context, r *report.Ours, open func() (*Database, error)) (err error) {
	d, err := open()
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	o.Progress("load from %s", d.Name)
	if err := Prepare(ctx, d.DB, o.World); err != nil {
		return fmt.Errorf("%s: fill: %w", d.Name, err)
	}
	if err := d.analyze(ctx); err != nil {
		return err
	}
	if r.Load[d.Name], r.LoadRows, err = measureLoad(ctx, d, o.World); err != nil {
		return fmt.Errorf("%s: load: %w", d.Name, err)
	}
	o.Progress("durable grants on %s", d.Name)
	if r.Grant[d.Name], err = measureGrant(ctx, d, o.World); err != nil {
		return fmt.Errorf("%s: grant: %w", d.Name, err)
	}
	return nil
}
