package authz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
)

// A village is a few tenants under any pack, whose ids differ by a letter's
// case or by what follows, with people who are in several of them. The system
// does random things to it.
type village struct {
	*rand.Rand
	az       *authz.Authz
	db       *gorm.DB
	pack     *model.Pack
	now      time.Time
	tenants  []model.TenantID
	users    []model.UserID
	teams    []model.TeamID
	dossiers []model.Domain
}

func newVillage(t *testing.T, db *gorm.DB, pack *model.Pack, r *rand.Rand, cfg authz.Config) *village {
	t.Helper()
	v := &village{Rand: r, db: db, pack: pack, now: noon()}
	cfg.Pack, cfg.Clock = pack, func() time.Time { return v.now }
	az, err := authz.Open(t.Context(), db, cfg)
	require.NoError(t, err)
	v.az = az
	for i := range 6 {
		v.users = append(v.users, parsedUser(fmt.Sprintf("u%d", i)))
	}
	v.teams = []model.TeamID{parsedTeam("north"), parsedTeam("u0")}
	require.NoError(t, az.Transaction(t.Context(), func(tx *authz.Tx) error {
		for _, u := range v.users {
			_, err := tx.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "U", LastName: "U"})
			require.NoError(t, err)
		}
		for _, name := range []string{"acme", "Acme", "acme-b"} {
			id := parsedTenant(name)
			v.tenants = append(v.tenants, id)
			_, err := tx.CreateTenant(t.Context(), system, authz.Tenant{ID: id, Name: name})
			require.NoError(t, err)
			for _, name := range []string{"d1", "D1", "d2", "b-d1"} {
				v.dossiers = append(v.dossiers, dossier(id, name))
			}
			for _, team := range v.teams {
				_, err := tx.CreateTeam(t.Context(), system, id, authz.Team{ID: team, Name: "Team"})
				require.NoError(t, err)
			}
			for _, u := range v.users {
				if r.IntN(4) > 0 {
					require.NoError(t, tx.AddMember(t.Context(), system, home(id), authz.NewMember{User: u}))
				}
			}
		}
		for _, d := range v.dossiers {
			_, err := tx.CreateDossier(t.Context(), system, d.Tenant(), authz.Dossier{ID: d.Dossier(), Name: "D", Private: r.IntN(3) == 0})
			require.NoError(t, err)
		}
		return nil
	}))
	for range 100 {
		_, err := v.step(t.Context())
		requireExpected(t, err)
	}
	return v
}

// certain is how much that is allowed on dossiers can be waited for: none under a pack
// that has nothing on dossiers, and in a maze, whose rows may deny all there is.
func (v *village) certain(enough int) int {
	switch v.pack.Name {
	case "afas", "sophia", "maze":
		return 0
	}
	return enough
}

// requireExpected wants no error but those of a change that does not fit.
func requireExpected(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, authz.ErrConflict) && !errors.Is(err, authz.ErrNotFound) && !errors.Is(err, authz.ErrDenied) {
		require.NoError(t, err)
	}
}

func pick[T any](r *rand.Rand, from []T) (v T) {
	if len(from) > 0 {
		v = from[r.IntN(len(from))]
	}
	return v
}

// step does one random thing, which may not fit.
func (v *village) step(ctx context.Context) (string, error) {
	r, az, c := v.Rand, v.az, v.pack.Catalog
	d, u, team, on := pick(r, v.dossiers), pick(r, v.users), pick(r, v.teams), r.IntN(2) == 0
	t, rarely := d.Tenant(), r.IntN(5) == 0
	subject := model.UserSubject(u)
	if r.IntN(3) == 0 {
		subject = model.TeamSubject(team)
	}
	profile := pick(r, c.Profiles)
	for profile.Place == 0 {
		profile = pick(r, c.Profiles)
	}
	place := d
	if profile.Place&model.AtDossier == 0 || profile.Place&model.AtTenant != 0 && on {
		place = home(t)
	}
	assignment := pick(r, []authz.Assignment{authz.Manager(u), authz.Group(team), authz.Supporting(u)})
	steps := []struct {
		name string
		try  func() error
	}{
		{"join", func() error { return az.AddMember(ctx, system, home(t), authz.NewMember{User: u}) }},
		{"grant", func() error {
			return az.Grant(ctx, system, authz.Grant{Subject: subject, Profile: profile.Profile, Domain: place})
		}},
		{"grant for a while", func() error {
			g := authz.Grant{Subject: subject, Profile: profile.Profile, Domain: place, Until: v.now.Add(time.Duration(1+r.IntN(3)) * time.Hour)}
			if on {
				g.From = g.Until.Add(-time.Hour)
			}
			return az.Grant(ctx, system, g)
		}},
		{"create", func() error {
			_, err := az.CreateDossier(ctx, system, t, authz.Dossier{ID: d.Dossier(), Name: "D", Private: on})
			return err
		}},
		{"assign", func() error { return az.Assign(ctx, system, d, assignment) }},
		{"team", func() error {
			if on {
				return az.AddTeamMember(ctx, system, t, team, u)
			}
			return az.RemoveTeamMember(ctx, system, t, team, u)
		}},
		{"withdraw", func() error { return az.Withdraw(ctx, system, subject, profile.Profile, place) }},
		{"unassign", func() error { return az.Unassign(ctx, system, d, assignment) }},
		{"private", func() error { return az.SetPrivate(ctx, system, d, on) }},
		{"configure", func() error {
			if len(c.Configurations) == 0 {
				return nil
			}
			to := pick(r, c.Configurations).Configuration
			if err := az.Configure(ctx, system, d, to); err != nil {
				return err
			}
			return az.FinishConfiguration(ctx, system, d, to)
		}},
		{"module", func() error {
			if len(c.Modules) == 0 {
				return nil
			}
			return az.SetModule(ctx, system, d, pick(r, c.Modules).Name, on)
		}},
		{"flag", func() error {
			if len(c.Flags) == 0 {
				return nil
			}
			return az.SetFlag(ctx, system, d, pick(r, c.Flags).Name, on)
		}},
		{"setting", func() error {
			if len(c.Settings) == 0 {
				return nil
			}
			return az.SetSetting(ctx, system, t, pick(r, c.Settings).Name, on)
		}},
		{"activate", func() error { return az.SetActivated(ctx, system, t, profile.Profile, on) }},
		{"deactivate", func() error { return az.DeactivateMember(ctx, system, t, u) }},
		{"reactivate", func() error { return az.ReactivateMember(ctx, system, t, u) }},
		{"close", func() error {
			if rarely {
				return az.CloseTenant(ctx, system, t)
			}
			return az.CloseDossier(ctx, system, d)
		}},
		{"reopen", func() error {
			if on {
				return az.ReopenTenant(ctx, system, t)
			}
			return az.ReopenDossier(ctx, system, d)
		}},
		{"later", func() error { v.now = v.now.Add(30 * time.Minute); return nil }},
	}
	s := pick(r, steps)
	if r.IntN(2) == 0 {
		s = pick(r, steps[:6]) // those that give something
	}
	err := s.try()
	if s.name == "activate" && errors.Is(err, authz.ErrInvalid) {
		err = nil // nothing in the pack waits for it
	}
	return s.name, err
}

