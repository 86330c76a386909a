package authz_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// page reads up to n items of a list.
func page[T any](t *testing.T, n int, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for v, err := range list {
		require.NoError(t, err)
		if all = append(all, v); len(all) == n {
			return all
		}
	}
	return all
}

// Attempted: to see more by a cursor that was made up, that is another
// tenant's, or that names what is not there.
func TestA19ForgedCursor(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx, see := t.Context(), accountancy.SeeDossier
	require.NoError(t, s.az.AddMember(ctx, system, home(tBeta), authz.NewMember{User: uCarl}))
	require.NoError(t, s.az.Grant(ctx, system, authz.Grant{Subject: model.UserSubject(uCarl), Profile: accountancy.FullAccess, Domain: dBeta}))

	var users []model.UserID
	for _, u := range []string{"", "0", "u", "u-ann", "u-bea", "u-carl", "u-dora", "u-ghost", "u-gus", "zzz", "admin", "member"} {
		after := model.UserID{}
		if u != "" {
			after = parsedUser(u)
		}
		users = append(users, after)
	}
	domains := []model.Domain{
		{}, home(tAcme), home(tBeta), home(tGone), home(tNone), home(parsedTenant("0")), home(parsedTenant("zzz")), home(parsedTenant("t-acme-")),
		dOne, dTwo, dPending, dShut, dNone, dBeta, dGone, dossier(tNone, "d-1"), dossier(tBeta, "0"), dossier(tAcme, "zzz"),
	}
	for _, u := range []model.UserID{uAnn, uAmy, uEmil, uOlga, uCarl, uDora, uBea, uBen, uGus, uNina, uGhost} {
		all := collect(t, s.az.Dossiers(ctx, u, see, model.Domain{}))
		for _, after := range domains {
			got := collect(t, s.az.Dossiers(ctx, u, see, after))
			require.True(t, slices.Equal(all[len(all)-len(got):], got), "%v after %v", u, after)
			require.NotContains(t, got, after)
			for _, d := range got {
				ok, err := s.az.Enforce(ctx, u, d, see)
				require.NoError(t, err)
				require.True(t, ok, "%v after %v: %v", u, after, d)
			}
			places := collect(t, s.az.Places(ctx, u, after))
			for _, p := range places {
				require.NotEqual(t, after, p.Domain)
				if p.Domain.IsDossier() {
					require.Contains(t, all, p.Domain, "%v after %v", u, after)
				} else {
					ok, err := s.az.Enforce(ctx, u, p.Domain, accountancy.EditSelf)
					require.NoError(t, err)
					require.True(t, ok, "%v after %v: %v", u, after, p.Domain)
				}
			}
		}
	}
	for _, d := range []model.Domain{dOne, dTwo, dShut, dBeta, dGone, dNone} {
		all := collect(t, s.az.Subjects(ctx, d, see, model.UserID{}))
		for _, after := range users {
			got := collect(t, s.az.Subjects(ctx, d, see, after))
			require.True(t, slices.Equal(all[len(all)-len(got):], got), "%v after %v", d, after)
			require.NotContains(t, got, after)
		}
	}
	for _, text := range []string{"t-acme", "t-acme/d-1/x", "/d-1", "t-acme/*", "t-acme/d 1", "t-acme/\x00", strings.Repeat("x", 37) + "/"} {
		_, err := model.ParseDomain(text)
		require.ErrorIs(t, err, authz.ErrInvalid, text)
	}
}

// What is added or goes between two pages shifts nothing: whatever was there
// throughout is seen once, in order, and a tenant whose ID continues that of
// another has a place of its own.
func TestPages(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t)
	ctx, see := t.Context(), accountancy.SeeDossier
	var tenants []model.TenantID
	for _, name := range []string{"a", "a-b", "a0", "A", "b"} {
		id := parsedTenant(name)
		tenants = append(tenants, id)
		_, err := s.az.CreateTenant(ctx, system, authz.Tenant{ID: id, Name: name})
		require.NoError(t, err)
		require.NoError(t, s.az.AddMember(ctx, system, home(id), authz.NewMember{User: uNina, Profiles: []model.Profile{accountancy.Admin}}))
	}
	open := make(map[model.Domain]bool)
	add := func() {
		d := dossier(tenants[r.IntN(len(tenants))], fmt.Sprintf("%c%d", "zZ-_09"[r.IntN(6)], r.IntN(1000)))
		if _, there := open[d]; there {
			return
		}
		_, err := s.az.CreateDossier(ctx, system, d.Tenant(), authz.Dossier{ID: d.Dossier(), Name: "D"})
		require.NoError(t, err)
		open[d] = true
	}
	for range 40 {
		add()
	}
	for range 5 {
		stayed := make(map[model.Domain]bool)
		for d, is := range open {
			stayed[d] = is
		}
		var seen []model.Domain
		for after := (model.Domain{}); ; after = seen[len(seen)-1] {
			next := page(t, 1+r.IntN(6), s.az.Dossiers(ctx, uNina, see, after))
			if len(next) == 0 {
				break
			}
			seen = append(seen, next...)
			add()
			for d, is := range open { // any one
				if is && r.IntN(2) == 0 {
					require.NoError(t, s.az.CloseDossier(ctx, system, d))
					open[d], stayed[d] = false, false
				}
				break
			}
		}
		for d, is := range stayed {
			if is {
				require.Contains(t, seen, d)
			}
		}
		require.True(t, slices.IsSortedFunc(seen, func(a, b model.Domain) int {
			return slices.Compare([]string{a.Tenant().String(), a.Dossier().String()}, []string{b.Tenant().String(), b.Dossier().String()})
		}), seen)
		require.Len(t, slices.Compact(slices.Clone(seen)), len(seen))
	}

	var seen []model.UserID
	for after := (model.UserID{}); ; after = seen[len(seen)-1] {
		next := page(t, 2, s.az.Subjects(ctx, home(tAcme), accountancy.EditSelf, after))
		if len(next) == 0 {
			break
		}
		seen = append(seen, next...)
	}
	require.Equal(t, []model.UserID{uAmy, uAnn, uCarl, uEmil, uOlga}, seen)
}
