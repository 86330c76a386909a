package authz_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/afas"
)

// orders returns a pack as it is, and with the fields of its p rows the other
// way round, which changes no answer.
func orders(t *testing.T, pack *model.Pack) map[string]*model.Pack {
	t.Helper()
	lines := csv.NewReader(strings.NewReader(pack.File(model.PolicyFile)))
	lines.Comment, lines.FieldsPerRecord, lines.TrimLeadingSpace = '#', -1, true
	rows, err := lines.ReadAll()
	require.NoError(t, err)
	var policy strings.Builder
	for _, r := range rows {
		if r[0] == "p" {
			slices.Reverse(r[1:])
		}
		policy.WriteString(strings.Join(r, ", ") + "\n")
	}
	return map[string]*model.Pack{"as shipped": pack, "reversed": withFiles(t, pack, policy.String(), "p = sub, via, dom, obj, act, eft", "p = eft, act, obj, dom, via, sub")}
}

// withFiles is a pack with another policy, and a definition of its model replaced.
func withFiles(t *testing.T, pack *model.Pack, policy, was, is string) *model.Pack {
	t.Helper()
	conf := pack.File(model.ModelFile)
	require.Contains(t, conf, was)
	other, err := model.ParsePack(pack.Name, map[string]string{
		model.ModelFile: strings.Replace(conf, was, is, 1), model.PolicyFile: policy, model.CatalogFile: pack.File(model.CatalogFile),
	})
	require.NoError(t, err)
	return other
}

// eachOrder runs a test under the accountancy pack in every order of its rows, and
// without an index.
func eachOrder(t *testing.T, run func(t *testing.T, o *fixture)) {
	t.Helper()
	packs := orders(t, accountancy.Pack())
	packs["without an index"] = withFiles(t, packs["reversed"], packs["reversed"].File(model.PolicyFile), "r.act == p.act", "regexMatch(r.act, p.act)")
	for name, pack := range packs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newFixtureOf(t, pack))
		})
	}
}

// Attempted: to tie an admin down with a profile that something is denied to.
// Casbin answers where the matcher has a function of its own, and the guard knows
// nothing of it.
func TestA11DenyGivenToSomebodyStronger(t *testing.T) {
	t.Parallel()
	eachOrder(t, denyGivenToSomebodyStronger)
}

func denyGivenToSomebodyStronger(t *testing.T, o *fixture) {
	ctx, carl := t.Context(), authz.By(o.carl)
	require.NoError(t, o.az.SetSetting(ctx, o.by, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationB))
	require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.emma))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	give := func(who model.Subject) error {
		return o.az.Grant(ctx, carl, authz.Grant{Subject: who, Profile: accountancy.DocumentDelivery, Domain: o.d1})
	}
	require.ErrorIs(t, give(model.UserSubject(o.admin)), authz.ErrDenied)
	require.ErrorIs(t, give(model.TeamSubject(o.group)), authz.ErrDenied)
	require.NoError(t, give(model.UserSubject(o.cora)), "the control")
	o.allowed(t, o.admin, o.d1, accountancy.ViewFigure)
	o.allowed(t, o.emma, o.d1, accountancy.ViewFigure)
	require.ErrorIs(t, o.az.Grant(ctx, carl, authz.Grant{Subject: model.UserSubject(o.carl), Profile: accountancy.Administrator, Domain: o.d2}), authz.ErrNotFound)
	require.ErrorIs(t, o.az.Grant(ctx, carl, authz.Grant{Subject: model.UserSubject(o.carl), Profile: accountancy.Admin, Domain: o.home}), authz.ErrDenied)
}

// Attempted: to tie an admin down with delay. Nothing is denied when the profile is
// given, and it is when the office sets another configuration.
func TestA11DenyThatComesLater(t *testing.T) {
	t.Parallel()
	eachOrder(t, denyThatComesLater)
}

