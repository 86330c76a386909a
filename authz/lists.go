package authz

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/engine"
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
	return list(ctx, az, "permissions", domain.Tenant(), func(st *state, now func() time.Time, yield func(model.Permission) bool) error {
		if err := named(user, domain); err != nil {
			return err
		}
		bits, _, err := st.allowed(user, domain, now)
		if err != nil {
			return err
		}
		for p := range st.pack.permissions(domain, bits) {
			if !yield(p) {
				break
			}
		}
		return nil
	})
}

// Dossiers yields the dossiers in which user may do p, in every tenant that
// the user is an active member of, by tenant ID and dossier ID. Those of one
// tenant are true together; a membership that another process changes counts within
// [Config.Staleness], as everything does. An error comes last, with a zero Domain.
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
	return list(ctx, az, "dossiers", t, func(st *state, now func() time.Time, yield func(model.Domain) bool) error {
		return st.dossiersFor(ctx, user, p, after, now(), yield)
	})
}

// dossiersFor yields the dossiers behind after in which u may do p, in order.
func (s *state) dossiersFor(ctx context.Context, u model.UserID, p model.Permission, after model.Domain, at time.Time, yield func(model.Domain) bool) error {
	entry := s.pack.permission(u, p)
	if entry == nil || entry.place&model.AtDossier == 0 {
		for _, d := range s.dossiers() { // asked wrongly, where it is asked at all
			_, err := s.pack.asks(u, d, p)
			return err
		}
		return nil
	}
	who := s.rows.Subject(engine.KeyOf(model.UserSubject(u).String()))
	first := ""
	if after.Tenant() == s.tenant {
		first = after.String()
	}
	few, err := who.Places(model.TraitDossier.String(), entry.question, first, at, func(text string) bool {
		d, err := model.ParseDomain(text)
		return err != nil || ctx.Err() == nil && yield(d)
	})
	if few || err != nil {
		return cmp.Or(err, ctx.Err())
	}
	candidates := s.dossiers()
	next, _ := slices.BinarySearchFunc(candidates, after, func(d, after model.Domain) int {
		return cmp.Or(compareDomains(d, after), -1) // behind it
	})
	clock := func() time.Time { return at }
	for _, d := range candidates[next:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := who.Decide(engine.KeyOf(d.String()), entry.question, clock)
		if err != nil {
			return err
		}
		if ok && !yield(d) {
			break
		}
	}
	return nil
}

// parseDomains returns the domains among texts, in order.
func parseDomains(texts iter.Seq[string]) []model.Domain {
	var found []model.Domain
	for text := range texts {
		if d, err := model.ParseDomain(text); err == nil {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, compareDomains)
	return found
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
	return list(ctx, az, "subjects", domain.Tenant(), func(st *state, now func() time.Time, yield func(model.UserID) bool) error {
		return st.subjectsOf(ctx, domain, p, after, now(), yield)
	})
}

// subjectsOf yields the members behind after who may do p in d, in order.
func (s *state) subjectsOf(ctx context.Context, d model.Domain, p model.Permission, after model.UserID, at time.Time, yield func(model.UserID) bool) error {
	found, err := s.allowedTo(ctx, d, p, at)
	if err != nil {
		return err
	}
	slices.SortFunc(found, compareIDs)
	for _, u := range found {
		if compareIDs(u, after) > 0 && !yield(u) {
			break
		}
	}
	return nil
}

func (s *state) allowedTo(ctx context.Context, d model.Domain, p model.Permission, at time.Time) ([]model.UserID, error) {
	var found []model.UserID
	nobody := p.Of(model.UserID{})
	entry := s.pack.asked.find(nobody.Key())
	if entry == nil || !entry.place.Covers(d) {
		for _, u := range s.users() { // asked wrongly, if anybody is asked about
			_, err := s.pack.asks(u, d, p)
			return nil, err
		}
		return nil, nil
	}
	member, everywhere := model.Member.String(), model.Everywhere(s.tenant)
	for name, err := range s.rows.Subjects(member, everywhere, d.String(), entry.question, at) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		u, ok := model.UserID{}, false
		if who, err := model.ParseSubject(name); err == nil {
			u, ok = who.User()
		}
		if ok && !p.OwnedBy(u) {
			found = append(found, u)
		}
	}
	// The owner is asked about its own.
	owner, owned := p.Owner()
	if owned && s.active(owner) && p.OwnedBy(owner) {
		if _, err := s.pack.asks(owner, d, p); err != nil {
			return nil, err
		}
		ok, err := s.enforce(owner, d, p, at)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, owner)
		}
	}
	return found, nil
}

// list yields what fn finds in the state of a tenant at this moment.
func list[T any](ctx context.Context, az *Authz, what string, tenant model.TenantID, fn func(st *state, now func() time.Time, yield func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := az.ready()
		if err == nil {
			err = ctx.Err()
		}
		var st *state
		if err == nil {
			st, err = az.view(ctx, tenant)
		}
		stopped := false
		if err == nil {
			err = fn(st, az.tick, func(found T) bool {
				stopped = !yield(found, nil)
				return !stopped
			})
		}
		if err != nil && !stopped {
			var none T
			yield(none, fmt.Errorf("authz: %s: %w", what, err))
		}
	}
}

// compareDomains orders domains by tenant, each before its dossiers. It is not
// the order of their texts, in which "a-b/" comes before "a/".
func compareDomains(a, b model.Domain) int {
	return cmp.Or(compareTenants(a.Tenant(), b.Tenant()), cmp.Compare(a.Dossier().String(), b.Dossier().String()))
}

func compareTenants(a, b model.TenantID) int { return cmp.Compare(a.String(), b.String()) }
