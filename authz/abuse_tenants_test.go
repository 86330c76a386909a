package authz_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A reading is a method that reads for an actor.
type reading struct {
	method string
	in     model.Domain // where an admin of acme may read
	do     func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error)
}

func reads() []reading {
	person := func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
		of := map[model.Domain]model.UserID{home(tAcme): uAnn, home(tBeta): uBea, home(tGone): uGus, home(tNone): uNone}[in]
		return az.Person(ctx, by, of)
	}
	personLedger := func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
		of := map[model.Domain]model.UserID{home(tAcme): uAnn, home(tBeta): uBea, home(tGone): uGus, home(tNone): uNone}[in]
		return az.PersonLedger(ctx, by, of, 0, 10)
	}
	return []reading{
		{"Tenant", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Tenant(ctx, by, in.Tenant())
		}},
		{"Teams", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Teams(ctx, by, in.Tenant())
		}},
		{"Ledger", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Ledger(ctx, by, in.Tenant(), 0, 10)
		}},
		{"Dossier", dOne, func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Dossier(ctx, by, in)
		}},
		{"Person", home(tAcme), person}, {"PersonLedger", home(tAcme), personLedger},
		{"AccountRequests", home(tAcme), readRequests}, {"AccountRequests", dOne, readRequests},
		{"Reviews", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Reviews(ctx, by, in.Tenant())
		}},
		{"Review", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Review(ctx, by, in.Tenant(), rOpen)
		}},
		{"Messages", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Messages(ctx, by, in.Tenant(), authz.MessageFilter{}, model.MessageID{})
		}},
		{"Copies", home(tAcme), func(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
			return az.Copies(ctx, by, in.Tenant())
		}},
		{"Preferences", home(tAcme), readPreferences}, {"Preferences", dOne, readPreferences},
		{"Members", home(tAcme), readMembers}, {"Members", dOne, readMembers},
		{"Grants", home(tAcme), readGrants}, {"Grants", dOne, readGrants},
		{"Advice", home(tAcme), readAdvice}, {"Advice", dTwo, readAdvice},
		{"Invitations", home(tAcme), readInvitations}, {"Invitations", dOne, readInvitations},
		{"Invitation", home(tAcme), readInvitation}, {"Invitation", dOne, readInvitation},
		{"Contacts", home(tAcme), readContacts}, {"Contacts", dOne, readContacts},
	}
}

func readRequests(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.AccountRequests(ctx, by, in, "", model.RequestID{}, 10)
}

func readPreferences(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Preferences(ctx, by, in, uEmil)
}

func readMembers(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Members(ctx, by, in)
}

func readGrants(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Grants(ctx, by, in)
}

func readAdvice(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Advice(ctx, by, in)
}

// Attempted: to read with an id of another tenant, in every position of every
// method that reads, and to learn from the answer what is there.
func TestA14ReadAnotherTenant(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, r := range reads() {
		t.Run(r.method+" "+r.in.String(), func(t *testing.T) {
			t.Parallel()
			_, err := r.do(t.Context(), s.az, admin, r.in)
			require.NoError(t, err, "the control")
			elsewhere := func(tenant model.TenantID) model.Domain { return call{domain: r.in}.at(tenant).domain }
			places := map[string]model.Domain{"unknown": elsewhere(tNone), "another": elsewhere(tBeta), "closed": elsewhere(tGone)}
			if r.in.IsDossier() {
				places["another's dossier"], places["a closed tenant's dossier"] = dBeta, dGone
			}
			_, err = r.do(t.Context(), s.az, admin, elsewhere(tNone))
			same := ids.ReplaceAllString(err.Error(), "ID")
			for name, in := range places {
				_, err := r.do(t.Context(), s.az, admin, in)
				requireIs(t, err, authz.ErrNotFound, name)
				require.Equal(t, same, ids.ReplaceAllString(err.Error(), "ID"), name)
			}
			for _, u := range []model.UserID{uBea, uDora, uNina, uGhost} {
				_, err := r.do(t.Context(), s.az, authz.By(u), r.in)
				requireIs(t, err, authz.ErrNotFound, u.String())
				require.Equal(t, same, ids.ReplaceAllString(err.Error(), "ID"), u)
			}
			if r.in.IsDossier() {
				_, err := r.do(t.Context(), s.az, authz.By(uOlga), dNone)
				requireIs(t, err, authz.ErrNotFound, "no dossier")
				_, there := r.do(t.Context(), s.az, authz.By(uOlga), r.in)
				requireIs(t, there, authz.ErrNotFound, "a dossier unseen")
				require.Equal(t, ids.ReplaceAllString(err.Error(), "ID"), ids.ReplaceAllString(there.Error(), "ID"))
				for name, in := range map[string]model.Domain{"closed": dShut, "another's id": dossier(tAcme, "d-beta")} {
					_, err := r.do(t.Context(), s.az, admin, in)
					requireIs(t, err, authz.ErrNotFound, name)
				}
			}
			_, err = r.do(t.Context(), s.az, authz.Actor{}, r.in)
			requireIs(t, err, authz.ErrInvalid, "no actor")
			_, err = r.do(t.Context(), s.az, admin, model.Domain{})
			requireIs(t, err, authz.ErrInvalid, "nowhere")
			_, err = r.do(t.Context(), &authz.Authz{}, admin, r.in)
			requireIs(t, err, authz.ErrInvalid, "zero")
		})
	}
}

