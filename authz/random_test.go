package authz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/casbin/casbin/v2"
	casbinmodel "github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/util"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A crowd is a small office in which random actors try random things.
type crowd struct {
	*rand.Rand
	az       *authz.Authz
	db       *gorm.DB
	tenant   model.TenantID
	users    []model.UserID
	teams    []model.TeamID
	dossiers []model.Domain
}

func newCrowd(t *testing.T, db *gorm.DB, r *rand.Rand) *crowd {
	ctx := t.Context()
	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack()})
	require.NoError(t, err)
	c := &crowd{Rand: r, az: az, db: db, tenant: model.Must(model.ParseTenantID("acme"))}
	_, err = az.CreateTenant(ctx, authz.System, authz.Tenant{ID: c.tenant, Name: "Acme"})
	require.NoError(t, err)
	for i := range 7 {
		p, err := az.AddPerson(ctx, authz.System, authz.Person{
			ID: model.Must(model.ParseUserID(fmt.Sprintf("u%d", i))), FirstName: "U", LastName: fmt.Sprint(i),
		})
		require.NoError(t, err)
		c.users = append(c.users, p.ID)
	}
	for i := range 2 {
		c.teams = append(c.teams, model.Must(model.ParseTeamID(fmt.Sprintf("t%d", i))))
	}
	for i := range 3 {
		c.dossiers = append(c.dossiers, model.DossierDomain(c.tenant, model.Must(model.ParseDossierID(fmt.Sprintf("d%d", i)))))
	}
	for _, d := range c.dossiers[:2] {
		_, err := az.CreateDossier(ctx, authz.System, c.tenant, authz.Dossier{ID: d.Dossier(), Name: "Dossier"})
		require.NoError(t, err)
	}
	home := model.TenantDomain(c.tenant)
	for i, m := range []struct {
		in      model.Domain
		profile model.Profile
	}{
		{home, accountancy.Admin}, {home, accountancy.Admin}, {home, accountancy.Employee}, {home, accountancy.Support},
		{c.dossiers[0], accountancy.Administrator}, {c.dossiers[1], accountancy.FullAccess},
	} {
		require.NoError(t, az.AddMember(ctx, authz.System, m.in, authz.NewMember{User: c.users[i], Profiles: []model.Profile{m.profile}}))
	}
	return c
}

func one[T any](c *crowd, from []T) T { return from[c.IntN(len(from))] }

func (c *crowd) actor() authz.Actor {
	switch c.IntN(4) {
	case 0, 1:
		return authz.System
	case 2:
		return authz.By(c.users[0]) // an admin, if nobody took it away
	}
	return authz.By(one(c, c.users))
}

func (c *crowd) place() (model.Domain, model.Profile) {
	catalog := accountancy.Pack().Catalog
	entry := one(c, catalog.Profiles[:9]) // those that can be held
	if entry.Place == model.AtTenant {
		return model.TenantDomain(c.tenant), entry.Profile
	}
	return one(c, c.dossiers), entry.Profile
}

func (c *crowd) subject() model.Subject {
	if c.IntN(4) == 0 {
		return model.TeamSubject(one(c, c.teams))
	}
	return model.UserSubject(one(c, c.users))
}

func (c *crowd) assignment() authz.Assignment {
	switch c.IntN(3) {
	case 0:
		return authz.Manager(one(c, c.users))
	case 1:
		return authz.Group(one(c, c.teams))
	}
	return authz.Supporting(one(c, c.users))
}

