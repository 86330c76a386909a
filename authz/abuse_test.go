package authz_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// The ladder is a pack with rungs: a boss gives out everything, a lead gives
// out clerk and auditor and is neither. The capped may not open the vault,
// whatever else they are.
func ladder(t *testing.T) *model.Pack {
	t.Helper()
	catalog := "pack, ladder, , 1, L, L, L\nprofile, boss, tenant, required, L, L, L\n"
	for _, name := range []string{"profile, chief", "profile, lead", "profile, senior", "profile, clerk", "profile, auditor", "profile, capped",
		"permission, tenant edit", "permission, member invite", "permission, member remove"} {
		catalog += name + ", tenant, , L, L, L\n"
	}
	for _, name := range []string{"dossier see", "dossier assign", "till open", "vault open"} {
		catalog += "permission, " + name + ", tenant dossier, , L, L, L\n"
	}
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile: {Data: []byte(engine.Standard)},
		model.PolicyFile: {Data: []byte(`
p, boss, any, tenant, *, *, allow
p, boss, any, dossier, *, *, allow
p, lead, any, tenant, tenant, edit, allow
p, lead, any, tenant, member, invite, allow
p, lead, any, tenant, member, remove, allow
p, lead, any, tenant, profile:clerk, grant, allow
p, lead, any, tenant, profile:auditor, grant, allow
p, lead, any, tenant, profile:capped, grant, allow
p, lead, any, tenant, till, open, allow
p, lead, any, shared, dossier, see, allow
p, lead, any, shared, dossier, assign, allow
p, lead, assigned, dossier, vault, open, allow
p, auditor, any, tenant, vault, open, allow
p, clerk, assigned, dossier, till, open, allow
p, capped, any, tenant, till, open, deny
g, chief, boss, *
g, senior, clerk, *
`)},
		model.CatalogFile: {Data: []byte(catalog)},
	}, "ladder")
	require.NoError(t, err)
	return pack
}

func rung(s string) model.Profile { return model.Must(model.ParseProfile(s)) }

// climb sets a scene on the ladder: ann is boss, amy too; emil and olga are
// leads, carl a clerk, dora a boss who is deactivated. The crew are bosses,
// spare is empty, gBeta (of acme, here) is emil under the cap.
func climb(t *testing.T) (*authz.Authz, *authztest.Clock) {
	t.Helper()
	az, clock := authztest.Open(t, ladder(t))
	require.NoError(t, az.Transaction(t.Context(), func(tx *authz.Tx) error {
		_, err := tx.CreateTenant(t.Context(), system, authz.Tenant{ID: tAcme, Name: "Acme"})
		require.NoError(t, err)
		for u, p := range map[model.UserID]string{
			uAnn: "boss", uAmy: "boss", uEmil: "lead", uOlga: "lead", uCarl: "clerk", uDora: "boss", uNina: "",
		} {
			_, err := tx.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
			require.NoError(t, err)
			if p != "" {
				require.NoError(t, tx.AddMember(t.Context(), system, home(tAcme), authz.NewMember{User: u, Profiles: []model.Profile{rung(p)}}))
			}
		}
		for team, p := range map[model.TeamID]string{gCrew: "boss", gSpare: "", gBeta: "capped"} {
			_, err := tx.CreateTeam(t.Context(), system, tAcme, authz.Team{ID: team, Name: "T"})
			require.NoError(t, err)
			if p != "" {
				require.NoError(t, tx.Grant(t.Context(), system, authz.Grant{Subject: model.TeamSubject(team), Profile: rung(p), Domain: home(tAcme)}))
			}
		}
		require.NoError(t, tx.AddTeamMember(t.Context(), system, tAcme, gCrew, uAmy))
		require.NoError(t, tx.AddTeamMember(t.Context(), system, tAcme, gBeta, uEmil))
		for _, d := range []authz.Dossier{{ID: dOne.Dossier(), Name: "D"}, {ID: dTwo.Dossier(), Name: "P", Private: true}} {
			_, err := tx.CreateDossier(t.Context(), system, tAcme, d)
			require.NoError(t, err)
		}
		return tx.DeactivateMember(t.Context(), system, tAcme, uDora)
	}))
	return az, clock
}

