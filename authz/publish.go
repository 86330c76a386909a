package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/lint"
	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A PackChange is an answer that is another one under another pack: who holds
// Profile gains or loses Permission.
type PackChange struct {
	Gain       bool
	Profile    model.Profile
	With       model.Profile // a second profile that one must hold besides; else zero
	Permission model.Permission
	Where      string // in which domains, in words
}

func (c PackChange) String() string {
	verb := "loses"
	if c.Gain {
		verb = "gains"
	}
	who := c.Profile.String()
	if !c.With.IsZero() {
		who += " with " + c.With.String()
	}
	return fmt.Sprintf("%s %s %v %s", who, verb, c.Permission, c.Where)
}

// Preview checks a pack as [Authz.Publish] does, and tells which answers would
// change, gains first. It changes nothing.
func (az *Authz) Preview(ctx context.Context, pack *model.Pack) ([]PackChange, error) {
	changes, err := az.preview(ctx, pack)
	if err != nil {
		return nil, fmt.Errorf("authz: preview: %w", err)
	}
	return changes, nil
}

func (az *Authz) preview(ctx context.Context, pack *model.Pack) ([]PackChange, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	if pack == nil {
		return nil, fmt.Errorf("pack is not set: %w", ErrInvalid)
	}
	if err := fits(pack); err != nil {
		return nil, err
	}
	var faults []string
	for _, f := range lint.Pack(pack) {
		if f.Severity == lint.Error {
			faults = append(faults, f.String())
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("pack %s version %d: %w:\n%s", pack.Name, pack.Version, ErrInvalid, strings.Join(faults, "\n"))
	}
	old, err := az.inForce(ctx)
	if err != nil {
		return nil, err
	}
	found, err := packdiff.Packs(old.Pack, pack)
	if err != nil {
		return nil, err
	}
	changes := make([]PackChange, len(found))
	for i, c := range found {
		changes[i] = PackChange{c.Gain, c.Profile, c.With, c.Permission, c.Where()}
	}
	return changes, nil
}

// Publish puts a pack in force in place of the one before, and returns which
// answers have changed by it. Checks made through az go by it at once, those
// of other processes within [Config.Staleness]. Only [System] may.
//
// It refuses with [ErrInvalid] a pack that lint finds an error in, and with
// [ErrConflict] another pack than the one in force, a version that is not
// higher, and a pack that lacks a name that is in use, such as a profile that
// somebody holds. Whatever fails, the pack in force stays. It cannot be part of
// a [Authz.Transaction].
//
// It waits until no change is under way in any tenant, and changes that begin
// meanwhile wait for it. Checks take no lock.
func (az *Authz) Publish(ctx context.Context, by Actor, pack *model.Pack) ([]PackChange, error) {
	changes, err := az.preview(ctx, pack)
	if err == nil && az.tx != nil {
		err = fmt.Errorf("inside a transaction: %w", ErrInvalid)
	}
	if err != nil {
		return nil, az.refuse("publish pack", err)
	}
	if err := az.publish(ctx, by, pack); err != nil {
		return nil, err
	}
	az.cache.slots.clear()
	return changes, nil
}

// declares refuses a pack that lacks a name that rows of tenants use.
func (c *change) declares(pack *model.Pack) error {
	var missing []string
	for _, table := range []string{"casbin_rule", "volmacht_shelved_rules"} {
		for ptype, declared := range map[string]func(string) bool{
			"g":  func(name string) bool { return declaresRole(pack.Catalog, name) },
			"g2": func(name string) bool { return declaresTrait(pack.Catalog, name) },
		} {
			var names []string
			err := c.db().Table(table).Where("tenant <> '' AND ptype = ?", ptype).Distinct().Pluck("v1", &names).Error
			if err != nil {
				return store.Translate(err)
			}
			for _, name := range names {
				if !declared(name) && !slices.Contains(missing, name) {
					missing = append(missing, name)
				}
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("pack %s version %d lacks what is in use: %s: %w", pack.Name, pack.Version, strings.Join(missing, ", "), ErrConflict)
}

func declaresRole(c *model.Catalog, name string) bool {
	p, err := model.ParseProfile(name)
	if err != nil || p == model.Member {
		return true // assigned, a team, or what every pack has
	}
	entry, ok := c.Profile(p)
	return ok && entry.Place != 0
}

func declaresTrait(c *model.Catalog, name string) bool {
	t, err := model.ParseTrait(name)
	if err != nil {
		return true // a domain
	}
	var declared bool
	switch t.Kind() {
	case model.KindConfiguration:
		var n model.Configuration
		n, err = model.ParseConfiguration(t.Name())
		declared = c.HasConfiguration(n)
	case model.KindModule:
		var n model.Module
		n, err = model.ParseModule(t.Name())
		declared = c.HasModule(n)
	case model.KindSetting:
		var n model.Setting
		n, err = model.ParseSetting(t.Name())
		declared = c.HasSetting(n)
	case model.KindActivated:
		var n model.Profile
		n, err = model.ParseProfile(t.Name())
		_, declared = c.Profile(n)
	case model.KindPlain:
		var n model.Flag
		n, err = model.ParseFlag(t.Name())
		declared = err != nil || c.HasFlag(n) // no flag: what a domain is, or who may see it
		err = nil
	}
	return declared && err == nil
}
