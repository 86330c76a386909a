package authz

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// packs knows the pack that is in force. What is in force is in the database;
// a node of another version may have published it.
type packs struct {
	last atomic.Pointer[published]
}

type published struct {
	head store.Head
	pack *model.Pack
}

// newest returns the pack that was in force when the database was last asked.
func (p *packs) newest() *model.Pack { return p.last.Load().pack }

// at returns the pack that the given head of the pack's stream put in force.
func (p *packs) at(ctx context.Context, from interface {
	Pack(context.Context, uint64) (store.Pack, error)
}, head store.Head) (*model.Pack, error) {
	if last := p.last.Load(); last != nil && last.head == head {
		return last.pack, nil
	}
	row, err := from.Pack(ctx, head.Revision)
	if err != nil {
		return nil, err
	}
	pack, err := model.ParsePack(row.Name, map[string]string{
		model.ModelFile: row.Model, model.PolicyFile: row.Policy, model.CatalogFile: row.Catalog,
	})
	if err != nil {
		return nil, fmt.Errorf("pack %s version %d, published as revision %d, cannot be read by this version of volmacht: %w",
			row.Name, row.Version, head.Revision, err)
	}
	p.last.Store(&published{head, pack})
	return pack, nil
}

// install puts a pack in force, unless it is already.
func (az *Authz) install(ctx context.Context, pack *model.Pack) error {
	err := az.publish(ctx, System, pack)
	if err != nil && !errors.Is(err, errOlder) {
		return err
	}
	// Whoever published it: from here on it is known.
	head, _, err := az.store.LoadPack(ctx)
	if err == nil {
		_, err = az.packs.at(ctx, az.store, head)
	}
	return err
}

func (az *Authz) publish(ctx context.Context, by Actor, pack *model.Pack) error {
	sum := pack.Hash()
	want := detail{"pack": pack.Name, "version": strconv.Itoa(pack.Version), "hash": hex.EncodeToString(sum[:])}
	return az.record(ctx, by, store.PackStream, "publish pack", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
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
			have, err := c.inForce(head.Revision)
			if err != nil {
				return err
			}
			if err := want.follows(have); err != nil {
				return err
			}
			if err := c.declares(pack); err != nil {
				return err
			}
		}
		c.detail, c.removed = want, rows
		for _, r := range pack.Rules {
			c.added = append(c.added, store.Row{Rule: r, GrantedBy: c.by.String(), GrantedAt: c.at})
		}
		return c.db().Create(&store.Pack{
			Revision: head.Revision + 1, Name: pack.Name, Version: pack.Version,
			Model: pack.File(model.ModelFile), Policy: pack.File(model.PolicyFile), Catalog: pack.File(model.CatalogFile),
		}).Error
	})
}

// inForce reads from the ledger which pack a revision put in force.
func (c *change) inForce(revision uint64) (detail, error) {
	last, err := c.tx.store.Ledger(c.ctx, store.PackStream, revision-1, 1)
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
	case w < h:
		return fmt.Errorf("pack %s version %d: version %d is in force: %w", want["pack"], w, h, errOlder)
	case w > h:
		return nil
	case want["hash"] != have["hash"]:
		return fmt.Errorf("pack %s version %d has changed: give the changed pack a higher version: %w", want["pack"], w, ErrConflict)
	}
	return errUnchanged
}

// errOlder is an [ErrConflict] that does not keep a node from opening.
var errOlder = fmt.Errorf("older: %w", ErrConflict)
