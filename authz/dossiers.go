package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Dossier is one client file inside a tenant.
type Dossier struct {
	ID            model.DossierID // zero in CreateDossier: a fresh one
	Name          string
	Configuration model.Configuration // zero in CreateDossier: the pack's default
	Modules       []model.Module      // those that are active
	Flags         []model.Flag        // those that are set
	Private       bool                // open to the assigned only

	Manager    model.UserID   // optional
	Team       model.TeamID   // optional
	Supporting []model.UserID // optional

	// Read only:
	Domain  model.Domain
	Pending model.Configuration // asked for, in force once synchronised; see Configure
	Failure string              // why the last synchronisation failed
	Closed  time.Time           // zero: open
	Created time.Time
}

// CreateDossier adds a dossier to the tenant and activates it: configured and
// assigned as d says. It takes "dossier create" in the tenant.
func (az *Authz) CreateDossier(ctx context.Context, by Actor, tenant model.TenantID, d Dossier) (Dossier, error) {
	if d.ID.IsZero() {
		d.ID = model.NewDossierID()
	}
	d.Domain = model.DossierDomain(tenant, d.ID)
	d.Pending, d.Failure, d.Closed = model.Configuration{}, "", time.Time{}
	asked := d
	err := az.write(ctx, by, tenant, "create dossier", func(c *change) error {
		if err := c.require(model.TenantDomain(tenant), model.CreateDossier); err != nil {
			return err
		}
		d = asked // and not what another run of this, under another pack, has filled in
		if d.Configuration.IsZero() {
			d.Configuration = c.catalog().DefaultConfiguration()
		}
		if err := c.checkDossier(d); err != nil {
			return err
		}
		d.Created = c.at
		c.detail["domain"] = d.Domain.String()
		err := c.db().Create(&store.Dossier{
			Tenant: tenant, ID: d.ID, Name: d.Name, Configuration: d.Configuration, Private: d.Private, CreatedAt: store.At(c.at),
		}).Error
		if err = store.Translate(err); errors.Is(err, ErrConflict) {
			err = fmt.Errorf("the id is taken: %w", ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("dossier %v: %w", d.Domain, err)
		}
		c.add(model.DossierRules(d.Domain)...)
		c.add(d.traits()...)
		for _, a := range d.assignments() {
			if err := c.assign(d.Domain, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Dossier{}, err
	}
	return d, nil
}

// traits are the rows of what is true of a dossier.
func (d Dossier) traits() []model.Rule {
	traits := []model.Trait{visibility(d.Private)}
	if !d.Configuration.IsZero() {
		traits = append(traits, model.ConfigurationTrait(d.Configuration))
	}
	for _, m := range d.Modules {
		traits = append(traits, model.ModuleTrait(m))
	}
	for _, f := range d.Flags {
		traits = append(traits, model.FlagTrait(f))
	}
	rules := make([]model.Rule, len(traits))
	for i, t := range traits {
		rules[i] = model.TraitRule(d.Domain, t)
	}
	return rules
}

func visibility(private bool) model.Trait {
	if private {
		return model.TraitPrivate
	}
	return model.TraitShared
}

func (c *change) checkDossier(d Dossier) error {
	if err := checkText("name", d.Name, required, 200); err != nil {
		return err
	}
	catalog := c.catalog()
	if !d.Configuration.IsZero() && !catalog.HasConfiguration(d.Configuration) {
		return c.undeclared("configuration", d.Configuration)
	}
	for _, m := range d.Modules {
		if !catalog.HasModule(m) {
			return c.undeclared("module", m)
		}
	}
	for _, f := range d.Flags {
		if !catalog.HasFlag(f) {
			return c.undeclared("flag", f)
		}
	}
	return nil
}

// writeDossier is the write path of an open dossier for who may do p there.
func (az *Authz) writeDossier(ctx context.Context, by Actor, d model.Domain, p model.Permission, action string, fn func(*change, store.Dossier) error) error {
	return az.write(ctx, by, d.Tenant(), action, func(c *change) error {
		row, err := c.requireDossier(d, p)
		if err != nil {
			return err
		}
		c.detail["domain"] = d.String()
		return fn(c, row)
	})
}

func (c *change) setDossier(d model.Domain, column string, value any) error {
	return c.db().Model(&store.Dossier{}).Where("tenant = ? AND id = ?", d.Tenant(), d.Dossier()).Update(column, value).Error
}

// RenameDossier changes a dossier's name. It takes "dossier configure".
func (az *Authz) RenameDossier(ctx context.Context, by Actor, d model.Domain, name string) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, "rename dossier", func(c *change, _ store.Dossier) error {
		if err := checkText("name", name, required, 200); err != nil {
			return err
		}
		return c.setDossier(d, "name", name)
	})
}

// SetModule switches a module on or off. It takes "dossier configure". No
// actor may gain permissions by the modules that they switch.
func (az *Authz) SetModule(ctx context.Context, by Actor, d model.Domain, m model.Module, on bool) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, "set module", func(c *change, _ store.Dossier) error {
		if !c.catalog().HasModule(m) {
			return c.undeclared("module", m)
		}
		return c.switchTrait(d, model.ModuleTrait(m), on)
	})
}