func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for v, err := range list {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

// Attempted: to be let in to another tenant's domain, or to turn up in its
// lists.
func TestA14CheckAnotherTenant(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, d := range []model.Domain{home(tBeta), dBeta, dossier(tAcme, "d-beta"), dossier(tBeta, "d-1"), home(tNone), dossier(tNone, "d-1")} {
		for _, u := range []model.UserID{uAnn, uEmil, uCarl, uOlga} {
			requireNothing(t, s.az, u, d)
		}
	}
	for _, d := range collect(t, s.az.Dossiers(t.Context(), uAnn, accountancy.SeeDossier, model.Domain{})) {
		require.Equal(t, tAcme, d.Tenant())
	}
	require.ElementsMatch(t, []model.UserID{uBea, uBen}, collect(t, s.az.Subjects(t.Context(), dBeta, accountancy.SeeDossier, model.UserID{})))
}

// requireNothing wants a no to every question, asked in every way.
func requireNothing(t *testing.T, az *authz.Authz, u model.UserID, d model.Domain) {
	t.Helper()
	ctx := t.Context()
	var requests []authz.Request
	for _, p := range accountancy.Pack().Catalog.Permissions {
		if p.Place.Covers(d) {
			requests = append(requests, authz.Request{User: u, Domain: d, Permission: p.Permission})
		}
	}
	answers, err := az.EnforceBatch(ctx, requests)
	require.NoError(t, err)
	require.NotContains(t, answers, true, "%v in %v", u, d)
	for _, r := range requests {
		ok, err := az.Enforce(ctx, r.User, r.Domain, r.Permission)
		require.NoError(t, err)
		require.False(t, ok, r)
		requireIs(t, az.Require(ctx, r.User, r.Domain, r.Permission), authz.ErrDenied, "require")
		decision, err := az.Explain(ctx, r.User, r.Domain, r.Permission)
		require.NoError(t, err)
		require.False(t, decision.Allowed, r)
		require.NotContains(t, collect(t, az.Subjects(ctx, d, r.Permission, model.UserID{})), u)
		if d.IsDossier() {
			require.NotContains(t, collect(t, az.Dossiers(ctx, u, r.Permission, model.Domain{})), d)
		}
	}
	require.Empty(t, collect(t, az.Permissions(ctx, u, d)))
}

// Attempted: to go on in a closed tenant, in a closed dossier, or after one
// was deactivated; what one had comes back only when that ends.
func TestA15AccessThatEnded(t *testing.T) {
	t.Parallel()
	// all does one after the other: what ended for two reasons stays ended
	// while one of them lasts.
	all := func(changes ...func(az *authz.Authz) error) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			var err error
			for _, do := range changes {
				err = errors.Join(err, do(az))
			}
			return err
		}
	}
	closeTenant := func(az *authz.Authz) error { return az.CloseTenant(t.Context(), system, tAcme) }
	reopenTenant := func(az *authz.Authz) error { return az.ReopenTenant(t.Context(), system, tAcme) }
	closeOne := func(az *authz.Authz) error { return az.CloseDossier(t.Context(), admin, dOne) }
	reopenOne := func(az *authz.Authz) error { return az.ReopenDossier(t.Context(), admin, dOne) }
	deactivate := func(az *authz.Authz) error { return az.DeactivateMember(t.Context(), admin, tAcme, uEmil) }
	reactivate := func(az *authz.Authz) error { return az.ReactivateMember(t.Context(), admin, tAcme, uEmil) }
	one, both := []model.Domain{dOne}, []model.Domain{home(tAcme), dOne}
	for name, c := range map[string]struct {
		where     []model.Domain
		end, back func(az *authz.Authz) error
	}{
		"tenant":                            {both, closeTenant, reopenTenant},
		"dossier":                           {one, closeOne, reopenOne},
		"member":                            {both, deactivate, reactivate},
		"member, whose dossier is reopened": {both, all(closeOne, deactivate, reopenOne), reactivate},
		"member, before it was closed":      {both, all(deactivate, closeOne, reopenOne), reactivate},
		"dossier, whose member is back":     {one, all(closeOne, deactivate, reactivate), reopenOne},
		"dossier, deactivated before":       {one, all(deactivate, closeOne, reactivate), reopenOne},
		"member, whose tenant is reopened":  {both, all(deactivate, closeTenant, reopenTenant), reactivate},
		"dossier, whose tenant is reopened": {one, all(closeOne, closeTenant, reopenTenant), reopenOne},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := setScene(t, db)
				other := openOn(t, storetest.Reopen(t, db), time.Nanosecond)
				before, had := answers(t, s.az), len(collect(t, s.az.Permissions(t.Context(), uEmil, dOne)))
				require.Positive(t, had)
				require.Equal(t, before, answers(t, other))
				require.NoError(t, c.end(s.az))
				for _, d := range c.where {
					requireNothing(t, s.az, uEmil, d)
					requireNothing(t, other, uEmil, d)
				}
				for _, o := range operations() {
					if again := o.valid; again.domain == dOne {
						again.by = authz.By(uEmil)
						requireIs(t, o.do(t.Context(), s.az, again), authz.ErrNotFound, o.String())
					}
				}
				require.NoError(t, c.back(s.az))
				require.Len(t, collect(t, s.az.Permissions(t.Context(), uEmil, dOne)), had)
				s.requireAgreement(t)
			})
		})
	}
}

