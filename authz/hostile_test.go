package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/sophia"
)

// Attempted: to join a team while the private dossier it is assigned to is
// closed, and then to reopen that.
func TestA4TeamOfAClosedDossier(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx, emma := t.Context(), authz.By(o.emma)
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	require.NoError(t, o.az.SetPrivate(ctx, emma, o.d1, true))
	for _, closed := range []bool{false, true} {
		if closed {
			require.NoError(t, o.az.CloseDossier(ctx, emma, o.d1))
		}
		require.ErrorIs(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.admin), authz.ErrDenied)
		require.ErrorIs(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.eve), authz.ErrDenied, "an accomplice")
		require.ErrorIs(t, o.az.DeleteTeam(ctx, o.by, o.tenant, o.group), authz.ErrDenied)
	}
}

// Attempted: to come by a profile through a team, where it gives nothing today: the admin
// of a shared dossier may do all of that anyway, until somebody makes it private or
// withdraws the admin.
func TestNobodyJoinsForAProfile(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	gives := func(who model.Subject, by authz.Actor) error {
		return o.az.Grant(ctx, by, authz.Grant{Subject: who, Profile: accountancy.Administrator, Domain: o.d1})
	}
	join := func(u model.UserID) error { return o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, u) }
	require.NoError(t, gives(model.TeamSubject(o.group), o.by))
	require.ErrorIs(t, join(o.admin), authz.ErrDenied)
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d1))
	require.ErrorIs(t, join(o.admin), authz.ErrDenied, "a closed dossier")
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d1))
	require.NoError(t, join(o.eve), "the control")
	own := authz.Grant{Subject: person(o.admin), Profile: accountancy.Administrator, Domain: o.d1}
	for _, bounds := range [][2]time.Duration{{0, oneDay}, {oneDay, 2 * oneDay}, {oneDay, 0}} {
		if own.From, own.Until = o.clock.Now().Add(bounds[0]), o.clock.Now().Add(bounds[1]); bounds[1] == 0 {
			own.Until = time.Time{}
		}
		require.NoError(t, o.az.Grant(ctx, authz.System, own))
		require.ErrorIs(t, join(o.admin), authz.ErrDenied, "who has it for a time")
		if bounds[0] == 0 {
			o.clock.Advance(2 * oneDay)
			require.ErrorIs(t, join(o.admin), authz.ErrDenied, "who had it for a time")
		}
	}
	own.From, own.Until = o.clock.Now(), time.Time{}
	require.NoError(t, o.az.Grant(ctx, authz.System, own))
	o.clock.Advance(oneDay)
	require.NoError(t, join(o.admin), "who has it anyway")
}

// Attempted: to read what is sent about a dossier that one may not know of, by giving
// its team an address of one's own.
func TestNobodyTakesTheMailsOfATeam(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	edit := func(by authz.Actor, name, email string) error {
		return o.az.EditTeam(ctx, by, o.tenant, authz.Team{ID: o.group, Name: name, Email: email})
	}
	require.NoError(t, edit(o.by, "North", "north@acme.example"), "the control: a team of nothing")
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Group(o.group)))
	require.NoError(t, edit(o.by, "North", "north@office.example"), "the control: a shared dossier")
	require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d1, true))
	require.ErrorIs(t, edit(o.by, "North", "a@evil.example"), authz.ErrDenied)
	require.ErrorIs(t, edit(o.by, "North", ""), authz.ErrDenied)
	require.NoError(t, edit(o.by, "The north", "north@office.example"), "the name")
	require.NoError(t, edit(authz.System, "North", "n@office.example"))
}

// Attempted: to leave a tenant with nobody who can sign in and change rights, by giving
// the required profile to a contact without an account.
func TestRequiredProfileOfAContact(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]bool{"a contact": false, "the control": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			az, _ := authztest.Open(t, sophia.Pack())
			ctx := t.Context()
			_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
			require.NoError(t, err)
			rights := []model.Profile{sophia.ChangeRights}
			for _, u := range []model.UserID{uAnn, uBen, uEmil} {
				_, err := az.AddPerson(ctx, system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
				require.NoError(t, err)
			}
			require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: uAnn, Profiles: rights}))
			require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: uBen}))
			_, err = az.CreateTeam(ctx, system, tAcme, authz.Team{ID: gCrew, Name: "Crew"})
			require.NoError(t, err)
			require.NoError(t, az.Grant(ctx, system, authz.Grant{Subject: model.TeamSubject(gCrew), Profile: sophia.ChangeRights, Domain: home(tAcme)}))
			require.NoError(t, az.AddTeamMember(ctx, system, tAcme, gCrew, uBen))
			third := uEmil
			if !account {
				third, err = az.AddContact(ctx, system, home(tAcme), authz.NewContact{FirstName: "F", LastName: "L",
					Addresses: []authz.ContactAddress{{Email: "nobody@acme.example"}}})
				require.NoError(t, err)
			}
			require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: third, Profiles: rights}))
			require.NoError(t, az.Withdraw(ctx, system, model.UserSubject(uAnn), sophia.ChangeRights, home(tAcme)), "Ben has it")
			err = az.RemoveTeamMember(ctx, system, tAcme, gCrew, uBen)
			if account {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, authz.ErrConflict)
			require.ErrorContains(t, err, "nobody would be left")
		})
	}
}

// Attempted: to keep half of a change that panicked by recovering inside the
// transaction.
func TestA20RecoveredPanic(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	revision, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.Error(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		func() {
			defer func() { require.NotNil(t, recover()) }()
			_ = tx.Transaction(ctx, func(inner *authz.Tx) error {
				require.NoError(t, inner.SetModule(ctx, o.by, o.d1, accountancy.ModulePayment, true))
				panic("half way")
			})
		}()
		return nil
	}))
	o.denied(t, o.carl, o.d1, accountancy.UsePayment)
	after, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.Equal(t, revision, after)
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error { return tx.DB().Session(&gorm.Session{}).Error }))
}

// Asked in the wrong place, a permission is an error rather than a yes that a
// row with * for everything would give.
func TestAskedInTheWrongPlace(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	for _, q := range []struct {
		permission model.Permission
		domain     model.Domain
	}{
		{accountancy.EditTenant, o.d1}, {model.GrantOf(accountancy.Admin), o.d1},
		{accountancy.ViewFigure, o.home}, {model.GrantOf(accountancy.FullAccess), o.home},
	} {
		ok, err := o.az.Enforce(t.Context(), o.admin, q.domain, q.permission)
		require.ErrorIs(t, err, authz.ErrInvalid, "%v in %v", q.permission, q.domain)
		require.False(t, ok)
	}
}

// A pending configuration has a name; a dossier without one has none to finish.
func TestNothingToFinish(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.ErrorIs(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, model.Configuration{}), authz.ErrConflict)
	require.ErrorIs(t, o.az.FailConfiguration(ctx, authz.System, o.d1, model.Configuration{}, "no"), authz.ErrConflict)
	o.allowed(t, o.carl, o.d1, accountancy.ViewFigure)
}