func denyThatComesLater(t *testing.T, o *fixture) {
	ctx, carl := t.Context(), authz.By(o.carl)
	require.NoError(t, o.az.SetSetting(ctx, o.by, o.tenant, accountancy.SettingSelfServiceUsers, true))
	require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.emma))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	give := func(by authz.Actor, who model.Subject) error {
		return o.az.Grant(ctx, by, authz.Grant{Subject: who, Profile: accountancy.DocumentDelivery, Domain: o.d1})
	}
	o.allowed(t, o.admin, o.d1, accountancy.SubmitDocument)
	requireIs(t, give(carl, model.UserSubject(o.admin)), authz.ErrDenied, "an admin")
	requireIs(t, give(carl, model.TeamSubject(o.group)), authz.ErrDenied, "a team with an employee in it")
	requireIs(t, give(authz.By(o.emma), model.UserSubject(o.admin)), authz.ErrDenied, "an employee, to an admin")
	requireIs(t, o.az.AddMember(ctx, carl, o.d1, authz.NewMember{User: o.admin, Profiles: []model.Profile{accountancy.DocumentDelivery}}), authz.ErrDenied, "as a member")
	require.NoError(t, give(carl, model.UserSubject(o.cora)), "the control: a client user")
	require.NoError(t, give(o.by, model.UserSubject(o.emma)), "the control: by who may give all that emma holds")

	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationD))
	o.allowed(t, o.admin, o.d1, accountancy.SubmitDocument)
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationC))
	require.NoError(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, accountancy.ConfigurationC))

	// Who accepts has asked for it.
	require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.eve, "eve@acme.example"))
	token, err := authz.Token(ctx, o.az, o.invites(t, carl, "eve@acme.example", o.d1, accountancy.DocumentDelivery))
	require.NoError(t, err)
	_, err = o.az.Accept(ctx, token, authz.Acceptance{SignedIn: o.eve})
	require.NoError(t, err)
	o.allowed(t, o.eve, o.d1, accountancy.EnterPortal)
}

// Nor with a team that has such a profile, by somebody who may put people into it.
func TestA11DenyThatComesLaterByATeam(t *testing.T) {
	t.Parallel()
	const row = "p, support, any, tenant, "
	o := newFixtureOf(t, edited(t, "p, support, any, tenant, management, enter, allow\n",
		row+"management, enter, allow\n"+row+"tenant, edit, allow\np, support, assigned, dossier, profile:document_delivery, grant, allow\n"))
	ctx, sam := t.Context(), authz.By(o.sam)
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Supporting(o.sam)))
	require.NoError(t, o.az.Grant(ctx, authz.System, authz.Grant{Subject: model.TeamSubject(o.group), Profile: accountancy.DocumentDelivery, Domain: o.d1}))
	requireIs(t, o.az.AddTeamMember(ctx, sam, o.tenant, o.group, o.admin), authz.ErrDenied, "an admin")

	// Nor with a profile for the team, while the admin who is in it is away.
	tie := authz.Grant{Subject: model.TeamSubject(o.group), Profile: accountancy.DocumentDelivery, Domain: o.d1}
	require.NoError(t, o.az.Withdraw(ctx, authz.System, tie.Subject, tie.Profile, tie.Domain))
	require.NoError(t, o.az.AddTeamMember(ctx, authz.System, o.tenant, o.group, o.admin))
	require.NoError(t, o.az.Grant(ctx, authz.System, authz.Grant{Subject: person(o.emma), Profile: accountancy.Admin, Domain: o.home}))
	require.NoError(t, o.az.DeactivateMember(ctx, authz.System, o.tenant, o.admin))
	requireIs(t, o.az.Grant(ctx, sam, tie), authz.ErrDenied, "a deactivated admin")
	require.NoError(t, o.az.ReactivateMember(ctx, authz.System, o.tenant, o.admin))
	require.NoError(t, o.az.RemoveTeamMember(ctx, authz.System, o.tenant, o.group, o.admin))
	require.NoError(t, o.az.Grant(ctx, sam, tie), "the control")

	require.NoError(t, o.az.CloseDossier(ctx, authz.System, o.d1))
	requireIs(t, o.az.AddTeamMember(ctx, sam, o.tenant, o.group, o.admin), authz.ErrDenied, "an admin, when it opens again")
	requireIs(t, o.az.AddTeamMember(ctx, sam, o.tenant, o.group, o.carl), authz.ErrDenied, "who has more there, when it opens again")
	require.NoError(t, o.az.AddTeamMember(ctx, sam, o.tenant, o.group, o.cora), "the control")
}

