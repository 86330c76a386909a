package model_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

const packPolicy = `p, admin,         any,      tenant,          staff,         grant,  allow
p, admin,         any,      shared,          *,             *,      allow
p, administrator, any,      dossier,         document:own,  view,   allow
p, administrator, any,      setting:strict,  figure,        view,   deny
p, client,        any,      configuration:D, document,      *,      deny
p, support,       assigned, worklist,        *,             invite, allow
p, assigned,      any,      module:payment,  figure,        view,   allow
p, client,        any,      released:news,   everything,    view,   allow
g, administrator, client,   *
g2, *, released:news
g3, document:own,    document
g3, profile:admin,   staff
g3, profile:support, staff
g3, readable,        everything
g3, figure,          readable
`

func packFiles(policy string) fstest.MapFS {
	return fstest.MapFS{
		model.ModelFile:   {Data: []byte(conf)},
		model.PolicyFile:  {Data: []byte(policy)},
		model.CatalogFile: {Data: []byte(catalog)},
	}
}

func readPack(t *testing.T, files fs.FS) *model.Pack {
	t.Helper()
	p, err := model.ReadPack(files, "office")
	require.NoError(t, err)
	return p
}

func TestReadPack(t *testing.T) {
	t.Parallel()
	p := readPack(t, packFiles("# comment\n"+packPolicy))
	require.Equal(t, "office", p.Name)
	require.Equal(t, 3, p.Version)
	require.Equal(t, "Kantoor", p.Labels.NL)
	require.Len(t, p.Rules, 15)
	require.Equal(t, 2, p.Line(0))
	require.Equal(t, 16, p.Line(14))

	own, found := p.Catalog.Permission(permission("document:own", "view"))
	require.True(t, found)
	require.Equal(t, model.AtDossier, own.Place)
	require.Equal(t, "Documenten bekijken (eigen)", own.Labels.NL)
	for _, unknown := range []model.Permission{
		permission("document:own", "edit"), permission("figure:own", "view"), permission("staff", "grant"), permission("readable", "view"),
	} {
		_, found = p.Catalog.Permission(unknown)
		require.False(t, found, unknown)
	}
}

// A model whose rows name no subject has no profile to look up in them.
func TestReadPackOfRules(t *testing.T) {
	t.Parallel()
	files := packFiles("p, \"r.sub == 'user:ann'\", any, document, view\n")
	files[model.ModelFile].Data = []byte("[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = rule, dom, obj, act\n[role_definition]\ng = _, _, _\n" +
		"[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = eval(p.rule) && r.obj == p.obj && r.act == p.act\n")
	p := readPack(t, files)
	require.Len(t, p.Rules, 1)
	files[model.PolicyFile].Data = []byte("p, true, any, moon, view\n")
	_, err := model.ReadPack(files, "office")
	require.ErrorContains(t, err, "moon")
}

func TestReadPackRefusesUndeclaredNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"p, amin, any, any, figure, view, allow":              `profile "amin": not declared in catalog.csv; did you mean "admin"?`,
		"p, admin, clint, any, figure, view, allow":           `profile "clint": not declared in catalog.csv`,
		"p, admin, asigned, any, figure, view, allow":         `profile "asigned": not declared in catalog.csv; did you mean "assigned"?`,
		"p, admin, any, configuration:E, figure, view, allow": `configuration "E": not declared in catalog.csv`,
		"p, admin, any, module:pay, figure, view, allow":      `module "pay": not declared`,
		"p, admin, any, setting:lax, figure, view, allow":     `setting "lax": not declared`,
		"p, admin, any, wrklist, figure, view, allow":         `flag "wrklist": not declared in catalog.csv; did you mean "worklist"?`,
		"p, admin, any, any, figures, view, allow":            `object "figures": not declared in catalog.csv; did you mean "figure"?`,
		"p, admin, any, any, figure, edit, allow":             `permission "figure edit": not declared`,
		"p, admin, any, any, *, edit, allow":                  `permission "* edit": not declared`,
		"p, admin, any, any, figure:own, view, allow":         `object "figure:own": not declared`,
		"p, admin, any, any, document:own, edit, allow":       `permission "document:own edit": not declared`,
		"p, admin, any, any, staff, view, allow":              `permission "staff view": not declared`,
		"p, admin, any, any, readable, grant, allow":          `permission "readable grant": not declared`,
		"p, admin, any, any, profile:client, grant, allow":    `object "profile:client": not declared`,
		"p, admin, any, any, profile:boss, *, allow":          `object "profile:boss": not declared`,
		"g, admin, clint, *":                                  `profile "clint": not declared`,
		"g, amin, client, *":                                  `profile "amin": not declared`,
		"g3, profile:boss, staff":                             `profile "boss": not declared`,
		"g3, figure:own, figurs":                              `object "figure:own": not declared`,
		"g3, figurs, readable":                                `object "figurs": not declared`,
	} {
		_, err := model.ReadPack(packFiles(packPolicy+text), "office")
		got := faultsOf(t, err)
		require.Len(t, got, 1, "%s: %q", text, got)
		require.True(t, strings.HasPrefix(got[0], "policy.csv:16: "+want), "%s: %s", text, got[0])
	}
}