// switchTrait gives a dossier a trait or takes it away, unless the actor comes to more
// by it.
func (c *change) switchTrait(d model.Domain, t model.Trait, on bool) error {
	if err := c.toggle(model.TraitRule(d, t), on); err != nil {
		return err
	}
	return c.noGain(d)
}

// SetFlag marks a dossier or takes the mark away. It takes "dossier
// configure". No actor may gain permissions by the marks that they set or take away.
func (az *Authz) SetFlag(ctx context.Context, by Actor, d model.Domain, f model.Flag, on bool) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, "set flag", func(c *change, _ store.Dossier) error {
		if !c.catalog().HasFlag(f) {
			return c.undeclared("flag", f)
		}
		return c.switchTrait(d, model.FlagTrait(f), on)
	})
}

// SetPrivate opens a dossier to the assigned only, or to every tenant-wide
// reader again. It takes "dossier configure". No actor may gain permissions by it.
func (az *Authz) SetPrivate(ctx context.Context, by Actor, d model.Domain, private bool) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, "set private", func(c *change, row store.Dossier) error {
		if row.Private == private {
			return errUnchanged
		}
		c.remove(model.TraitRule(d, visibility(row.Private)))
		c.add(model.TraitRule(d, visibility(private)))
		if err := c.noGain(d); err != nil {
			return err
		}
		return c.setDossier(d, "private", private)
	})
}

// CloseDossier ends all access to a dossier, at once, and every change to it
// but [Authz.ReopenDossier]. It takes "dossier close".
func (az *Authz) CloseDossier(ctx context.Context, by Actor, d model.Domain) error {
	return az.writeDossier(ctx, by, d, model.CloseDossier, "close dossier", func(c *change, _ store.Dossier) error {
		if err := c.shelve(inDossier(d)); err != nil {
			return err
		}
		return c.setDossier(d, "closed_at", store.At(c.at))
	})
}

// ReopenDossier gives a closed dossier back as it was. It takes "dossier
// close", as it will be once the dossier is open again.
func (az *Authz) ReopenDossier(ctx context.Context, by Actor, d model.Domain) error {
	return az.write(ctx, by, d.Tenant(), "reopen dossier", func(c *change) error {
		if !d.IsDossier() {
			return fmt.Errorf("domain %q: want a dossier: %w", d, ErrInvalid)
		}
		if !c.before.open() {
			return c.require(model.TenantDomain(d.Tenant()), model.ViewTenant)
		}
		row, err := c.dossier(d)
		if err != nil {
			return err
		}
		if row.ClosedAt == 0 {
			if err := c.require(d, model.CloseDossier); err != nil {
				return err
			}
			return fmt.Errorf("dossier %v is open: %w", d, ErrConflict)
		}
		if err := c.setDossier(d, "closed_at", 0); err != nil {
			return err
		}
		if err := c.restore(inDossier(d)); err != nil {
			return err
		}
		c.detail["domain"] = d.String()
		after, err := c.after()
		if err != nil {
			return err
		}
		return require(after, by, c.at, d, model.CloseDossier)
	})
}

// Dossier reads a dossier. It takes "dossier see"; [System] may also read a
// closed one, whose modules and flags are not known until it is open again.
func (az *Authz) Dossier(ctx context.Context, by Actor, d model.Domain) (Dossier, error) {
	return read(ctx, az, by, d, model.SeeDossier, "dossier", func(q *query) (Dossier, error) {
		if !d.IsDossier() {
			return Dossier{}, fmt.Errorf("domain %q: want a dossier: %w", d, ErrInvalid)
		}
		row, err := loadDossier(q.db, d)
		if err != nil {
			return Dossier{}, err
		}
		found := Dossier{
			ID: row.ID, Domain: d, Name: row.Name, Configuration: row.Configuration, Pending: row.Pending, Failure: row.Failure,
			Private: row.Private, Manager: row.Manager, Team: row.Team,
			Closed: row.ClosedAt.Time(), Created: row.CreatedAt.Time(),
		}
		for _, m := range q.state.pack.Catalog.Modules {
			if q.state.has(model.TraitRule(d, model.ModuleTrait(m.Name))) {
				found.Modules = append(found.Modules, m.Name)
			}
		}
		for _, f := range q.state.pack.Catalog.Flags {
			if q.state.has(model.TraitRule(d, model.FlagTrait(f.Name))) {
				found.Flags = append(found.Flags, f.Name)
			}
		}
		err = q.db.Model(&store.Supporting{}).Where("tenant = ? AND dossier = ?", d.Tenant(), d.Dossier()).
			Order("person").Pluck("person", &found.Supporting).Error
		return found, err
	})
}

// assignments are the links that d asks for.
func (d Dossier) assignments() []Assignment {
	var all []Assignment
	if !d.Manager.IsZero() {
		all = append(all, Manager(d.Manager))
	}
	if !d.Team.IsZero() {
		all = append(all, Group(d.Team))
	}
	for _, u := range slices.Compact(slices.SortedFunc(slices.Values(d.Supporting), compareIDs)) {
		all = append(all, Supporting(u))
	}
	return all
}

func compareIDs(a, b model.UserID) int {
	return strings.Compare(a.String(), b.String())
}