// attempts are tried one after the other, all by emil, who is a lead.
type attempts map[string]func(az *authz.Authz) error

// requireAllDenied wants every attempt refused and nothing changed by them.
func (all attempts) requireAllDenied(t *testing.T, before ...func(az *authz.Authz) error) {
	t.Helper()
	for name, attempt := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			az, clock := climb(t)
			for _, do := range before {
				require.NoError(t, do(az))
			}
			revision, err := az.Revision(t.Context(), tAcme)
			require.NoError(t, err)
			requireIs(t, attempt(az), authz.ErrDenied, name)
			after, err := az.Revision(t.Context(), tAcme)
			require.NoError(t, err)
			require.Equal(t, revision, after)
			clock.Advance(48 * time.Hour) // nothing waits for its time either
			for _, d := range []model.Domain{home(tAcme), dOne, dTwo} {
				authztest.RequireDenied(t, az, uEmil, d, model.Must(model.ParsePermission("vault", "open")))
			}
		})
	}
}

var lead = authz.By(uEmil)

// Attempted: to hand out more than one may oneself hand out.
func TestA4GrantAboveOnesCeiling(t *testing.T) {
	t.Parallel()
	give := func(who model.Subject, p string) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			return az.Grant(t.Context(), lead, authz.Grant{Subject: who, Profile: rung(p), Domain: home(tAcme)})
		}
	}
	add := func(u model.UserID, profiles ...model.Profile) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			return az.AddMember(t.Context(), lead, home(tAcme), authz.NewMember{User: u, Profiles: profiles})
		}
	}
	attempts{
		"a stronger profile":                  give(model.UserSubject(uCarl), "boss"),
		"one's own, that one may not give":    give(model.UserSubject(uCarl), "lead"),
		"one that contains a stronger one":    give(model.UserSubject(uCarl), "chief"),
		"one that contains what one may give": give(model.UserSubject(uCarl), "senior"),
		"to a team":                           give(model.TeamSubject(gSpare), "boss"),
		"to a new member":                     add(uNina, rung("boss")),
		"to a new member, behind another":     add(uNina, rung("clerk"), rung("boss")),
		"to a member, by adding again":        add(uCarl, rung("boss")),
		"membership of a stronger team": func(az *authz.Authz) error {
			return az.AddTeamMember(t.Context(), lead, tAcme, gCrew, uCarl)
		},
		"back to a deactivated member": func(az *authz.Authz) error {
			return az.ReactivateMember(t.Context(), lead, tAcme, uDora)
		},
	}.requireAllDenied(t)
	t.Run("a team on a dossier that one may not assign", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, az.AddTeamMember(t.Context(), lead, tAcme, gSpare, uCarl), "the control")
		require.NoError(t, az.Assign(t.Context(), authz.By(uAnn), dTwo, authz.Group(gSpare)))
		requireIs(t, az.AddTeamMember(t.Context(), lead, tAcme, gSpare, uOlga), authz.ErrDenied, "private")
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, give(model.UserSubject(uCarl), "auditor")(az))
		require.NoError(t, give(model.TeamSubject(gSpare), "auditor")(az))
		require.NoError(t, add(uNina, rung("clerk"), rung("auditor"))(az))
	})
}