// step tries one random thing.
func (c *crowd) step(ctx context.Context) (what string, err error) {
	by, u, d, team, on := c.actor(), one(c, c.users), one(c, c.dossiers), one(c, c.teams), c.IntN(2) == 0
	place, profile := c.place()
	az := c.az
	steps := []struct {
		name string
		try  func() error
	}{
		{"add member", func() error {
			return az.AddMember(ctx, by, place, authz.NewMember{User: u, Profiles: []model.Profile{profile}})
		}},
		{"grant", func() error {
			return az.Grant(ctx, by, authz.Grant{Subject: c.subject(), Profile: profile, Domain: place})
		}},
		{"withdraw", func() error { return az.Withdraw(ctx, by, c.subject(), profile, place) }},
		{"deactivate", func() error { return az.DeactivateMember(ctx, by, c.tenant, u) }},
		{"reactivate", func() error { return az.ReactivateMember(ctx, by, c.tenant, u) }},
		{"remove member", func() error { return az.RemoveMember(ctx, by, place, u) }},
		{"create team", func() error {
			_, err := az.CreateTeam(ctx, by, c.tenant, authz.Team{ID: team, Name: "Team"})
			return err
		}},
		{"delete team", func() error { return az.DeleteTeam(ctx, by, c.tenant, team) }},
		{"add team member", func() error { return az.AddTeamMember(ctx, by, c.tenant, team, u) }},
		{"remove team member", func() error { return az.RemoveTeamMember(ctx, by, c.tenant, team, u) }},
		{"create dossier", func() error {
			_, err := az.CreateDossier(ctx, by, c.tenant, authz.Dossier{ID: d.Dossier(), Name: "Dossier", Private: on})
			return err
		}},
		{"configure", func() error {
			return az.Configure(ctx, by, d, one(c, accountancy.Pack().Catalog.Configurations).Configuration)
		}},
		{"finish configuration", func() error {
			return az.FinishConfiguration(ctx, authz.System, d, accountancy.ConfigurationC)
		}},
		{"fail configuration", func() error {
			return az.FailConfiguration(ctx, authz.System, d, accountancy.ConfigurationB, "no answer")
		}},
		{"set module", func() error { return az.SetModule(ctx, by, d, accountancy.ModulePayment, on) }},
		{"set flag", func() error { return az.SetFlag(ctx, by, d, accountancy.FlagWorklist, on) }},
		{"set private", func() error { return az.SetPrivate(ctx, by, d, on) }},
		{"set setting", func() error {
			return az.SetSetting(ctx, by, c.tenant, accountancy.SettingSelfServiceUsers, on)
		}},
		{"close dossier", func() error { return az.CloseDossier(ctx, by, d) }},
		{"reopen dossier", func() error { return az.ReopenDossier(ctx, by, d) }},
		{"assign", func() error { return az.Assign(ctx, by, d, c.assignment()) }},
		{"unassign", func() error { return az.Unassign(ctx, by, d, c.assignment()) }},
		{"close tenant", func() error { return c.rarely(func() error { return az.CloseTenant(ctx, authz.System, c.tenant) }) }},
		{"reopen tenant", func() error { return az.ReopenTenant(ctx, authz.System, c.tenant) }},
	}
	s := one(c, steps)
	return fmt.Sprintf("%s by %v", s.name, by), s.try()
}

func (c *crowd) rarely(f func() error) error {
	if c.IntN(4) > 0 {
		return nil
	}
	return f()
}

func (c *crowd) request() authz.Request {
	catalog := accountancy.Pack().Catalog
	for {
		r := authz.Request{User: one(c, c.users), Domain: one(c, append(c.dossiers, model.TenantDomain(c.tenant)))}
		r.Permission = one(c, catalog.Permissions).Permission
		switch c.IntN(4) {
		case 0:
			r.Permission = model.GrantOf(one(c, catalog.Profiles[:9]).Profile)
		case 1:
			r.Permission = accountancy.ViewDocument.Of(one(c, c.users))
		}
		if askedIn(r.Permission, r.Domain) {
			return r
		}
	}
}

// plainCasbin is the table as any Casbin reads it, through gorm-adapter.
func (c *crowd) plainCasbin(t *testing.T) *casbin.Enforcer {
	adapter := storetest.Adapter(t, c.db)
	m, err := casbinmodel.NewModelFromString(accountancy.Pack().Model.Text)
	require.NoError(t, err)
	e, err := casbin.NewEnforcer(m)
	require.NoError(t, err)
	e.AddNamedDomainMatchingFunc("g", "keyMatch", util.KeyMatch)
	e.SetAdapter(adapter)
	require.NoError(t, e.LoadPolicy())
	return e
}

// Whatever anybody does, in whatever order, the answers are those of plain
// Casbin on the table, those of an Authz that has just been opened, and those
// that the ledger leads to.
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		c := newCrowd(t, db, rand.New(rand.NewPCG(seed, 0)))
		steps := 400
		if testing.Short() {
			steps = 60
		}
		changed, allowed := 0, 0
		for i := range steps {
			what, err := c.step(t.Context())
			if err == nil {
				changed++
			} else if !errors.Is(err, authz.ErrDenied) && !errors.Is(err, authz.ErrNotFound) &&
				!errors.Is(err, authz.ErrConflict) && !errors.Is(err, authz.ErrInvalid) {
				t.Fatalf("step %d, %s: %v", i, what, err)
			}
			plain := c.plainCasbin(t)
			for range 25 {
				r := c.request()
				p := r.Permission.For(r.User)
				want, err := plain.Enforce(model.UserSubject(r.User).String(), r.Domain.String(), p.Object(), p.Action())
				require.NoError(t, err)
				got, err := c.az.Enforce(t.Context(), r.User, r.Domain, r.Permission)
				require.NoError(t, err)
				if got != want {
					t.Fatalf("step %d, after %s: %v: Casbin says %v, Enforce %v", i, what, r, want, got)
				}
				if got {
					allowed++
				}
			}
			if i%20 == 19 {
				c.agree(t)
			}
		}
		require.Greater(t, changed, steps/10)
		require.Greater(t, allowed, steps/10)
		c.agree(t)
	})
}

