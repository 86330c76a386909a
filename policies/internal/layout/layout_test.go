package layout_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/internal/layout"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"columns": {
			"p,boss , any,tenant,*,*,allow\np, clerk, assigned, \"dossier\", report,view,deny",
			"p, boss,  any,      tenant,  *,      *,    allow\np, clerk, assigned, dossier, report, view, deny\n",
		},
		"the comment that names them": {
			"# p, profile, via, trait of the domain, object, action, effect\np, boss, any, tenant, *, *, allow\n# g, of, two words\n",
			"# p, profile, via, trait of the domain, object, action, effect\np,   boss,    any, tenant,              *,      *,      allow\n# g, of, two words\n",
		},
		"each type has its own": {
			"p, boss, any, tenant, *, *, allow\n\ng, boss, a_longer_name, *\ng, a_boss, boss, *\n",
			"p, boss, any, tenant, *, *, allow\n\ng, boss,   a_longer_name, *\ng, a_boss, boss,          *\n",
		},
		"rows of a profile together": {
			"p, boss, any, tenant, a, x, allow\np, clerk, any, tenant, a, x, allow\np, boss, any, tenant, b, x, allow\n",
			"p, boss,  any, tenant, a, x, allow\np, boss,  any, tenant, b, x, allow\np, clerk, any, tenant, a, x, allow\n",
		},
		"rows of a type together": {
			"g3, a, b\np, boss, any, tenant, a, x, allow\ng3, c, b\n",
			"g3, a, b\ng3, c, b\n\np, boss, any, tenant, a, x, allow\n",
		},
		"not past a comment": {
			"p, boss, any, tenant, a, x, allow\n# lint:ignore shadowed why\np, clerk, any, tenant, a, x, allow\np, boss, any, tenant, b, x, allow\n",
			"p, boss,  any, tenant, a, x, allow\n# lint:ignore shadowed why\np, clerk, any, tenant, a, x, allow\np, boss,  any, tenant, b, x, allow\n",
		},
		"blank lines": {
			"\n\n  # Boss  \n\n\n   \np, boss, any, tenant, a, x, allow\n\n# end\n\n\n",
			"# Boss\n\np, boss, any, tenant, a, x, allow\n\n# end\n",
		},
		"line ends": {"# a\r\ng3, a, b\r\n", "# a\ng3, a, b\n"},
		"quotes":    {`p, "a,b", c, "d ""e"""`, "p, \"a,b\", c, \"d \"\"e\"\"\"\n"},
		"nothing":   {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, layout.Policy(c.text))
			require.Equal(t, c.want, layout.Policy(c.want))
		})
	}
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	text := "# kind, name, place, value, en, nl, de\npack,office,,1,Office,\"Kantoor, klein\",Büro\n\n# Staff, and others, as they are\nprofile, boss, tenant, default required, Boss, b, c\n"
	want := `# kind, name,   place,  value,            en, nl, de
pack,   office, ,       1,                Office, "Kantoor, klein", Büro

# Staff, and others, as they are
profile, boss,  tenant, default required, Boss, b, c
`
	want = strings.NewReplacer("# kind, name", "# kind,  name", "pack,   office", "pack,    office", "boss,  tenant", "boss,   tenant").Replace(want)
	require.Equal(t, want, layout.Catalog(text))
	require.Equal(t, want, layout.Catalog(want))
}

// FuzzLayout lays out whatever reads well: twice is once, and nothing that
// counts is lost.
func FuzzLayout(f *testing.F) {
	conf := accountancy.Pack().File(model.ModelFile)
	f.Add("g3, a, b\np, boss, any, tenant, *, *, allow\n  # x,\n\n\n#\n# p, a, b, c, d, e, \ng3, b, \"c\"\r\ng, boss, clerk, *\n",
		"pack, office, , 1, \"a \"\"b\"\"\", \"c, d\", e\nprofile, boss, tenant, , a, b, c\nprofile, clerk, none, , a, b, c\npermission, a x, tenant, , é, b, c\n")
	f.Fuzz(func(t *testing.T, policy, catalog string) {
		files := map[string]string{model.ModelFile: conf, model.PolicyFile: policy, model.CatalogFile: catalog}
		before, err := model.ParsePack("office", files)
		if err != nil {
			return
		}
		tidy := map[string]string{model.ModelFile: conf, model.PolicyFile: layout.Policy(policy), model.CatalogFile: layout.Catalog(catalog)}
		after, err := model.ParsePack("office", tidy)
		require.NoError(t, err)
		require.Equal(t, before.Hash(), after.Hash())
		require.Equal(t, before.Catalog.Permissions, after.Catalog.Permissions)
		require.Equal(t, before.Catalog.Profiles, after.Catalog.Profiles)
		require.Equal(t, before.Labels, after.Labels)
		require.Equal(t, tidy[model.PolicyFile], layout.Policy(tidy[model.PolicyFile]))
		require.Equal(t, tidy[model.CatalogFile], layout.Catalog(tidy[model.CatalogFile]))
		require.Equal(t, comments(policy), comments(tidy[model.PolicyFile]))
		require.Equal(t, comments(catalog), comments(tidy[model.CatalogFile]))
	})
}

// comments returns each comment, without its blanks, with the row below it.
func comments(text string) []string {
	var all, open []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			open = append(open, strings.ReplaceAll(line, " ", ""))
		case line == "":
			all, open = append(all, open...), nil
		default:
			r := csv.NewReader(strings.NewReader(line))
			r.TrimLeadingSpace = true
			fields, err := r.Read()
			if err != nil {
				return nil
			}
			for i := range fields {
				fields[i] = strings.Trim(fields[i], " ")
			}
			for _, c := range open {
				all = append(all, c+"\n"+strings.Join(fields, ","))
			}
			open = nil
		}
	}
	return slices.Concat(all, open)
}
