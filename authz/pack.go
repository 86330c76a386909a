package authz

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/volmacht/volmacht/internal/store"
)

// install puts the pack's rows in force, unless they are already.
func (az *Authz) install(ctx context.Context) error {
	pack, sum := az.pack, az.pack.Hash()
	want := detail{"pack": pack.Name, "version": strconv.Itoa(pack.Version), "hash": hex.EncodeToString(sum[:])}
	return az.record(ctx, System, store.PackStream, "publish pack", func(c *change) error {
		head, err := c.tx.store.Lock(c.stream)
		if errors.Is(err, ErrNotFound) {
			head, err = c.tx.store.Create(c.stream)
		}
		if err != nil {
			return err
		}
		_, rows, err := c.tx.store.LoadPack(ctx)
		if err != nil {
			return err
		}
		if head.Revision > 0 {
			have, err := az.installed(ctx, c, head.Revision)
			if err != nil {
				return err
			}
			if err := want.follows(have); err != nil {
				return err
			}
		}
		c.detail, c.removed = want, rows
		for _, r := range pack.Rules {
			c.added = append(c.added, store.Row{Rule: r, GrantedBy: c.by.String(), GrantedAt: c.at})
		}
		return nil
	})
}

// installed reads which pack is in force.
func (az *Authz) installed(ctx context.Context, c *change, revision uint64) (detail, error) {
	last, err := c.tx.store.Ledger(ctx, store.PackStream, revision-1, 1)
	if err != nil {
		return nil, err
	}
	if len(last) != 1 {
		return nil, fmt.Errorf("the ledger of the pack has no revision %d: %w", revision, store.ErrCorrupt)
	}
	var have detail
	return have, json.Unmarshal(last[0].Detail, &have)
}

// follows reports whether a pack may take the place of the one in force.
func (want detail) follows(have detail) error {
	w, err := strconv.Atoi(want["version"])
	if err != nil {
		return err
	}
	h, err := strconv.Atoi(have["version"])
	if err != nil {
		return err
	}
	switch {
	case want["pack"] != have["pack"]:
		return fmt.Errorf("pack %s: this database has the pack %s: %w", want["pack"], have["pack"], ErrConflict)
	case want["hash"] == have["hash"]:
		return errUnchanged
	case w < h:
		return fmt.Errorf("pack %s version %d: version %d is in force: %w", want["pack"], w, h, ErrConflict)
	case w == h:
		return fmt.Errorf("pack %s version %d has changed: give the changed pack a higher version: %w", want["pack"], w, ErrConflict)
	}
	return nil
}
