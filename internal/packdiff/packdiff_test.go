package packdiff_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/model"
)

const catalog = `pack, office, , 1, a, b, c
profile, boss, tenant, , a, b, c
profile, clerk, tenant, , a, b, c
profile, client, dossier, , a, b, c
profile, anyone, none, , a, b, c
profile, member, none, , a, b, c
permission, report view, tenant dossier, , a, b, c
permission, report edit, dossier, , a, b, c
permission, office enter, tenant, , a, b, c
configuration, B, , , a, b, c
configuration, C, , , a, b, c
module, extra, , , a, b, c
setting, open, , , a, b, c
flag, urgent, , , a, b, c
`

func read(t *testing.T, policy, catalog string) *model.Pack {
	t.Helper()
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile:   {Data: []byte(engine.Standard)},
		model.PolicyFile:  {Data: []byte(policy)},
		model.CatalogFile: {Data: []byte(catalog)},
	}, "office")
	require.NoError(t, err, policy)
	return pack
}

// lines returns changes as lines of text.
func lines(changes []packdiff.Change) []string {
	var all []string
	for _, c := range changes {
		verb, who := "loses", c.Profile.String()
		if c.Gain {
			verb = "gains"
		}
		if !c.With.IsZero() {
			who += " with " + c.With.String()
		}
		all = append(all, fmt.Sprintf("%s %s %q %s", who, verb, c.Permission, c.Where()))
	}
	return all
}

const base = `p, member, any, tenant, office, enter, allow
p, boss, any, dossier, report, *, allow
p, clerk, assigned, dossier, report, view, allow
p, client, any, dossier, report, view, allow
p, anyone, any, configuration:B, report, view, deny
g, client, anyone, *
`

func TestPacks(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		policy, catalog string // added to the new pack
		without         string // a row of base
		want            []string
	}{
		"nothing":                {},
		"a row more":             {policy: "p, clerk, any, shared, report, edit, allow", want: []string{`clerk gains "report edit" on a dossier, when shared`}},
		"a row that says it too": {policy: "p, boss, any, shared, report, edit, allow"},
		"a row less":             {without: "p, clerk, assigned, dossier, report, view, allow\n", want: []string{`clerk loses "report view" on a dossier, when assigned`}},
		"a ceiling less": {
			without: "p, anyone, any, configuration:B, report, view, deny\n",
			want:    []string{`client gains "report view" on a dossier, when configuration:B`},
		},
		"a ceiling more": {
			policy: "p, anyone, any, module:extra, report, view, deny",
			want:   []string{`client loses "report view" on a dossier, when not configuration:B and module:extra`},
		},
		"a setting": {
			policy: "p, clerk, any, setting:open, report, view, allow",
			want:   []string{`clerk gains "report view" in a tenant, when setting:open`, `clerk gains "report view" on a dossier, when not assigned and setting:open`},
		},
		"two ways": {
			policy:  "p, boss, assigned, private, office, enter, allow\np, clerk, assigned, private, report, edit, allow\np, clerk, any, flag, report, edit, allow\n",
			want:    []string{`clerk gains "report edit" on a dossier, when flag, or when assigned and private`},
			catalog: "flag, flag, , , a, b, c\n",
		},
		"everybody": {policy: "p, member, any, dossier, report, edit, allow", want: []string{`member gains "report edit" on a dossier`}},
		"a profile more": {
			catalog: "profile, guest, dossier, , a, b, c\n", policy: "p, guest, any, dossier, report, view, allow\np, boss, any, dossier, profile:guest, grant, allow",
			want: []string{`boss gains "profile:guest grant" on a dossier`, `guest gains "report view" on a dossier`},
		},
		"a containment": {policy: "g, clerk, anyone, *", want: []string{
			`clerk loses "report view" on a dossier, when assigned and configuration:B`,
			`boss with clerk loses "report view" on a dossier, when configuration:B`,
		}},
		"gains before losses": {
			without: "p, boss, any, dossier, report, *, allow\n", policy: "p, clerk, any, shared, report, edit, allow",
			want: []string{
				`clerk gains "report edit" on a dossier, when shared`,
				`boss loses "report view" on a dossier`,
				`boss loses "report edit" on a dossier`,
			},
		},
		"released":     {policy: "g2, *, released:clerks\np, clerk, any, released:clerks, report, edit, allow", want: []string{`clerk gains "report edit" on a dossier`}},
		"not released": {policy: "p, clerk, any, released:clerks, report, edit, allow"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := read(t, base, catalog)
			policy := base
			if c.without != "" {
				require.Contains(t, base, c.without)
				policy = replace(base, c.without, "")
			}
			changes, err := packdiff.Packs(old, read(t, policy+c.policy, catalog+c.catalog))
			require.NoError(t, err)
			require.Equal(t, c.want, lines(changes))
			back, err := packdiff.Packs(read(t, policy+c.policy, catalog+c.catalog), old)
			require.NoError(t, err)
			require.Len(t, back, len(changes))
			for _, c := range back {
				require.Contains(t, changes, packdiff.Change{
					Gain: !c.Gain, Profile: c.Profile, With: c.With, Permission: c.Permission, Place: c.Place, When: c.When,
				})
			}
		})
	}
}

func TestPermissionsAndPlacesThatGo(t *testing.T) {
	t.Parallel()
	old := read(t, base, catalog)
	gone := replace(catalog, "permission, office enter, tenant, , a, b, c\n", "")
	changes, err := packdiff.Packs(old, read(t, replace(base, "p, member, any, tenant, office, enter, allow\n", ""), gone))
	require.NoError(t, err)
	require.Equal(t, []string{`member loses "office enter" in a tenant`}, lines(changes))

	fewer := replace(catalog, "report view, tenant dossier", "report view, dossier")
	wide := "p, boss, any, any, report, view, allow\n"
	changes, err = packdiff.Packs(read(t, wide, catalog), read(t, wide, fewer))
	require.NoError(t, err)
	require.Equal(t, []string{`boss loses "report view" in a tenant`}, lines(changes))
	rows := append(office(), row("g", "user:ann", "boss", "acme/*"))
	people, err := packdiff.Tenant(read(t, wide, catalog), read(t, wide, fewer), rows, noon)
	require.NoError(t, err)
	require.Len(t, people, 1)

	moved := replace(catalog, "profile, clerk, tenant", "profile, clerk, dossier")
	with := "p, clerk, any, tenant, report, view, allow"
	changes, err = packdiff.Packs(read(t, base+with, catalog), read(t, base+with, moved))
	require.NoError(t, err)
	require.Equal(t, []string{`clerk loses "report view" in a tenant`}, lines(changes))
}

func TestTooManyTraits(t *testing.T) {
	t.Parallel()
	more := ""
	for i := range 15 {
		more += fmt.Sprintf("p, clerk, any, activated:x%d, report, edit, allow\n", i)
	}
	_, err := packdiff.Packs(read(t, base, catalog), read(t, base+more, catalog))
	require.ErrorContains(t, err, `packdiff: report edit: the rules tell 15 traits apart, want at most 14`)
}
