package authz

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
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
	pack *pack
}

// A pack is a policy that is in force, compiled once for all tenants.
type pack struct {
	*model.Pack
	policy    *engine.Policy
	asked     askedTable
	questions []*engine.Question // by number
	shown     []model.Permission // by number, in the order of lists; the others are in none
	inTenant  []uint64           // the numbers of those that can be asked in a tenant
	inDossier []uint64
	empty     *engine.Snapshot // of a tenant that does not exist
}

func compile(p *model.Pack) (*pack, error) {
	policy, err := engine.Compile(p.Model, p.Rules)
	if err != nil {
		return nil, err
	}
	c := &pack{Pack: p, policy: policy, shown: show(p.Catalog)}
	var all []*asked
	declare := func(e model.PermissionEntry) {
		q := policy.Question(e.Permission.Object(), e.Permission.Action())
		all = append(all, &asked{key: e.Permission.Key(), number: uint(len(c.questions)), place: e.Place, question: q})
		c.questions = append(c.questions, q)
	}
	for _, shown := range c.shown {
		e, _ := p.Catalog.Permission(shown)
		declare(e)
	}
	for e := range p.Catalog.Asked() {
		if !slices.Contains(c.shown, e.Permission) {
			declare(e)
		}
	}
	c.inTenant, c.inDossier = numbers(all, model.AtTenant), numbers(all, model.AtDossier)
	c.asked = newAskedTable(all)
	policy.Remember(c.questions)
	me := model.Must(model.ParseUserID("me"))
	for e := range p.Catalog.Asked() {
		if own := e.Permission.Of(me); own.OwnedBy(me) {
			c.asked.find(e.Permission.Key()).own = c.asked.find(own.For(me).Key())
		}
	}
	c.empty, err = policy.Builder().Snapshot()
	return c, err
}

// at returns the pack in force, which is the one that the given head of the
// pack's stream put there unless there is a newer one by now. The rows of
// casbin_rule are what decides; the model and the names are read from the files.
// A node reads them once for a revision.
func (p *packs) at(ctx context.Context, from source, head store.Head) (*published, error) {
	if last := p.last.Load(); last != nil && last.head == head {
		return last, nil
	}
	head, rows, err := from.LoadPack(ctx)
	if err != nil {
		return nil, err
	}
	row, err := from.Pack(ctx, head.Revision)
	if err != nil {
		return nil, err
	}
	made, err := restore(row, rows)
	if err != nil {
		return nil, fmt.Errorf("pack %s version %d, published as revision %d, cannot be read by this version of volmacht: %w",
			row.Name, row.Version, head.Revision, err)
	}
	last := &published{head, made}
	p.last.Store(last)
	return last, nil
}

func restore(of store.Pack, rows []store.Row) (*pack, error) {
	read, err := model.ParsePack(of.Name, map[string]string{
		model.ModelFile: of.Model, model.PolicyFile: of.Policy, model.CatalogFile: of.Catalog,
	})
	if err != nil {
		return nil, err
	}
	rules := make([]model.Rule, len(rows))
	for i, r := range rows {
		if rules[i] = r.Rule; !r.From.IsZero() || !r.Until.IsZero() {
			return nil, fmt.Errorf("row %v: a row of a pack has no start and no end: %w", r.Rule, store.ErrCorrupt)
		}
	}
	return compile(read.WithRules(rules))
}

// A source is what a tenant is loaded from: the store, or a transaction.
type source interface {
	Pack(context.Context, uint64) (store.Pack, error)
	LoadPack(context.Context) (store.Head, []store.Row, error)
	Rules(context.Context, model.TenantID, func(model.Rule, time.Time, time.Time) error) error
	Heads(context.Context, ...string) (map[string]store.Head, error)
	Ledger(context.Context, string, uint64, int) ([]store.Entry, error)
}

