package store

import "context"

// LockWithout is Lock without the lock: what the race tests' controls use.
func (tx *Tx) LockWithout(ctx context.Context, stream string) error {
	heads, err := tx.Heads(ctx, stream)
	tx.locked[stream] = heads[stream]
	return err
}

// Versions are the schema's, oldest first.
var Versions = versions
