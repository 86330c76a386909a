package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

const catalog = `# kind, name, place, value, en, nl, de
pack,          office,          ,        3,               Office, Kantoor, Kanzlei
transition,    D C,             ,        pending,         Waiting, Wachten, Warten
profile,       admin,           tenant,  required founder,      Admin, Beheerder, Verwalter
profile,       support,         tenant dossier, ,         Support, Support, Support
profile,       client,          none,    ,                Client, Klant, Mandant
profile,       administrator,   dossier, default advised login, "Admin, client", Administrator, Administrator
permission,    figure view,     dossier, ,                View the figures, De cijfers bekijken, Die Zahlen ansehen
permission,    document view,   dossier, ,                View documents, Documenten bekijken, Belege ansehen
permission,    member invite,   tenant dossier, ,         Invite, Uitnodigen, Einladen
configuration, C,               ,        default,         C, C, C
configuration, D,               ,        ,                D, D, D
module,        payment,         ,        ,                Payment, Betalen, Zahlung
setting,       strict,          ,        ,                Strict, Streng, Streng
flag,          worklist,        ,        ,                Worklist, Werklijst, Arbeitsliste
topic,         news,            dossier, default if figure view,              News, Nieuws, Neuigkeiten
`

func profile(name string) model.Profile { return model.Must(model.ParseProfile(name)) }
func configuration(name string) model.Configuration {
	return model.Must(model.ParseConfiguration(name))
}
func permission(object, action string) model.Permission {
	return model.Must(model.ParsePermission(object, action))
}

func TestReadCatalog(t *testing.T) {
	t.Parallel()
	c, err := model.ReadCatalog("catalog.csv", []byte(catalog))
	require.NoError(t, err)
	require.Equal(t, []model.ProfileEntry{
		{Profile: profile("admin"), Place: model.AtTenant, Required: true, Founder: true, Labels: model.Labels{EN: "Admin", NL: "Beheerder", DE: "Verwalter"}},
		{Profile: profile("support"), Place: model.AtTenant | model.AtDossier, Labels: model.Labels{EN: "Support", NL: "Support", DE: "Support"}},
		{Profile: profile("client"), Labels: model.Labels{EN: "Client", NL: "Klant", DE: "Mandant"}},
		{Profile: profile("administrator"), Place: model.AtDossier, Default: true, Advised: true, Login: true, Labels: model.Labels{EN: "Admin, client", NL: "Administrator", DE: "Administrator"}},
	}, c.Profiles)
	require.Len(t, c.Permissions, 3)
	require.Equal(t, "figure view", c.Permissions[0].Permission.String())
	require.Equal(t, []model.Transition{{From: configuration("D"), To: configuration("C"), Labels: model.Labels{EN: "Waiting", NL: "Wachten", DE: "Warten"}}}, c.Transitions)
	require.Equal(t, "payment", c.Modules[0].Name.String())
	require.Equal(t, "strict", c.Settings[0].Name.String())
	require.Equal(t, "worklist", c.Flags[0].Name.String())
	require.Equal(t, []model.TopicEntry{{
		Topic: model.Must(model.ParseTopic("news")), Place: model.AtDossier, Default: true,
		Needs: permission("figure", "view"), Labels: model.Labels{EN: "News", NL: "Nieuws", DE: "Neuigkeiten"},
	}}, c.Topics)
}

func TestCatalogLooksUp(t *testing.T) {
	t.Parallel()
	c, err := model.ReadCatalog("catalog.csv", []byte(catalog))
	require.NoError(t, err)

	admin, found := c.Profile(profile("admin"))
	require.True(t, found)
	require.True(t, admin.Required)
	_, found = c.Profile(profile("Admin"))
	require.False(t, found)
	require.Equal(t, profile("administrator"), c.DefaultProfile(model.AtDossier))
	require.Equal(t, profile("administrator"), c.LoginProfile(model.AtDossier))
	require.True(t, c.LoginProfile(model.AtTenant).IsZero())
	require.Equal(t, []model.Profile{profile("admin")}, c.Founders())
	news, found := c.Topic(model.Must(model.ParseTopic("news")))
	require.True(t, found)
	require.Equal(t, c.Topics[0], news)
	_, found = c.Topic(model.Must(model.ParseTopic("olds")))
	require.False(t, found)
	require.True(t, c.DefaultProfile(model.AtTenant).IsZero())

	view, found := c.Permission(permission("figure", "view").Of(carl))
	require.True(t, found)
	require.Equal(t, model.AtDossier, view.Place)
	_, found = c.Permission(permission("figure", "edit"))
	require.False(t, found)
	_, found = c.Permission(permission("document:own", "view"))
	require.False(t, found, "without rules a part is unknown")

	grant, found := c.Permission(model.GrantOf(profile("admin")))
	require.True(t, found)
	require.Equal(t, model.AtTenant, grant.Place)
	require.Equal(t, "Het profiel “Beheerder” toekennen of afnemen", grant.Labels.In("nl"))
	_, found = c.Permission(model.GrantOf(profile("client")))
	require.False(t, found, "nobody is given a profile without a place")
	_, found = c.Permission(permission("profile:admin", "view"))
	require.False(t, found)

	require.Equal(t, configuration("C"), c.DefaultConfiguration())
	require.True(t, c.HasConfiguration(configuration("D")))
	require.False(t, c.HasConfiguration(configuration("d")))
	entry, found := c.Configuration(configuration("C"))
	require.True(t, found && entry.Default)
	require.True(t, c.Pending(configuration("D"), configuration("C")))
	require.False(t, c.Pending(configuration("C"), configuration("D")))
	require.True(t, c.HasModule(model.Must(model.ParseModule("payment"))))
	require.False(t, c.HasModule(model.Must(model.ParseModule("strict"))))
	require.True(t, c.HasSetting(model.Must(model.ParseSetting("strict"))))
	require.True(t, c.HasFlag(model.Must(model.ParseFlag("worklist"))))
	require.False(t, c.HasFlag(model.Flag{}))

	var none model.Catalog
	require.True(t, none.DefaultConfiguration().IsZero())
	_, found = none.Profile(profile("admin"))
	require.False(t, found)
}

