package authz

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Lists go by the state of their tenant at the moment they begin, so that
// what they yield was true together.
//
// A list is read in pages by the last item that was seen, which comes in as
// after. It is compared, never looked up: it need not be in the list any more,
// and whoever makes one up gets what they may see after that place, no more.

// Permissions yields what user may do in domain, in the catalog's order. An
// error comes last, with a zero Permission.
func (az *Authz) Permissions(ctx context.Context, user model.UserID, domain model.Domain) iter.Seq2[model.Permission, error] {
	return filter(ctx, az, "permissions", domain.Tenant(), func(st *state) []model.Permission {
		return permissions(st.pack, domain)
	}, func(p model.Permission) Request { return Request{user, domain, p} })
}

// Dossiers yields the dossiers in which user may do p, in every tenant that
// the user is an active member of, by tenant ID and dossier ID. Those of one
// tenant are true together. An error comes last, with a zero Domain.
//
// It begins behind after, the last one that the caller has seen; the zero
// Domain begins at the start. What comes or goes between two pages shifts
// nothing. The text of a Domain is a cursor for a host's API:
// [model.ParseDomain] reads it back.
func (az *Authz) Dossiers(ctx context.Context, user model.UserID, p model.Permission, after model.Domain) iter.Seq2[model.Domain, error] {
	return func(yield func(model.Domain, error) bool) {
		tenants, err := az.tenantsOf(ctx, user)
		if err != nil {
			yield(model.Domain{}, fmt.Errorf("authz: dossiers: %w", err))
			return
		}
		for _, t := range tenants {
			if compareTenants(t, after.Tenant()) < 0 {
				continue
			}
			for d, err := range az.dossiersOf(ctx, user, p, t, after) {
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// dossiersOf is [Authz.Dossiers] for one tenant.
func (az *Authz) dossiersOf(ctx context.Context, user model.UserID, p model.Permission, t model.TenantID, after model.Domain) iter.Seq2[model.Domain, error] {
	return filter(ctx, az, "dossiers", t, func(st *state) []model.Domain {
		return behind(st.dossiers(), after, compareDomains)
	}, func(d model.Domain) Request { return Request{user, d, p} })
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
// last, with a zero UserID. It begins behind after, the last one that the
// caller has seen, as [Authz.Dossiers] does; the zero UserID begins at the start.
func (az *Authz) Subjects(ctx context.Context, domain model.Domain, p model.Permission, after model.UserID) iter.Seq2[model.UserID, error] {
	return filter(ctx, az, "subjects", domain.Tenant(), func(st *state) []model.UserID {
		return behind(st.users(), after, compareIDs)
	}, func(u model.UserID) Request { return Request{u, domain, p} })
}

// behind returns what comes after a cursor in a sorted list.
func behind[T any](all []T, after T, compare func(a, b T) int) []T {
	i, found := slices.BinarySearchFunc(all, after, compare)
	if found {
		i++
	}
	return all[i:]
}

// compareDomains orders domains by tenant, each before its dossiers. It is not
// the order of their texts, in which "a-b/" comes before "a/".
func compareDomains(a, b model.Domain) int {
	return cmp.Or(compareTenants(a.Tenant(), b.Tenant()), cmp.Compare(a.Dossier().String(), b.Dossier().String()))
}

func compareTenants(a, b model.TenantID) int { return cmp.Compare(a.String(), b.String()) }

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
			ok, err := false, r.check(st.pack)
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
func permissions(pack *model.Pack, d model.Domain) []model.Permission {
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
