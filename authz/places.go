package authz

import (
	"context"
	"fmt"
	"iter"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Place is a tenant or a dossier as a person chooses it at sign-in, or
// switches to it later.
type Place struct {
	Domain  model.Domain
	Tenant  string // the tenant's name
	Dossier string // the dossier's name; empty for the tenant itself

	// Profiles are those that the person holds there now, directly or through
	// a team, in the catalog's order and with its labels. What is held
	// throughout a tenant is with the tenant, not with each of its dossiers.
	Profiles []model.ProfileEntry
}

// placesBatch is how many dossiers' names are read at once.
const placesBatch = 100

// Places yields where a person can go: the open tenants that user is an active
// member of, by ID, each followed by its dossiers that user sees ("dossier
// see"), by ID. An error comes last, with a zero Place.
//
// It begins behind after, the last place that the caller has seen, as
// [Authz.Dossiers] does; the zero Domain begins at the start. Names are read
// for the places that are listed only.
//
// It takes no actor, as no list of what a user may do takes one: ask it for
// the person who is signed in.
func (az *Authz) Places(ctx context.Context, user model.UserID, after model.Domain) iter.Seq2[Place, error] {
	return func(yield func(Place, error) bool) {
		tenants, err := az.tenantsOf(ctx, user)
		for _, t := range tenants {
			if compareTenants(t, after.Tenant()) < 0 {
				continue
			}
			var more bool
			if more, err = az.placesIn(ctx, user, t, after, yield); err != nil || !more {
				break
			}
		}
		if err != nil {
			yield(Place{}, fmt.Errorf("authz: places: %w", store.Translate(err)))
		}
	}
}

// placesIn yields the places of one tenant. It reports whether the caller
// wants more.
func (az *Authz) placesIn(ctx context.Context, user model.UserID, t model.TenantID, after model.Domain, yield func(Place, error) bool) (more bool, err error) {
	st, err := az.view(ctx, t)
	if err != nil || !st.active(user) {
		return true, err
	}
	var tenant store.Tenant
	if err := az.db(ctx).Where("id = ?", t).Take(&tenant).Error; err != nil {
		return false, err
	}
	held := st.holdingsOf(user, az.now())
	place := func(d model.Domain, name string) Place {
		return Place{Domain: d, Tenant: tenant.Name, Dossier: name, Profiles: held.profiles(st.pack.Catalog, d)}
	}
	if home := model.TenantDomain(t); compareDomains(after, home) < 0 && !yield(place(home, ""), nil) {
		return false, nil
	}
	if _, declared := st.pack.Catalog.Permission(model.SeeDossier); !declared {
		return true, nil
	}
	batch := make([]model.Domain, 0, placesBatch)
	flush := func() (bool, error) {
		names, err := az.dossierNames(ctx, t, batch)
		for _, d := range batch {
			if err != nil || !yield(place(d, names[d.Dossier()]), nil) {
				return false, err
			}
		}
		batch = batch[:0]
		return true, err
	}
	for d, err := range az.dossiersOf(ctx, user, model.SeeDossier, t, after) {
		if err != nil {
			return false, err
		}
		if batch = append(batch, d); len(batch) == placesBatch {
			if more, err := flush(); err != nil || !more {
				return false, err
			}
		}
	}
	return flush()
}

func (az *Authz) dossierNames(ctx context.Context, t model.TenantID, domains []model.Domain) (map[model.DossierID]string, error) {
	if len(domains) == 0 {
		return nil, nil
	}
	ids := make([]model.DossierID, len(domains))
	for i, d := range domains {
		ids[i] = d.Dossier()
	}
	var rows []store.Dossier
	err := az.db(ctx).Select("id", "name").Where("tenant = ? AND id IN ?", t, ids).Find(&rows).Error
	names := make(map[model.DossierID]string, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, err
}