// agree compares every way to ask, on the node that made the changes and on
// one that has just been opened.
func (c *crowd) agree(t *testing.T) {
	ctx := t.Context()
	other, err := authz.Open(ctx, c.db, authz.Config{Pack: accountancy.Pack()})
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	var requests []authz.Request
	for range 40 {
		requests = append(requests, c.request())
	}
	batch, err := c.az.EnforceBatch(ctx, requests)
	require.NoError(t, err)
	fresh, err := other.EnforceBatch(ctx, requests)
	require.NoError(t, err)
	require.Equal(t, fresh, batch)
	for i, r := range requests {
		d, err := c.az.Explain(ctx, r.User, r.Domain, r.Permission)
		require.NoError(t, err)
		require.Equal(t, batch[i], d.Allowed, "%v", r)
		require.Equal(t, batch[i], c.lists(t, r), "%v", r)
	}
	require.NoError(t, c.az.VerifyLedger(ctx, c.tenant))
	c.replay(t)
}

// lists reports whether a request is in each of the three lists it belongs
// in, which must agree.
func (c *crowd) lists(t *testing.T, r authz.Request) bool {
	ctx := t.Context()
	byUser, byPermission, byDomain := false, false, false
	for u, err := range c.az.Subjects(ctx, r.Domain, r.Permission, model.UserID{}) {
		require.NoError(t, err)
		byUser = byUser || u == r.User
	}
	if r.Domain.IsDossier() {
		for d, err := range c.az.Dossiers(ctx, r.User, r.Permission, model.Domain{}) {
			require.NoError(t, err)
			byDomain = byDomain || d == r.Domain
		}
		require.Equal(t, byUser, byDomain, "%v", r)
	}
	for p, err := range c.az.Permissions(ctx, r.User, r.Domain) {
		require.NoError(t, err)
		byPermission = byPermission || p == r.Permission
	}
	if r.Permission == r.Permission.Of(model.UserID{}) { // lists ask of nobody's own
		require.Equal(t, byUser, byPermission, "%v", r)
	}
	return byUser
}

// replay applies the ledger's rows to nothing and gets the rows of the table.
func (c *crowd) replay(t *testing.T) {
	rows := make(map[model.Rule]bool)
	for after := uint64(0); ; {
		page, err := c.az.Ledger(t.Context(), authz.System, c.tenant, after, 100)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			require.Equal(t, after+1, e.Revision)
			after = e.Revision
			for _, r := range e.Removed {
				require.True(t, rows[r], "revision %d removes %v, which is not there", e.Revision, r)
				delete(rows, r)
			}
			for _, r := range e.Added {
				require.False(t, rows[r], "revision %d adds %v again", e.Revision, r)
				rows[r] = true
			}
		}
	}
	s, err := store.Open(t.Context(), c.db)
	require.NoError(t, err)
	loaded, err := s.Load(t.Context(), c.tenant)
	require.NoError(t, err)
	table := make(map[model.Rule]bool)
	for _, r := range loaded.Rows {
		table[r.Rule] = true
	}
	require.Equal(t, table, rows)
}

// A grant with a start and an end holds between them and at no other time.
func TestGrantInTime(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	from, until := o.clock.Now().Add(time.Hour), o.clock.Now().Add(2*time.Hour)
	require.NoError(t, o.az.Grant(t.Context(), o.by, authz.Grant{
		Subject: model.UserSubject(o.carl), Profile: accountancy.FullAccess, Domain: o.d2, From: from, Until: until,
	}))
	for _, at := range []struct {
		after time.Duration
		want  bool
	}{
		{0, false}, {time.Hour - time.Microsecond, false}, {time.Hour, true},
		{2*time.Hour - time.Microsecond, true}, {2 * time.Hour, false}, {24 * time.Hour, false},
	} {
		o.clock.Advance(from.Add(-time.Hour).Add(at.after).Sub(o.clock.Now()))
		ok, err := o.az.Enforce(t.Context(), o.carl, o.d2, accountancy.ViewFigure)
		require.NoError(t, err)
		require.Equal(t, at.want, ok, "after %v", at.after)
	}
}