// Attempted: to come, under an id that was there before, to what it had.
func TestA16OldRights(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	again := func(az *authz.Authz, u model.UserID) error {
		return az.AddMember(ctx, admin, home(tAcme), authz.NewMember{User: u})
	}
	remove := func(az *authz.Authz, u model.UserID) error { return az.RemoveMember(ctx, admin, home(tAcme), u) }
	for name, c := range map[string]struct {
		who   model.UserID
		where model.Domain
		steps []func(az *authz.Authz) error
	}{
		"a member removed and added": {uEmil, dOne, []func(az *authz.Authz) error{
			func(az *authz.Authz) error { return remove(az, uEmil) }, func(az *authz.Authz) error { return again(az, uEmil) }}},
		"a client removed and added": {uCarl, dOne, []func(az *authz.Authz) error{
			func(az *authz.Authz) error { return remove(az, uCarl) }, func(az *authz.Authz) error { return again(az, uCarl) }}},
		"a client removed while the dossier is closed": {uCarl, dShut, []func(az *authz.Authz) error{
			func(az *authz.Authz) error { return remove(az, uCarl) }, func(az *authz.Authz) error { return again(az, uCarl) },
			func(az *authz.Authz) error { return az.ReopenDossier(ctx, admin, dShut) }}},
		"a member removed while deactivated": {uDora, dOne, []func(az *authz.Authz) error{
			func(az *authz.Authz) error { return remove(az, uDora) }, func(az *authz.Authz) error { return again(az, uDora) }}},
		"a team deleted and created": {uCarl, dTwo, []func(az *authz.Authz) error{
			func(az *authz.Authz) error { return remove(az, uCarl) }, func(az *authz.Authz) error { return again(az, uCarl) },
			func(az *authz.Authz) error { return az.DeleteTeam(ctx, admin, tAcme, gSpare) },
			func(az *authz.Authz) error {
				_, err := az.CreateTeam(ctx, admin, tAcme, authz.Team{ID: gSpare, Name: "New"})
				return err
			},
			func(az *authz.Authz) error { return az.AddTeamMember(ctx, admin, tAcme, gSpare, uCarl) }}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for _, step := range c.steps {
				require.NoError(t, step(s.az))
			}
			requireNothing(t, s.az, c.who, c.where)
			held := collect(t, s.az.Permissions(ctx, c.who, home(tAcme)))
			require.Equal(t, []model.Permission{accountancy.EditSelf}, held, "what every member has")
			s.requireAgreement(t)
			for _, taken := range []string{"t-acme", "t-gone"} {
				_, err := s.az.CreateTenant(ctx, system, authz.Tenant{ID: parsedTenant(taken), Name: "Heir"})
				requireIs(t, err, authz.ErrConflict, taken)
			}
		})
	}
	t.Run("an address removed and added", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mine, email := authz.By(uEmil), uEmil.String()+"@verified.example"
		require.NoError(t, s.az.RemoveAddress(ctx, mine, uEmil, email))
		require.NoError(t, s.az.AddAddress(ctx, mine, uEmil, email))
		p, err := s.az.Person(ctx, mine, uEmil)
		require.NoError(t, err)
		for _, a := range p.Addresses {
			require.True(t, a.Verified.IsZero(), a.Email)
		}
	})
}

