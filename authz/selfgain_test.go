package authz_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// An employee who is a client user of a dossier, too, is capped there as one,
// and does not lift the cap; a colleague does.
func TestConfigureLiftsNoCapOfOnesOwn(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Supporting(o.eve)))
	require.NoError(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationB))
	require.NoError(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationC), "with nothing to gain")
	require.NoError(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationB))
	require.NoError(t, o.az.Grant(ctx, authz.System, authz.Grant{
		Subject: model.UserSubject(o.emma), Profile: accountancy.FullAccess, Domain: o.d1,
	}))
	o.denied(t, o.emma, o.d1, accountancy.ViewFigure)
	o.allowed(t, o.emma, o.d1, accountancy.ConfigureDossier)

	requireIs(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationC), authz.ErrDenied, "B to C")
	requireIs(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationD), authz.ErrDenied, "B to D")
	require.NoError(t, o.az.Configure(ctx, authz.By(o.eve), o.d1, accountancy.ConfigurationC))
	o.allowed(t, o.emma, o.d1, accountancy.ViewFigure)

	// From D the change waits for the host, and is refused when it is asked for.
	require.NoError(t, o.az.Configure(ctx, authz.By(o.eve), o.d1, accountancy.ConfigurationD))
	requireIs(t, o.az.Configure(ctx, authz.By(o.emma), o.d1, accountancy.ConfigurationC), authz.ErrDenied, "D to C")
	d, err := o.az.Dossier(ctx, authz.System, o.d1)
	require.NoError(t, err)
	require.Equal(t, accountancy.ConfigurationD, d.Configuration)
	require.True(t, d.Pending.IsZero())
	require.NoError(t, o.az.Configure(ctx, authz.By(o.eve), o.d1, accountancy.ConfigurationC))
	require.NoError(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, accountancy.ConfigurationC))
	o.allowed(t, o.emma, o.d1, accountancy.SubmitDocument)
}

// keeper is a pack in which a keeper may configure a dossier without being able
// to use what is switched on there; a boss may do all.
func keeper(t *testing.T) *model.Pack {
	t.Helper()
	pack, err := model.ParsePack("keeper", map[string]string{
		model.ModelFile: engine.Standard,
		model.PolicyFile: `
p, boss, any, dossier, *, *, allow
p, keeper, any, dossier, dossier, *, allow
p, keeper, any, module:pay, file, pay, allow
p, keeper, any, marked, file, mark, allow
p, keeper, any, shared, file, share, allow
p, keeper, any, dossier, file, read, allow
p, keeper, any, configuration:B, file, read, deny
p, clerk, any, module:pay, file, read, deny
`,
		model.CatalogFile: `pack, keeper, , 1, L, L, L
profile, boss, tenant, , L, L, L
profile, keeper, tenant, , L, L, L
profile, clerk, tenant, , L, L, L
permission, dossier see, dossier, , L, L, L
permission, dossier configure, dossier, , L, L, L
permission, file read, dossier, , L, L, L
permission, file pay, dossier, , L, L, L
permission, file mark, dossier, , L, L, L
permission, file share, dossier, , L, L, L
configuration, B, , default, L, L, L
configuration, C, , , L, L, L
module, pay, , , L, L, L
flag, marked, , , L, L, L
`,
	})
	require.NoError(t, err)
	return pack
}

// Nobody comes to more by what they switch on a dossier, whichever way; to
// switch it so that they have less, or as somebody who has it all, is no matter.
func TestNobodySwitchesThemselvesOn(t *testing.T) {
	t.Parallel()
	az, _ := authztest.Open(t, keeper(t))
	ctx := t.Context()
	pay, marked := model.Must(model.ParseModule("pay")), model.Must(model.ParseFlag("marked"))
	b, c := model.Must(model.ParseConfiguration("B")), model.Must(model.ParseConfiguration("C"))
	_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
	require.NoError(t, err)
	for u, profiles := range map[model.UserID][]model.Profile{uAnn: {rung("boss")}, uEmil: {rung("keeper")}, uOlga: {rung("keeper"), rung("clerk")}} {
		_, err := az.AddPerson(ctx, system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: u, Profiles: profiles}))
	}
	_, err = az.CreateDossier(ctx, system, tAcme, authz.Dossier{ID: dOne.Dossier(), Name: "D", Private: true})
	require.NoError(t, err)
	for _, step := range []struct {
		name       string
		more, less func(by authz.Actor) error
	}{
		{"module", func(by authz.Actor) error { return az.SetModule(ctx, by, dOne, pay, true) },
			func(by authz.Actor) error { return az.SetModule(ctx, by, dOne, pay, false) }},
		{"flag", func(by authz.Actor) error { return az.SetFlag(ctx, by, dOne, marked, true) },
			func(by authz.Actor) error { return az.SetFlag(ctx, by, dOne, marked, false) }},
		{"private", func(by authz.Actor) error { return az.SetPrivate(ctx, by, dOne, false) },
			func(by authz.Actor) error { return az.SetPrivate(ctx, by, dOne, true) }},
		{"configuration", func(by authz.Actor) error { return az.Configure(ctx, by, dOne, c) },
			func(by authz.Actor) error { return az.Configure(ctx, by, dOne, b) }},
	} {
		requireIs(t, step.more(authz.By(uEmil)), authz.ErrDenied, step.name)
		require.NoError(t, step.more(authz.By(uAnn)), step.name)
		require.NoError(t, step.less(authz.By(uEmil)), step.name)
		require.NoError(t, step.more(system), step.name)
	}
	// A module that denies something is not switched off by whom it binds.
	requireIs(t, az.SetModule(ctx, authz.By(uOlga), dOne, pay, false), authz.ErrDenied, "a deny")
}