// Attempted: to take away from, put out or change somebody stronger.
func TestA11TouchSomebodyStronger(t *testing.T) {
	t.Parallel()
	attempts{
		"demote": func(az *authz.Authz) error {
			return az.Withdraw(t.Context(), lead, model.UserSubject(uAnn), rung("boss"), home(tAcme))
		},
		"limit in time": func(az *authz.Authz) error {
			return az.Grant(t.Context(), lead, authz.Grant{Subject: model.UserSubject(uAnn), Profile: rung("boss"),
				Domain: home(tAcme), Until: authztest.Start.Add(time.Hour)})
		},
		"deactivate":           func(az *authz.Authz) error { return az.DeactivateMember(t.Context(), lead, tAcme, uAnn) },
		"remove":               func(az *authz.Authz) error { return az.RemoveMember(t.Context(), lead, home(tAcme), uAnn) },
		"remove a deactivated": func(az *authz.Authz) error { return az.RemoveMember(t.Context(), lead, home(tAcme), uDora) },
		"remove an equal, whose profile one may not give": func(az *authz.Authz) error {
			return az.RemoveMember(t.Context(), lead, home(tAcme), uOlga)
		},
		"demote a team": func(az *authz.Authz) error {
			return az.Withdraw(t.Context(), lead, model.TeamSubject(gCrew), rung("boss"), home(tAcme))
		},
		"delete a team":        func(az *authz.Authz) error { return az.DeleteTeam(t.Context(), lead, tAcme, gCrew) },
		"put out of a team":    func(az *authz.Authz) error { return az.RemoveTeamMember(t.Context(), lead, tAcme, gCrew, uAmy) },
		"cap by a membership":  func(az *authz.Authz) error { return az.AddTeamMember(t.Context(), lead, tAcme, gCrew, uAnn) },
		"close the whole firm": func(az *authz.Authz) error { return az.CloseTenant(t.Context(), lead, tAcme) },
	}.requireAllDenied(t)
	t.Run("edit", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		requireIs(t, az.EditPerson(t.Context(), lead, authz.Person{ID: uAnn, FirstName: "X", LastName: "Y"}), authz.ErrNotFound, "names")
		requireIs(t, az.AddAddress(t.Context(), lead, uAnn, "emil@acme.example"), authz.ErrNotFound, "address")
		requireIs(t, az.VerifyAddress(t.Context(), lead, uAnn, "emil@acme.example"), authz.ErrNotFound, "address")
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, az.DeactivateMember(t.Context(), lead, tAcme, uCarl))
		require.NoError(t, az.RemoveMember(t.Context(), lead, home(tAcme), uCarl))
		require.NoError(t, az.RemoveMember(t.Context(), authz.By(uAnn), home(tAcme), uDora))
	})
}

// Attempted: to come to more oneself, on any way round.
func TestA12GrantToOneself(t *testing.T) {
	t.Parallel()
	me, tomorrow := model.UserSubject(uEmil), authztest.Start.Add(24*time.Hour)
	auditors := func(from time.Time) func(az *authz.Authz) error {
		return func(az *authz.Authz) error {
			return az.Grant(t.Context(), lead, authz.Grant{Subject: model.TeamSubject(gSpare), Profile: rung("auditor"), Domain: home(tAcme), From: from})
		}
	}
	join := func(az *authz.Authz) error { return az.AddTeamMember(t.Context(), lead, tAcme, gSpare, uEmil) }
	attempts{
		"directly": func(az *authz.Authz) error {
			return az.Grant(t.Context(), lead, authz.Grant{Subject: me, Profile: rung("auditor"), Domain: home(tAcme)})
		},
		"by adding oneself": func(az *authz.Authz) error {
			return az.AddMember(t.Context(), lead, home(tAcme), authz.NewMember{User: uEmil, Profiles: []model.Profile{rung("auditor")}})
		},
		"to one's own team": func(az *authz.Authz) error {
			return az.Grant(t.Context(), lead, authz.Grant{Subject: model.TeamSubject(gBeta), Profile: rung("auditor"), Domain: home(tAcme)})
		},
		"by an assignment":         func(az *authz.Authz) error { return az.Assign(t.Context(), lead, dOne, authz.Supporting(uEmil)) },
		"by becoming the manager":  func(az *authz.Authz) error { return az.Assign(t.Context(), lead, dOne, authz.Manager(uEmil)) },
		"by assigning one's team":  func(az *authz.Authz) error { return az.Assign(t.Context(), lead, dOne, authz.Group(gBeta)) },
		"by leaving a capped team": func(az *authz.Authz) error { return az.RemoveTeamMember(t.Context(), lead, tAcme, gBeta, uEmil) },
		"by deleting it":           func(az *authz.Authz) error { return az.DeleteTeam(t.Context(), lead, tAcme, gBeta) },
		"by lifting its cap": func(az *authz.Authz) error {
			return az.Withdraw(t.Context(), lead, model.TeamSubject(gBeta), rung("capped"), home(tAcme))
		},
	}.requireAllDenied(t)
	t.Run("by a team that has it", func(t *testing.T) {
		t.Parallel()
		attempts{"join": join}.requireAllDenied(t, auditors(time.Time{}))
	})
	t.Run("by a team that will have it", func(t *testing.T) {
		t.Parallel()
		attempts{"join": join}.requireAllDenied(t, auditors(tomorrow))
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		az, _ := climb(t)
		require.NoError(t, join(az), "a team that has nothing")
		require.NoError(t, az.AddTeamMember(t.Context(), lead, tAcme, gBeta, uCarl))
		require.NoError(t, az.Assign(t.Context(), lead, dOne, authz.Supporting(uCarl)))
	})
}