// Attempted: to use a right after it was taken back: on the node that took it,
// on another, in a batch, in a list, and when a membership comes back that was
// idle meanwhile.
func TestA17RightTakenBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	deactivate := func(az *authz.Authz) error { return az.DeactivateMember(ctx, admin, tAcme, uEmil) }
	reactivate := func(az *authz.Authz) error { return az.ReactivateMember(ctx, admin, tAcme, uEmil) }
	alone := func(az *authz.Authz) error { return az.Unassign(ctx, admin, dOne, authz.Group(gCrew)) }
	unassign := func(az *authz.Authz) error { return az.Unassign(ctx, admin, dOne, authz.Manager(uEmil)) }
	type steps []func(az *authz.Authz) error
	for name, c := range map[string]struct {
		who   model.UserID
		steps steps
	}{
		"withdrawn": {uCarl, steps{func(az *authz.Authz) error {
			return az.Withdraw(ctx, admin, model.UserSubject(uCarl), accountancy.FullAccess, dOne)
		}}},
		"removed from the dossier": {uCarl, steps{func(az *authz.Authz) error { return az.RemoveMember(ctx, admin, dOne, uCarl) }}},
		"the profile": {uEmil, steps{func(az *authz.Authz) error {
			return az.Withdraw(ctx, admin, model.UserSubject(uEmil), accountancy.Employee, home(tAcme))
		}}},
		"unassigned":                   {uEmil, steps{alone, unassign}},
		"unassigned while deactivated": {uEmil, steps{alone, deactivate, unassign, reactivate}},
		"replaced while deactivated": {uEmil, steps{alone, deactivate, func(az *authz.Authz) error {
			return az.Assign(ctx, admin, dOne, authz.Manager(uAmy))
		}, reactivate}},
		"the team goes while deactivated": {uEmil, steps{unassign, deactivate, func(az *authz.Authz) error {
			return az.DeleteTeam(ctx, admin, tAcme, gCrew)
		}, reactivate}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := setScene(t, db)
				other := openOn(t, storetest.Reopen(t, db), time.Nanosecond)
				for _, az := range []*authz.Authz{s.az, other} { // warm
					require.NotEmpty(t, collect(t, az.Permissions(ctx, c.who, dOne)))
				}
				for _, step := range c.steps {
					require.NoError(t, step(s.az))
				}
				requireNothing(t, s.az, c.who, dOne)
				requireNothing(t, other, c.who, dOne)
				s.requireAgreement(t)
			})
		})
	}
}