// load returns the newest state of a tenant. The rows are those of a revision
// when that is the newest before they are read and still is after.
func (p *packs) load(ctx context.Context, from source, t model.TenantID) (*state, error) {
	stream := store.TenantStream(t)
	const tries = 10
	for range tries {
		heads, err := from.Heads(ctx, stream, store.PackStream)
		if err != nil {
			return nil, err
		}
		// Before the tenant: that it does not exist is an answer of this pack, too.
		in, err := p.at(ctx, from, heads[store.PackStream])
		if err != nil {
			return nil, err
		}
		head, found := heads[stream]
		if !found {
			return nil, fmt.Errorf("stream %s: %w", stream, ErrNotFound)
		}
		rows := in.pack.policy.Builder()
		err = from.Rules(ctx, t, func(r model.Rule, from, until time.Time) error {
			return rows.Add(engine.Row{Rule: r, From: from, Until: until})
		})
		if err != nil {
			return nil, err
		}
		after, err := from.Heads(ctx, stream, store.PackStream)
		if err != nil {
			return nil, err
		}
		if !maps.Equal(heads, after) || in.head != heads[store.PackStream] {
			continue
		}
		snapshot, err := rows.Snapshot()
		return newState(t, head, in, snapshot), err
	}
	return nil, fmt.Errorf("tenant %v changes too fast to be read: %w", t, ErrUnavailable)
}

// install puts a pack in force, unless it is already, or a newer one: that is found
// without a lock, for which a node that starts would wait while changes are under way.
func (az *Authz) install(ctx context.Context, pack *model.Pack) error {
	err := fits(pack)
	if err == nil {
		err = az.mayFollow(ctx, pack)
	}
	if err == nil {
		err = az.publish(ctx, System, pack)
	}
	if err != nil && !errors.Is(err, errOlder) && !errors.Is(err, errUnchanged) {
		return err
	}
	_, err = az.inForce(ctx) // whoever published it: from here on it is known
	return err
}

// mayFollow reports whether a pack may take the place of the one in force now.
func (az *Authz) mayFollow(ctx context.Context, pack *model.Pack) error {
	heads, err := az.store.Heads(ctx, store.PackStream)
	if err != nil || heads[store.PackStream].Revision == 0 {
		return err
	}
	have, err := publishedAs(ctx, az.store, heads[store.PackStream].Revision)
	if err != nil {
		return err
	}
	return detailOf(pack).follows(have)
}

// inForce asks the database which pack is in force.
func (az *Authz) inForce(ctx context.Context) (*pack, error) {
	var from source = az.store
	if az.tx != nil {
		from = az.tx.store
	}
	heads, err := from.Heads(ctx, store.PackStream)
	if err != nil {
		return nil, err
	}
	in, err := az.packs.at(ctx, from, heads[store.PackStream])
	if err != nil {
		return nil, err
	}
	return in.pack, nil
}

func (az *Authz) publish(ctx context.Context, by Actor, pack *model.Pack) error {
	if err := fits(pack); err != nil {
		return az.refuse("publish pack", err)
	}
	want := detailOf(pack)
	return az.record(ctx, by, store.PackStream, "publish pack", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		head, err := c.store().LockOrCreate(c.stream)
		if err != nil {
			return err
		}
		_, rows, err := c.store().LoadPack(ctx)
		if err != nil {
			return err
		}
		if head.Revision > 0 {
			have, err := publishedAs(ctx, c.store(), head.Revision)
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

// detailOf is what the ledger says of a pack.
func detailOf(p *model.Pack) detail {
	sum := p.Hash()
	return detail{"pack": p.Name, "version": strconv.Itoa(p.Version), "hash": hex.EncodeToString(sum[:])}
}

// publishedAs reads from the ledger which pack a revision put in force.
func publishedAs(ctx context.Context, from source, revision uint64) (detail, error) {
	last, err := from.Ledger(ctx, store.PackStream, revision-1, 1)
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
