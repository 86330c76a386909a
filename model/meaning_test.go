package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

var (
	acme  = model.Must(model.ParseTenantID("acme"))
	d1    = model.DossierDomain(acme, model.Must(model.ParseDossierID("d1")))
	carl  = model.Must(model.ParseUserID("carl"))
	north = model.Must(model.ParseTeamID("north"))
	full  = model.Must(model.ParseProfile("full_access"))
)

func TestDomainKnowsWhatItIs(t *testing.T) {
	t.Parallel()
	tenant := model.TenantDomain(acme)
	require.Equal(t, "acme/", tenant.String())
	require.Equal(t, "acme/d1", d1.String())
	require.Equal(t, "acme/*", model.Everywhere(acme))
	require.False(t, tenant.IsDossier())
	require.True(t, d1.IsDossier())
	require.Equal(t, acme, d1.Tenant())
	require.Equal(t, "d1", d1.Dossier().String())
	require.Equal(t, tenant, model.Must(model.ParseDomain("acme/")))
	require.Equal(t, d1, model.Must(model.ParseDomain("acme/d1")))
}

func TestDomainWithoutATenantOrDossierIsNowhere(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]model.Domain{
		"no tenant":     model.TenantDomain(model.TenantID{}),
		"no dossier":    model.DossierDomain(acme, model.DossierID{}),
		"dossier alone": model.DossierDomain(model.TenantID{}, d1.Dossier()),
		"neither":       model.DossierDomain(model.TenantID{}, model.DossierID{}),
	} {
		require.Equal(t, model.Domain{}, d, name)
		require.True(t, d.IsZero(), name)
		require.Empty(t, d.String(), name)
	}
}

func TestSubjectIsAUserOrATeam(t *testing.T) {
	t.Parallel()
	user, ok := model.UserSubject(carl).User()
	require.True(t, ok)
	require.Equal(t, carl, user)
	_, ok = model.UserSubject(carl).Team()
	require.False(t, ok)
	team, ok := model.TeamSubject(north).Team()
	require.True(t, ok)
	require.Equal(t, north, team)
	_, ok = model.TeamSubject(north).User()
	require.False(t, ok)
	require.True(t, model.UserSubject(model.UserID{}).IsZero())
	require.True(t, model.TeamSubject(model.TeamID{}).IsZero())
	_, ok = model.Subject{}.User()
	require.False(t, ok)
}

func TestTraitHasAKindAndAName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		kind model.TraitKind
		name string
	}{
		"tenant":                     {model.KindPlain, "tenant"},
		"private":                    {model.KindPlain, "private"},
		"worklist":                   {model.KindPlain, "worklist"},
		"configuration:B":            {model.KindConfiguration, "B"},
		"module:payment":             {model.KindModule, "payment"},
		"setting:self_service_users": {model.KindSetting, "self_service_users"},
		"activated:incident_manager": {model.KindActivated, "incident_manager"},
		"released:view_invoices":     {model.KindReleased, "view_invoices"},
	} {
		trait, err := model.ParseTrait(text)
		require.NoError(t, err)
		require.Equal(t, want.kind, trait.Kind(), text)
		require.Equal(t, want.name, trait.Name(), text)
	}
	require.Equal(t, "configuration:B", model.ConfigurationTrait(model.Must(model.ParseConfiguration("B"))).String())
	require.Equal(t, "module:payment", model.ModuleTrait(model.Must(model.ParseModule("payment"))).String())
	require.Equal(t, "setting:strict", model.SettingTrait(model.Must(model.ParseSetting("strict"))).String())
	require.Equal(t, "worklist", model.FlagTrait(model.Must(model.ParseFlag("worklist"))).String())
}

func TestPermissionFoldsItsOwner(t *testing.T) {
	t.Parallel()
	view := model.Must(model.ParsePermission("document", "view"))
	eve := model.Must(model.ParseUserID("eve"))
	cases := map[string]struct {
		asked model.Permission
		by    model.UserID
		want  string
	}{
		"nobody's":              {view, carl, "document view"},
		"the owner asks":        {view.Of(carl), carl, "document:own view"},
		"somebody else asks":    {view.Of(carl), eve, "document view"},
		"no owner, no asker":    {view.Of(model.UserID{}), model.UserID{}, "document view"},
		"the last owner counts": {view.Of(carl).Of(eve), carl, "document view"},
		"a part has no part":    {model.Must(model.ParsePermission("document:own", "view")).Of(carl), carl, "document:own view"},
		"a grant has no owner":  {model.GrantOf(full).Of(carl), carl, "profile:full_access grant"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.asked.For(c.by)
			require.Equal(t, c.want, got.String())
			require.Equal(t, model.Must(model.ParsePermission(got.Object(), got.Action())), got, "nothing of the owner stays")
		})
	}
	require.True(t, model.Permission{}.IsZero())
	require.False(t, view.IsZero())
}

func TestPermissionsOfTheLibraryParse(t *testing.T) {
	t.Parallel()
	for _, p := range []model.Permission{
		model.EditSelf, model.ViewTenant, model.EditTenant, model.ViewMember, model.InviteMember, model.RemoveMember,
		model.CreateDossier, model.SeeDossier, model.ConfigureDossier, model.AssignDossier, model.CloseDossier,
		model.SubmitAccountRequest, model.DecideAccountRequest, model.ViewAudit, model.ConductReview, model.GrantOf(full),
	} {
		parsed, err := model.ParsePermission(p.Object(), p.Action())
		require.NoError(t, err)
		require.Equal(t, p, parsed)
	}
	require.Equal(t, model.Member, model.Must(model.ParseProfile("member")))
}

func TestRulesReadAsThePolicyWritesThem(t *testing.T) {
	t.Parallel()
	user, tenant := model.UserSubject(carl), model.TenantDomain(acme)
	for want, got := range map[string]model.Rule{
		"g, user:carl, full_access, acme/d1": model.GrantRule(user, full, d1),
		"g, user:carl, full_access, acme/*":  model.GrantRule(user, full, tenant),
		"g, team:north, assigned, acme/d1":   model.AssignedRule(model.TeamSubject(north), d1),
		"g, user:carl, team:north, acme/*":   model.TeamRule(carl, north, acme),
		"g2, acme/d1, private":               model.TraitRule(d1, model.TraitPrivate),
		"g2, acme/*, setting:strict":         model.TraitRule(tenant, model.Must(model.ParseTrait("setting:strict"))),
		"p, a, , c":                          model.NewRule("p", "a", "", "c", ""),
	} {
		require.Equal(t, want, got.String())
	}
	require.Equal(t, []model.Rule{
		model.NewRule("g2", "acme/", "tenant"), model.NewRule("g2", "acme/", "acme/*"), model.NewRule("g2", "acme/*", "*"),
	}, model.TenantRules(acme))
	require.Equal(t, []model.Rule{
		model.NewRule("g2", "acme/d1", "dossier"), model.NewRule("g2", "acme/d1", "acme/*"),
	}, model.DossierRules(d1))
	require.Panics(t, func() { model.NewRule("p", "1", "2", "3", "4", "5", "6", "7") })

	rule := model.NewRule("g", "a", "b")
	rule.Fields()[0] = "changed"
	require.Equal(t, "g, a, b", rule.String(), "Fields is a copy")
}
