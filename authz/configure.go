package authz

import (
	"context"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Configure changes a dossier's configuration. It takes "dossier configure".
// No actor may lift a cap on themselves with it, neither now nor when a pending
// change is done.
//
// A change that the pack's catalog declares as a transition is pending: the
// old configuration stays in force until the host, having synchronised what
// there is to synchronise, calls [Authz.FinishConfiguration]. Every other
// change is in force at once. Asking for the configuration in force calls a
// pending change off.
func (az *Authz) Configure(ctx context.Context, by Actor, d model.Domain, to model.Configuration) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, "configure", func(c *change, row store.Dossier) error {
		if !c.catalog().HasConfiguration(to) {
			return c.undeclared("configuration", to)
		}
		c.detail["configuration"] = to.String()
		switch {
		case to == row.Pending, to == row.Configuration && row.Pending.IsZero() && row.Failure == "":
			return errUnchanged
		case c.catalog().Pending(row.Configuration, to):
			done, then := *c, row
			done.setConfiguration(d, &then, to)
			if err := done.noGain(d); err != nil {
				return err
			}
			row.Pending = to
		default:
			c.setConfiguration(d, &row, to)
			if err := c.noGain(d); err != nil {
				return err
			}
		}
		row.Failure = ""
		return c.saveConfiguration(d, row)
	})
}

// FinishConfiguration puts a pending configuration in force. The configuration
// is named so that a report that comes late, for a change that was called off,
// does nothing but return [ErrConflict]. Only [System] may.
func (az *Authz) FinishConfiguration(ctx context.Context, by Actor, d model.Domain, to model.Configuration) error {
	return az.settle(ctx, by, d, to, "finish configuration", func(c *change, row *store.Dossier) error {
		c.setConfiguration(d, row, to)
		return nil
	})
}

// FailConfiguration gives a pending configuration up and keeps the reason,
// which [Authz.Dossier] shows until the next [Authz.Configure]. Only [System]
// may.
func (az *Authz) FailConfiguration(ctx context.Context, by Actor, d model.Domain, to model.Configuration, reason string) error {
	return az.settle(ctx, by, d, to, "fail configuration", func(c *change, row *store.Dossier) error {
		if err := checkText("reason", reason, required, 500); err != nil {
			return err
		}
		row.Pending, row.Failure = model.Configuration{}, reason
		return nil
	})
}

// settle ends a pending change in one way or the other.
func (az *Authz) settle(ctx context.Context, by Actor, d model.Domain, to model.Configuration, action string, fn func(*change, *store.Dossier) error) error {
	return az.writeDossier(ctx, by, d, model.ConfigureDossier, action, func(c *change, row store.Dossier) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if to.IsZero() || row.Pending != to {
			return fmt.Errorf("dossier %v has no change to configuration %q pending: %w", d, to, ErrConflict)
		}
		c.detail["configuration"] = to.String()
		if err := fn(c, &row); err != nil {
			return err
		}
		return c.saveConfiguration(d, row)
	})
}

// setConfiguration swaps the row of the configuration in force.
func (c *change) setConfiguration(d model.Domain, row *store.Dossier, to model.Configuration) {
	if row.Configuration != to {
		if !row.Configuration.IsZero() {
			c.remove(model.TraitRule(d, model.ConfigurationTrait(row.Configuration)))
		}
		c.add(model.TraitRule(d, model.ConfigurationTrait(to)))
	}
	row.Configuration, row.Pending = to, model.Configuration{}
}

func (c *change) saveConfiguration(d model.Domain, row store.Dossier) error {
	return c.db().Model(&store.Dossier{}).Where("tenant = ? AND id = ?", d.Tenant(), d.Dossier()).
		Updates(map[string]any{"configuration": row.Configuration, "pending": row.Pending, "failure": row.Failure}).Error
}