// Under no shipped pack does that refuse anything to somebody who holds one
// profile and may configure the dossier, assigned or not, private or not.
func TestConfigureRefusesNothingLegitimate(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack, _ := policies.Pack(name)
			az, _ := authztest.Open(t, pack)
			ctx := t.Context()
			_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
			require.NoError(t, err)
			_, err = az.AddPerson(ctx, system, authz.Person{ID: uEmil, FirstName: "F", LastName: "L"})
			require.NoError(t, err)
			require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: uEmil}))
			_, err = az.CreateDossier(ctx, system, tAcme, authz.Dossier{ID: dOne.Dossier(), Name: "D"})
			require.NoError(t, err)

			done := errors.New("done")
			tried := 0
			try := func(setup []func(*authz.Tx) error, change func(*authz.Tx, authz.Actor) error) {
				err := az.Transaction(ctx, func(tx *authz.Tx) error {
					for _, s := range setup {
						require.NoError(t, s(tx))
					}
					may, err := tx.Enforce(ctx, uEmil, dOne, model.ConfigureDossier)
					require.NoError(t, err)
					if may {
						tried++
						require.NoError(t, change(tx, authz.By(uEmil)))
					}
					return done // and nothing remains
				})
				require.ErrorIs(t, err, done)
			}
			configurations := []model.Configuration{{}}
			for _, e := range pack.Catalog.Configurations {
				configurations = append(configurations, e.Configuration)
			}
			for _, p := range pack.Catalog.Profiles {
				for i := range 4 {
					assigned, private := i&1 != 0, i&2 != 0
					setup := []func(*authz.Tx) error{func(tx *authz.Tx) error { return tx.SetPrivate(ctx, system, dOne, private) }}
					if p.Place != 0 {
						in := home(tAcme)
						if p.Place&model.AtTenant == 0 {
							in = dOne
						}
						setup = append(setup, func(tx *authz.Tx) error {
							return tx.Grant(ctx, system, authz.Grant{Subject: model.UserSubject(uEmil), Profile: p.Profile, Domain: in})
						})
					}
					if assigned {
						setup = append(setup, func(tx *authz.Tx) error { return tx.Assign(ctx, system, dOne, authz.Manager(uEmil)) })
					}
					try(setup, func(tx *authz.Tx, by authz.Actor) error { return tx.SetPrivate(ctx, by, dOne, !private) })
					for _, m := range pack.Catalog.Modules {
						try(setup, func(tx *authz.Tx, by authz.Actor) error {
							if err := tx.SetModule(ctx, by, dOne, m.Name, true); err != nil {
								return err
							}
							return tx.SetModule(ctx, by, dOne, m.Name, false)
						})
					}
					for _, f := range pack.Catalog.Flags {
						try(setup, func(tx *authz.Tx, by authz.Actor) error {
							if err := tx.SetFlag(ctx, by, dOne, f.Name, true); err != nil {
								return err
							}
							return tx.SetFlag(ctx, by, dOne, f.Name, false)
						})
					}
					for _, from := range configurations[1:] {
						for _, to := range configurations[1:] {
							under := append(setup[:len(setup):len(setup)], func(tx *authz.Tx) error { return tx.Configure(ctx, system, dOne, from) })
							try(under, func(tx *authz.Tx, by authz.Actor) error { return tx.Configure(ctx, by, dOne, to) })
						}
					}
				}
			}
			if name == "accountancy" || name == "taxdome" {
				require.Positive(t, tried)
			} else {
				require.Zero(t, tried, "nobody but the system configures")
			}
		})
	}
}

// ACC-11, ACC-12: a private dossier is open to the assigned only. With nobody
// active among them only the system reaches it, which is worth a hint.
func TestNobodyAssigned(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	hinted := func() bool {
		t.Helper()
		advice, err := o.az.Advice(ctx, authz.System, o.d1)
		require.NoError(t, err)
		for _, a := range advice {
			require.Equal(t, authz.Advice{Domain: o.d1, Kind: authz.NobodyAssigned}, a)
			require.Equal(t, "acme/d1: private, and nobody is assigned", a.String())
		}
		return len(advice) == 1
	}
	require.False(t, hinted())
	require.NoError(t, o.az.SetPrivate(ctx, o.by, o.d1, true))
	require.True(t, hinted())
	for _, u := range []model.UserID{o.admin, o.emma, o.eve, o.sam} {
		o.denied(t, u, o.d1, accountancy.SeeDossier)
	}
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Group(o.group)))
	require.True(t, hinted(), "nobody is in the team")
	require.NoError(t, o.az.AddTeamMember(ctx, authz.System, o.tenant, o.group, o.emma))
	require.False(t, hinted())
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma))
	require.True(t, hinted())
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Manager(o.eve)))
	require.False(t, hinted())
	require.NoError(t, o.az.SetPrivate(ctx, authz.By(o.eve), o.d1, false))
	require.NoError(t, o.az.Unassign(ctx, o.by, o.d1, authz.Manager(o.eve)))
	require.False(t, hinted(), "shared")
}