// Attempted: to leave a tenant without anybody who holds a required profile.
func TestA13LastHolder(t *testing.T) {
	t.Parallel()
	boss, firm := rung("boss"), home(tAcme)
	for name, attempt := range (attempts{
		"withdraw": func(az *authz.Authz) error {
			return az.Withdraw(t.Context(), system, model.TeamSubject(gCrew), boss, firm)
		},
		"deactivate": func(az *authz.Authz) error { return az.DeactivateMember(t.Context(), system, tAcme, uAmy) },
		"remove":     func(az *authz.Authz) error { return az.RemoveMember(t.Context(), system, firm, uAmy) },
		"leave":      func(az *authz.Authz) error { return az.RemoveTeamMember(t.Context(), system, tAcme, gCrew, uAmy) },
		"delete":     func(az *authz.Authz) error { return az.DeleteTeam(t.Context(), system, tAcme, gCrew) },
		"expire": func(az *authz.Authz) error {
			return az.Grant(t.Context(), system, authz.Grant{Subject: model.TeamSubject(gCrew), Profile: boss, Domain: firm, Until: authztest.Start.Add(time.Hour)})
		},
		"begin later": func(az *authz.Authz) error {
			return az.Grant(t.Context(), system, authz.Grant{Subject: model.TeamSubject(gCrew), Profile: boss, Domain: firm, From: authztest.Start.Add(time.Hour)})
		},
		"all at once": func(az *authz.Authz) error {
			return az.Transaction(t.Context(), func(tx *authz.Tx) error {
				if err := tx.AddTeamMember(t.Context(), system, tAcme, gCrew, uCarl); err != nil {
					return err
				}
				if err := tx.RemoveMember(t.Context(), system, firm, uAmy); err != nil {
					return err
				}
				return tx.RemoveMember(t.Context(), system, firm, uCarl)
			})
		},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			az, _ := climb(t)
			// Who is left is amy, and she through a team alone.
			require.NoError(t, az.Withdraw(t.Context(), system, model.UserSubject(uAmy), boss, firm))
			require.NoError(t, az.RemoveMember(t.Context(), system, firm, uAnn))
			requireIs(t, attempt(az), authz.ErrConflict, name)
			authztest.RequireAllowed(t, az, uAmy, firm, model.EditTenant)
			require.NoError(t, az.ReactivateMember(t.Context(), system, tAcme, uDora))
			require.NoError(t, attempt(az), "with another one left it can be done")
		})
	}
}