func TestLabelsFallBackToEnglish(t *testing.T) {
	t.Parallel()
	l := model.Labels{EN: "yes", NL: "ja", DE: "jawohl"}
	for lang, want := range map[string]string{
		"en": "yes", "nl": "ja", "nl-BE": "ja", "NL": "ja", "de": "jawohl", "de-AT": "jawohl", "fr": "yes", "": "yes", "nld": "yes",
	} {
		require.Equal(t, want, l.In(lang), lang)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	tenant := model.TenantDomain(acme)
	for place, want := range map[model.Place]string{
		0: "none", model.AtTenant: "tenant", model.AtDossier: "dossier", model.AtTenant | model.AtDossier: "tenant dossier",
	} {
		require.Equal(t, want, place.String())
		require.Equal(t, strings.Contains(want, "tenant"), place.Covers(tenant))
		require.Equal(t, strings.Contains(want, "dossier"), place.Covers(d1))
		require.False(t, place.Covers(model.Domain{}))
	}
}

func TestReadCatalogReportsFaults(t *testing.T) {
	t.Parallel()
	const pack = "pack, office, , 1, a, b, c\n"
	cases := map[string]struct {
		text string
		want []string // without "catalog.csv:"
	}{
		"nothing":                  {"", []string{" no row: pack, NAME, , VERSION, EN, NL, DE"}},
		"second pack":              {pack + "pack, other, , 1, a, b, c", []string{"2: a second row for the pack"}},
		"the same pack twice":      {pack + pack, []string{`2: "pack, office" is already on line 1`}},
		"no version":               {"pack, office, , , a, b, c", []string{`1: version "": want a whole number from 1`}},
		"version 0":                {"pack, office, , 0, a, b, c", []string{`1: version "0": want a whole number from 1`}},
		"version 1.2":              {"pack, office, , 1.2, a, b, c", []string{`1: version "1.2": want`}},
		"bad pack name":            {"pack, my-office, , 1, a, b, c", []string{`1: "my-office": want _ for -`}},
		"pack with a place":        {"pack, office, tenant, 1, a, b, c", []string{"1: a pack has no place: leave the field empty"}},
		"no German":                {pack + "flag, x, , , a, b", []string{"2: 6 fields, want 7: kind, name, place, value, en, nl, de"}},
		"empty labels":             {pack + "flag, x, , , a, , c", []string{"2: nl is empty"}},
		"no name":                  {pack + "flag, , , , a, b, c", []string{"2: name is empty"}},
		"unknown kind":             {pack + "role, x, , , a, b, c", []string{`2: kind "role": want pack, profile,`}},
		"capital":                  {pack + "profile, Admin, tenant, , a, b, c", []string{`2: profile "Admin": want lower case`}},
		"profile any":              {pack + "profile, any, tenant, , a, b, c", []string{`2: profile "any": the word has a meaning`}},
		"profile twice":            {pack + "profile, a, tenant, , a, b, c\nprofile, a, dossier, , a, b, c", []string{`3: "profile, a" is already on line 2`}},
		"no place":                 {pack + "profile, a, , , a, b, c", []string{`2: place "": want tenant, dossier or none`}},
		"unknown place":            {pack + "profile, a, tenant office, , a, b, c", []string{`2: place "office": want tenant, dossier or none`}},
		"permission nowhere":       {pack + "permission, a b, none, , a, b, c", []string{`2: place "none": want tenant, dossier or tenant dossier`}},
		"unknown value":            {pack + "profile, a, tenant, optional, a, b, c", []string{`2: value "optional": want default, advised, required, founder or login`}},
		"default of none":          {pack + "profile, a, none, default, a, b, c", []string{"2: nobody can hold a profile without a place: default means nothing"}},
		"two defaults":             {pack + "profile, a, tenant, default, a, b, c\nprofile, b, tenant dossier, default, a, b, c", []string{"3: a is the default already"}},
		"permission in one word":   {pack + "permission, figure, dossier, , a, b, c", []string{`2: action is empty`}},
		"permission in three":      {pack + "permission, figure view all, dossier, , a, b, c", []string{`2: action "view all"`}},
		"permission with a value":  {pack + "permission, figure view, dossier, default, a, b, c", []string{"2: a permission has no value"}},
		"grant of a profile":       {pack + "permission, profile:a grant, dossier, , a, b, c", []string{`2: "profile:a grant" comes with the profile: leave it out`}},
		"configuration value":      {pack + "configuration, B, , first, a, b, c", []string{`2: value "first": want default or nothing`}},
		"configurations twice":     {pack + "configuration, B, , , a, b, c\nconfiguration, b, , , a, b, c", []string{`3: "configuration, b" differs from line 2 in capitals only`}},
		"two default ones":         {pack + "configuration, B, , default, a, b, c\nconfiguration, C, , default, a, b, c", []string{"3: B is the default already"}},
		"configuration place":      {pack + "configuration, B, dossier, , a, b, c", []string{"2: a configuration has no place"}},
		"transition to nothing":    {pack + "configuration, B, , , a, b, c\ntransition, B C, , pending, a, b, c", []string{`3: transition "B C": want two declared configurations`}},
		"transition to itself":     {pack + "configuration, B, , , a, b, c\ntransition, B B, , pending, a, b, c", []string{`3: transition "B B": want two`}},
		"transition in one word":   {pack + "transition, BC, , pending, a, b, c", []string{`2: transition "BC": want two`}},
		"transition without value": {pack + "configuration, B, , , a, b, c\nconfiguration, C, , , a, b, c\ntransition, B C, , , a, b, c", []string{`4: value "": want pending`}},
		"transition with a place":  {pack + "configuration, B, , , a, b, c\nconfiguration, C, , , a, b, c\ntransition, B C, dossier, pending, a, b, c", []string{`4: a transition has no place`}},
		"founder on a dossier":     {pack + "profile, a, dossier, founder, a, b, c", []string{"2: who registers a tenant cannot hold a there"}},
		"two logins":               {pack + "profile, a, dossier, login, a, b, c\nprofile, b, tenant dossier, login, a, b, c", []string{"3: a is held while a contact may sign in already"}},
		"topic of nowhere":         {pack + "topic, news, , , a, b, c", []string{`2: place "": want tenant, dossier or tenant dossier`}},
		"topic with a word":        {pack + "topic, news, tenant, always, a, b, c", []string{`2: value "always": want default, if OBJECT ACTION, or both`}},
		"topic that needs nothing": {pack + "topic, news, tenant, if figure view, a, b, c", []string{"2: no permission figure view is asked in every tenant"}},
		"topic needs it elsewhere": {pack + "topic, news, tenant dossier, if figure view, a, b, c\npermission, figure view, dossier, , a, b, c", []string{"2: no permission figure view is asked in every tenant dossier"}},
		"module with a value":      {pack + "module, x, , default, a, b, c", []string{"2: a module has no value"}},
		"setting with a place":     {pack + "setting, x, tenant, , a, b, c", []string{"2: a setting has no place"}},
		"flag that is a trait":     {pack + "flag, private, , , a, b, c", []string{`2: flag "private": the word has a meaning`}},
		"comment behind":           {pack + "flag, x, , , a, b, c # d", []string{`2: "c # d" holds a #`}},
		"control in a label":       {pack + "flag, x, , , a, b\x1b[0m, c", []string{`2: character U+001B`}},
		"all at once":              {"flag, x, , , a, b\nrole, x, , , a, b, c\nprofile, a, , , a, b, c", []string{" no row: pack", "1: 6 fields", "2: kind", "3: place"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := model.ReadCatalog("catalog.csv", []byte(c.text))
			require.Nil(t, got)
			faults := faultsOf(t, err)
			require.Len(t, faults, len(c.want), "%q", faults)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(faults[i], "catalog.csv:"+want), "got %s\nwant catalog.csv:%s", faults[i], want)
			}
		})
	}
}

func FuzzReadCatalog(f *testing.F) {
	f.Add([]byte(catalog))
	f.Add([]byte("pack, a, , 1, \"\", \" \", c\nprofile, a, none, default default, a, b, c"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := model.ReadCatalog("catalog.csv", text)
		if err != nil {
			require.NotEmpty(t, faultsOf(t, err))
			return
		}
		for _, e := range c.Profiles {
			got, found := c.Profile(e.Profile)
			require.True(t, found)
			require.Equal(t, e, got)
			require.NotContains(t, []string{e.Labels.EN, e.Labels.NL, e.Labels.DE}, "")
			_, found = c.Permission(model.GrantOf(e.Profile))
			require.Equal(t, e.Place != 0, found)
		}
		for _, e := range c.Permissions {
			got, found := c.Permission(e.Permission)
			require.True(t, found)
			require.Equal(t, e, got)
			require.NotZero(t, e.Place)
		}
		for _, e := range c.Transitions {
			require.True(t, c.Pending(e.From, e.To))
			require.True(t, c.HasConfiguration(e.From) && c.HasConfiguration(e.To))
		}
	})
}
