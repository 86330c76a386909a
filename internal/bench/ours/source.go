package ours

import (
	"context"
	"errors"

	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/world"
)

// A Source is a world in a SQLite file, which is filled when it is first wanted and
// then serves whatever reads it. What an engine grants, it takes back.
type Source struct {
	World    *world.World
	Progress func(format string, a ...any)

	db *Database
}

// Close deletes the file.
func (s *Source) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

func (s *Source) database(ctx context.Context) (*Database, error) {
	if s.db != nil {
		return s.db, nil
	}
	d, err := SQLite()
	if err != nil {
		return nil, err
	}
	if err := d.fill(ctx, s.World, s.Progress); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	s.db = d
	return d, nil
}

// Makers make the engines that are ours, on the database of s.
func (s *Source) Makers() []peer.Maker {
	load := func(ctx context.Context, w *world.World) (*Engine, error) {
		d, err := s.database(ctx)
		if err != nil {
			return nil, err
		}
		return Load(ctx, d.DB, w)
	}
	return []peer.Maker{
		{Name: "volmacht", Title: "Volmacht, `Enforce`", New: func(ctx context.Context, w *world.World) (peer.Engine, error) {
			return load(ctx, w)
		}},
		{Name: "volmacht-on", Title: "Volmacht, Can on a handle", Handle: true, Of: onOf, New: func(ctx context.Context, w *world.World) (peer.Engine, error) {
			e, err := load(ctx, w)
			return onEngine{e}, err
		}},
	}
}