// Nor by a team that nobody is in yet: whoever puts people there thinks nothing of it.
func TestA11DenyThatComesLaterByAnEmptyTeam(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, o *fixture) {
		ctx := t.Context()
		require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
		require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Manager(o.emma)))
		give := func(by authz.Actor) error {
			return o.az.Grant(ctx, by, authz.Grant{Subject: model.TeamSubject(o.group), Profile: accountancy.FullAccess, Domain: o.d1})
		}
		requireIs(t, give(authz.By(o.carl)), authz.ErrDenied, "an administrator of the dossier")
		requireIs(t, give(authz.By(o.emma)), authz.ErrDenied, "its manager")
		require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.emma))
		require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationD))
		o.allowed(t, o.emma, o.d1, accountancy.SubmitDocument)
		require.NoError(t, give(o.by), "the control: who may say who is in it")
		o.denied(t, o.emma, o.d1, accountancy.SubmitDocument)
	})
}

// A pack whose links have no room for the rows of tenants never gets in force.
func TestPackThatDoesNotFit(t *testing.T) {
	t.Parallel()
	shipped := accountancy.Pack()
	policy := strings.ReplaceAll(shipped.File(model.PolicyFile), "\ng2,", "\n# g2,")
	conf := strings.NewReplacer("g = _, _, _", "g = _, _", "g(r.sub, p.sub, r.dom)", "g(r.sub, p.sub)", "g(r.sub, p.via, r.dom)", "g(r.sub, p.via)").
		Replace(shipped.File(model.ModelFile))
	var rows []string
	for line := range strings.Lines(policy) {
		if !strings.HasPrefix(line, "g,") {
			rows = append(rows, line)
		}
	}
	pack, err := model.ParsePack(shipped.Name, map[string]string{
		model.ModelFile: conf, model.PolicyFile: strings.Join(rows, ""), model.CatalogFile: shipped.File(model.CatalogFile),
	})
	require.NoError(t, err)
	_, err = authz.Open(t.Context(), emptyDB(t), authz.Config{Pack: pack})
	require.ErrorIs(t, err, authz.ErrInvalid)
	require.ErrorContains(t, err, "g = _, _: want 3 fields")
	az, _ := authztest.Open(t, shipped)
	_, err = az.Preview(t.Context(), pack)
	require.ErrorIs(t, err, authz.ErrInvalid)
}

// AFA-05: dormant until the vendor makes one call, then the administrator
// grants it; SOP-04 is one row, in the pack's own test.
func TestActivation(t *testing.T) {
	t.Parallel()
	for name, pack := range orders(t, afas.Pack()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			activation(t, pack)
		})
	}
}

func activation(t *testing.T, pack *model.Pack) {
	az, _ := authztest.Open(t, pack)
	ctx := t.Context()
	tenant, err := az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Customer"})
	require.NoError(t, err)
	var people []model.UserID
	for _, p := range []model.Profile{afas.Administrator, afas.Employee} {
		person, err := az.AddPerson(ctx, authz.System, authz.Person{FirstName: "Ann", LastName: "Jansen"})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, authz.System, tenant.Domain(), authz.NewMember{User: person.ID, Profiles: []model.Profile{p}}))
		people = append(people, person.ID)
	}
	grant := authz.Grant{Subject: model.UserSubject(people[1]), Profile: afas.IncidentManager, Domain: tenant.Domain()}
	require.ErrorIs(t, az.Grant(ctx, authz.By(people[0]), grant), authz.ErrDenied)
	require.ErrorIs(t, az.SetActivated(ctx, authz.By(people[0]), tenant.ID, afas.IncidentManager, true), authz.ErrDenied)

	require.NoError(t, az.SetActivated(ctx, authz.System, tenant.ID, afas.IncidentManager, true))
	require.NoError(t, az.Grant(ctx, authz.By(people[0]), grant))
	authztest.RequireAllowed(t, az, people[1], tenant.Domain(), afas.ViewIncident)

	// Dormant again: it gives nothing, and shields nobody.
	require.NoError(t, az.SetActivated(ctx, authz.System, tenant.ID, afas.IncidentManager, false))
	authztest.RequireDenied(t, az, people[1], tenant.Domain(), afas.ViewIncident)
	require.NoError(t, az.DeactivateMember(ctx, authz.By(people[0]), tenant.ID, people[1]))
}
