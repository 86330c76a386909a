package authz

import (
	"context"
	"fmt"
	"iter"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Lists go by the state of their tenant at the moment they begin, so that
// what they yield was true together.

// Permissions yields what user may do in domain, in the catalog's order. An
// error comes last, with a zero Permission.
func (az *Authz) Permissions(ctx context.Context, user model.UserID, domain model.Domain) iter.Seq2[model.Permission, error] {
	return filter(ctx, az, "permissions", domain.Tenant(), func(st *state) []model.Permission {
		return permissions(st.pack, domain)
	}, func(p model.Permission) Request { return Request{user, domain, p} })
}

// Dossiers yields the dossiers in which user may do p, in every tenant that
// the user is an active member of, by tenant and ID. Those of one tenant are
// true together. An error comes last, with a zero Domain.
func (az *Authz) Dossiers(ctx context.Context, user model.UserID, p model.Permission) iter.Seq2[model.Domain, error] {
	return func(yield func(model.Domain, error) bool) {
		tenants, err := az.tenantsOf(ctx, user)
		if err != nil {
			yield(model.Domain{}, fmt.Errorf("authz: dossiers: %w", err))
			return
		}
		for _, t := range tenants {
			for d, err := range filter(ctx, az, "dossiers", t, (*state).dossiers,
				func(d model.Domain) Request { return Request{user, d, p} }) {
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// tenantsOf returns the tenants that u is an active member of, by ID.
func (az *Authz) tenantsOf(ctx context.Context, u model.UserID) ([]model.TenantID, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	return tenantsOf(az.db(ctx), u)
}

func tenantsOf(db *gorm.DB, u model.UserID) ([]model.TenantID, error) {
	if u.IsZero() {
		return nil, fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	var tenants []model.TenantID
	err := db.Model(&store.Member{}).Where("person = ? AND state = ?", u, store.Active).Order("tenant").Pluck("tenant", &tenants).Error
	return tenants, store.Translate(err)
}

// Subjects yields the members who may do p in domain, by ID. An error comes
// last, with a zero UserID.
func (az *Authz) Subjects(ctx context.Context, domain model.Domain, p model.Permission) iter.Seq2[model.UserID, error] {
	return filter(ctx, az, "subjects", domain.Tenant(), (*state).users,
		func(u model.UserID) Request { return Request{u, domain, p} })
}

// filter yields the candidates whose request is allowed.
func filter[T any](ctx context.Context, az *Authz, what string, tenant model.TenantID, candidates func(*state) []T, ask func(T) Request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		fail := func(err error) { yield(none, fmt.Errorf("authz: %s: %w", what, err)) }
		if err := az.ready(); err != nil {
			fail(err)
			return
		}
		at := az.now()
		st, err := az.view(ctx, tenant)
		if err != nil {
			fail(err)
			return
		}
		for _, candidate := range candidates(st) {
			r := ask(candidate)
			ok := false
			_, err := st.pack.asks(r.User, r.Domain, r.Permission)
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				ok, err = st.enforce(r.User, r.Domain, r.Permission, at)
			}
			if err != nil {
				fail(err)
				return
			}
			if ok && !yield(candidate, nil) {
				return
			}
		}
	}
}

// permissions returns every permission that can be asked in d: those of the
// catalog, and handing out the profiles that can be held there.
func permissions(pack *pack, d model.Domain) []model.Permission {
	at := placeOf(d)
	var all []model.Permission
	for _, entry := range pack.Catalog.Permissions {
		if entry.Place&at != 0 {
			all = append(all, entry.Permission)
		}
	}
	for _, entry := range pack.Catalog.Profiles {
		if entry.Place&at != 0 {
			all = append(all, model.GrantOf(entry.Profile))
		}
	}
	return all
}

func placeOf(d model.Domain) model.Place {
	if d.IsDossier() {
		return model.AtDossier
	}
	return model.AtTenant
}