// askedOnDossiers returns what can be asked there, parts and grants of profiles
// included.
func askedOnDossiers(pack *model.Pack) (all []model.Permission) {
	for _, e := range pack.Catalog.Permissions {
		if e.Place&model.AtDossier == 0 {
			continue
		}
		all = append(all, e.Permission)
		if part, err := model.ParsePermission(e.Permission.Object()+":own", e.Permission.Action()); err == nil {
			if _, declared := pack.Catalog.Permission(part); declared {
				all = append(all, part)
			}
		}
	}
	for _, e := range pack.Catalog.Profiles {
		if e.Place&model.AtDossier != 0 {
			all = append(all, model.GrantOf(e.Profile))
		}
	}
	return all
}

// maze is a pack with random rows, in which everything that a row can ask for
// is asked for.
func maze(t *testing.T, r *rand.Rand) *model.Pack {
	t.Helper()
	profiles := []string{"a", "b", "c", "d", "e", "f"}
	catalog := "pack, maze, , 1, L, L, L\nprofile, group, none, , L, L, L\nprofile, member, none, , L, L, L\n"
	for i, p := range profiles {
		catalog += fmt.Sprintf("profile, %s, %s, , L, L, L\n", p, []string{"tenant dossier", "tenant", "dossier"}[i%3])
	}
	catalog += "configuration, B, , default, L, L, L\nconfiguration, C, , , L, L, L\n" +
		"module, pay, , , L, L, L\nflag, marked, , , L, L, L\nsetting, strict, , , L, L, L\n" +
		"permission, dossier see, dossier, , L, L, L\npermission, file read, tenant dossier, , L, L, L\npermission, file write, dossier, , L, L, L\n"
	policy := "g, a, b, *\ng, c, group, *\ng, group, d, *\ng3, file:own, file\ng3, file, things\ng2, *, released:now\n"
	roles := append([]string{"group", "member", model.Assigned}, profiles...)
	rows := make(map[string]bool)
	for len(rows) < 25 {
		object, action := pick(r, []string{"file", "file:own", "things", "*", "dossier"}), "*"
		if object != "dossier" && r.IntN(2) == 0 {
			action = pick(r, []string{"read", "write"})
		}
		row := fmt.Sprintf("p, %s, %s, %s, %s, %s, ", pick(r, roles), pick(r, append(roles, "any", "any", "any", "any")),
			pick(r, []string{"dossier", "dossier", "*", "tenant", "shared", "private", "configuration:B", "configuration:C", "module:pay", "marked",
				"setting:strict", "activated:a", "released:now", "released:never"}), object, action)
		if !rows[row] {
			rows[row] = true
			policy += row + []string{"allow", "allow", "allow", "deny"}[r.IntN(4)] + "\n"
		}
	}
	pack, err := model.ParsePack("maze", map[string]string{
		model.ModelFile: engine.Standard, model.PolicyFile: policy, model.CatalogFile: catalog,
	})
	require.NoError(t, err, policy)
	return pack
}

// eachPackAndMaze runs a parallel subtest on every shipped pack and on a maze, each on
// every database by run.
func eachPackAndMaze(t *testing.T, run func(t *testing.T, pack func(t *testing.T, r *rand.Rand) *model.Pack)) {
	t.Helper()
	for _, name := range append(policies.Names(), "maze") {
		t.Run(strings.ToLower(name), func(t *testing.T) {
			t.Parallel()
			run(t, func(t *testing.T, r *rand.Rand) *model.Pack {
				if pack, shipped := policies.Pack(name); shipped {
					return pack
				}
				return maze(t, r)
			})
		})
	}
}
