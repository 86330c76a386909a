package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Tenant is a party that owns users and dossiers: an office, a company.
type Tenant struct {
	ID    model.TenantID // zero in CreateTenant: a fresh one
	Name  string
	Email string // the general address; the responsible of last resort. Optional.

	// Read only:
	Settings []model.Setting // those that are on
	Closed   time.Time       // zero: open
	Created  time.Time
}

// Domain is the place that is the tenant itself.
func (t Tenant) Domain() model.Domain { return model.TenantDomain(t.ID) }

func (t Tenant) check() error {
	if err := checkText("name", t.Name, required, 200); err != nil {
		return err
	}
	return checkEmail(t.Email, true)
}

// CreateTenant makes a tenant, without members and without dossiers. Only
// [System] may.
func (az *Authz) CreateTenant(ctx context.Context, by Actor, t Tenant) (Tenant, error) {
	if t.ID.IsZero() {
		t.ID = model.NewTenantID()
	}
	err := az.record(ctx, by, store.TenantStream(t.ID), "create tenant", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		return c.createTenant(&t)
	})
	if err != nil {
		return Tenant{}, err
	}
	return t, nil
}

// createTenant is [Authz.CreateTenant] within a larger change, which is in the
// stream of the new tenant.
func (c *change) createTenant(t *Tenant) error {
	if err := t.check(); err != nil {
		return err
	}
	if _, err := c.store().Create(c.stream); err != nil {
		return fmt.Errorf("tenant %v: %w", t.ID, err)
	}
	t.Settings, t.Closed, t.Created = nil, time.Time{}, c.at
	err := c.db().Create(&store.Tenant{ID: t.ID, Name: t.Name, Email: t.Email, CreatedAt: store.At(c.at)}).Error
	if err != nil {
		return err
	}
	if _, err := c.tx.holdPack(); err != nil {
		return err
	}
	if c.before, err = c.tx.load(c.ctx, t.ID); err != nil {
		return err
	}
	c.tenant = t.ID
	c.add(model.TenantRules(t.ID)...)
	return nil
}

// EditTenant changes the name and the address of the tenant t.ID. It takes
// "tenant edit".
func (az *Authz) EditTenant(ctx context.Context, by Actor, t Tenant) error {
	return az.write(ctx, by, t.ID, "edit tenant", func(c *change) error {
		if err := c.require(model.TenantDomain(t.ID), model.EditTenant); err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return err
		}
		return c.db().Model(&store.Tenant{}).Where("id = ?", t.ID).
			Updates(map[string]any{"name": t.Name, "email": t.Email}).Error
	})
}

// SetSetting switches a setting of the tenant on or off. It takes "tenant
// edit", which is enough even for actors who gain permissions by it: a setting is
// the tenant's rule for itself, and if only one person may edit the tenant, that
// person must be able to take it back.
func (az *Authz) SetSetting(ctx context.Context, by Actor, t model.TenantID, s model.Setting, on bool) error {
	return az.write(ctx, by, t, "set setting", func(c *change) error {
		d := model.TenantDomain(t)
		if err := c.require(d, model.EditTenant); err != nil {
			return err
		}
		if !c.catalog().HasSetting(s) {
			return c.undeclared("setting", s)
		}
		return c.toggle(model.TraitRule(d, model.SettingTrait(s)), on)
	})
}

// SetActivated switches on, for one tenant, what the pack keeps dormant until
// the vendor activates it: a profile whose rows ask for the trait
// "activated:NAME". Only [System] may.
func (az *Authz) SetActivated(ctx context.Context, by Actor, t model.TenantID, p model.Profile, on bool) error {
	return az.write(ctx, by, t, "set activated", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		d := model.TenantDomain(t)
		if err := c.require(d); err != nil {
			return err
		}
		if entry, ok := c.catalog().Profile(p); !ok || entry.Place == 0 {
			return c.undeclared("profile", p)
		}
		return c.toggle(model.TraitRule(d, model.ActivatedTrait(p)), on)
	})
}

// toggle makes a rule be there or not be there.
func (c *change) toggle(r model.Rule, on bool) error {
	if c.before.has(r) == on {
		return errUnchanged
	}
	if on {
		c.add(r)
	} else {
		c.remove(r)
	}
	return nil
}

// undeclared says that the pack's catalog does not have a name.
func (c *change) undeclared(kind string, name fmt.Stringer) error {
	return fmt.Errorf("%s %q: the pack %s declares none of that name: %w", kind, name, c.before.pack.Name, ErrInvalid)
}

// undeclaredProfile says so of a profile, and which one may have been meant.
func (c *change) undeclaredProfile(p model.Profile) error {
	var names []string
	for _, entry := range c.catalog().Profiles {
		if entry.Place != 0 && !c.before.dormant(entry.Profile) {
			names = append(names, entry.Profile.String())
		}
	}
	near := model.Nearest(p.String(), slices.Values(names), len(p.String())/3)
	if near == "" {
		return c.undeclared("profile", p)
	}
	return fmt.Errorf("profile %q: the pack %s declares none of that name, did you mean %q?: %w", p, c.before.pack.Name, near, ErrInvalid)
}

// CloseTenant ends all access to the tenant and its dossiers, at once, and
// every change but [Authz.ReopenTenant]. Only [System] may.
func (az *Authz) CloseTenant(ctx context.Context, by Actor, t model.TenantID) error {
	return az.write(ctx, by, t, "close tenant", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if !c.before.open() {
			return fmt.Errorf("tenant %v is closed: %w", t, ErrConflict)
		}
		if err := c.shelve(every); err != nil {
			return err
		}
		return c.db().Model(&store.Tenant{}).Where("id = ?", t).Update("closed_at", store.At(c.at)).Error
	})
}

// ReopenTenant gives a closed tenant back as it was. Only [System] may.
func (az *Authz) ReopenTenant(ctx context.Context, by Actor, t model.TenantID) error {
	return az.write(ctx, by, t, "reopen tenant", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if c.before.open() {
			return fmt.Errorf("tenant %v is open: %w", t, ErrConflict)
		}
		if err := c.restore(every); err != nil {
			return err
		}
		return c.db().Model(&store.Tenant{}).Where("id = ?", t).Update("closed_at", 0).Error
	})
}

// Tenant reads a tenant. It takes "tenant view".
func (az *Authz) Tenant(ctx context.Context, by Actor, t model.TenantID) (Tenant, error) {
	return read(ctx, az, by, model.TenantDomain(t), model.ViewTenant, "tenant", func(q *query) (Tenant, error) {
		var row store.Tenant
		if err := q.db.Where("id = ?", t).Take(&row).Error; err != nil {
			return Tenant{}, err
		}
		found := Tenant{ID: t, Name: row.Name, Email: row.Email, Closed: row.ClosedAt.Time(), Created: row.CreatedAt.Time()}
		for _, s := range q.state.pack.Catalog.Settings {
			if q.state.has(model.TraitRule(model.TenantDomain(t), model.SettingTrait(s.Name))) {
				found.Settings = append(found.Settings, s.Name)
			}
		}
		return found, nil
	})
}
