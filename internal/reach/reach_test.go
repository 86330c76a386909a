package reach_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/reach"
)

// lines returns what there is to say of all, as lines of text.
func lines(all []reach.Reach) []string {
	var text []string
	for _, r := range all {
		for _, x := range r.Gives {
			text = append(text, fmt.Sprint(r.Profile, " gives ", x.Name, " ", x.Where, " ", x.When))
		}
		for _, x := range r.Back {
			text = append(text, fmt.Sprint(r.Profile, " gets ", x.Name, " ", x.Where, " ", x.When))
		}
		for _, x := range r.Beyond {
			text = append(text, fmt.Sprint(r.Profile, " beyond ", x.Permission, " ", x.Where, " ", x.When, " ", x.Path))
		}
		for _, x := range r.Escalations {
			text = append(text, fmt.Sprint(r.Profile, " escalates ", x.Permission, " ", x.Where, " ", x.When, " ", x.Path, " ", x.Who))
		}
	}
	return text
}

func TestPack(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		policy string
		want   []string
	}{
		"nobody gives": {"p, boss, any, any, *, view, allow\n", nil},
		"what it has": {
			"p, clerk, any, dossier, report, view, allow\np, client, any, dossier, report, view, allow\np, clerk, any, dossier, profile:client, grant, allow\n",
			[]string{"clerk gives client on the dossier [always]"},
		},
		"more than it has": {
			"p, client, any, dossier, report, view, allow\np, clerk, any, shared, profile:client, grant, allow\np, clerk, any, shared, member, invite, allow\n",
			[]string{"clerk gives client on the dossier [when shared]", "clerk beyond report view on the dossier [when shared] [ann invites ben as client on the dossier]"},
		},
		"on every dossier": {
			"p, boss, any, any, report, edit, allow\np, clerk, any, tenant, profile:boss, grant, allow\np, assigned, any, any, report, edit, allow\n",
			[]string{
				"clerk gives boss in the tenant [always]",
				"clerk beyond report edit on the dossier [when not assigned] [ann gives ben the profile boss in the tenant]",
			},
		},
		"by others": {
			"p, clerk, any, tenant, profile:boss, grant, allow\np, boss, any, setting:open, profile:client, grant, allow\np, client, any, dossier, report, view, allow\n",
			[]string{
				"boss gives client on the dossier [when setting:open]",
				"boss beyond report view on the dossier [when setting:open] [ann gives ben the profile client on the dossier]",
				"clerk gives boss in the tenant [always]",
				"clerk gets client on the dossier [when setting:open]",
				"clerk beyond profile:client grant on the dossier [when setting:open] [ann gives ben the profile boss in the tenant]",
				"clerk escalates report view on the dossier [when setting:open] [ann gives ben the profile boss in the tenant ben gives ann the profile client on the dossier] ann",
			},
		},
		"back and forth": {
			"p, client, any, module:extra, dossier, assign, allow\np, assigned, any, private, profile:client, grant, allow\np, client, assigned, dossier, report, view, allow\ng, boss, clerk, *\n",
			[]string{
				"boss gives client on the dossier [when assigned and private]",
				"boss gets client on the dossier [when assigned and private and module:extra]",
				"boss beyond dossier assign on the dossier [when assigned and private and module:extra] [ann gives ben the profile client on the dossier]",
				"boss escalates report view on the dossier [when assigned and private and module:extra] [ann gives ben the profile client on the dossier ben assigns carl on the dossier carl gives ann the profile client on the dossier] ann",
				"clerk gives client on the dossier [when assigned and private]",
				"clerk gets client on the dossier [when assigned and private and module:extra]",
				"clerk beyond dossier assign on the dossier [when assigned and private and module:extra] [ann gives ben the profile client on the dossier]",
				"clerk escalates report view on the dossier [when assigned and private and module:extra] [ann gives ben the profile client on the dossier ben assigns carl on the dossier carl gives ann the profile client on the dossier] ann",
				"client gives assigned on the dossier [when module:extra]",
				"client gets assigned on the dossier [when private and module:extra]",
				"client beyond profile:client grant on the dossier [when private and module:extra] [ann assigns ben on the dossier]",
				"client escalates report view on the dossier [when private and module:extra] [ann assigns ben on the dossier ben gives carl the profile client on the dossier carl assigns ann on the dossier] ann",
			},
		},
		"with what one has": {
			"p, clerk, any, tenant, profile:boss, grant, allow\np, boss, any, dossier, dossier, assign, allow\np, clerk, assigned, dossier, profile:client, grant, allow\np, client, any, dossier, report, view, allow\n",
			[]string{
				"boss gives assigned on the dossier [always]",
				"clerk gives boss in the tenant [always]",
				"clerk gives client on the dossier [when assigned]",
				"clerk gets assigned on the dossier [when not assigned]",
				"clerk beyond report view on the dossier [when assigned] [ann gives ben the profile client on the dossier]",
				"clerk beyond dossier assign on the dossier [always] [ann gives ben the profile boss in the tenant]",
				"clerk escalates report view on the dossier [when not assigned] [ann gives ben the profile boss in the tenant ben assigns ann on the dossier ann gives carl the profile client on the dossier] carl",
				"clerk escalates profile:client grant on the dossier [when not assigned] [ann gives ben the profile boss in the tenant ben assigns ann on the dossier] ann",
			},
		},
		"to oneself": {
			"p, boss, any, any, profile:clerk, grant, allow\np, clerk, any, any, profile:boss, grant, allow\n",
			[]string{
				"boss gives clerk in the tenant [always]",
				"boss gets clerk in the tenant [always]",
				"boss beyond profile:boss grant in the tenant [always] [ann gives ben the profile clerk in the tenant]",
				"clerk gives boss in the tenant [always]",
				"clerk gets boss in the tenant [always]",
				"clerk beyond profile:clerk grant in the tenant [always] [ann gives ben the profile boss in the tenant]",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := reach.Pack(read(t, c.policy))
			require.NoError(t, err)
			require.Equal(t, c.want, lines(all))
		})
	}
}
