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
	Source   *Source
	Checks   []world.Check
	Postgres string // the URL of a server; "" leaves it out
	Fixed    bool   // what does not depend on the size, too: cold tenants and publishing
	Progress func(format string, a ...any)
}

// Measure does what no other engine is asked.
func Measure(ctx context.Context, o Options) (*report.Ours, error) {
	r := &report.Ours{Load: map[string]report.Pair{}, Grant: map[string]report.Pair{}}
	sqlite, err := o.Source.database(ctx)
	if err != nil {
		return nil, err
	}
	o.Progress("two goroutines against one")
	if r.Parallel, err = measureParallel(ctx, sqlite, o.Source.World, o.Checks); err != nil {
		return nil, fmt.Errorf("parallel: %w", err)
	}
	if err := o.onDatabase(ctx, r, sqlite); err != nil {
		return nil, err
	}
	if o.Postgres != "" {
		d, err := Postgres(ctx, o.Postgres)
		if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		if err = d.fill(ctx, o.Source.World, o.Progress); err == nil {
			err = o.onDatabase(ctx, r, d)
		}
		if err = errors.Join(err, d.Close()); err != nil {
			return nil, err
		}
	}
	if !o.Fixed {
		return r, nil
	}
	o.Progress("publish in a tenant of %d dossiers", publishing.Dossiers)
	if r.Publish, err = measurePublish(); err != nil {
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

// onDatabase measures what a filled database costs, and leaves grants in it.
func (o Options) onDatabase(ctx context.Context, r *report.Ours, d *Database) (err error) {
	o.Progress("load from %s", d.Name)
	if r.Load[d.Name], r.LoadRows, err = measureLoad(ctx, d, o.Source.World); err != nil {
		return fmt.Errorf("%s: load: %w", d.Name, err)
	}
	o.Progress("durable grants on %s", d.Name)
	if r.Grant[d.Name], err = measureGrant(ctx, d, o.Source.World); err != nil {
		return fmt.Errorf("%s: grant: %w", d.Name, err)
	}
	return nil
}
