package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A fixture is a small accounting office: an admin, two employees, one of
// support, a client group, and two dossiers with a client user each.
type fixture struct {
	az     *authz.Authz
	clock  *authztest.Clock
	tenant model.TenantID
	home   model.Domain // the tenant itself
	d1, d2 model.Domain
	group  model.TeamID

	admin, emma, eve, sam model.UserID
	carl, cora            model.UserID // on d1 an administrator, on d2 full access
	by                    authz.Actor  // the admin
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return newFixtureOf(t, accountancy.Pack())
}

// newFixtureOf goes by another edition of the accountancy pack.
func newFixtureOf(t testing.TB, pack *model.Pack) *fixture {
	t.Helper()
	az, clock := authztest.Open(t, pack)
	return fill(t, az, clock)
}

// eachFixture runs a test on every database.
func eachFixture(t *testing.T, run func(t *testing.T, o *fixture)) {
	t.Helper()
	packOnEach(t, accountancy.Pack(), func(t *testing.T, az *authz.Authz, clock *authztest.Clock) { run(t, fill(t, az, clock)) })
}

func packOnEach(t *testing.T, pack *model.Pack, run func(t *testing.T, az *authz.Authz, clock *authztest.Clock)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		_, clock := authztest.Open(t, pack)
		az, err := authz.Open(t.Context(), db, authz.Config{Pack: pack, Clock: clock.Now})
		require.NoError(t, err)
		run(t, az, clock)
	})
}

func fill(t testing.TB, az *authz.Authz, clock *authztest.Clock) *fixture {
	t.Helper()
	o := &fixture{
		az: az, clock: clock,
		tenant: id(t, model.ParseTenantID, "acme"), group: id(t, model.ParseTeamID, "north"),
		admin: id(t, model.ParseUserID, "admin"), emma: id(t, model.ParseUserID, "emma"), eve: id(t, model.ParseUserID, "eve"),
		sam: id(t, model.ParseUserID, "sam"), carl: id(t, model.ParseUserID, "carl"), cora: id(t, model.ParseUserID, "cora"),
	}
	o.home, o.by = model.TenantDomain(o.tenant), authz.By(o.admin)
	o.d1 = model.DossierDomain(o.tenant, id(t, model.ParseDossierID, "d1"))
	o.d2 = model.DossierDomain(o.tenant, id(t, model.ParseDossierID, "d2"))

	ctx := t.Context()
	_, err := o.az.CreateTenant(ctx, authz.System, authz.Tenant{ID: o.tenant, Name: "Acme", Email: "office@acme.example"})
	require.NoError(t, err)
	for _, m := range []struct {
		user    model.UserID
		profile model.Profile
	}{{o.admin, accountancy.Admin}, {o.emma, accountancy.Employee}, {o.eve, accountancy.Employee}, {o.sam, accountancy.Support}} {
		o.person(t, m.user)
		o.join(t, o.home, m.user, m.profile)
	}
	_, err = o.az.CreateTeam(ctx, o.by, o.tenant, authz.Team{ID: o.group, Name: "North", Email: "north@acme.example"})
	require.NoError(t, err)
	for _, d := range []model.Domain{o.d1, o.d2} {
		_, err = o.az.CreateDossier(ctx, o.by, o.tenant, authz.Dossier{ID: d.Dossier(), Name: "Dossier"})
		require.NoError(t, err)
	}
	o.person(t, o.carl)
	o.join(t, o.d1, o.carl, accountancy.Administrator)
	o.person(t, o.cora)
	o.join(t, o.d2, o.cora, accountancy.FullAccess)
	return o
}

// id reads an identifier that is known to be one.
func id[T any](t testing.TB, parse func(string) (T, error), s string) T {
	t.Helper()
	v, err := parse(s)
	require.NoError(t, err)
	return v
}

func (o *fixture) person(t testing.TB, u model.UserID) {
	t.Helper()
	_, err := o.az.AddPerson(t.Context(), authz.System, authz.Person{
		ID: u, FirstName: "First", LastName: u.String(), Addresses: []authz.Address{{Email: u.String() + "@acme.example"}},
	})
	require.NoError(t, err)
}

func (o *fixture) join(t testing.TB, in model.Domain, u model.UserID, p model.Profile) {
	t.Helper()
	require.NoError(t, o.az.AddMember(t.Context(), authz.System, in, authz.NewMember{User: u, Profiles: []model.Profile{p}}))
}

func (o *fixture) allowed(t testing.TB, u model.UserID, d model.Domain, permissions ...model.Permission) {
	t.Helper()
	for _, p := range permissions {
		authztest.RequireAllowed(t, o.az, u, d, p)
	}
}

func (o *fixture) denied(t testing.TB, u model.UserID, d model.Domain, permissions ...model.Permission) {
	t.Helper()
	for _, p := range permissions {
		authztest.RequireDenied(t, o.az, u, d, p)
	}
}