func TestReadPackReportsEveryFile(t *testing.T) {
	t.Parallel()
	files := packFiles(packPolicy + "p, amin, any, any, figure, view, allow\np, a")
	files[model.CatalogFile] = &fstest.MapFile{Data: []byte(catalog + "role, x, , , a, b, c")}
	_, err := model.ReadPack(files, "office")
	require.Equal(t, []string{
		"policy.csv:17: p has 1 fields, want 6: sub, via, dom, obj, act, eft",
		`catalog.csv:17: kind "role": want pack, profile, permission, configuration, transition, module, setting, flag or topic`,
	}, faultsOf(t, err), "names are not looked up in a catalog with faults")

	files[model.ModelFile] = &fstest.MapFile{Data: []byte(conf + "m = x")}
	_, err = model.ReadPack(files, "office")
	got := faultsOf(t, err)
	require.Len(t, got, 2, "without a model the rows mean nothing: %q", got)
	require.Equal(t, "model.conf:15: m is already on line 14", got[0])

	_, err = model.ReadPack(packFiles(packPolicy), "accountancy")
	require.Equal(t, []string{"catalog.csv: the pack is named office, want accountancy"}, faultsOf(t, err))
	_, err = model.ReadPack(packFiles("g2, *, released:news"), "office")
	require.Equal(t, []string{"policy.csv: no p row"}, faultsOf(t, err))

	_, err = model.ReadPack(fstest.MapFS{model.ModelFile: {Data: []byte(conf)}}, "office")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "policy.csv")
	require.ErrorContains(t, err, "catalog.csv")

	files = packFiles(strings.Repeat("#\n", 5<<20))
	_, err = model.ReadPack(files, "office")
	require.ErrorContains(t, err, "policy.csv: the file is 8388609 bytes long")
}

// Where the first row that matches decides, their order is of the meaning.
func TestHashOfAnOrder(t *testing.T) {
	t.Parallel()
	hash := func(effect, policy string) [32]byte {
		files := packFiles(policy)
		text := string(files[model.ModelFile].Data)
		i := strings.Index(text, "[policy_effect]")
		j := strings.Index(text, "[matchers]")
		files[model.ModelFile].Data = []byte(text[:i] + "[policy_effect]\ne = " + effect + "\n" + text[j:])
		return readPack(t, files).Hash()
	}
	row := strings.SplitAfterN(packPolicy, "\n", 2)[0]
	moved := strings.TrimPrefix(packPolicy, row) + row
	require.Equal(t, hash(model.DenyOverride, packPolicy), hash(model.DenyOverride, moved), "the control")
	require.NotEqual(t, hash(model.FirstMatch, packPolicy), hash(model.FirstMatch, moved))
}

func TestHashIsThatOfTheMeaning(t *testing.T) {
	t.Parallel()
	hash := readPack(t, packFiles(packPolicy)).Hash()
	change := func(file, old, new string) [32]byte {
		files := packFiles(packPolicy)
		text := strings.Replace(string(files[file].Data), old, new, 1)
		require.NotEqual(t, string(files[file].Data), text, "%s: no %q", file, old)
		files[file] = &fstest.MapFile{Data: []byte(text)}
		return readPack(t, files).Hash()
	}
	row := strings.SplitAfterN(packPolicy, "\n", 2)[0]
	for name, same := range map[string][32]byte{
		"again":     readPack(t, packFiles(packPolicy)).Hash(),
		"comment":   change(model.PolicyFile, "p,", "# why\np,"),
		"row moved": readPack(t, packFiles(strings.TrimPrefix(packPolicy, row)+row)).Hash(),
		"blanks":    change(model.ModelFile, "r=sub,dom ,", "r = sub, dom,"),
		"label":     change(model.CatalogFile, "Beheerder", "Baas"),
		"version":   change(model.CatalogFile, "3,  ", "4,  "),
	} {
		require.Equal(t, hash, same, name)
	}
	for name, other := range map[string][32]byte{
		"effect":      change(model.PolicyFile, "allow", "deny"),
		"row gone":    readPack(t, packFiles(strings.TrimPrefix(packPolicy, row))).Hash(),
		"matcher":     change(model.ModelFile, `|| r.act == p.act`, `|| p.act == r.act`),
		"place":       change(model.CatalogFile, "member invite,   tenant dossier", "member invite, tenant"),
		"default":     change(model.CatalogFile, "default advised", "advised"),
		"advised":     change(model.CatalogFile, "default advised", "default"),
		"required":    change(model.CatalogFile, "required", ""),
		"transition":  change(model.CatalogFile, "D C", "C D"),
		"no default":  change(model.CatalogFile, "C,               ,        default", "C, , "),
		"new topic":   change(model.CatalogFile, "topic,", "topic, more, tenant, , a, b, c\ntopic,"),
		"new flag":    change(model.CatalogFile, "flag,", "flag, more, , , a, b, c\nflag,"),
		"new module":  change(model.CatalogFile, "module,", "module, more, , , a, b, c\nmodule,"),
		"new setting": change(model.CatalogFile, "setting,", "setting, more, , , a, b, c\nsetting,"),
	} {
		require.NotEqual(t, hash, other, name)
	}
}
